"""Why a document, or an event of it, is not on the other site: a sentence for each word of the two sides, and a shorter one for the
form of a document of this site. Pure but for `_`.
"""

from collections.abc import Iterable

from event_streaming.messages.coded import _
from event_streaming.producer.reach.reasons import Reason
from event_streaming.site.roles import SUBSCRIBER
from event_streaming.wire import tracing as codes


def sentences(reasons: Iterable[str], giver: str, taker: str, document: tuple[str, str]) -> list[str]:
	"""What keeps `taker` from having a document of `giver`; words that this site does not know are left out."""
	known = _sentences()
	values = {
		"giver": giver,
		"taker": taker,
		"doctype": _(document[0]),
		"name": document[1],
		"role": SUBSCRIBER,
	}
	found = []
	for reason in dict.fromkeys(reasons):
		if until := codes.UNTIL.fullmatch(reason):
			found.append(known[codes.HOURS].format(**values, until=until[1]))
		elif reason in known and reason != codes.HOURS:
			found.append(known[reason].format(**values))
	return found


def briefly(reason: Reason, giver: str, taker: str, document: tuple[str, str]) -> str:
	"""The same of `giver`, which is this site, as the end of a line that names `taker`; with the user, the condition and the error."""
	return _brief(reason, _(document[0])) or " ".join(sentences([reason.code], giver, taker, document))


def _brief(reason: Reason, doctype: str) -> str:
	if reason.code == codes.MISSED and reason.condition:
		return _(
			"{0} could not read it when it was changed, or it did not meet the condition then. Save it again, or verify and repair there"
		).format(reason.user)
	known = {
		codes.NOT_APPROVED: _("{0} is waiting for approval in Event Consumer").format(doctype),
		codes.REJECTED: _("{0} was rejected in Event Consumer").format(doctype),
		codes.PAUSED: _("it is paused"),
		codes.USER_DISABLED: _("the user {0} is disabled").format(reason.user),
		codes.MAY_NOT_READ: _("{0} may not read it").format(reason.user),
		codes.CONDITION: _("it does not meet the condition {0}").format(reason.condition),
		codes.CONDITION_FAILS: _("its condition raises an error: {0}").format(reason.error),
		codes.MISSED: _(
			"{0} could not read it when it was changed. Save it again, or verify and repair there"
		).format(reason.user),
		codes.BEHIND: _("it has not asked for its last change yet"),
	}
	return known.get(reason.code, "")


def _sentences() -> dict[str, str]:
	return {
		codes.NOT_SUBSCRIBED: _("{taker} does not subscribe to {doctype} of {giver}."),
		codes.NOT_APPROVED: _("{giver} has not approved {doctype} for {taker} yet."),
		codes.REJECTED: _("{giver} has rejected {doctype} for {taker}."),
		codes.UNSUBSCRIBED: _("{taker} has unsubscribed from {doctype}."),
		codes.PAUSED: _("{giver} sends nothing to {taker} at present: the Event Consumer there is paused."),
		codes.MAY_NOT_READ: _(
			"The user of {taker} may not read it on {giver}: give the right to one of its roles there."
		),
		codes.USER_DISABLED: _("The user of {taker} is disabled on {giver}."),
		codes.NO_ROLE: _("The user of {taker} no longer has the role {role} on {giver}."),
		codes.CONDITION: _("It does not meet the condition of the subscription."),
		codes.CONDITION_FAILS: _(
			"The condition of the subscription raises an error on {giver}: see the Event Consumer there."
		),
		codes.NOT_THERE: _("There is no {doctype} {name} on {giver} (any more)."),
		codes.MADE_THERE: _("It was first made on {taker}: it is not sent back there."),
		codes.BEFORE: _("It was logged before the subscription began."),
		codes.NOT_LOGGED: _(
			"Nothing of it has been logged since the subscription began: a first copy, or its next change, brings it."
		),
		codes.MISSED: _(
			"It was not sent when it was changed: the user of {taker} could not read it on {giver} then, or it did not meet the condition. Save it again there, or verify and repair."
		),
		codes.BEHIND: _("{taker} has not taken its last events yet."),
		codes.FRESH_COPY: _("{giver} has cleared events that {taker} had not taken: a first copy is needed."),
		codes.HOURS: _(
			"{taker} waits with {doctype} until {until}, its own time: Only Between in its Event Producer for {giver}."
		),
		codes.PAUSED_HERE: _(
			"{taker} pulls nothing from {giver} at present: the Event Producer there is paused."
		),
		codes.OFFLINE: _("{taker} could not reach {giver} at the last try."),
		codes.REFUSED: _("{giver} refused {taker} at the last try: check the keys."),
	}

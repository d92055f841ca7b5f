"""Why a document, or an event of it, is not on the other site: a sentence for each word of the two sides. Pure but for `_`."""

from collections.abc import Iterable

from frappe import _

from event_streaming.consumer.subscriptions import tracing as consuming
from event_streaming.producer.reach import tracing as producing


def sentences(reasons: Iterable[str], giver: str, taker: str, document: tuple[str, str]) -> list[str]:
	"""What keeps `taker` from having a document of `giver`; words that this site does not know are left out."""
	known = _sentences()
	values = {"giver": giver, "taker": taker, "doctype": _(document[0]), "name": document[1]}
	return [known[reason].format(**values) for reason in dict.fromkeys(reasons) if reason in known]


def _sentences() -> dict[str, str]:
	return {
		producing.NOT_SUBSCRIBED: _("{taker} does not subscribe to {doctype} of {giver}."),
		producing.NOT_APPROVED: _("{giver} has not approved {doctype} for {taker} yet."),
		producing.REJECTED: _("{giver} has rejected {doctype} for {taker}."),
		producing.UNSUBSCRIBED: _("{taker} has unsubscribed from {doctype}."),
		producing.PAUSED: _(
			"{giver} sends nothing to {taker} at present: the Event Consumer there is paused."
		),
		producing.MAY_NOT_READ: _(
			"The user of {taker} may not read it on {giver}: give the right to one of its roles there."
		),
		producing.CONDITION: _("It does not meet the condition of the subscription."),
		producing.CONDITION_FAILS: _(
			"The condition of the subscription raises an error on {giver}: see the Event Consumer there."
		),
		producing.NOT_THERE: _("There is no {doctype} {name} on {giver} (any more)."),
		producing.MADE_THERE: _("It was first made on {taker}: it is not sent back there."),
		producing.BEFORE: _("It was logged before the subscription began."),
		producing.NOT_LOGGED: _(
			"Nothing of it has been logged since the subscription began: a first copy, or its next change, brings it."
		),
		producing.BEHIND: _("{taker} has not taken its last events yet."),
		producing.FRESH_COPY: _(
			"{giver} has cleared events that {taker} had not taken: a first copy is needed."
		),
		consuming.PAUSED_HERE: _(
			"{taker} pulls nothing from {giver} at present: the Event Producer there is paused."
		),
		consuming.OFFLINE: _("{taker} could not reach {giver} at the last try."),
		consuming.REFUSED: _("{giver} refused {taker} at the last try: check the keys."),
	}

"""One line for each producer and each consumer: the worst that is to be said of it now, in which colour, and what to do.

Pure but for `_`: the rows of the overviews in, a headline out.

Nothing is green while something stands still: what waits for an approval, for a next try or for a person comes before it.
"""

from datetime import datetime, timedelta
from typing import Literal, TypedDict

from event_streaming.admin.words import at, clock, counted
from event_streaming.consumer.line.holding import ALL_ROWS
from event_streaming.consumer.logs import state
from event_streaming.consumer.logs.overview import ProducerRow
from event_streaming.consumer.pull.back_off import LONGEST_ASKED
from event_streaming.messages.coded import _
from event_streaming.producer.registration.overview import ConsumerRow
from event_streaming.site.roles import SUBSCRIBER
from event_streaming.wire.tracing import USER_DISABLED

# a consumer asks at least once an hour, be it that nothing has changed
SILENT = timedelta(hours=24)
# while events wait, it asks each minute
NOT_ASKING = timedelta(hours=1)
# every minute a pull is due; the scheduler itself may look only every four
NOT_PULLING = timedelta(minutes=15)

Colour = Literal["green", "blue", "orange", "red", "gray"]


class Headline(TypedDict):
	"""`text` says what to do, and is empty where nothing is to be done."""

	label: str
	color: Colour
	text: str


def headline_of(row: ProducerRow, here: str, now: datetime) -> Headline:
	"""The headline of an Event Producer. `here` is the address by which the producer knows this site."""
	return (
		_of_connection(row)
		or _of_failures(row)
		or _of_approval(row, here)
		or _of_hours(row)
		or _of_standstill(row, now)
		or _of_what_is_missing(row)
		or _of_waiting(row, now)
		or _of_withheld(row)
		or _of_what_has_not_begun(row)
		or _line(_("Up to Date"), "green")
	)


def what_is_missing(row: ProducerRow) -> str:
	"""What to do about documents that no event will bring; "" where there are none."""
	line = _of_what_is_missing(row)
	return line["text"] if line else ""


def why_not_contacted(row: ProducerRow, now: datetime) -> str:
	"""What to do about a producer that was never asked, though it should have been; "" for any other."""
	unknown = not row["paused"] and row["connection"] == state.UNKNOWN
	return _of_no_contact(row, now)["text"] if unknown else ""


def why_refused(row: ConsumerRow) -> str:
	"""What to do about a consumer that asks and gets nothing; "" for any other."""
	line = _of_refusal(row)
	return line["text"] if line else ""


def headline_of_consumer(row: ConsumerRow, now: datetime) -> Headline:
	"""The headline of an Event Consumer."""
	if row["paused"]:
		return _line(_("Paused"), "orange", _("Nothing is sent until it is resumed."))
	if row["condition_errors"]:
		return _line(
			_("Condition Fails"),
			"red",
			_(
				"The condition for {0} raises an error: nothing is sent for it. Its consumer must correct it."
			).format(", ".join(row["condition_errors"])),
		)
	if refused := _of_refusal(row):
		return refused
	if row["pending"]:
		return _line(
			_("{0} to Approve").format(len(row["pending"])),
			"orange",
			_("Approve or reject {0}.").format(", ".join(row["pending"])),
		)
	if not row["active"]:
		return _line(_("Nothing Approved"), "gray")
	if silent := _of_silence(row, now):
		return silent
	if row["needs_copy"]:
		return _line(
			_("Needs a Fresh Copy"),
			"orange",
			_(
				"Events that it had not taken were cleared. Have existing documents copied there, verified and repaired; then clear Needs a Fresh Copy here."
			),
		)
	if row["withheld"]:
		return _line(
			_("{0} Withheld").format(counted(row["withheld"])),
			"orange",
			_(
				"{0} may not read all of {1}: these changes were not sent. Give it the right, then verify and repair there; or tick"
				" Withholding Is Intended in the row."
			).format(row["user"], ", ".join(row["withheld_doctypes"])),
		)
	if row["events_behind"]:
		return _of_events_behind(row, now)
	return _line(_("Up to Date"), "green")


def why_silent(row: ConsumerRow, now: datetime) -> str:
	"""What to do about a consumer that is sent events and does not ask for them; "" for any other."""
	if row["paused"] or not row["active"] or _of_refusal(row):
		return ""
	line = _of_silence(row, now) or (_of_events_behind(row, now) if row["events_behind"] else None)
	return line["text"] if line else ""


def _of_silence(row: ConsumerRow, now: datetime) -> Headline | None:
	if (row["last_contact"] or row["creation"]) >= now - SILENT:
		return None
	return _line(
		_("Silent"),
		"orange",
		_(
			"It has not asked for events for more than a day. Is its scheduler running, and is this site reachable from there?"
		),
	)


def _of_refusal(row: ConsumerRow) -> Headline | None:
	"""It asks, and gets nothing."""
	if row["other_site_id"]:
		return _line(
			_("Another Site Asks"),
			"red",
			_(
				"Another site than the one that registered asks in its name, and is refused. If it has taken its place, press Accept the"
				" New Site."
			),
		)
	if row["user_problem"] == USER_DISABLED:
		return _line(
			_("User Disabled"), "red", _("Its user {0} is disabled here: enable it.").format(row["user"])
		)
	if row["user_problem"]:
		return _line(
			_("Role Missing"),
			"red",
			_("Its user {0} no longer has the role {1} here: give it that role.").format(
				row["user"], SUBSCRIBER
			),
		)
	return None


def _of_events_behind(row: ConsumerRow, now: datetime) -> Headline:
	label, last = _("{0} Behind").format(counted(row["events_behind"])), row["last_contact"]
	if last and last < now - NOT_ASKING:
		return _line(
			label,
			"orange",
			_(
				"It has not asked for them since {0}. Is its scheduler running, and is this site reachable from there?"
			).format(at(last)),
		)
	return _line(label, "blue")


def _line(label: str, color: Colour, text: str = "") -> Headline:
	return {"label": label, "color": color, "text": text}


def _of_connection(row: ProducerRow) -> Headline | None:
	if row["paused"]:
		return _line(_("Paused"), "orange", _("Nothing is pulled until it is resumed."))
	if row["connection"] == state.REFUSED:
		return _line(_("Refused"), "red", row["last_error"] or "")
	if row["connection"] == state.OFFLINE:
		return _line(_("Offline"), "orange", row["last_error"] or "")
	return None


def _of_failures(row: ProducerRow) -> Headline | None:
	if row["failed"]:
		return _line(
			_("{0} Failed").format(counted(row["failed"])),
			"red",
			_("Read the errors in Event Sync Log, remove the cause, and resync."),
		)
	if row["conflicts"]:
		return _line(
			_("{0} in Conflict").format(counted(row["conflicts"])),
			"red",
			_("Pick the values to keep in Event Sync Log."),
		)
	if row["stuck"]:
		return _line(
			_("{0} Retrying").format(counted(row["retrying"])),
			"orange",
			_("{0} of them have failed several times. Read the errors in Event Sync Log.").format(
				counted(row["stuck"])
			),
		)
	return None


def _of_approval(row: ProducerRow, here: str) -> Headline | None:
	if not row["subscribed"]:
		return _line(_("Nothing Subscribed"), "gray", _("Add the Document Types that this site takes."))
	if not row["not_approved"]:
		return None
	return _line(
		_("Waiting for Approval"),
		"orange",
		_("{0} must be approved on {1}: open Event Consumer {2} there.")
		.format(", ".join(row["not_approved"]), row["name"], here)
		.replace("  ", " "),
	)


def is_not_pulling(row: ProducerRow, now: datetime, for_long: timedelta = NOT_PULLING) -> bool:
	"""The producer could be read, and no pull has asked it for long: this site's scheduler or workers stand still, or each pull ends
	with an error before it has asked."""
	if row["paused"] or row["connection"] != state.ONLINE or not row["last_contact"]:
		return False
	if row["waits"] == ALL_ROWS or is_later(row["next_pull"], now):
		return False
	# before these hours nobody was to ask it
	return max(row["last_contact"], row["hours_since"] or row["last_contact"]) < now - for_long


def is_later(next_pull: datetime | None, now: datetime) -> bool:
	"""Whether the line's bound has put off the next pull; a moment too far ahead is of a clock that was wrong."""
	return bool(next_pull) and now < next_pull <= now + timedelta(seconds=LONGEST_ASKED)


def _of_hours(row: ProducerRow) -> Headline | None:
	"""What waits for the hours of the line: of some rows only where something is known to wait."""
	if row["waits"] == ALL_ROWS:
		return _line(
			_("Waits until {0}").format(clock(row["waits_until"])),
			"blue",
			_("Nothing is asked of the producer outside of the hours of Only Between."),
		)
	if row["waits"] and row["events_behind"]:
		return _line(
			_("Low Rows Wait until {0}").format(clock(row["waits_until"])),
			"blue",
			_("Rows of low priority wait for the hours of Only Between; the others come at any time."),
		)
	return None


def _of_standstill(row: ProducerRow, now: datetime) -> Headline | None:
	if not row["subscribed"] or not is_not_pulling(row, now):
		return None
	return _line(
		_("Not Pulling"),
		"orange",
		# of a pull since then: a contact takes it away
		row["last_error"]
		or _(
			"Nothing has been pulled since {0}, although a pull is due every minute. The scheduler or the workers of this site are not running:"
			" bench event-streaming doctor says which."
		).format(at(row["last_contact"])),
	)


def _of_no_contact(row: ProducerRow, now: datetime) -> Headline:
	if row["creation"] > now - NOT_PULLING:
		return _line(_("Not contacted yet"), "gray")
	return _line(
		_("Not contacted yet"),
		"orange",
		_(
			"It has not been asked since it was made, though a pull is due every minute. The scheduler or the workers of this site"
			" stand still: bench event-streaming doctor says which."
		),
	)


def _of_waiting(row: ProducerRow, now: datetime) -> Headline | None:
	if row["connection"] == state.UNKNOWN:
		return _of_no_contact(row, now)
	if row["retrying"]:
		return _line(
			_("{0} Retrying").format(counted(row["retrying"])),
			"orange",
			_("They are tried again automatically. The errors are in Event Sync Log."),
		)
	if row["waiting"]:
		return _line(
			_("{0} Waiting").format(counted(row["waiting"])),
			"orange",
			_("They wait for other documents: see Waits For in Event Sync Log."),
		)
	if row["last_error"] or row["last_warning"]:
		return _line(_("Warning"), "orange", row["last_error"] or row["last_warning"] or "")
	if row["events_behind"]:
		return _line(_("{0} Behind").format(counted(row["events_behind"])), "blue")
	return None


def _of_what_is_missing(row: ProducerRow) -> Headline | None:
	"""Documents that no event will bring."""
	if row["restored_on"]:
		return _line(
			_("Restored, Not Compared"),
			"orange",
			_("{0} was restored from a backup: verify shows what it has lost, and what is only here.").format(
				row["name"]
			),
		)
	if row["with_a_gap"]:
		return _line(
			_("Not Compared"),
			"orange",
			_(
				"{0} was not approved on {1} for a time: what was changed there meanwhile was not sent. Verify shows what is missing here."
			).format(", ".join(_(doctype) for doctype in row["with_a_gap"]), row["name"]),
		)
	if row["copy_failed"] is not None:
		return _line(
			_("Copy Failed"),
			"orange",
			_("The last copy of existing documents did not come to its end: {0}").format(
				row["copy_failed"] or _("see the Error Log")
			),
		)
	return None


def _of_what_has_not_begun(row: ProducerRow) -> Headline | None:
	if row["copy_open"]:
		return _line(_("Copying") if row["copy_open"] == "under way" else _("Copy to Begin"), "blue")
	if not row["last_pull"]:
		return _line(_("Not Pulled Yet"), "gray")
	return None


def _of_withheld(row: ProducerRow) -> Headline | None:
	if not row["withheld"]:
		return None
	return _line(
		_("{0} Withheld").format(counted(sum(row["withheld"].values()))),
		"orange",
		_(
			"{0} did not send changes of {1}, because the user of this connection may not read these documents there. Its"
			" administrator can give the right, or say in Event Consumer that this is intended."
		).format(row["name"], ", ".join(row["withheld"])),
	)

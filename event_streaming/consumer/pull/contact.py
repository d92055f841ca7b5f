"""What a page says of the contact with its producer, for the forms and the alerts. It never commits."""

from datetime import datetime

from frappe.utils import now_datetime, strip_html

from event_streaming.consumer.logs import state
from event_streaming.http.confidential import plain
from event_streaming.wire.pages import Page


def record(event_producer: str, page: Page, asked_on: datetime) -> None:
	"""The producer has answered; a page of a broker says nothing of that."""
	if page["from_broker"]:
		state.save_state(event_producer, last_pull=now_datetime(), events_behind=page["behind"])
		return
	state.record_contact(
		event_producer,
		last_pull=now_datetime(),
		events_behind=page["behind"],
		remote_time_zone=page["time_zone"] or None,
		last_warning=plain(strip_html("\n".join(page["warnings"]))) or None,
		**caught_up(page, asked_on),
	)


def caught_up(page: Page, asked_on: datetime) -> dict[str, datetime]:
	"""Nothing was left on the producer when it was asked: written with what is written of each contact anyway. Of a page with
	events the cursor says it, once they are dealt with."""
	is_left = page["events"] or page["has_more"] or page["paused"] or page["held"]
	return {} if is_left else {"caught_up_on": asked_on}

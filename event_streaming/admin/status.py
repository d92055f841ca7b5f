"""How everything stands on this site: producers, consumers, and what needs a person. Reads only, asks no other site."""

from datetime import datetime
from typing import TypedDict

from frappe.utils import now_datetime

from event_streaming.admin.alerts import OpenAlert, open_alerts
from event_streaming.admin.headlines import (
	Headline,
	headline_of,
	headline_of_consumer,
	is_not_pulling,
	what_is_missing,
	why_not_contacted,
	why_refused,
	why_silent,
)
from event_streaming.admin.words import at, counted
from event_streaming.consumer.logs import overview as consuming
from event_streaming.consumer.logs import state
from event_streaming.consumer.logs.overview import ProducerRow
from event_streaming.messages.coded import _
from event_streaming.producer.log.sequence import head_position
from event_streaming.producer.registration import overview as producing
from event_streaming.producer.registration.overview import ConsumerRow
from event_streaming.site.address import public_url, time_zone


class ProducerStatus(ProducerRow):
	"""How a producer stands, and the one line that says it."""

	headline: Headline


class ConsumerStatus(ConsumerRow):
	"""How a consumer stands, and the one line that says it."""

	headline: Headline


class Status(TypedDict):
	"""`needs_attention` is empty when nothing needs a person; times are in the site's time zone."""

	site: str
	now: datetime
	time_zone: str
	position: int
	producers: list[ProducerStatus]
	consumers: list[ConsumerStatus]
	alerts: list[OpenAlert]
	needs_attention: list[str]


def site_status() -> Status:
	"""Everything about this site's streams in a few queries."""
	producers, consumers, now = consuming.producers(), producing.consumers(), now_datetime()
	return {
		"site": public_url(),
		"now": now,
		"time_zone": time_zone(),
		"position": head_position(),
		"producers": [{**row, "headline": headline_of(row, public_url(), now)} for row in producers],
		"consumers": [{**row, "headline": headline_of_consumer(row, now)} for row in consumers],
		"alerts": open_alerts(),
		"needs_attention": [
			*(line for row in producers for line in needs_of_producer(row, public_url(), now)),
			*(line for row in consumers for line in needs_of_consumer(row, now)),
		],
	}


def needs_of_producer(row: ProducerRow, here: str, now: datetime) -> list[str]:
	"""What a person has to see to about a producer, a sentence each."""
	found = []
	if not row["paused"] and row["connection"] in (state.OFFLINE, state.REFUSED):
		found.append(_("{0} could not be read: {1}").format(row["name"], row["last_error"] or ""))
	elif row["last_error"] or row["last_warning"]:
		found.append(f"{row['name']}: {row['last_error'] or row['last_warning']}")
	elif is_not_pulling(row, now):
		found.append(
			_("Nothing has been pulled from {0} since {1}: see scheduler and workers in the doctor.").format(
				row["name"], at(row["last_contact"])
			)
		)
	if never := why_not_contacted(row, now):
		found.append(f"{row['name']}: {never}")
	if missing := what_is_missing(row):
		found.append(f"{row['name']}: {missing}")
	if row["failed"]:
		found.append(
			_(
				"{0}: {1} events have failed. Read the errors in Event Sync Log, remove the cause, resync."
			).format(row["name"], counted(row["failed"]))
		)
	if row["stuck"]:
		found.append(
			_("{0}: {1} events keep failing and are tried again. Read the errors in Event Sync Log.").format(
				row["name"], counted(row["stuck"])
			)
		)
	if row["not_approved"]:
		found.append(
			_(
				"{0} has not approved {1}. Its administrator has to approve it there, in the Event Consumer {2}."
			).format(row["name"], ", ".join(row["not_approved"]), here)
		)
	if row["withheld"]:
		found.append(
			_(
				"{0} withholds {1} events of {2}: the user of this connection may not read the documents there."
			).format(row["name"], counted(sum(row["withheld"].values())), ", ".join(row["withheld"]))
		)
	if row["conflicts"]:
		found.append(
			_("{0}: {1} events are in conflict. Pick the values to keep in Event Sync Log.").format(
				row["name"], counted(row["conflicts"])
			)
		)
	return found


def needs_of_consumer(row: ConsumerRow, now: datetime) -> list[str]:
	"""What a person has to see to about a consumer, a sentence each."""
	found = []
	if said := why_refused(row) or why_silent(row, now):
		found.append(f"{row['name']}: {said}")
	if row["needs_copy"]:
		found.append(
			_("{0} needs a fresh copy: events that it had not taken were cleared.").format(row["name"])
		)
	if row["pending"]:
		found.append(
			_("{0} waits for a decision about {1}. Approve or reject it in Event Consumer.").format(
				row["name"], ", ".join(row["pending"])
			)
		)
	if row["condition_errors"]:
		found.append(
			_(
				"{0}: the condition for {1} raises an error, so that nothing is sent. See Event Consumer."
			).format(row["name"], ", ".join(row["condition_errors"]))
		)
	if row["withheld"]:
		found.append(
			_("{0} may not read {1} events of {2}: they are not sent to {3}.").format(
				row["user"], counted(row["withheld"]), ", ".join(row["withheld_doctypes"]), row["name"]
			)
		)
	return found

"""The state of this site's streams as numbers for a monitoring system: the same few queries as the status.

It asks no other site and writes nothing, so that it may be asked every few seconds.
"""

from datetime import datetime
from zoneinfo import ZoneInfo

import frappe

from event_streaming import __version__
from event_streaming.admin.alerts import OpenAlert
from event_streaming.admin.episodes import KINDS
from event_streaming.admin.prometheus import COUNTER, Metric, exposition
from event_streaming.admin.status import site_status
from event_streaming.consumer.line.holding import ALL_ROWS, LOW_ROWS
from event_streaming.consumer.logs.overview import ProducerRow
from event_streaming.consumer.logs.state import ONLINE
from event_streaming.producer.registration.overview import ConsumerRow
from event_streaming.site.address import MINUTE_TASK, time_zone

PREFIX = "event_streaming_"


def metrics() -> str:
	"""All metrics of this site in Prometheus' text format."""
	status = site_status()
	return exposition(
		[
			*of_the_site(status["position"]),
			*of_producers(status["producers"]),
			*of_consumers(status["consumers"]),
			of_alerts(status["alerts"]),
		]
	)


def of_the_site(position: int) -> list[Metric]:
	info = Metric(f"{PREFIX}info", "Versions of the app and of Frappe; the value is always 1.")
	info.add(1, version=__version__, frappe=frappe.__version__)
	logged = Metric(
		f"{PREFIX}logged_events_total", "Events of this site that have a position in its log.", COUNTER
	)
	logged.add(position)
	task = Metric(
		f"{PREFIX}minute_task_last_run_timestamp_seconds",
		"When the task of every minute last ran. Old: scheduler or workers stand still.",
	)
	task.add(timestamp(frappe.db.get_value("Scheduled Job Type", {"method": MINUTE_TASK}, "last_execution")))
	return [info, logged, task]


def of_producers(rows: list[ProducerRow]) -> list[Metric]:
	up = Metric(f"{PREFIX}producer_up", "1 if the last request to the producer was answered.")
	paused = Metric(f"{PREFIX}producer_paused", "1 while nothing is pulled because a person has paused it.")
	behind = Metric(
		f"{PREFIX}producer_events_behind",
		"Events that were still waiting on the producer at the last contact.",
	)
	position = Metric(
		f"{PREFIX}producer_position_total",
		"Position in the producer's log up to which everything has been dealt with.",
		COUNTER,
	)
	contact = Metric(f"{PREFIX}producer_last_contact_timestamp_seconds", "When the producer last answered.")
	failures = Metric(
		f"{PREFIX}producer_failed_requests", "Requests in a row to which the producer did not answer."
	)
	unsettled = Metric(
		f"{PREFIX}unsettled_events",
		"Events that have not taken effect, by status; counted up to 10000.",
	)
	waits = Metric(
		f"{PREFIX}producer_waits",
		"1 while rows wait for the hours of the line (Only Between), by which rows.",
	)
	used = Metric(
		f"{PREFIX}producer_line_bytes_per_second",
		"Bytes on the line to the producer per second, last minute.",
	)
	allowed = Metric(
		f"{PREFIX}producer_line_bytes_per_second_allowed",
		"What Most KB per Second allows; 0 without a bound.",
	)
	for row in rows:
		name = row["name"]
		for rows_waiting, said in ((LOW_ROWS, "low"), (ALL_ROWS, "all")):
			waits.add(row["waits"] == rows_waiting, producer=name, rows=said)
		used.add(row["bytes_per_second"], producer=name)
		allowed.add(row["bytes_allowed"], producer=name)
		up.add(row["connection"] == ONLINE, producer=name)
		paused.add(row["paused"], producer=name)
		behind.add(row["events_behind"], producer=name)
		position.add(row["position"], producer=name)
		contact.add(timestamp(row["last_contact"]), producer=name)
		failures.add(row["failures"], producer=name)
		for status, key in (
			("failed", "failed"),
			("conflict", "conflicts"),
			("retrying", "retrying"),
			("waiting", "waiting"),
		):
			unsettled.add(row[key], producer=name, status=status)
	return [up, paused, behind, position, contact, failures, unsettled, waits, used, allowed]


def of_consumers(rows: list[ConsumerRow]) -> list[Metric]:
	paused = Metric(f"{PREFIX}consumer_paused", "1 while nothing is sent because a person has paused it.")
	behind = Metric(
		f"{PREFIX}consumer_events_behind",
		"Positions of the log that the consumer has not dealt with; some may not be meant for it.",
	)
	contact = Metric(
		f"{PREFIX}consumer_last_contact_timestamp_seconds", "When the consumer last asked for events."
	)
	failures = Metric(
		f"{PREFIX}consumer_failed_notifications", "Notifications in a row that could not be delivered."
	)
	pending = Metric(f"{PREFIX}consumer_pending_doctypes", "DocTypes that wait for an approval.")
	for row in rows:
		name = row["name"]
		paused.add(row["paused"], consumer=name)
		# how far a consumer of the older app is in positions is not known
		behind.add(row["events_behind"] if row["protocol"] > 1 else None, consumer=name)
		contact.add(timestamp(row["last_contact"]), consumer=name)
		failures.add(row["notify_failures"], consumer=name)
		pending.add(len(row["pending"]), consumer=name)
	return [paused, behind, contact, failures, pending]


def of_alerts(alerts: list[OpenAlert]) -> Metric:
	metric = Metric(f"{PREFIX}alerts_open", "Event Streaming Alerts that are open, by kind.")
	for kind in KINDS:
		metric.add(sum(alert["kind"] == kind for alert in alerts), kind=kind)
	return metric


def timestamp(moment: datetime | None) -> float | None:
	"""Seconds since 1970 UTC of a moment in the site's time zone."""
	return moment.replace(tzinfo=ZoneInfo(time_zone())).timestamp() if moment else None

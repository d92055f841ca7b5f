"""Tells people of trouble: one Event Streaming Alert for each episode, whose saving sends the Notifications on it.

Called every minute. It looks at what is stored, asks no other site, and commits nothing but its own documents.
"""

from datetime import datetime, timedelta
from typing import TypedDict

import frappe
from frappe.utils import get_url, now_datetime, strip_html

from event_streaming.admin.causes.listing import open_causes_of
from event_streaming.admin.daily.findings import to_be_told
from event_streaming.admin.episodes import (
	BEHIND,
	DOCTOR,
	FAILED,
	NOT_PULLING,
	RESTORED,
	SILENT,
	UNREACHABLE,
	Episode,
	Trouble,
	look,
)
from event_streaming.admin.headlines import is_not_pulling
from event_streaming.admin.words import at, counted
from event_streaming.consumer.line.holding import ALL_ROWS
from event_streaming.consumer.logs import overview as consuming
from event_streaming.consumer.logs import state
from event_streaming.consumer.logs.overview import ProducerRow
from event_streaming.database.locks import advisory_lock
from event_streaming.messages.coded import _
from event_streaming.producer.registration import overview as producing
from event_streaming.producer.registration.overview import ConsumerRow
from event_streaming.site.claims import KEPT
from event_streaming.site.roles import people_to_tell
from event_streaming.site.settings import StreamSettings, get_settings

DOCTYPE = "Event Streaming Alert"
OPEN, OVER = "Open", "Over"
COUNTS = f"{KEPT}alerts"
REMEMBERED_SECONDS = 60 * 60
# so many failures in a row take about half an hour: counts where a clock was set back
FAILURES_WITHOUT_CLOCK = 7
BATCH = 1_000
MOST_SHOWN = 100
# causes that an alert names
MOST_CAUSES = 20
MAIL, DESK = "Event Streaming Alert by Mail", "Event Streaming Alert in the Desk"
# what an administrator may change: the Notifications are made once, at the installation
SUBJECT = "{{ doc.title | e }}"
MESSAGE = """{% for line in (doc.details or "").split("\\n") %}<p>{{ line | e }}</p>
{% endfor %}<p><a href="{{ frappe.utils.get_url_to_form(doc.doctype, doc.name) }}">{{ doc.name }}</a></p>"""


def check() -> None:
	"""One look: begin and end what has to be. Of two that look at once, the second does nothing."""
	# what is read from here on has what the other jobs of this minute committed
	frappe.db.commit()
	with advisory_lock("alerts") as alone:
		if not alone:
			return
		settings = get_settings()
		if settings.no_alerts:
			close_without_a_word()
			return
		found = troubles(settings)
		step = look(found, going_on(), frappe.cache.get_value(COUNTS, expires=True) or {})
		for each in step.begin:
			begin(each)
		for episode in step.end:
			end(episode)
		for episode in step.left:
			frappe.db.set_value(
				DOCTYPE, episode.name, "sites", "\n".join(episode.sites), update_modified=False
			)
			frappe.db.commit()
		tell_anew(found)
		frappe.cache.set_value(COUNTS, step.counts, expires_in_sec=REMEMBERED_SECONDS)


def troubles(settings: StreamSettings) -> list[Trouble]:
	"""All that is wrong now by the thresholds of the settings."""
	now = now_datetime()
	found = [each for row in consuming.producers() for each in of_producer(row, settings, now)]
	found += [each for row in producing.consumers() for each in of_consumer(row, settings, now)]
	return found + of_the_doctor()


def of_producer(row: ProducerRow, settings: StreamSettings, now: datetime) -> list[Trouble]:
	if row["paused"]:
		return []
	name = row["name"]
	found = of_contact(row, settings, now)
	if row["restored_on"]:
		found.append(Trouble(RESTORED, name, of_a_restore(row)))
	failed = row["failed"] + row["conflicts"] + row["stuck"]
	if failed >= settings.alert_failed_events:
		found.append(
			Trouble(
				FAILED,
				name,
				_(
					"{0} events from {1} have failed, are in conflict or keep failing: fix their causes, then retry."
				).format(counted(failed), name),
			)
		)
	return found


def of_contact(row: ProducerRow, settings: StreamSettings, now: datetime) -> list[Trouble]:
	"""A producer that can't be read, or from which nothing comes, or not enough."""
	name = row["name"]
	if row["connection"] in (state.OFFLINE, state.REFUSED):
		since = row["last_contact"] or row["creation"]
		long_ago = since <= now - timedelta(minutes=settings.alert_unreachable_minutes)
		if not long_ago and not (since > now and row["failures"] >= FAILURES_WITHOUT_CLOCK):
			return []
		text = _("{0} could not be read since {1}: {2}")
		error = strip_html(row["last_error"] or "")
		return [Trouble(UNREACHABLE, name, text.format(name, shown(row["last_contact"]), error))]
	found = []
	if standstill := of_standstill(row, settings, now):
		found.append(Trouble(NOT_PULLING, name, standstill))
	if not row["waits"] and row["events_behind"] >= settings.alert_events_behind:
		text = _("{0} events are waiting on {1}.").format(f"{row['events_behind']:,}", name)
		found.append(Trouble(BEHIND, name, text))
	return found


def of_standstill(row: ProducerRow, settings: StreamSettings, now: datetime) -> str:
	"""Why nothing comes of a producer that can be read; "" where something does."""
	if row["waits"] == ALL_ROWS:
		return ""
	if row["last_error"]:
		return _("Each pull from {0} ends with an error: {1}").format(
			row["name"], strip_html(row["last_error"])
		)
	if row["subscribed"] and is_not_pulling(row, now, timedelta(minutes=settings.alert_unreachable_minutes)):
		return _(
			"Nothing has been pulled from {0} since {1}: see scheduler and workers in the doctor."
		).format(row["name"], at(row["last_contact"]))
	return ""


def of_a_restore(row: ProducerRow) -> str:
	text = _(
		"{0} was restored from a backup. It has lost what came after its position {1}, and this site had taken events up to {2}"
		" by then: documents are here that it does not have, or has as they were before. Run event-streaming verify for it: that"
		" lists them, and ends this alert. From Event Sync Log:"
	).format(row["name"], row["restored_from"], row["restored_to"])
	return f"{text}\n{row['restored_documents'] or _('none')}"


def of_consumer(row: ConsumerRow, settings: StreamSettings, now: datetime) -> list[Trouble]:
	if row["paused"] or not row["active"]:
		return []
	if (row["last_contact"] or row["creation"]) > now - timedelta(days=settings.alert_silent_days):
		return []
	text = _("{0} has not asked for events since {1}. The log is kept for it, and grows.")
	return [Trouble(SILENT, row["name"], text.format(row["name"], shown(row["last_contact"])))]


def of_the_doctor() -> list[Trouble]:
	"""What its last daily look has found, each with its remedy."""
	return [
		Trouble(DOCTOR, f"{row.looked_at}: {row.subject}", "\n".join(filter(None, (row.message, row.remedy))))
		for row in to_be_told()
	]


def shown(moment: datetime | None) -> str:
	return str(moment)[:19] if moment else _("its registration")


# ---- episodes


class OpenAlert(TypedDict):
	"""An episode that is going on, for a list."""

	name: str
	kind: str
	title: str
	sites: list[str]
	began: datetime


def open_alerts() -> list[OpenAlert]:
	"""The episodes that are going on, the oldest first; at most MOST_SHOWN."""
	rows = frappe.get_all(
		DOCTYPE,
		filters={"status": OPEN},
		fields=["name", "kind", "title", "sites", "began"],
		order_by="creation asc",
		limit=MOST_SHOWN,
	)
	return [{**row, "sites": (row.sites or "").split("\n")} for row in rows]


def going_on() -> list[Episode]:
	return [
		Episode(row.name, row.kind, tuple((row.sites or "").split("\n")))
		for row in frappe.get_all(
			DOCTYPE, filters={"status": OPEN}, fields=["name", "kind", "sites"], order_by="creation asc"
		)
	]


def begin(found: list[Trouble]) -> None:
	"""A new episode of one kind."""
	sites = [trouble.site for trouble in found]
	doc = frappe.new_doc(DOCTYPE)
	doc.update(
		{
			"kind": found[0].kind,
			"status": OPEN,
			"sites": "\n".join(sites),
			"title": f"{_(found[0].kind)}: {named(sites)}"[:140],
			"details": details_of(found),
			"began": now_datetime(),
		}
	)
	save(doc)


def causes_of(found: list[Trouble]) -> list[str]:
	"""Why events have failed: a line for each cause, however many events and sites it has."""
	sites = {trouble.site for trouble in found if trouble.kind == FAILED}
	if not sites:
		return []
	causes = [each for each in open_causes_of() if sites.intersection(each["producers"])]
	lines = [
		_("{0} × {1}: {2} ({3}). {4}").format(
			f"{each['count']:,}", each["title"], _(each["doctype"]), each["problem"], each["remedy"]
		)
		for each in causes[:MOST_CAUSES]
	]
	if len(causes) > MOST_CAUSES:
		lines.append(_("And {0} more causes.").format(len(causes) - MOST_CAUSES))
	return [*lines, get_url("/app/event-streaming-causes")]


def details_of(found: list[Trouble]) -> str:
	"""What an alert says of its troubles."""
	return "\n".join([*(trouble.text for trouble in found), *causes_of(found)])


def tell_anew(found: list[Trouble]) -> None:
	"""An episode that goes on says how it is now; nobody gets another message for that."""
	changed = False
	for row in frappe.get_all(DOCTYPE, {"status": OPEN}, ["name", "kind", "sites", "details"]):
		sites = (row.sites or "").split("\n")
		mine = [trouble for trouble in found if trouble.kind == row.kind and trouble.site in sites]
		if mine and (details := details_of(mine)) != row.details:
			frappe.db.set_value(DOCTYPE, row.name, "details", details, update_modified=False)
			changed = True
	if changed:
		frappe.db.commit()


def end(episode: Episode) -> None:
	"""The note that it is over."""
	doc = frappe.get_doc(DOCTYPE, episode.name)
	doc.status, doc.ended = OVER, now_datetime()
	doc.title = _("Over: {0}").format(doc.title)[:140]
	doc.details = "\n".join(
		[
			_("It began {0} and is over since {1}.").format(shown(doc.began), shown(doc.ended)),
			doc.details or "",
		]
	)
	save(doc)


def close_without_a_word() -> None:
	"""Alerts were switched off."""
	if frappe.db.exists(DOCTYPE, {"status": OPEN}):
		frappe.db.set_value(DOCTYPE, {"status": OPEN}, {"status": OVER, "ended": now_datetime()})
		frappe.db.commit()


def named(sites: list[str]) -> str:
	if len(sites) < 3:
		return ", ".join(sites)
	return _("{0} and {1} others").format(sites[0], len(sites) - 1)


def save(doc) -> None:
	"""Save with what hangs on it, and commit; a Notification that is broken costs its message, not the episode."""
	exists = not doc.is_new()
	doc.recipients = ",".join(people_to_tell())
	try:
		doc.save(ignore_permissions=True)
	except Exception:
		frappe.db.rollback()
		frappe.clear_messages()
		frappe.log_error(title="Event Streaming: a Notification of an alert could not be sent")
		values = {
			key: doc.get(key) for key in ("kind", "status", "sites", "title", "details", "began", "ended")
		}
		doc = frappe.get_doc(DOCTYPE, doc.name) if exists else frappe.new_doc(DOCTYPE)
		doc.update(values)
		# none are looked for then
		doc.flags.notifications = []
		doc.save(ignore_permissions=True)
	frappe.db.commit()


# ---- set-up and clearing


def make_notifications() -> None:
	"""The two Notifications on the alert, for an administrator to change. Those that are there already stay."""
	for name, channel in ((MAIL, "Email"), (DESK, "System Notification")):
		if frappe.db.exists("Notification", name):
			continue
		doc = frappe.new_doc("Notification")
		doc.update(
			{
				"name": name,
				"module": "Event Streaming",
				"is_standard": 0,
				"enabled": 1,
				"channel": channel,
				"document_type": DOCTYPE,
				"event": "Save",
				"subject": SUBJECT,
				"message_type": "HTML",
				"message": MESSAGE,
			}
		)
		doc.append("recipients", {"receiver_by_document_field": "recipients"})
		doc.insert(ignore_permissions=True, set_name=name)


def mend_recipients() -> None:
	"""Notifications that go to every System Manager, as they were made once, go to the people whom an alert names: not to users in whose
	name other sites call. What an administrator has changed stays."""
	for name in (MAIL, DESK):
		if not frappe.db.exists("Notification", name):
			continue
		doc = frappe.get_doc("Notification", name)
		as_made = [row.receiver_by_role for row in doc.recipients] == ["System Manager"]
		changed = any(
			row.receiver_by_document_field or row.cc or row.bcc or row.condition for row in doc.recipients
		)
		if doc.document_type == DOCTYPE and as_made and not changed:
			doc.set("recipients", [{"receiver_by_document_field": "recipients"}])
			doc.save(ignore_permissions=True)


def clear_alerts(days: int) -> None:
	"""For Log Settings: forget episodes that were over more than `days` days ago."""
	before = now_datetime() - timedelta(days=days)
	table = frappe.qb.DocType(DOCTYPE)
	while names := (
		frappe.qb.from_(table)
		.select(table.name)
		.where((table.status == OVER) & (table.ended < before))
		.limit(BATCH)
		.run(pluck=True)
	):
		frappe.qb.from_(table).delete().where(table.name.isin(names)).run()
		frappe.db.commit()

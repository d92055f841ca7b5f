"""Sleepers, the doctor's daily look, and health for load balancers."""

import pytest
import requests
from doctypes import CITY
from documents import read_rows
from streams import subscribe

pytestmark = pytest.mark.usefixtures("orders")

FINDING = "Event Streaming Finding"


@pytest.fixture(autouse=True)
def subscribed(producer, consumer, orders):
	subscribe(consumer, producer, CITY)


def asleep_by_tomorrow() -> list:
	"""Days without a log-in: whether work is noted, in Activity Log and by the user, and how often if asked twice."""
	import frappe
	from frappe.utils import add_days, now_datetime

	from event_streaming.admin.daily import awake

	asked, original = [], awake.is_dormant

	def is_dormant(check_time=None):
		asked.append(check_time)
		return True

	frappe.db.delete("Activity Log")
	user = frappe.db.get_value("Event Producer", {}, "user")
	frappe.db.set_value("User", user, "last_active", add_days(now_datetime(), -9), update_modified=False)
	awake.is_dormant = is_dormant
	frappe.cache.delete(frappe.cache.make_key(awake.redis_key("awake", "")))
	try:
		awake.keep_awake()
		awake.keep_awake()
	finally:
		awake.is_dormant = original
	logs = frappe.get_all("Activity Log", fields=["user", "operation"], as_list=True)
	active = frappe.db.get_value("User", user, "last_active")
	return [
		[list(row) for row in logs],
		(now_datetime() - active).total_seconds() < 60,
		[(moment - now_datetime()).total_seconds() > 22 * 3600 for moment in asked],
		user,
	]


def test_a_site_with_a_connection_is_kept_awake_and_says_when_it_sleeps(consumer):
	logs, active, asked, user = consumer.run(asleep_by_tomorrow)

	assert logs == [[user, ""]]
	assert active
	assert asked == [True]
	assert consumer.run(what_is_said_of_sleep) == ["ok", "fault", None]


def what_is_said_of_sleep() -> list:
	"""Awake, asleep, and without a connection that is not paused."""
	import frappe

	from event_streaming.admin.doctor import this_site

	said, original = [], this_site.is_asleep
	try:
		for asleep in (False, True):
			this_site.is_asleep = lambda asleep=asleep: asleep
			said += [finding.level for finding in this_site.sleep()]
	finally:
		this_site.is_asleep = original
	frappe.db.set_value("Event Producer", {"paused": 0}, "paused", 1)
	said.append(next(this_site.sleep(), None))
	frappe.db.rollback()
	return said


def test_what_the_doctor_finds_by_itself_is_told_until_it_is_put_off(producer, consumer):
	disk = ["retention", "Event Sync Log", "warning", "It grows.", "Clear it."]
	also = ["retention", "Event Sync Log", "fault", "And is full.", "Clear it."]
	line = ["connection", "http://x.example", "fault", "It does not answer.", ""]
	fine = ["clock", "http://x.example", "ok", "The same.", ""]

	kept = consumer.run(keep_findings, found=[disk, also, line, fine])
	told = consumer.run(told_now)
	[name] = [row["name"] for row in consumer.run(read_rows, doctype=FINDING, filters={})]
	refused = consumer.command("event-streaming", "put-off", name, "--until", "2001-01-01", "--reason", "x")
	done = consumer.command(
		"event-streaming", "put-off", name, "--until", "2099-01-01", "--reason", "a disk is ordered"
	)
	after = consumer.run(told_now)
	gone = consumer.run(keep_findings, found=[])
	back = consumer.run(keep_findings, found=[disk])
	noted = consumer.run(examined, found=[disk])
	audited = consumer.run(decisions)

	assert kept == [["retention", "Event Sync Log", "fault", 1, "It grows.\nAnd is full."]]
	assert told == [
		["Found by the Doctor", "Open", "retention: Event Sync Log"],
		["retention: Event Sync Log"],
	]
	assert refused.returncode == 1 and "today or later" in refused.stderr
	assert done.returncode == 0, done.stderr
	assert after[1] == []
	# what is put off stays on record, so that it is still put off when it comes back
	assert [row[3] for row in gone] == [0] and [row[3] for row in back] == [1]
	assert consumer.run(told_now)[1] == []
	assert noted[0][0] == "note" and "a disk is ordered" in noted[0][1]
	assert audited == [["Administrator", "Finding Put Off"]]
	assert consumer.command("event-streaming", "put-off").returncode == 0


def keep_findings(found: list) -> list[list]:
	"""The daily look, had the doctor found this; returns what is kept."""
	import frappe

	from event_streaming.admin.daily import looking
	from event_streaming.admin.doctor.finding import Finding

	original = looking.go_through
	looking.go_through = lambda: [Finding(*each) for each in found]
	try:
		looking.look_once_a_day()
	finally:
		looking.go_through = original
	frappe.db.commit()
	rows = frappe.get_all(
		"Event Streaming Finding",
		fields=["looked_at", "subject", "level", "still_there", "message"],
		order_by="looked_at asc",
	)
	return [[row.looked_at, row.subject, row.level, row.still_there, row.message] for row in rows]


def told_now() -> list:
	"""The doctor's alert after another minute, and what would be in one that began now."""
	import frappe

	from event_streaming.admin import alerts

	alerts.check()
	rows = frappe.get_all(
		"Event Streaming Alert", {"kind": "Found by the Doctor"}, ["kind", "status", "sites"], limit=1
	)
	return [[row.kind, row.status, row.sites] for row in rows] + [
		[trouble.site for trouble in alerts.of_the_doctor()]
	]


def examined(found: list) -> list:
	from event_streaming.admin.doctor import examination
	from event_streaming.admin.doctor.finding import Finding

	original = examination.go_through
	examination.go_through = lambda *_names: [Finding(*each) for each in found]
	try:
		return [[finding.level, finding.message] for finding in examination.examine()]
	finally:
		examination.go_through = original


def decisions() -> list:
	import frappe

	rows = frappe.get_all(
		"Event Streaming Audit Log", {"reference_doctype": "Event Streaming Finding"}, ["user", "decision"]
	)
	return [[row.user, row.decision] for row in rows]


def test_health_says_ok_and_nothing_else(consumer):
	url = f"{consumer.url}/api/method/event_streaming.api.health"
	well = requests.get(url, timeout=60)
	many = [requests.get(url, timeout=60).status_code for _each in range(5)]
	looked = consumer.run(health_when, broken=True)

	assert (well.status_code, well.text) == (200, '{"ok": true}')
	assert "no-store" in well.headers["Cache-Control"]
	assert set(many) == {200}
	assert looked == [[503, '{"ok": false}'], 1]


def health_when(broken: bool) -> list:
	"""What is answered while the database does not, and how often it was asked in two answers."""
	import frappe

	from event_streaming.admin import health

	asked, original = [], health.database_answers

	def fails() -> bool:
		asked.append(1)
		return not broken

	frappe.cache.delete(frappe.cache.make_key(health.redis_key("health", "")))
	health.database_answers = fails
	try:
		health.health()
		answer = health.health()
	finally:
		health.database_answers = original
		frappe.cache.delete(frappe.cache.make_key(health.redis_key("health", "")))
	return [[answer.status_code, answer.get_data(as_text=True)], len(asked)]

"""Event Streaming Audit Log: who has decided what, from where, with the values before and after; and nobody changes it."""

import json

import pytest
import requests
from doctypes import CITY, ORDER, with_orders
from documents import change, insert, read_doc, unique
from streams import (
	KEYS,
	NOBODY_URL,
	SUBSCRIBER,
	decide,
	make_event_consumer,
	make_subscriber,
	pull,
	subscribe,
)

from sandbox.sites.rest import RestError
from sandbox.sites.shell import RemoteError

LOG = "Event Streaming Audit Log"
SETTINGS = "Event Streaming Settings"
SYNC_LOG = "event_streaming.event_streaming.doctype.event_sync_log.event_sync_log"
PASSWORD = "a long enough pass-phrase 1"


@pytest.fixture
def site(producer):
	with_orders(producer)
	producer.run(make_subscriber)
	rows = [{"ref_doctype": CITY}, {"ref_doctype": ORDER, "status": "Approved"}]
	producer.run(make_event_consumer, url=NOBODY_URL, rows=rows, needs_copy=1)
	producer.run(forget_all)
	return producer


def forget_all() -> None:
	import frappe

	frappe.db.delete(LOG)


def decisions(about: str = "") -> list[dict]:
	"""Oldest first."""
	import frappe

	rows = frappe.get_all(LOG, {"reference_name": about} if about else {}, ["*"], order_by="creation asc")
	for row in rows:
		row.before = json.loads(row.values_before or "null")
		row.after = json.loads(row.values_after or "null")
	return rows


def one(site, about: str = "") -> dict:
	[row] = site.run(decisions, about=about)
	return row


def test_an_approval_over_rest_is_there_with_who_and_what(site):
	site.rest().method("event_streaming.api.approve", event_consumer=NOBODY_URL)

	row = one(site, NOBODY_URL)
	assert [row[field] for field in ("decision", "outcome", "user", "came_from", "reference_doctype")] == [
		"Approved",
		"Done",
		"Administrator",
		"REST",
		"Event Consumer",
	]
	assert row["before"] == {CITY: {"status": "Pending"}} and row["after"] == {CITY: {"status": "Approved"}}
	assert row["ip_address"]


def test_a_command_says_that_it_was_one(site):
	assert site.command("event-streaming", "approve", NOBODY_URL, "--reject", "--yes").returncode == 0
	assert site.command("event-streaming", "pause", "--consumer", NOBODY_URL).returncode == 0
	assert site.command("event-streaming", "resume", "--consumer", NOBODY_URL).returncode == 0

	rows = site.run(decisions, about=NOBODY_URL)
	assert [(row["decision"], row["came_from"]) for row in rows] == [
		("Rejected", "Command"),
		("Paused", "Command"),
		("Resumed", "Command"),
	]


def test_the_desk_is_told_from_rest(site):
	site.run(make_person, user="person@example.com", password=PASSWORD)
	session = requests.Session()
	login = {"usr": "person@example.com", "pwd": PASSWORD}
	assert session.post(f"{site.url}/api/method/login", data=login, timeout=60).status_code == 200
	token = site.run(csrf_token, sid=session.cookies["sid"])
	doc = site.run(read_doc, doctype="Event Consumer", name=NOBODY_URL)

	answer = session.post(
		f"{site.url}/api/method/frappe.desk.form.save.savedocs",
		json={"doc": json.dumps({**doc, "needs_copy": 0}, default=str), "action": "Save"},
		headers={"X-Frappe-CSRF-Token": token or ""},
		timeout=60,
	)

	assert answer.status_code == 200, answer.text
	row = one(site, NOBODY_URL)
	assert [row["decision"], row["came_from"], row["user"]] == [
		"Fresh Copy Cleared",
		"Desk",
		"person@example.com",
	]
	assert row["before"] == {"needs_copy": 1}


def make_person(user: str, password: str) -> None:
	import frappe
	from frappe.utils.password import update_password

	if not frappe.db.exists("User", user):
		doc = frappe.get_doc(
			{"doctype": "User", "email": user, "first_name": "Person", "send_welcome_email": 0}
		)
		doc.insert()
		doc.add_roles("System Manager")
	update_password(user, password)


def csrf_token(sid: str) -> str:
	import frappe

	return (frappe.cache.hget("session", sid) or {}).get("data", {}).get("csrf_token") or ""


def test_each_kind_of_decision_in_a_save_has_a_row(site):
	site.run(change_much)

	found = {row["decision"]: row for row in site.run(decisions, about=NOBODY_URL)}
	assert set(found) == {
		"Condition Changed",
		"Back to Pending",
		"Paused",
		"Connection Changed",
		"Subscription Changed",
	}
	assert found["Condition Changed"]["after"] == {ORDER: {"condition": "doc.docstatus == 1"}}
	assert found["Subscription Changed"]["after"] == {CITY: None}
	# that the secret is another is said, not which
	assert found["Connection Changed"]["after"] == {"api_key": "***", "api_secret": "***"}
	assert {row["came_from"] for row in found.values()} == {"Console"}


def change_much() -> None:
	import frappe

	doc = frappe.get_doc("Event Consumer", NOBODY_URL)
	doc.update({"paused": 1, "api_key": "new key", "api_secret": "new secret"})
	doc.consumer_doctypes[1].condition = "doc.docstatus == 1"
	doc.remove(doc.consumer_doctypes[0])
	doc.save()


def test_a_save_without_a_decision_leaves_none(site):
	site.run(save_again)

	assert site.run(decisions) == []


def save_again() -> None:
	import frappe

	frappe.get_doc("Event Consumer", NOBODY_URL).save()


def test_a_registration_is_the_other_sites_and_holds_no_secret(producer, consumer):
	with_orders(producer, consumer)
	for each in (producer, consumer):
		each.run(make_subscriber)
		each.run(forget_all)

	subscribe(consumer, producer, CITY, approve=False)

	there, here = one(producer), one(consumer)
	assert [there["decision"], there["came_from"], there["user"]] == ["Registered", "Other Site", SUBSCRIBER]
	assert there["after"]["consumer_doctypes"][CITY]["status"] == "Pending"
	assert [here["decision"], here["reference_name"]] == ["Subscription Changed", producer.url]
	for row in (there, here):
		assert not [key for key in KEYS if key in json.dumps(row, default=str)]


def test_what_was_refused_is_kept_though_the_request_is_undone(site):
	with pytest.raises(RestError):
		site.rest(SUBSCRIBER).update("Event Consumer", NOBODY_URL, {"paused": 1})

	row = one(site, NOBODY_URL)
	assert [row["decision"], row["outcome"], row["user"]] == [
		"Tried What Is Not Allowed",
		"Refused",
		SUBSCRIBER,
	]
	assert row["after"] == {"paused": 1}


@pytest.mark.parametrize("ending", ["commit", "rollback", "savepoint"])
def test_what_was_refused_is_kept_however_the_transaction_ends(site, ending):
	assert site.run(refuse_and_end, ending=ending) == 1
	assert len(site.run(decisions, about=ending)) == 1


def refuse_and_end(ending: str) -> int:
	import frappe

	from event_streaming.site import audit

	frappe.db.savepoint("of_the_test")
	audit.record_refused(audit.TRIED, "Event Consumer", ending, {"a": 1}, {"a": 2})
	if ending == "rollback":
		frappe.db.rollback()
	elif ending == "savepoint":
		frappe.db.rollback(save_point="of_the_test")
	frappe.db.commit()
	return frappe.db.count(LOG, {"reference_name": ending})


def test_what_is_undone_was_not_decided(site):
	with pytest.raises(RemoteError):
		site.run(approve_and_break)

	assert site.run(decisions, about=NOBODY_URL) == []


def approve_and_break() -> None:
	import frappe

	doc = frappe.get_doc("Event Consumer", NOBODY_URL)
	doc.consumer_doctypes[0].status = "Approved"
	doc.save()
	frappe.throw("broken off")


def test_settings_and_mappings_and_what_is_deleted(site):
	site.run(change, doctype=SETTINGS, name=SETTINGS, max_attempts=7)
	site.run(make_mapping_and_map)
	site.rest().delete("Event Consumer", NOBODY_URL)

	rows = [(row["decision"], row["reference_doctype"]) for row in site.run(decisions)]
	assert rows == [
		("Settings Changed", SETTINGS),
		("Mapping Changed", "Document Type Value Map"),
		("Mapping Changed", "Document Type Value Map"),
		("Mapping Changed", "Document Type Mapping"),
		("Deleted", "Document Type Mapping"),
		("Deleted", "Event Consumer"),
	]
	changed = site.run(decisions)[2]
	assert changed["before"] == {"pairs": {"a": {"local_value": "b"}}}
	assert changed["after"] == {"pairs": {"a": {"local_value": "c"}}}


def make_mapping_and_map() -> None:
	import frappe

	value_map = frappe.get_doc(
		{
			"doctype": "Document Type Value Map",
			"value_map_name": "Audited",
			"pairs": [{"remote_value": "a", "local_value": "b"}],
		}
	).insert()
	value_map.pairs[0].local_value = "c"
	value_map.save()
	mapping = frappe.get_doc(
		{
			"doctype": "Document Type Mapping",
			"mapping_name": "Audited",
			"local_doctype": CITY,
			"remote_doctype": CITY,
			"field_mapping": [{"local_fieldname": "title", "remote_fieldname": "title"}],
		}
	).insert()
	mapping.delete()


def test_what_a_person_does_about_events_is_there(producer, consumer):
	with_orders(producer, consumer)
	subscribe(consumer, producer, CITY)
	name = unique("city")
	for each in (consumer, producer):
		each.run(insert, doctype=CITY, title=name)
	pull(consumer, producer)
	consumer.run(forget_all)
	log = consumer.run(failed_log)
	client = consumer.rest()

	client.method(f"{SYNC_LOG}.resync_log", name=log)
	client.method(f"{SYNC_LOG}.adopt", name=log)

	rows = [(row["decision"], row["reference_name"], row["user"]) for row in consumer.run(decisions)]
	assert rows[0] == ("Resynced", str(log), "Administrator")
	assert ("Adopted", str(log), "Administrator") in rows
	assert consumer.run(decisions)[0]["after"]["document"] == name


def failed_log() -> str:
	import frappe

	return str(frappe.get_all("Event Sync Log", {"status": "Failed"}, pluck="name")[0])


@pytest.mark.parametrize("attempt", ["insert", "save", "delete", "rename", "rest"])
def test_nobody_changes_the_audit_log_not_even_administrator(site, attempt):
	site.run(decide, consumer_url=NOBODY_URL)
	before = site.run(decisions)
	assert before

	assert site.run(try_to, attempt=attempt, name=before[0]["name"]) == "PermissionError"
	if attempt == "rest":
		for call in (
			lambda client: client.delete(LOG, before[0]["name"]),
			lambda client: client.update(LOG, before[0]["name"], {"user": "Guest"}),
			lambda client: client.insert({"doctype": LOG, "decision": "Approved"}),
		):
			with pytest.raises(RestError) as refused:
				call(site.rest())
			assert refused.value.status == 403

	assert site.run(decisions) == before


def try_to(attempt: str, name: str) -> str:
	import frappe

	doc = frappe.get_doc(LOG, name)
	try:
		if attempt == "insert":
			frappe.get_doc({"doctype": LOG, "decision": "Approved"}).insert(ignore_permissions=True)
		elif attempt == "delete":
			frappe.delete_doc(LOG, name, force=True, ignore_permissions=True)
		elif attempt == "rename":
			frappe.rename_doc(LOG, name, "another", force=True)
		else:
			doc.user = "Guest"
			doc.save(ignore_permissions=True)
	except frappe.PermissionError as error:
		return type(error).__name__
	return ""


def test_log_settings_clear_it_after_a_year(site):
	site.run(decide, consumer_url=NOBODY_URL)
	site.run(change, doctype=SETTINGS, name=SETTINGS, max_attempts=8)
	site.run(make_older, about=NOBODY_URL, days=366)
	assert site.run(days_kept) == 365

	site.run("frappe.core.doctype.log_settings.log_settings.run_log_clean_up")

	assert [row["decision"] for row in site.run(decisions)] == ["Settings Changed"]


def make_older(about: str, days: int) -> None:
	import frappe

	older = frappe.utils.add_days(frappe.utils.now_datetime(), -days)
	frappe.db.set_value(LOG, {"reference_name": about}, "creation", older, update_modified=False)


def days_kept() -> int:
	import frappe

	settings = frappe.get_single("Log Settings")
	settings.save()
	return next(row.days for row in settings.logs_to_clear if row.ref_doctype == LOG)

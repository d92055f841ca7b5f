"""`event-streaming doctor`: what is wrong is found, with a remedy, and what is right is not complained about."""

import time

import pytest
from doctypes import CITY, ORDER, with_orders
from documents import change, delete, insert, read_doc, unique
from fake_producer import FakeProducer
from fake_site import FakeSite
from streams import SUBSCRIBER, make_event_producer, make_subscriber, pull, subscribe, wait_for

SETTINGS = "Event Streaming Settings"
# of a site whose worker and scheduler are not running, as in most tests
NO_WORKER = {("workers", "default"), ("workers", "long")}


@pytest.fixture(autouse=True)
def subscribed(producer, consumer):
	with_orders(producer, consumer)
	subscribe(consumer, producer, CITY, ORDER)
	for site in (producer, consumer):
		site.run(change, doctype=SETTINGS, name=SETTINGS, public_url=site.url)
		site.run(minute_has_passed)


def minute_has_passed() -> None:
	import frappe

	from event_streaming.admin.daily import awake

	awake.note_work()
	frappe.db.set_value(
		"Scheduled Job Type",
		{"method": "event_streaming.tasks.event_streaming_every_minute"},
		"last_execution",
		frappe.utils.now_datetime(),
	)


def examine(event_producer: str = "", event_consumer: str = "") -> list[dict]:
	"""Runs inside a site."""
	from dataclasses import asdict

	from event_streaming.admin.doctor.examination import examine as go_through

	return [asdict(each) for each in go_through(event_producer or None, event_consumer or None)]


def troubles(site, **names) -> dict[tuple[str, str], dict]:
	"""(check, subject) -> the finding, for those that need a person."""
	found = site.run(examine, **names)
	bad = {(each["check"], each["subject"]): each for each in found if each["level"] in ("warning", "fault")}
	assert all(each["remedy"] and each["message"] for each in bad.values())
	return bad


def test_two_sites_in_order_are_told_so(producer, consumer):
	pull(consumer, producer)

	for site in (producer, consumer):
		assert set(troubles(site)) == NO_WORKER
		site.start_worker()
	for site in (producer, consumer):
		wait_for(lambda site=site: not troubles(site), "a worker that takes jobs")
	checks = {each["check"] for each in consumer.run(examine, event_producer=producer.url)}
	assert checks == {
		"subscriber",
		"permissions",
		"connection",
		"clock",
		"versions",
		"registration",
		"fields",
	}
	for site in (producer, consumer):
		done = site.command("event-streaming", "doctor")
		assert "0 need a person" in done.stdout, done.stdout
		assert done.returncode == 0


def test_the_command_ends_with_a_code_and_shows_how_to_mend_it(producer, consumer):
	done = consumer.command("event-streaming", "doctor", "--quiet")

	assert done.returncode == 3
	assert "FAULT    workers: No background worker takes jobs of the queue default" in done.stdout
	assert "→ Start one: bench worker --queue default" in done.stdout
	assert "clock" not in done.stdout


def test_documents_that_will_not_fit_are_found_before_they_fail(producer, consumer):
	producer.run(add_field, fieldname="only_there", fieldtype="Data")
	consumer.run(add_field, fieldname="must_have", fieldtype="Data", reqd=1)
	try:
		found = consumer.run(examine, event_producer=producer.url)
	finally:
		producer.run(remove_fields)
		consumer.run(remove_fields)

	messages = [each["message"] for each in found if (each["check"], each["subject"]) == ("fields", CITY)]
	assert messages == [
		f"Fields of {CITY} are mandatory here and may be empty there: must_have. Documents without them fail. (ES-609)",
		f"{CITY} lacks fields here: only_there (Data). Their values are left out. (ES-611)",
	]


def add_field(**values) -> None:
	import frappe

	doc = {"doctype": "Custom Field", "dt": CITY, "label": values["fieldname"], **values}
	frappe.get_doc(doc).insert()


def remove_fields() -> None:
	import frappe

	for fieldname in ("only_there", "must_have"):
		for name in frappe.get_all("Custom Field", {"dt": CITY, "fieldname": fieldname}, pluck="name"):
			frappe.delete_doc("Custom Field", name)
		if frappe.db.has_column(CITY, fieldname):
			frappe.db.sql_ddl(f"ALTER TABLE `tab{CITY}` DROP COLUMN `{fieldname}`")
	frappe.clear_cache(doctype=CITY)


def test_a_right_that_is_missing_on_either_side_is_named(producer, consumer):
	producer.run(set_permission, read=0)
	consumer.run(set_permission, delete=0)
	try:
		here, there = troubles(consumer, event_producer=producer.url), troubles(producer)
	finally:
		producer.run(set_permission, read=1)
		consumer.run(set_permission, delete=1)

	assert f"has no right here to delete {CITY}" in here["permissions", CITY]["message"] or (
		"may not read" in here["permissions", CITY]["message"]
	)
	both = [
		each["message"]
		for each in consumer.run(examine, event_producer=producer.url)
		if each["check"] == "permissions" and each["level"] == "fault"
	]
	assert both == []
	assert f"{SUBSCRIBER} may not read {CITY} here" in there["permissions", CITY]["message"]


def set_permission(**rights) -> None:
	import frappe

	name = frappe.db.get_value("DocPerm", {"parent": CITY, "role": "System Manager"})
	frappe.db.set_value("DocPerm", name, rights)
	frappe.clear_cache(doctype=CITY)


def test_keys_that_do_not_fit_any_more_are_told_on_both_sides(producer, consumer):
	for site in (producer, consumer):
		site.run(make_subscriber, keys=["newkey", "newsecret"])
	try:
		here, there = troubles(consumer), troubles(producer)
	finally:
		for site in (producer, consumer):
			site.run(make_subscriber)

	assert here["keys", producer.url]["level"] == "fault"
	# the producer has a token of the consumer, which has nothing to do with the keys of a user
	assert ("keys", consumer.url) not in there


def test_a_token_that_is_not_accepted_any_more_is_told(producer, consumer):
	consumer.run(forget_token, event_producer=producer.url)

	assert "does not accept the token" in troubles(producer)["keys", consumer.url]["message"]


def forget_token(event_producer: str) -> None:
	from event_streaming.consumer.logs import state

	state.save_state(event_producer, token_hash="0" * 64, new_token_hash=None)


def test_a_secret_that_can_not_be_decrypted_is_told_and_stops_nothing_else(producer, consumer):
	consumer.run(spoil_secret, doctype="Event Producer", name=producer.url)
	producer.run(spoil_secret, doctype="Event Consumer", name=consumer.url)

	for site, other in ((consumer, producer), (producer, consumer)):
		assert "missing or can't be decrypted" in troubles(site)["keys", other.url]["message"]
	summary = consumer.run(pull_once, event_producer=producer.url)
	assert "missing or can't be decrypted" in summary["error"]
	state = consumer.run(read_doc, doctype="Event Producer Last Update", name=consumer.run(state_name))
	assert state["connection"] == "Refused"


def spoil_secret(doctype: str, name: str) -> None:
	"""As after a restore without the backup's encryption_key."""
	import frappe

	auth = frappe.qb.Table("__Auth")
	query = frappe.qb.update(auth).set(auth.password, "gAAAAABkb3NvbWV0aGluZ2Vsc2U=")
	query.where((auth.doctype == doctype) & (auth.name == name)).run()


def pull_once(event_producer: str) -> dict:
	from dataclasses import asdict

	from event_streaming.consumer.pull.loop import pull

	return asdict(pull(event_producer))


def state_name() -> str:
	import frappe

	return frappe.get_all("Event Producer Last Update", pluck="name")[0]


def test_a_record_that_is_gone_or_paused_there_is_told(producer, consumer):
	producer.run(change, doctype="Event Consumer", name=consumer.url, paused=1)
	assert "paused this site" in troubles(consumer)["registration", producer.url]["message"]

	producer.run(delete, doctype="Event Consumer", name=consumer.url)
	assert "is not registered" in troubles(consumer)["registration", producer.url]["message"]


class OtherSite(FakeSite):
	"""A site that answers what a test wants it to be."""

	def __init__(self, **facts):
		super().__init__()
		self.facts = facts

	def content_for(self, request):
		import json

		if request.path.endswith("site_facts") and self.facts:
			return 200, json.dumps({"message": self.facts}).encode()
		return super().content_for(request)


def test_clock_versions_and_address_of_another_site_are_compared(producer, consumer):
	with OtherSite(site="http://wrong.example", app="9.9.9", frappe="99", now=time.time() - 3600) as other:
		found = producer.run(ask, url=other.url)

	assert {each["check"]: each["level"] for each in found} == {
		"connection": "ok",
		"address": "warning",
		"clock": "warning",
		"versions": "warning",
	}
	assert "seconds behind this one" in next(each["message"] for each in found if each["check"] == "clock")


@pytest.mark.parametrize("facts", [{}, {"now": "soon"}])
def test_a_site_that_knows_no_doctor_is_no_fault(producer, facts):
	with OtherSite(**facts) as other:
		(finding,) = producer.run(ask, url=other.url)

	assert (finding["check"], finding["level"]) == ("versions", "note")


def ask(url: str) -> list[dict]:
	from dataclasses import asdict

	from event_streaming.admin.doctor.other_site import ask
	from event_streaming.http.client import SiteClient

	return [asdict(each) for each in ask(SiteClient(url, "key", "secret"), url).findings]


def test_a_producer_that_sends_nonsense_about_its_doctypes_is_told_and_stops_nothing(consumer):
	with FakeProducer(CITY) as fake:
		consumer.run(make_event_producer, url=fake.url, rows=[{"ref_doctype": CITY, "use_same_name": 1}])
		found = consumer.run(examine, event_producer=fake.url)

	assert found[-1]["check"] == "versions"


def test_a_pull_that_stands_still_is_found(producer, consumer):
	other = consumer.shell()
	assert other.run(take_lock, event_producer=producer.url, commit=False)

	found = consumer.run(stuck_locks)
	other.stop()

	assert [each["level"] for each in found] == ["fault"]
	assert f"The pull from {producer.url} has been stuck" in found[0]["message"]
	assert "KILL" in found[0]["remedy"] or "pg_terminate_backend" in found[0]["remedy"]


def take_lock(event_producer: str) -> bool:
	from event_streaming.database.locks import advisory_lock

	lock = advisory_lock(f"pull:{event_producer}")
	# kept, or it would be given back at once
	globals()["kept"] = lock
	return lock.__enter__()


def stuck_locks() -> list[dict]:
	"""With no patience at all: what holds a lock now is stuck."""
	from dataclasses import asdict
	from unittest.mock import patch

	from event_streaming.admin.doctor import this_site

	with patch.object(this_site, "STUCK_SECONDS", -1):
		return [asdict(each) for each in this_site.locks()]


def test_what_stands_still_on_this_site_is_found(producer, consumer):
	consumer.run(let_everything_stand, event_producer=producer.url)
	try:
		found = troubles(consumer)
	finally:
		consumer.run(go_on)

	assert {check for check, _subject in found} >= {
		"scheduler",
		"retention",
		"positions",
		"retries",
	}


def let_everything_stand(event_producer: str) -> None:
	import frappe

	frappe.db.set_single_value("Event Streaming Settings", "public_url", "")
	frappe.db.delete("Logs To Clear", {"ref_doctype": "Event Update Log"})
	frappe.db.set_value(
		"Scheduled Job Type",
		{"method": "event_streaming.tasks.event_streaming_every_minute"},
		"last_execution",
		"2020-01-01 00:00:00",
	)
	frappe.db.delete("Logs To Clear", {"ref_doctype": "Event Sync Log"})
	for doctype, values in (
		("Event Update Log", {"update_type": "Delete", "ref_doctype": CITY, "docname": "x", "position": 0}),
		(
			"Event Sync Log",
			{"status": "Retrying", "event_producer": event_producer, "next_retry": "2020-01-01"},
		),
	):
		doc = frappe.get_doc({"doctype": doctype, **values})
		doc.flags.ignore_links = doc.flags.ignore_mandatory = True
		doc.insert(ignore_permissions=True)
		frappe.db.set_value(doctype, doc.name, "creation", "2020-01-01", update_modified=False)


def go_on() -> None:
	import frappe

	settings = frappe.get_single("Log Settings")
	for doctype in ("Event Update Log", "Event Sync Log"):
		settings.register_doctype(doctype, 60)
	settings.save()


def test_an_address_that_nobody_has_set_is_found(consumer):
	assert consumer.run(guessed_address)["level"] == "warning"


def guessed_address() -> dict:
	from dataclasses import asdict

	import frappe

	from event_streaming.admin.doctor import this_site

	frappe.db.set_single_value("Event Streaming Settings", "public_url", "")
	frappe.clear_document_cache("Event Streaming Settings", "Event Streaming Settings")
	frappe.local.conf.host_name = None
	return asdict(this_site.address())


def test_a_doctype_that_went_with_its_app_is_named_and_the_rest_is_looked_at(producer, consumer):
	consumer.run(name_row_anew, event_producer=producer.url, doctype=ORDER, new="Gone With Its App")

	found = consumer.run(examine, event_producer=producer.url)

	[gone] = [each for each in found if each["subject"] == "Gone With Its App"]
	assert (gone["level"], "does not exist here" in gone["message"]) == ("fault", True)
	# what comes last, and needs the producer
	assert ("fields", CITY, "ok") in {(each["check"], each["subject"], each["level"]) for each in found}


def name_row_anew(event_producer: str, doctype: str, new: str) -> None:
	import frappe

	row = {"parent": event_producer, "ref_doctype": doctype}
	frappe.db.set_value("Event Producer Document Type", row, "ref_doctype", new)
	frappe.clear_document_cache("Event Producer", event_producer)


def test_what_can_not_be_looked_at_keeps_nothing_else_from_being_looked_at(producer, consumer):
	"""Neither for a person nor in the daily look, which would tell of nothing any more; and what it could not see is not gone."""
	found, kept = consumer.run(look_broken_off, event_producer=producer.url)

	[broken] = [message for check, message in found if check == "examination"]
	assert producer.url in broken and "the disk of the sun" in broken
	assert "retention" in {check for check, _message in found}
	assert {("examination", producer.url), ("naming", "Seen Yesterday")} <= {tuple(each) for each in kept}


def look_broken_off(event_producer: str) -> list:
	"""(check, message) of all findings, had one check of the producer an error; and what the daily look keeps then."""
	import frappe

	from event_streaming.admin.daily import looking
	from event_streaming.admin.doctor import examination, producers
	from event_streaming.admin.doctor.finding import FAULT, Finding

	def broken(*_args):
		raise KeyError("the disk of the sun")

	looking.keep([Finding("naming", "Seen Yesterday", FAULT, "?", "?")])
	frappe.db.commit()
	original, producers.rights = producers.rights, broken
	try:
		found = [[each.check, each.message] for each in examination.examine()]
		looking.look_once_a_day()
	finally:
		producers.rights = original
	kept = frappe.get_all("Event Streaming Finding", fields=["looked_at", "subject"])
	frappe.db.delete("Event Streaming Finding")
	frappe.db.commit()
	return [found, [[row.looked_at, row.subject] for row in kept]]


def test_the_same_over_rest_for_one_site(producer, consumer):
	found = consumer.rest().method("event_streaming.api.doctor", event_producer=producer.url)

	assert {each["level"] for each in found} == {"ok"}
	name = producer.run(insert, doctype=CITY, title=unique("City"))
	pull(consumer, producer)
	assert consumer.run(read_doc, doctype=CITY, name=name)


def examine_key(without: bool) -> dict:
	"""Of this alone: whatever needs a secret would have Frappe make another key."""
	from dataclasses import asdict

	import frappe

	from event_streaming.admin.doctor import this_site

	key = frappe.local.conf.encryption_key
	if without:
		frappe.local.conf.pop("encryption_key")
	try:
		return asdict(this_site.encryption_key())
	finally:
		frappe.local.conf.encryption_key = key


def test_a_site_without_a_key_for_its_secrets_is_told_so(producer):
	assert "encryption key" in {each["check"] for each in producer.run(examine)}
	assert producer.run(examine_key, without=False)["level"] == "ok"

	found = producer.run(examine_key, without=True)

	assert found["level"] == "fault" and "encryption_key" in found["message"] and "migrate" in found["remedy"]


@pytest.mark.parametrize(
	("roles", "level", "word"),
	[
		(["System Manager"], "note", "System Manager"),
		(["Event Subscriber", "System Manager"], "note", "Event Subscriber"),
		(["Event Subscriber"], "ok", "in order"),
		([], "fault", "Event Subscriber"),
	],
)
def test_what_the_user_of_a_consumer_needs_and_what_is_more(producer, consumer, roles, level, word):
	producer.run(set_roles, roles=roles)
	try:
		found = producer.run(examine, event_consumer=consumer.url)
	finally:
		producer.run(set_roles, roles=["System Manager"])

	[finding] = [each for each in found if each["check"] == "subscriber"]
	assert finding["level"] == level and word in finding["message"]


def set_roles(roles: list) -> None:
	import frappe

	user = frappe.get_doc("User", SUBSCRIBER)
	user.set("roles", [])
	user.add_roles(*roles)


def test_a_consumer_in_the_name_of_administrator_is_a_warning(producer, consumer):
	producer.run(set_user, url=consumer.url, user="Administrator")

	assert (
		"Administrator"
		in troubles(producer, event_consumer=consumer.url)["subscriber", "Administrator"]["message"]
	)


def set_user(url: str, user: str) -> None:
	import frappe

	frappe.db.set_value("Event Consumer", url, "user", user)
	frappe.clear_document_cache("Event Consumer", url)

"""A consumer that runs the old app is answered in the old format, and misses nothing either."""

import json

import pytest
from doctypes import CITY, ORDER, with_orders
from documents import change, delete, insert, unique
from streams import make_subscriber

from sandbox.sites.rest import RestError

OLD = "event_streaming.event_streaming.doctype"
REGISTER = f"{OLD}.event_consumer.event_consumer.register_consumer"
GET_LOGS = f"{OLD}.event_update_log.event_update_log.get_update_logs_for_consumer"
CALLBACK = "http://old-consumer.example"
USER = "stream@example.com"


class OldConsumer:
	"""What the old app sends, and how it goes through what it gets."""

	def __init__(self, producer, *doctypes, condition: str | None = None, approve: bool = True):
		self.producer, self.doctypes = producer, [doctype for doctype in doctypes]
		entries = [{"doctype": doctype, "condition": condition} for doctype in doctypes]
		data = {
			"event_consumer": CALLBACK,
			"consumer_doctypes": json.dumps(entries),
			"user": USER,
			"api_key": "key",
			"api_secret": "secret",
		}
		self.answer = json.loads(producer.rest(USER).method(REGISTER, data=json.dumps(data)))
		self.last_update = self.answer["last_update"]
		if approve:
			producer.run(approve_all)

	def read(self, **arguments) -> list[dict]:
		arguments = {"doctypes": json.dumps(self.doctypes), "last_update": self.last_update, **arguments}
		logs = self.producer.rest(USER).method(GET_LOGS, event_consumer=CALLBACK, **arguments)
		for log in logs:
			self.last_update = log["creation"]
		return logs

	def read_kinds(self) -> list[tuple]:
		return [(log["update_type"], log["docname"]) for log in self.read()]


def approve_all() -> None:
	import frappe

	doc = frappe.get_doc("Event Consumer", CALLBACK)
	for row in doc.consumer_doctypes:
		row.status = "Approved"
	doc.save()


def look_at_consumer() -> dict:
	import frappe

	doc = frappe.get_doc("Event Consumer", CALLBACK)
	return {
		"user": doc.user,
		"protocol": doc.protocol,
		"rows": [[row.ref_doctype, row.status, row.condition] for row in doc.consumer_doctypes],
	}


@pytest.fixture(params=["System Manager", "Event Subscriber"])
def site(producer, request):
	"""As the older app has it, and with no more rights than are needed."""
	with_orders(producer)
	producer.run(make_subscriber)
	producer.run(set_role, role=request.param)
	yield producer
	producer.run(set_role, role="System Manager")


def set_role(role: str) -> None:
	import frappe

	user = frappe.get_doc("User", USER)
	user.set("roles", [])
	user.add_roles(role)
	for doctype in (CITY, ORDER):
		# copies of the DocType's rules, where another test has made them, would count instead
		frappe.db.delete("Custom DocPerm", {"parent": doctype})
		# kept: this role has no other right to anything
		if not frappe.db.exists("DocPerm", {"parent": doctype, "role": "Event Subscriber"}):
			meta = frappe.get_doc("DocType", doctype)
			meta.append("permissions", {"role": "Event Subscriber", "read": 1})
			meta.save()
	frappe.clear_cache()


def make_city(site, **values) -> str:
	return site.run(insert, doctype=CITY, title=unique("city"), **values)


def test_registering_makes_a_pending_consumer_and_answers_with_a_time(site):
	old = OldConsumer(site, CITY, ORDER, approve=False)

	consumer = site.run(look_at_consumer)
	assert old.answer.keys() == {"last_update"} and old.last_update
	assert consumer["protocol"] == 1
	assert consumer["rows"] == [[CITY, "Pending", None], [ORDER, "Pending", None]]


def test_an_old_consumer_cannot_approve_itself_through_the_document(site):
	OldConsumer(site, CITY, approve=False)

	rows = [{"ref_doctype": CITY, "status": "Approved"}, {"ref_doctype": ORDER, "status": "Approved"}]
	site.rest(USER).update("Event Consumer", CALLBACK, {"consumer_doctypes": rows, "incoming_change": 1})

	assert [row[1] for row in site.run(look_at_consumer)["rows"]] == ["Pending", "Pending"]


def test_a_changed_condition_puts_only_that_doctype_back_to_pending(site):
	OldConsumer(site, CITY, ORDER)

	rows = [{"ref_doctype": CITY, "condition": "doc.country_name == 'Siam'"}, {"ref_doctype": ORDER}]
	site.rest(USER).update("Event Consumer", CALLBACK, {"consumer_doctypes": rows, "incoming_change": 1})

	assert [row[1] for row in site.run(look_at_consumer)["rows"]] == ["Pending", "Approved"]


def test_logs_have_the_old_keys_and_come_oldest_first(site):
	old = OldConsumer(site, CITY)
	city = make_city(site)
	site.run(change, doctype=CITY, name=city, country_name="Siam")
	site.run(delete, doctype=CITY, name=city)

	logs = old.read()

	assert [(log["update_type"], log["docname"]) for log in logs] == [
		("Create", city),
		("Update", city),
		("Delete", city),
	]
	assert all(
		log.keys() == {"update_type", "ref_doctype", "docname", "data", "name", "creation"} for log in logs
	)
	assert json.loads(logs[0]["data"])["doctype"] == CITY
	assert json.loads(logs[1]["data"])["changed"]["country_name"] == "Siam"
	assert old.read() == []


def test_an_event_that_commits_late_is_not_missed(site):
	old = OldConsumer(site, CITY)
	shell = site.shell()
	slow = shell.run(insert, doctype=CITY, title=unique("slow"), commit=False)
	quick = make_city(site)
	first = old.read_kinds()
	shell.commit()

	assert first == [("Create", quick)]
	assert old.read_kinds() == [("Create", slow)]


def test_only_what_is_both_asked_for_and_approved_is_sent(site):
	old = OldConsumer(site, CITY)
	city = make_city(site)
	site.run(insert, doctype=ORDER, title=unique("o"))
	old.doctypes = [ORDER, CITY, "User"]

	assert old.read_kinds() == [("Create", city)]


def test_a_document_that_comes_to_meet_its_condition_brings_its_older_events_and_the_time_does_not_go_back(
	site,
):
	old = OldConsumer(site, ORDER, condition="doc.urgent == 1")
	order = site.run(insert, doctype=ORDER, title=unique("o"))
	assert old.read() == []
	site.run(change, doctype=ORDER, name=order, urgent=1)

	logs = old.read()

	assert [log["update_type"] for log in logs] == ["Create", "Update"]
	times = [log["creation"] for log in logs]
	assert times == sorted(times)
	assert old.read() == []


def test_a_rename_is_a_delete_of_the_old_name_and_a_create_of_the_new(site):
	old = OldConsumer(site, CITY)
	city, town = make_city(site, country_name="Siam"), unique("town")
	old.read()
	site.run(rename_city, old=city, new=town)

	logs = old.read()

	assert [(log["update_type"], log["docname"]) for log in logs] == [("Delete", city), ("Create", town)]
	assert json.loads(logs[1]["data"])["country_name"] == "Siam"


def test_a_consumer_that_nothing_is_meant_for_does_not_keep_the_log_from_being_cleared(site):
	old = OldConsumer(site, CITY)
	site.run(add_events_of_another_doctype)
	asked_for_all, old.doctypes = old.doctypes, [ORDER]

	old.read()
	not_asked_for = site.run(position_and_head)
	old.doctypes = asked_for_all
	old.read()

	assert not_asked_for[0] < not_asked_for[1]
	position, head = site.run(position_and_head)
	assert position == head
	assert old.read_kinds() == []
	city = make_city(site)
	assert old.read_kinds() == [("Create", city)]


def add_events_of_another_doctype() -> None:
	from event_streaming.producer.capture.log import write

	for number in range(10):
		write(ORDER, f"order {number}", "Delete", None)


def position_and_head() -> list[int]:
	import frappe

	from event_streaming.producer.log.sequence import assign_positions

	frappe.db.commit()
	return [frappe.db.get_value("Event Consumer", CALLBACK, "position"), assign_positions()]


def test_a_document_that_was_renamed_and_is_gone_since_does_not_stop_the_stream(site):
	old = OldConsumer(site, ORDER)
	order = site.run(insert, doctype=ORDER, title=unique("o"))
	old.read()
	town = unique("town")
	site.run(rename_order, old=order, new=town)
	site.run(delete, doctype=ORDER, name=town)

	assert old.read_kinds() == [("Delete", order), ("Delete", town)]


def rename_order(old: str, new: str) -> None:
	import frappe

	frappe.rename_doc(ORDER, old, new)


def rename_city(old: str, new: str) -> None:
	import frappe

	frappe.rename_doc(CITY, old, new)


@pytest.mark.parametrize("last_update", ["", "yesterday", "2026-99-99"])
def test_a_last_update_that_is_no_time_is_refused_with_what_to_give(site, last_update):
	old = OldConsumer(site, CITY)

	with pytest.raises(RestError) as refused:
		old.read(last_update=last_update)

	assert "last_update" in str(refused.value)


def test_only_the_consumers_own_user_is_answered(site):
	old = OldConsumer(site, CITY)

	with pytest.raises(RestError) as refused:
		site.rest().method(
			GET_LOGS, event_consumer=CALLBACK, doctypes=json.dumps([CITY]), last_update=old.last_update
		)

	assert refused.value.status == 403


def test_the_paths_of_frappe_13_are_answered_too(site):
	old = OldConsumer(site, CITY)
	city = make_city(site)

	logs = site.rest(USER).method(
		"frappe." + GET_LOGS.removeprefix("event_streaming."),
		event_consumer=CALLBACK,
		doctypes=json.dumps([CITY]),
		last_update=old.last_update,
	)

	assert [log["docname"] for log in logs] == [city]

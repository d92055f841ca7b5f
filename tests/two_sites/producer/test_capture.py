"""Whatever changes a document of a streamed DocType is one event, in the transaction of the change; nothing else is."""

import json

import pytest
from doctypes import CITY, ORDER, make_doctype, with_orders
from documents import insert, unique
from logs import with_statements
from streams import NOBODY_URL, stream, stream_orders

SINGLE = "Streamed Single"


def events_of(doctype: str, name: str) -> list[dict]:
	import frappe

	return frappe.get_all(
		"Event Update Log",
		filters={"ref_doctype": doctype, "docname": name},
		fields=["update_type", "data", "origin", "position", "owner"],
		order_by="name asc",
		limit=0,
	)


@pytest.fixture
def site(producer):
	with_orders(producer)
	producer.run(stream_orders)
	return producer


def events(site, name: str, doctype: str = ORDER) -> list[tuple]:
	"""(update type, data) of a document's events, oldest first."""
	rows = site.run(events_of, doctype=doctype, name=name)
	return [(row["update_type"], json.loads(row["data"]) if row["data"] else None) for row in rows]


def make_order(site, **values) -> str:
	rows = [{"item": "bolt", "qty": 1.5}, {"item": "nut", "qty": 2}]
	return site.run(insert, doctype=ORDER, **{"title": unique("order"), "rows": rows, **values})


def without_stamps(change: dict) -> dict:
	changed = {k: v for k, v in change.get("changed", {}).items() if k not in ("modified", "modified_by")}
	rest = {k: v for k, v in change.items() if k != "changed"}
	return {**({"changed": changed} if changed else {}), **rest}


# ---------------------------------------------------------------- create


def test_an_insert_is_one_create_with_the_whole_document(site):
	name = make_order(site, total=12.5, urgent=1, due="2026-01-02 03:04:05", day="2026-01-02", secret="hush")

	((update_type, data),) = events(site, name)

	assert update_type == "Create"
	assert data["doctype"] == ORDER and data["name"] == name and data["docstatus"] == 0
	assert (data["total"], data["urgent"], data["due"], data["day"]) == (
		12.5,
		1,
		"2026-01-02 03:04:05",
		"2026-01-02",
	)
	assert data["owner"] == data["modified_by"] == "Administrator" and data["creation"] and data["modified"]
	assert [(row["idx"], row["item"], row["qty"]) for row in data["rows"]] == [
		(1, "bolt", 1.5),
		(2, "nut", 2.0),
	]
	assert all(row["name"] for row in data["rows"])


def test_passwords_never_enter_the_log(site):
	name = make_order(site, secret="hush")
	site.run(change_password, name=name)

	logged = site.run(events_of, doctype=ORDER, name=name)

	assert len(logged) == 1
	assert "secret" not in json.loads(logged[0]["data"]) and "hush" not in logged[0]["data"]


def change_password(name: str) -> None:
	import frappe

	doc = frappe.get_doc(ORDER, name)
	doc.secret = "hush, hush"
	doc.save()


def test_a_rolled_back_change_leaves_no_event(site):
	name = site.run(insert_and_roll_back)

	assert events(site, name) == []


def insert_and_roll_back() -> str:
	import frappe

	name = frappe.get_doc({"doctype": ORDER, "title": "never"}).insert().name
	frappe.db.rollback()
	return name


def test_insert_and_submit_of_one_object_says_that_it_is_submitted(site):
	name = site.run(insert_and_submit)

	(create, data), (update, change) = events(site, name)

	assert (create, data["docstatus"]) == ("Create", 0)
	assert (update, without_stamps(change)) == ("Update", {"changed": {"docstatus": 1}})


def insert_and_submit() -> str:
	import frappe

	doc = frappe.get_doc({"doctype": ORDER, "title": "x", "rows": [{"item": "a", "qty": 1}]}).insert()
	doc.submit()
	return doc.name


def test_a_document_inserted_as_submitted_is_one_create(site):
	name = site.run(insert_submitted)

	((update_type, data),) = events(site, name)

	assert (update_type, data["docstatus"]) == ("Create", 1)


def insert_submitted() -> str:
	import frappe

	doc = frappe.get_doc({"doctype": ORDER, "title": "x", "docstatus": 1})
	return doc.insert().name


def test_a_document_that_was_there_and_was_not_written_again_is_no_event(site):
	name = site.run(insert, doctype=CITY, title=unique("city"), country_name="Siam")

	site.run(insert_over, name=name)

	(create, data), (update, change) = events(site, name, CITY)
	assert (create, data["country_name"]) == ("Create", "Siam")
	assert (update, without_stamps(change)) == ("Update", {"changed": {"country_name": "Burma"}})


def insert_over(name: str) -> None:
	import frappe

	doc = frappe.get_doc({"doctype": CITY, "title": name, "country_name": "Laos"})
	doc.insert(ignore_if_duplicate=True)
	doc.db_set("country_name", "Burma")


def test_an_ordinary_insert_reads_nothing_back(site):
	assert site.run(read_back, doctype=ORDER) == []


def read_back(doctype: str) -> list[str]:
	import frappe

	_result, seen = with_statements(lambda: frappe.get_doc({"doctype": doctype, "title": "x"}).insert())
	return [query for query in seen if f"tab{doctype}`" in query and "FOR UPDATE" in query.upper()]


def test_a_document_inserted_again_after_its_delete_is_a_create_again(site):
	name = site.run(insert_delete_insert)

	assert [update_type for update_type, _data in events(site, name, CITY)] == ["Create", "Delete", "Create"]


def insert_delete_insert() -> str:
	import uuid

	import frappe

	doc = frappe.get_doc({"doctype": CITY, "title": uuid.uuid4().hex}).insert()
	frappe.delete_doc(CITY, doc.name)
	doc.flags.name_set = False
	return doc.insert().name


# ---------------------------------------------------------------- update


def test_a_save_is_the_difference_by_field_and_by_row(site):
	name = make_order(site)
	site.run(change_all_kinds, name=name)

	_create, (update_type, change) = events(site, name)
	create_rows = _create[1]["rows"]

	assert update_type == "Update"
	assert without_stamps(change)["changed"] == {"note": "new", "total": 3.25}
	assert change["removed"] == {"rows": [create_rows[1]["name"]]}
	assert change["row_changed"] == {"rows": [{"name": create_rows[0]["name"], "qty": 7.0}]}
	(added,) = change["added"]["rows"]
	assert (added["item"], added["idx"], added["qty"]) == ("washer", 2, 3.0) and added["name"]
	assert change["changed"]["modified"] > _create[1]["modified"]


def change_all_kinds(name: str) -> None:
	import frappe

	doc = frappe.get_doc(ORDER, name)
	doc.note, doc.total = "new", 3.25
	doc.rows[0].qty = 7
	doc.remove(doc.rows[1])
	doc.append("rows", {"item": "washer", "qty": 3})
	doc.save()


def test_a_save_without_a_change_logs_nothing(site):
	name = make_order(site, total=12.5, urgent=1, due="2026-01-02 03:04:05", day="2026-01-02")
	site.run(save_as_the_form_does, name=name)

	assert len(events(site, name)) == 1


def save_as_the_form_does(name: str) -> None:
	"""Everything comes as text or JSON from a browser; nothing is meant to change."""
	import frappe

	doc = frappe.get_doc(ORDER, name)
	doc.save()
	values = json.loads(doc.as_json())
	again = frappe.get_doc(values)
	again.urgent, again.total, again.note, again.due = "1", "12.50", "", "2026-01-02 03:04:05"
	again.rows[0].qty = "1.5"
	again.save()
	again.save()


def test_a_pure_reorder_of_rows_is_an_update(site):
	name = make_order(site)
	site.run(reorder, name=name)

	_create, (_update, change) = events(site, name)
	first, second = _create[1]["rows"]

	assert without_stamps(change) == {
		"row_changed": {
			"rows": [{"name": second["name"], "idx": 1}, {"name": first["name"], "idx": 2}],
		}
	}


def reorder(name: str) -> None:
	import frappe

	doc = frappe.get_doc(ORDER, name)
	doc.rows.reverse()
	for number, row in enumerate(doc.rows, start=1):
		row.idx = number
	doc.save()


def test_two_saves_of_one_object_are_two_updates(site):
	name = make_order(site)
	site.run(save_twice, name=name)

	changes = [without_stamps(data) for _type, data in events(site, name)[1:]]

	assert changes == [{"changed": {"note": "one"}}, {"changed": {"note": "two"}}]


def save_twice(name: str) -> None:
	import frappe

	doc = frappe.get_doc(ORDER, name)
	doc.note = "one"
	doc.save()
	doc.note = "two"
	doc.save()


def test_submit_update_after_submit_and_cancel_are_logged(site):
	name = make_order(site)
	site.run(submit_update_cancel, name=name)

	changes = [without_stamps(data) for _type, data in events(site, name)[1:]]

	assert changes == [
		{"changed": {"docstatus": 1}},
		{"changed": {"note": "late"}},
		{"changed": {"docstatus": 2}},
	]


def submit_update_cancel(name: str) -> None:
	import frappe

	doc = frappe.get_doc(ORDER, name)
	doc.submit()
	doc = frappe.get_doc(ORDER, name)
	doc.note = "late"
	doc.save()
	doc.cancel()


# ---------------------------------------------------------------- db_set


def test_db_set_is_logged_each_time_with_what_it_set(site):
	name = make_order(site)
	site.run(db_set_several, name=name)

	changes = [without_stamps(data) for _type, data in events(site, name)[1:]]

	assert changes == [
		{"changed": {"note": "one"}},
		{"changed": {"note": "two"}},
		{"changed": {"total": 5.0, "urgent": 1}},
		{"changed": {"note": "three"}},
	]


def db_set_several(name: str) -> None:
	import frappe

	doc = frappe.get_doc(ORDER, name)
	doc.db_set("note", "one")
	doc.db_set("note", "two")
	doc.db_set("note", "two")
	doc.db_set({"total": 5, "urgent": 1})
	doc.reload()
	doc.db_set("note", "three", update_modified=False)


def test_db_set_after_insert_and_after_save_of_one_object_is_logged(site):
	name = site.run(insert_db_set_save_db_set)

	changes = [without_stamps(data) for _type, data in events(site, name)[1:]]

	assert changes == [{"changed": {"note": value}} for value in ("one", "two", "three")]


def insert_db_set_save_db_set() -> str:
	import frappe

	doc = frappe.get_doc({"doctype": ORDER, "title": "x"}).insert()
	doc.db_set("note", "one")
	doc.note = "two"
	doc.save()
	doc.db_set("note", "three")
	return doc.name


def test_db_set_does_not_log_what_is_only_in_memory(site):
	name = make_order(site)
	site.run(db_set_beside_unsaved_value, name=name)

	changes = [without_stamps(data) for _type, data in events(site, name)[1:]]

	assert changes == [{"changed": {"note": "stored"}}]


def db_set_beside_unsaved_value(name: str) -> None:
	import frappe

	doc = frappe.get_doc(ORDER, name)
	doc.total = 99
	doc.rows[0].qty = 99
	doc.db_set("note", "stored")


def test_db_set_of_a_stale_object_does_not_take_back_what_others_changed(site):
	name = make_order(site)
	site.run(db_set_of_stale_object, name=name)

	changes = [without_stamps(data) for _type, data in events(site, name)[1:]]

	assert changes == [{"changed": {"total": 8.0}}, {"changed": {"note": "mine"}}]


def db_set_of_stale_object(name: str) -> None:
	import frappe

	stale = frappe.get_doc(ORDER, name)
	other = frappe.get_doc(ORDER, name)
	other.total = 8
	other.save()
	stale.db_set("note", "mine")


def test_db_set_repeated_after_a_rollback_is_logged(site):
	name = make_order(site)
	site.run(db_set_again_after_rollback, name=name)

	changes = [without_stamps(data) for _type, data in events(site, name)[1:]]

	assert changes == [{"changed": {"note": "again"}}]


def db_set_again_after_rollback(name: str) -> None:
	import frappe

	doc = frappe.get_doc(ORDER, name)
	doc.db_set("note", "again")
	frappe.db.rollback()
	doc.db_set("note", "again")


# ---------------------------------------------------------------- what hooks of the document itself do


def hooked_class():
	"""Gives orders a controller whose hooks do what a test wants."""
	import frappe
	from frappe.model.document import Document

	class Hooked(Document):
		def after_insert(self):
			self.act("after_insert")

		def on_update(self):
			self.act("on_update")

		def on_submit(self):
			self.act("on_submit")

		def act(self, event):
			todo = frappe.flags.hooked or {}
			if action := todo.pop(event, None):
				action(self)

	return Hooked


def with_hook(event: str, action, work):
	"""Runs `work` while the controller of orders does `action` once in its hook `event`."""
	import frappe

	site = getattr(frappe.local, "site", None)
	controllers = frappe.controllers
	place = controllers.setdefault(site, {}) if site in controllers or not controllers else controllers
	before = place.get(ORDER)
	place[ORDER] = hooked_class()
	frappe.flags.hooked = {event: action}
	try:
		return work()
	finally:
		frappe.flags.hooked = None
		if before:
			place[ORDER] = before
		else:
			place.pop(ORDER, None)


def new_order(docstatus: int = 0) -> str:
	import frappe

	doc = frappe.get_doc({"doctype": ORDER, "title": "x", "rows": [{"item": "a", "qty": 1}]}).insert()
	if docstatus:
		doc.submit()
	return doc.name


def set_note(doc) -> None:
	doc.db_set("note", "by the hook")


def test_db_set_in_after_insert_comes_after_the_create(site):
	name = site.run(insert_with_db_set_in_after_insert)

	kinds = events(site, name)

	assert [kind for kind, _data in kinds] in (["Create"], ["Create", "Update"])
	assert kinds[-1][1].get("changed", kinds[-1][1])["note"] == "by the hook"
	assert len(kinds[0][1]["rows"]) == 1


def insert_with_db_set_in_after_insert() -> str:
	return with_hook("after_insert", set_note, new_order)


def test_db_set_in_on_update_of_an_insert_is_logged(site):
	name = site.run(insert_with_db_set_in_on_update)

	(_create, data), (_update, change) = events(site, name)

	assert not data["note"]
	assert without_stamps(change) == {"changed": {"note": "by the hook"}}


def insert_with_db_set_in_on_update() -> str:
	return with_hook("on_update", set_note, new_order)


def test_db_set_in_on_submit_is_logged_together_with_the_submit(site):
	name = site.run(submit_with_db_set_in_on_submit)

	total: dict = {}
	for kind, change in events(site, name)[1:]:
		assert kind == "Update"
		total.update(without_stamps(change)["changed"])

	assert total == {"docstatus": 1, "note": "by the hook"}


def submit_with_db_set_in_on_submit() -> str:
	return with_hook("on_submit", set_note, new_submitted_order)


def new_submitted_order() -> str:
	return new_order(docstatus=1)


def test_what_a_hook_sets_in_memory_only_is_not_logged(site):
	name = site.run(save_with_value_set_in_memory)

	_create, (_update, change) = events(site, name)

	assert without_stamps(change) == {"changed": {"title": "saved"}}


def save_with_value_set_in_memory() -> str:
	def remember(doc):
		doc.total = 77
		doc.rows[0].qty = 77

	return save_title_with(remember)


def save_title_with(action) -> str:
	import frappe

	name = new_order()

	def work():
		doc = frappe.get_doc(ORDER, name)
		doc.title = "saved"
		doc.save()
		return name

	return with_hook("on_update", action, work)


def test_a_save_inside_the_objects_own_save_loses_neither_change(site):
	name = site.run(save_again_in_on_update)

	merged: dict = {}
	for _kind, change in events(site, name)[1:]:
		merged.update(without_stamps(change)["changed"])

	assert merged == {"title": "saved", "note": "inner"}


def save_again_in_on_update() -> str:
	def again(doc):
		doc.note = "inner"
		doc.save()

	return save_title_with(again)


def test_a_save_of_another_object_inside_a_save_ends_with_what_is_stored(site):
	name = site.run(save_other_object_in_on_update)

	merged: dict = {}
	for _kind, change in events(site, name)[1:]:
		merged.update(without_stamps(change)["changed"])

	assert merged == site.run(stored_values, name=name)


def save_other_object_in_on_update() -> str:
	def other(doc):
		import frappe

		twin = frappe.get_doc(ORDER, doc.name)
		twin.title, twin.note = "inner", "inner"
		twin.save()

	return save_title_with(other)


def stored_values(name: str) -> dict:
	import frappe

	return frappe.db.get_value(ORDER, name, ["title", "note"], as_dict=True)


# ---------------------------------------------------------------- delete, rename


def test_a_delete_says_only_type_and_name(site):
	name = make_order(site)
	site.run(delete_order, name=name)

	assert events(site, name)[1:] == [("Delete", None)]


def delete_order(name: str) -> None:
	import frappe

	frappe.delete_doc(ORDER, name)


def test_a_refused_delete_leaves_no_event(site):
	city = site.run(insert, doctype=CITY, title=unique("city"))
	make_order(site, city=city)
	site.run(try_to_delete_city, name=city)

	assert [kind for kind, _data in events(site, city, CITY)] == ["Create"]


def try_to_delete_city(name: str) -> None:
	import frappe

	try:
		frappe.delete_doc(CITY, name)
	except frappe.LinkExistsError:
		frappe.db.rollback()
	else:
		raise AssertionError("the city was deleted although an order links to it")


def test_a_rename_is_an_event_of_the_old_name(site):
	city, new_name = site.run(insert, doctype=CITY, title=unique("city")), unique("town")
	site.run(rename_city, old=city, new=new_name, merge=False)

	assert events(site, city, CITY)[1:] == [("Rename", {"new_name": new_name, "merge": False})]
	assert events(site, new_name, CITY) == []


def test_a_merge_is_a_rename_that_says_so_and_the_delete_of_the_old(site):
	city = site.run(insert, doctype=CITY, title=unique("city"))
	other = site.run(insert, doctype=CITY, title=unique("city"))
	site.run(rename_city, old=city, new=other, merge=True)

	(renamed, data), deleted = events(site, city, CITY)[1:]
	assert (renamed, data["new_name"], data["merge"]) == ("Rename", other, True)
	assert data["modified"] == site.run(modified_of, doctype=CITY, name=other)
	assert deleted == ("Delete", None)


def modified_of(doctype: str, name: str) -> str:
	import frappe

	return str(frappe.db.get_value(doctype, name, "modified"))


def rename_city(old: str, new: str, merge: bool) -> None:
	import frappe

	frappe.rename_doc(CITY, old, new, merge=merge)


def test_changes_after_a_rename_are_events_of_the_new_name(site):
	city, new_name = site.run(insert, doctype=CITY, title=unique("city")), unique("town")
	site.run(rename_city, old=city, new=new_name, merge=False)
	site.run(set_country, name=new_name)

	((kind, change),) = events(site, new_name, CITY)

	assert (kind, without_stamps(change)) == ("Update", {"changed": {"country_name": "Siam"}})


def set_country(name: str) -> None:
	import frappe

	frappe.get_doc(CITY, name).db_set("country_name", "Siam")


# ---------------------------------------------------------------- what is not logged


def test_nothing_is_logged_for_a_doctype_that_nobody_is_approved_for(producer):
	with_orders(producer)
	city = producer.run(insert, doctype=CITY, title=unique("city"))

	assert events(producer, city, CITY) == []


def test_logging_begins_and_ends_with_the_approval_in_every_process(site):
	other = site.shell()
	before = other.run(insert, doctype=CITY, title=unique("city"))
	site.run(set_status, status="Rejected")
	while_rejected = other.run(insert_later, doctype=CITY, title=unique("city"))
	site.run(set_status, status="Approved")
	after = other.run(insert_later, doctype=CITY, title=unique("city"))

	assert [len(events(site, name, CITY)) for name in (before, while_rejected, after)] == [1, 0, 1]


def insert_later(doctype: str, title: str) -> str:
	"""A process looks at the set of streamed DocTypes at most every 50 ms."""
	import time

	from event_streaming.producer.subscriptions.streamed import MEMO_SECONDS

	time.sleep(2 * MEMO_SECONDS)
	return insert(doctype, title=title)


def set_status(status: str) -> None:
	import frappe

	doc = frappe.get_doc("Event Consumer", NOBODY_URL)
	for row in doc.consumer_doctypes:
		row.status = status
	doc.flags.from_consumer = False
	doc.save()


def test_the_origin_is_stamped_on_what_is_logged_while_a_change_of_another_site_is_applied(site):
	name = site.run(insert_as_applied)

	(row,) = site.run(events_of, doctype=CITY, name=name)

	assert row["origin"] == "http://far.example"


def insert_as_applied() -> str:
	import uuid

	import frappe

	from event_streaming.identity.origin import applying, writing

	city = uuid.uuid4().hex
	with applying(CITY, "http://far.example"):
		writing(CITY, city)
		return frappe.get_doc({"doctype": CITY, "title": city}).insert().name


def test_a_single_is_streamed_under_the_name_of_its_doctype(producer):
	producer.run(stream_single)
	title = unique("title")
	producer.run(change_single, title=title)

	((kind, change),) = events(producer, SINGLE, SINGLE)

	assert (kind, without_stamps(change)) == ("Update", {"changed": {"title": title}})


def stream_single() -> None:
	make_doctype(
		SINGLE,
		[
			{"fieldname": "title", "label": "Title", "fieldtype": "Data"},
			{"fieldname": "on", "label": "On", "fieldtype": "Check"},
		],
		issingle=1,
	)
	stream(SINGLE)


def change_single(title: str) -> None:
	import frappe

	doc = frappe.get_single(SINGLE)
	doc.title = title
	doc.save()
	doc.save()


def waits_when_refreshed() -> list[bool]:
	"""Whether a refresh waits until no process remembers the old set: nothing changed, one unsubscribed, nothing changed."""
	import frappe

	from event_streaming.producer.subscriptions import streamed

	waited, sleep = [], streamed.sleep

	def refresh() -> bool:
		waited.clear()
		streamed.refresh_streamed_doctypes()
		return waited == [streamed.MEMO_SECONDS]

	streamed.sleep = waited.append
	try:
		found = [refresh()]
		frappe.db.set_value(
			"Event Consumer Document Type", {"parent": NOBODY_URL, "ref_doctype": CITY}, "unsubscribed", 1
		)
		return [*found, refresh(), refresh()]
	finally:
		streamed.sleep = sleep


def test_a_decision_is_answered_when_every_process_has_it(site):
	assert site.run(waits_when_refreshed) == [False, True, False]

"""Events of one document that nobody needs one by one are applied as one; each has its row, and what comes of it is the same."""

import pytest
from doctypes import CITY, ORDER
from documents import change, insert, read_doc, set_settings, unique
from logs import make_due, sync_logs
from shop import same_on_both
from streams import pull, subscribe

pytestmark = pytest.mark.usefixtures("orders")
ROWS = [{"item": "bolt", "qty": 1}, {"item": "nut", "qty": 2}]


def make_and_submit(title: str, steps: int = 1, submit: bool = True, others: bool = False, **values) -> str:
	"""An order that is changed in steps and submitted; with `others`, another document is made after each step."""
	import frappe

	def other() -> None:
		frappe.db.commit()
		if others:
			frappe.get_doc({"doctype": CITY, "title": frappe.generate_hash(length=12)}).insert()
		frappe.db.commit()

	doc = frappe.get_doc({"doctype": ORDER, "title": title, "rows": ROWS, **values}).insert()
	other()
	for step in range(steps):
		doc = frappe.get_doc(ORDER, doc.name)
		doc.note = f"step {step}"
		doc.append("rows", {"item": f"step {step}", "qty": step})
		doc.rows[0].qty += 1
		doc.save()
		other()
	if submit:
		frappe.get_doc(ORDER, doc.name).submit()
		other()
	return doc.name


def save_often(name: str, times: int, doctype: str = ORDER) -> None:
	import frappe

	for number in range(times):
		doc = frappe.get_doc(doctype, name)
		doc.note = f"saved {number}"
		doc.save()
		frappe.db.commit()


def pull_and_watch(event_producer: str) -> dict:
	"""A pull, and the methods of the life cycles that it begins."""
	from frappe.model.document import Document

	from event_streaming.event_streaming.doctype.event_producer.event_producer import pull_from_node

	seen, insert_, save_ = [], Document.insert, Document.save

	def inserted(self, *args, **kwargs):
		seen.append(("insert", self.doctype, int(self.docstatus)))
		return insert_(self, *args, **kwargs)

	def saved(self, *args, **kwargs):
		seen.append(("save", self.doctype, int(self.docstatus)))
		return save_(self, *args, **kwargs)

	Document.insert, Document.save = inserted, saved
	try:
		summary = pull_from_node(event_producer)
	finally:
		Document.insert, Document.save = insert_, save_
	return {**summary, "seen": [list(each) for each in seen if each[1] in (ORDER, CITY)]}


def test_a_draft_with_its_changes_and_its_submission_is_one_insert(producer, consumer):
	subscribe(consumer, producer, ORDER)
	name = producer.run(make_and_submit, title=unique("order"), steps=3)

	done = consumer.run(pull_and_watch, event_producer=producer.url)

	assert done["seen"] == [["insert", ORDER, 1]]
	assert (done["events"], done["synced"], done["failed"]) == (5, 5, 0)
	assert same_on_both(producer, consumer, ORDER, name)["docstatus"] == 1
	rows = sync_logs(consumer, producer_doc=name)
	assert [row["status"] for row in rows] == ["Synced"] * 5
	assert [row["update_type"] for row in rows] == ["Create", *["Update"] * 4]
	last = rows[-1]["position"]
	assert all(row["outcome"] == f"Applied as one with event {last}" for row in rows[:-1])
	assert rows[-1]["outcome"] == "Created · Applied as one with the 4 events before it"
	assert {row["docname"] for row in rows} == {name}


def test_a_draft_and_its_submission_are_named_as_two(producer, consumer):
	subscribe(consumer, producer, ORDER)
	name = producer.run(make_and_submit, title=unique("order"), steps=0)

	consumer.run(pull_and_watch, event_producer=producer.url)

	first, last = sync_logs(consumer, producer_doc=name)
	assert first["outcome"] == f"Applied as one with event {last['position']}"
	assert last["outcome"] == "Created · Applied as one with the event before it"


def test_saves_that_follow_one_another_are_one(producer, consumer):
	subscribe(consumer, producer, ORDER)
	name = producer.run(insert, doctype=ORDER, title=unique("order"))
	pull(consumer, producer)
	producer.run(save_often, name=name, times=10)

	done = consumer.run(pull_and_watch, event_producer=producer.url)

	assert done["seen"] == [["save", ORDER, 0]] and done["synced"] == 10
	same_on_both(producer, consumer, ORDER, name)
	# and the next change is in no conflict with it
	producer.run(change, doctype=ORDER, name=name, note="later")
	pull(consumer, producer)
	assert same_on_both(producer, consumer, ORDER, name)["note"] == "later"
	assert not [row for row in sync_logs(consumer, producer_doc=name) if row["conflicts"]]


def test_a_draft_waits_for_its_submission_over_documents_that_have_nothing_to_do_with_it(producer, consumer):
	subscribe(consumer, producer, ORDER, CITY)
	name = producer.run(make_and_submit, title=unique("order"), steps=1, others=True)

	done = consumer.run(pull_and_watch, event_producer=producer.url)

	assert done["seen"] == [
		["insert", CITY, 0],
		["insert", CITY, 0],
		["insert", ORDER, 1],
		["insert", CITY, 0],
	]
	same_on_both(producer, consumer, ORDER, name)


def test_one_by_one_is_what_a_row_may_say(producer, consumer):
	subscribe(consumer, producer, ORDER, one_by_one=1)
	name = producer.run(make_and_submit, title=unique("order"), steps=1)

	done = consumer.run(pull_and_watch, event_producer=producer.url)

	assert done["seen"] == [["insert", ORDER, 0], ["save", ORDER, 0], ["save", ORDER, 1]]
	same_on_both(producer, consumer, ORDER, name)


# ---- what goes wrong


def pull_where(event_producer: str, fails: str, error: str = "", only_submitted: bool = True, **how) -> dict:
	"""A pull on a site where a method of submitted orders fails, with a rule's error or as a deadlock does."""
	from dataclasses import asdict

	import frappe
	from frappe.model.document import Document

	from event_streaming.consumer.pull.loop import pull

	original = Document.run_method

	def run_method(self, method, *args, **kwargs):
		if self.doctype == ORDER and method == fails and (self.docstatus == 1 or not only_submitted):
			if error == "deadlock":
				raise frappe.QueryDeadlockError("made up")
			frappe.throw("not on this site")
		return original(self, method, *args, **kwargs)

	Document.run_method = run_method
	try:
		return asdict(pull(event_producer, **how))
	finally:
		Document.run_method = original


@pytest.mark.parametrize("error", ["", "deadlock"])
def test_a_submission_that_fails_takes_nothing_away_from_the_draft(producer, consumer, error):
	subscribe(consumer, producer, ORDER)
	name = producer.run(make_and_submit, title=unique("order"), steps=1)

	done = consumer.run(pull_where, event_producer=producer.url, fails="before_submit", error=error)

	assert (done["events"], done["synced"], done["failed"]) == (3, 2, 1)
	draft = consumer.run(read_doc, doctype=ORDER, name=name)
	assert draft["docstatus"] == 0 and draft["note"] == "step 0" and len(draft["rows"]) == 3
	rows = sync_logs(consumer, producer_doc=name)
	assert [row["status"] for row in rows] == ["Synced", "Synced", "Retrying"]
	assert [row["outcome"] for row in rows[:2]] == ["Created", "Updated"]
	assert ("made up" if error else "not on this site") in rows[2]["error"]

	consumer.run(make_due)
	pull(consumer, producer)
	assert same_on_both(producer, consumer, ORDER, name)["docstatus"] == 1


def test_a_transaction_that_is_lost_once_costs_nothing(producer, consumer):
	subscribe(consumer, producer, ORDER, CITY)
	names = [producer.run(make_and_submit, title=unique("order"), others=True) for _each in range(3)]

	done = consumer.run(
		pull_where, event_producer=producer.url, fails="after_insert", error="deadlock", only_submitted=True
	)

	assert done["failed"] == 0 and done["synced"] == 18
	for name in names:
		assert same_on_both(producer, consumer, ORDER, name)["docstatus"] == 1


def test_saves_that_meet_a_change_of_this_site_are_applied_one_by_one(producer, consumer):
	subscribe(consumer, producer, ORDER, conflict_policy="Ask")
	name = producer.run(insert, doctype=ORDER, title=unique("order"))
	pull(consumer, producer)
	consumer.run(change, doctype=ORDER, name=name, note="of this site")
	producer.run(save_often, name=name, times=3)

	pull(consumer, producer)

	rows = sync_logs(consumer, producer_doc=name)
	assert [row["status"] for row in rows] == ["Synced", "Conflict", "Waiting", "Waiting"]
	assert consumer.run(read_doc, doctype=ORDER, name=name)["note"] == "of this site"


def test_a_document_that_is_here_already_meets_each_event_by_itself(producer, consumer):
	subscribe(consumer, producer, CITY, ORDER)
	title = unique("city")
	for site in (producer, consumer):
		site.run(insert, doctype=CITY, title=title)
	producer.run(change, doctype=CITY, name=title, country_name="Siam")

	pull(consumer, producer)

	rows = sync_logs(consumer, producer_doc=title)
	assert not any("Applied as one" in (row["outcome"] or "") for row in rows)
	assert [row["status"] for row in rows] == ["Failed", "Waiting"]


def test_a_slice_for_one_event_at_a_time_comes_to_the_end_and_the_cursor_never_passes_a_draft(
	producer, consumer
):
	subscribe(consumer, producer, ORDER, CITY)
	consumer.run(set_settings, events_per_commit=1)
	names = [producer.run(make_and_submit, title=unique("order"), others=True) for _each in range(3)]

	seen, done = [], {"more": True}
	while done["more"] and len(seen) < 40:
		done = consumer.run(pull_where, event_producer=producer.url, fails="", seconds=0.001)
		seen.append(consumer.run(cursor_and_positions, event_producer=producer.url))

	assert not done["more"] and done["failed"] == 0
	rows = sync_logs(consumer)
	assert len(rows) == len({row["event_id"] for row in rows}) == 18
	for cursor, positions in seen:
		passed = {row["position"] for row in rows if row["position"] <= cursor}
		assert passed <= set(positions), "the cursor is past an event that is not in"
	assert len(seen) > 3
	for name in names:
		assert same_on_both(producer, consumer, ORDER, name)["docstatus"] == 1


def cursor_and_positions(event_producer: str) -> list:
	"""The cursor, and the positions of the events that have a row."""
	import frappe

	from event_streaming.consumer.logs.state import load_state

	frappe.db.rollback()
	return [load_state(event_producer).position, frappe.get_all("Event Sync Log", pluck="position")]


# ---- what a step would have brought


def order_of_two_cities(title: str, cities: list) -> str:
	import frappe

	for city in cities:
		frappe.get_doc({"doctype": CITY, "title": city}).insert()
	doc = frappe.get_doc({"doctype": ORDER, "title": title, "city": cities[0]}).insert()
	doc.city = cities[1]
	doc.save()
	return doc.name


def test_a_document_that_only_the_first_step_names_comes_all_the_same(producer, consumer):
	subscribe(consumer, producer, ORDER)
	cities = [unique("city"), unique("city")]
	name = producer.run(order_of_two_cities, title=unique("order"), cities=cities)

	pull(consumer, producer)

	same_on_both(producer, consumer, ORDER, name)
	assert all(consumer.run(read_doc, doctype=CITY, name=city) for city in cities)


# ---- who needs each step


def who_needs_each_step(event_producer: str) -> dict:
	"""For each of what people can set up: whether events of orders are applied one by one while it is there."""
	import frappe

	from event_streaming.consumer.folding.steps_needed import are_needed
	from event_streaming.consumer.subscriptions.subscription import subscriptions_of

	def asked(**values) -> bool:
		doc = frappe.get_doc("Event Producer", event_producer)
		doc.producer_doctypes[0].update(values)
		return are_needed(subscriptions_of(doc)[doc.producer_doctypes[0].ref_doctype])

	def with_one(values: dict, **row) -> bool:
		frappe.db.savepoint("before_it")
		doc = frappe.get_doc(values)
		doc.flags.ignore_validate = doc.flags.ignore_links = doc.flags.ignore_mandatory = True
		doc.db_insert()
		try:
			return asked(**row)
		finally:
			frappe.db.rollback(save_point="before_it")

	def with_hooks(hooks: dict) -> bool:
		kept = frappe.get_doc_hooks()
		frappe.local.doc_events_hooks = {**kept, **hooks}
		try:
			return asked()
		finally:
			frappe.local.doc_events_hooks = kept

	script = {
		"doctype": "Server Script",
		"name": "x",
		"script_type": "DocType Event",
		"reference_doctype": ORDER,
	}
	note = {"doctype": "Notification", "name": "x", "document_type": ORDER, "enabled": 1}
	hook = {"doctype": "Webhook", "name": "x", "webhook_doctype": ORDER, "enabled": 1}
	reader = {
		"doctype": "Event Consumer Document Type",
		"name": "x",
		"ref_doctype": ORDER,
		"status": "Approved",
	}
	return {
		"nobody": asked(),
		"row": asked(one_by_one=1),
		"added up": asked(add_up="total"),
		"matched": asked(match_by="title"),
		"matched by name": asked(match_by="name"),
		"matched by name and more": asked(match_by="name, title"),
		"tree": asked(ref_doctype="Customer Group")
		if frappe.db.exists("DocType", "Customer Group")
		else True,
		"single": asked(ref_doctype="System Settings"),
		"script": with_one({**script, "doctype_event": "After Save"}),
		"script before": with_one({**script, "doctype_event": "Before Save"}),
		"script off": with_one({**script, "doctype_event": "After Save", "disabled": 1}),
		"notification": with_one({**note, "event": "Value Change"}),
		"notification, quiet": with_one({**note, "event": "Value Change"}, no_notifications=1),
		"notification of new ones": with_one({**note, "event": "New"}),
		"webhook": with_one({**hook, "webhook_docevent": "on_update"}),
		"webhook of submissions": with_one({**hook, "webhook_docevent": "on_submit"}),
		"reader": with_one(reader),
		"reader with a condition": with_one({**reader, "condition": "doc.urgent"}),
		"on_update": with_hooks({ORDER: {"on_update": ["other_app.x"]}}),
		"on_change for all": with_hooks({"*": {"on_change": ["other_app.x"]}}),
		"before_save": with_hooks({ORDER: {"before_save": ["other_app.x"]}}),
		"validate": with_hooks({ORDER: {"validate": ["other_app.x"]}}),
	}


def test_who_needs_each_step(producer, consumer):
	subscribe(consumer, producer, ORDER)
	assert consumer.run(who_needs_each_step, event_producer=producer.url) == {
		"nobody": False,
		"row": True,
		"added up": True,
		"matched": True,
		"matched by name": False,
		"matched by name and more": True,
		"tree": True,
		"single": True,
		"script": True,
		"script before": False,
		"script off": False,
		"notification": True,
		"notification, quiet": False,
		"notification of new ones": False,
		"webhook": True,
		"webhook of submissions": False,
		"reader": False,
		"reader with a condition": True,
		"on_update": True,
		"on_change for all": True,
		"before_save": True,
		"validate": False,
	}


# ---- what was made together on the producer


def make_at_once(title: str, others: int = 0) -> str:
	"""An order that is made and submitted in one transaction, with cities made in the same."""
	import frappe

	doc = frappe.get_doc({"doctype": ORDER, "title": title, "rows": ROWS}).insert().submit()
	for number in range(others):
		frappe.get_doc({"doctype": CITY, "title": f"{title} {number}"}).insert()
	frappe.db.commit()
	return doc.name


@pytest.mark.parametrize("others", [0, 2])
def test_what_one_transaction_has_made_and_submitted_is_one_insert(producer, consumer, others):
	subscribe(consumer, producer, ORDER, CITY)
	name = producer.run(make_at_once, title=unique("order"), others=others)

	done = consumer.run(pull_and_watch, event_producer=producer.url)

	assert done["seen"] == [["insert", ORDER, 1], *[["insert", CITY, 0]] * others]
	assert (done["synced"], done["failed"]) == (2 + others, 0)
	same_on_both(producer, consumer, ORDER, name)


@pytest.mark.parametrize("others", [0, 2])
def test_of_a_transaction_that_is_not_applied_together_the_draft_is_in(producer, consumer, others):
	subscribe(consumer, producer, ORDER, CITY)
	name = producer.run(make_at_once, title=unique("order"), others=others)

	done = consumer.run(pull_where, event_producer=producer.url, fails="before_submit")

	assert (done["events"], done["synced"], done["failed"]) == (2 + others, 1 + others, 1)
	assert consumer.run(read_doc, doctype=ORDER, name=name)["docstatus"] == 0
	assert [row["status"] for row in sync_logs(consumer, producer_doc=name)] == ["Synced", "Retrying"]


@pytest.mark.parametrize("others", [0, 2])
def test_a_transaction_that_is_applied_together_is_in_whole_or_not_at_all(producer, consumer, others):
	subscribe(consumer, producer, ORDER, CITY, together=1)
	name = producer.run(make_at_once, title=unique("order"), others=others)

	done = consumer.run(pull_where, event_producer=producer.url, fails="before_submit")

	assert done["failed"] == 2 + others
	assert consumer.run(read_doc, doctype=ORDER, name=name) is None
	assert {row["status"] for row in sync_logs(consumer)} == {"Retrying", "Waiting"}

	consumer.run(make_due)
	pull(consumer, producer)
	assert same_on_both(producer, consumer, ORDER, name)["docstatus"] == 1
	assert {row["status"] for row in sync_logs(consumer)} == {"Synced"}

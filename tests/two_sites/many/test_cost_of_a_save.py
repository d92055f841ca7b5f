"""What a save of any document on the site costs with this app: counted in calls, for times say little on a busy machine.

A bound that is exceeded says that something was added to what every document pays: see document_events.py.
"""

import pytest
from doctypes import CITY, ORDER, with_orders
from streams import make_event_consumer, stream

# handler and look-up, for each event that is hooked: an insert has three, a save and a `db_set` two
MOST_UNCONCERNED = {"insert": 6, "save": 4, "db_set": 4}
# of an order with five rows; `python -m benchmarks calls` has all that they come to
MOST_STREAMED = {"insert": 116, "save": 153}


def stream_cities() -> None:
	stream(CITY)


def stream_orders_alone() -> None:
	stream(ORDER)


def own_calls(doctype: str, work: str) -> dict:
	"""Calls of this app's functions, hooks that Frappe calls, and requests to Redis of ours: of one save."""
	import sys

	import frappe

	from event_streaming.database import kept

	def made() -> object:
		doc = frappe.get_doc({"doctype": doctype, "title": frappe.generate_hash(length=12)})
		if doctype == "Streamed Order":
			doc.update({"note": "x", "rows": [{"item": f"item {row}", "qty": row} for row in range(5)]})
		return doc

	def act(doc) -> None:
		if work == "insert":
			doc.insert()
		elif work == "save":
			doc.save()
		else:
			doc.db_set(field, "changed")

	def ready() -> object:
		doc = made()
		if work == "insert":
			return doc
		doc = frappe.get_doc(doctype, doc.insert().name)
		if work == "save":
			doc.set(field, "changed")
		return doc

	field = "note" if doctype == "Streamed Order" else "country_name"
	counted = {"own": 0, "handlers": 0}

	def note(frame, event, _argument) -> None:
		if event == "call" and frame.f_globals.get("__name__", "").startswith("event_streaming"):
			counted["own"] += 1
			counted["handlers"] += frame.f_back.f_code.co_name == "runner"

	memory = kept.MEMO_SECONDS
	kept.MEMO_SECONDS = 60
	try:
		act(ready())
		doc = ready()
		kept.changes += 1
		act(ready())
		sys.setprofile(note)
		try:
			act(doc)
		finally:
			sys.setprofile(None)
	finally:
		kept.MEMO_SECONDS = memory
		kept.changes += 1
		frappe.db.rollback()
	return counted


@pytest.mark.parametrize("work", MOST_UNCONCERNED)
def test_a_document_that_concerns_nobody_pays_one_look_up_for_each_event(producer, work):
	with_orders(producer)
	producer.run(stream_cities)

	counted = producer.run(own_calls, doctype=ORDER, work=work)

	assert counted["own"] <= MOST_UNCONCERNED[work]
	assert counted["handlers"] <= MOST_UNCONCERNED[work] / 2


@pytest.mark.parametrize("work", MOST_STREAMED)
def test_a_streamed_document_pays_no_more_than_it_did(producer, work):
	with_orders(producer)
	producer.run(stream_orders_alone)

	counted = producer.run(own_calls, doctype=ORDER, work=work)

	assert 20 < counted["own"] <= MOST_STREAMED[work]


def requests_of_a_look_up() -> list[str]:
	"""What is asked of Redis and of the database when a process has not saved anything for a while."""
	import frappe

	from event_streaming import document_events
	from event_streaming.database import kept

	cache, seen, note = type(frappe.cache), [], frappe.new_doc("Note")
	execute, sql = cache.execute_command, frappe.db.sql
	kept.look_up(document_events.STREAMED, document_events.MANAGED)
	kept.changes += 1

	def asked(self, *args, **options):
		seen.append(str(args[0]))
		return execute(self, *args, **options)

	def queried(query, *args, **options):
		seen.append(str(query))
		return sql(query, *args, **options)

	cache.execute_command, frappe.db.sql = asked, queried
	try:
		document_events.before_write(note)
		document_events.on_change(note)
	finally:
		cache.execute_command = execute
		del frappe.db.sql
	return seen


def test_who_is_concerned_is_one_question_to_redis(producer):
	assert producer.run(requests_of_a_look_up) == ["MGET"]


def hooked(**actions) -> type:
	"""A controller of orders whose hooks do what a test wants, each once."""
	from frappe.model.document import Document

	def once(event: str):
		def hook(self) -> None:
			if action := actions.pop(event, None):
				action(self)

		return hook

	return type("Hooked", (Document,), {event: once(event) for event in list(actions)})


def events_of(name: str) -> list[tuple]:
	import json

	import frappe

	rows = frappe.get_all(
		"Event Update Log",
		filters={"docname": name},
		fields=["update_type", "data"],
		order_by="name asc",
		limit=0,
	)
	return [(row.update_type, json.loads(row.data or "{}").get("changed", {})) for row in rows]


def save_with(action: str) -> dict:
	"""An order is saved whose controller does something in `validate`; what was logged, and what is stored."""
	import copy
	import pickle

	import frappe
	from frappe.model.document import Document

	copies = []

	def act(doc) -> None:
		if action == "copies itself":
			# a class that pickle can find
			doc.__class__ = Document
			copies.extend((copy.deepcopy(doc), pickle.loads(pickle.dumps(doc))))
		elif action == "copies its attributes":
			copies.append(copy.copy(doc))
			copies[0].note = "of the copy"
		elif action == "sets a field and takes it back":
			doc.db_set("note", "in between")
			doc.note = None
		elif action == "saves another object and writes over it":
			other = frappe.get_doc(ORDER, doc.name)
			other.note = "in between"
			other.save()
		else:
			doc.note = "never stored"
			frappe.throw("not so")

	doc = frappe.get_doc({"doctype": ORDER, "title": "x", "total": 1}).insert()
	doc = frappe.get_doc(ORDER, doc.name)
	doc.__class__ = hooked(validate=act)
	doc.title = "saved"
	try:
		doc.save()
	except frappe.ValidationError:
		# what it was to be called at the write is still set, and the object is used again
		doc.reload()
		doc.title = "saved"
		doc.save()
	for each in copies:
		# what was copied writes as its class does, and logs nothing by that
		each.db_update()
	stored = frappe.db.get_value(ORDER, doc.name, ["title", "note"], as_dict=True)
	left = [name for name in ("db_insert", "db_update", "update_single") if name in vars(doc)]
	logged: dict = {}
	events = events_of(doc.name)
	for _kind, changed in events[1:]:
		logged.update(changed)
	return {"events": [kind for kind, _changed in events], "logged": logged, "stored": stored, "left": left}


@pytest.mark.parametrize(
	("action", "events"),
	[
		("copies itself", 2),
		("fails", 2),
		("sets a field and takes it back", 3),
		("saves another object and writes over it", 3),
	],
)
def test_what_is_logged_is_what_is_stored_whatever_validate_does(producer, action, events):
	with_orders(producer)
	producer.run(stream_orders_alone)

	found = producer.run(save_with, action=action)

	assert found["events"] == ["Create", *["Update"] * (events - 1)]
	assert found["stored"] == {"title": "saved", "note": None}
	assert (found["logged"]["title"], found["logged"].get("note")) == ("saved", None)
	assert found["left"] == []


def test_a_copy_with_the_documents_attributes_writes_itself(producer):
	with_orders(producer)
	producer.run(stream_orders_alone)

	found = producer.run(save_with, action="copies its attributes")

	assert (found["events"], found["stored"]["note"], found["left"]) == (
		["Create", "Update"],
		"of the copy",
		[],
	)


def second_looks(**values) -> list[str]:
	"""What capture reads of a document that is saved."""
	import sys

	import frappe

	doc = frappe.get_doc({"doctype": ORDER, "title": "x"}).insert()
	doc = frappe.get_doc(ORDER, doc.name)
	doc.update(values)
	original, seen = frappe.db.sql, []

	def recording(query, *args, **options):
		frame = sys._getframe()
		while frame := frame.f_back:
			module = frame.f_globals.get("__name__", "")
			if (
				module.startswith("event_streaming.producer.capture")
				and str(query).lstrip()[:6].upper() == "SELECT"
			):
				# but not for what is read by the write that it lets go on
				if not module.endswith(".writing"):
					seen.append(str(query))
				break
		return original(query, *args, **options)

	frappe.db.sql = recording
	try:
		doc.save()
	finally:
		del frappe.db.sql
	return seen


def test_what_frappe_mends_before_it_writes_needs_no_second_look(producer):
	"""A form, or another system, sends a number as text."""
	with_orders(producer)
	producer.run(stream_orders_alone)

	assert producer.run(second_looks, total="12.50") == []


def changed_without_validation() -> list[tuple]:
	import frappe

	doc = frappe.get_doc({"doctype": ORDER, "title": "x"}).insert()
	doc = frappe.get_doc(ORDER, doc.name)
	doc.flags.ignore_validate = True
	doc.title = "saved all the same"
	doc.save()
	return events_of(doc.name)


def test_a_save_without_validation_is_logged_too(producer):
	with_orders(producer)
	producer.run(stream_orders_alone)

	_create, (kind, changed) = producer.run(changed_without_validation)

	assert (kind, changed["title"]) == ("Update", "saved all the same")


def decide_and_ask() -> list[bool]:
	"""Whether a document concerns us, before and after its DocType is approved for somebody, in one process."""
	import frappe

	from event_streaming import document_events
	from event_streaming.producer.subscriptions.streamed import refresh_streamed_doctypes

	def concerned() -> bool:
		return document_events._concerned(frappe.new_doc(CITY)) is not None

	found = [concerned()]
	make_event_consumer(
		"http://later.example", [{"ref_doctype": CITY, "status": "Approved"}], user="Administrator"
	)
	refresh_streamed_doctypes()
	return [*found, concerned()]


def test_what_is_decided_holds_at_once_in_the_process_that_decides(producer):
	with_orders(producer)

	assert producer.run(decide_and_ask) == [False, True]

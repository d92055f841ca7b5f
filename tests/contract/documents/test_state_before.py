"""What a document was before a save is kept from when it was read and locked: hooks see what Frappe would have read."""

import pytest
from doctypes import ORDER
from logs import with_statements

WAYS = {"kept": True, "read by Frappe": False}


def locked_order(keep: bool = True, alone: bool = False):
	"""A new order, read and locked for a change; `alone` in a transaction that has written nothing."""
	import frappe

	from event_streaming.consumer.life_cycle.documents import locked

	rows = [{"item": "stays", "qty": 1}, {"item": "changes", "qty": 2}, {"item": "goes"}]
	values = {"doctype": ORDER, "title": "before", "due": "2026-11-23 10:00:00", "day": "2026-11-24"}
	name = frappe.get_doc({**values, "rows": rows}).insert().name
	if alone:
		frappe.db.commit()
	return locked(ORDER, name) if keep else frappe.get_doc(ORDER, name, for_update=True)


def watch(work) -> dict:
	"""What a hook sees of the state before while `work` saves a document, and how often its table was read for it."""
	from frappe.model.document import Document

	seen = []

	def on_update(doc):
		before = doc.get_doc_before_save()
		seen.append(
			{
				"class": type(before).__qualname__,
				"state": before.as_dict(convert_dates_to_str=True),
				"types": {key: type(value).__name__ for key, value in sorted(vars(before).items())},
				"flags": dict(before.flags),
				"own parent": [row.parent_doc is before for row in before.rows],
				"new": before.is_new(),
				"changed": [doc.has_value_changed(field) for field in ("title", "total", "due", "day")],
				"rows": [getattr(row.get("_doc_before_save"), "item", None) for row in doc.rows],
			}
		)
		# nothing of it is the document's
		before.title, before.rows[0].item = "spoilt", "spoilt"
		before.rows.pop()
		assert (doc.title, doc.rows[0].item, len(doc.rows)) == ("after", "stays", 3)

	Document.on_update = on_update
	try:
		_result, asked = with_statements(work)
	finally:
		del Document.on_update
	reads = [query for query in asked if query.lower().startswith("select * from `tabstreamed order`")]
	(each,) = seen
	return {**each, "reads": len(reads)}


def change_and_save(keep: bool) -> dict:
	import frappe

	doc = locked_order(keep)
	doc.title = "after"
	doc.rows[1].qty = 20
	doc.set("rows", [*doc.rows[:2]])
	doc.append("rows", {"item": "new"})
	seen = watch(doc.save)
	stored = frappe.get_doc(ORDER, doc.name)
	return {**seen, "stored": [stored.title, [(row.item, row.qty, row.idx) for row in stored.rows]]}


def same_for_two(seen: dict) -> dict:
	"""Without what differs between two documents, and between an object that Frappe has cached something in and another."""
	ignored = ("name", "creation", "modified", "parent")
	state = {key: value for key, value in seen["state"].items() if key not in ignored}
	state["rows"] = [{key: row[key] for key in row if key not in ignored} for row in state["rows"]]
	cached = (
		"meta",
		"_weakref",
		"_table_fieldnames",
		"_non_computed_table_fieldnames",
		"permitted_fieldnames",
	)
	types = {key: kind for key, kind in seen["types"].items() if key not in cached}
	return {**seen, "state": state, "types": types, "reads": None}


def test_hooks_see_what_frappe_would_have_read(site):
	seen = {way: site.run(change_and_save, keep=keep) for way, keep in WAYS.items()}

	assert same_for_two(seen["kept"]) == same_for_two(seen["read by Frappe"])
	assert (seen["kept"]["reads"], seen["read by Frappe"]["reads"]) == (0, 1)
	assert seen["kept"]["state"]["title"] == "before" and seen["kept"]["changed"][0] is True
	assert seen["kept"]["stored"] == ["after", [["stays", 1, 1], ["changes", 20, 2], ["new", 0, 3]]]


def apply_a_change() -> dict:
	"""As a pull writes it: through all that stands in for methods of the document."""
	import frappe

	from event_streaming.consumer.life_cycle.documents import update

	doc = locked_order()
	change = {
		"changed": {"title": "after", "modified": "2030-01-01 00:00:00.000000"},
		"added": {"rows": [{"name": frappe.generate_hash(length=10), "idx": 3, "item": "new"}]},
		"removed": {"rows": [doc.rows[2].name]},
	}
	return watch(lambda: update(doc, change))


def test_a_document_is_not_read_again_for_a_change_that_is_applied(site):
	assert site.run(apply_a_change)["reads"] == 0


def save_twice() -> list:
	doc, titles = locked_order(), []
	for title in ("first", "second"):
		doc.title = title
		doc.save()
		titles.append(doc.get_doc_before_save().title)
	return titles


def test_the_next_save_of_the_object_has_its_own_state_before(site):
	assert site.run(save_twice) == ["before", "first"]


def change_meanwhile(doings: list) -> str:
	"""Something that changes the document between reading and saving it; what becomes of the save."""
	import pickle

	import frappe

	from event_streaming.consumer.unit_of_work.lost_transaction import hooks_run

	doc = locked_order(alone=True)
	for doing in doings:
		if doing == "write":
			values = {"title": "another's", "modified": "2030-01-01 00:00:00.000000"}
			frappe.db.set_value(ORDER, doc.name, values, update_modified=False)
		elif doing == "rolled back by a hook":
			# another document's hooks: they write this one, and roll back to a savepoint of their own
			hooks_run()
			frappe.db.set_value(ORDER, doc.name, "title", "another's")
			frappe.db.savepoint("own")
			frappe.db.rollback(save_point="own")
			assert frappe.db.transaction_writes == 0
		elif doing == "pickle":
			# as for a job, which has a transaction of its own
			doc = pickle.loads(pickle.dumps(doc))
		else:
			getattr(frappe.db, doing)()
	doc.title = "after"
	try:
		doc.save()
	except frappe.TimestampMismatchError as error:
		return type(error).__name__
	return "saved"


@pytest.mark.parametrize(
	("doings", "outcome"),
	[
		((), "saved"),
		(("write",), "TimestampMismatchError"),
		(("rolled back by a hook",), "TimestampMismatchError"),
		# the lock is gone with the transaction; the second commit leaves no trace of what was written
		(("commit", "write", "commit"), "TimestampMismatchError"),
		(("rollback", "write", "commit"), "TimestampMismatchError"),
		(("pickle", "commit", "write", "commit"), "TimestampMismatchError"),
	],
	ids=lambda value: " ".join(value) or "nothing" if isinstance(value, tuple) else None,
)
def test_what_may_not_hold_any_more_is_read_again(site, doings, outcome):
	assert site.run(change_meanwhile, doings=list(doings)) == outcome


def save_with_ways_of_its_own(way: str) -> dict:
	"""A class that reads the state before by itself; an object with something that can't be copied."""
	import threading

	import frappe
	from frappe.model.document import Document

	from event_streaming.consumer.life_cycle.state_before import keep_state

	class Own(Document):
		def load_doc_before_save(self, **how):
			super().load_doc_before_save(**how)
			self.loaded = "in its own way"

	doc = locked_order(keep=False)
	if way == "class":
		doc.__class__ = Own
	else:
		doc.lock = threading.Lock()
	keep_state(doc)
	doc.title = "after"
	doc.save()
	return {
		"loaded": doc.get("loaded"),
		"before": doc.get_doc_before_save().title,
		"stored": frappe.db.get_value(ORDER, doc.name, "title"),
	}


@pytest.mark.parametrize(("way", "loaded"), [("class", "in its own way"), ("object", None)])
def test_what_can_not_be_kept_is_read_by_frappe(site, way, loaded):
	assert site.run(save_with_ways_of_its_own, way=way) == {
		"loaded": loaded,
		"before": "before",
		"stored": "after",
	}

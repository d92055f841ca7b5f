"""What applying an event relies on: stamps, flags, rows with names of their own, and what Frappe refuses."""

import pytest
from contract_doctypes import HASHED, LINE
from doctypes import CITY, ORDER
from documents import unique
from streams import SUBSCRIBER

from sandbox.errors import RemoteError

STAMPS = {
	"creation": "2020-01-02 03:04:05.000006",
	"modified": "2021-01-02 03:04:05.000006",
	"owner": "Guest",
	"modified_by": "Guest",
}


def stamps_of(doctype: str, name: str) -> dict:
	import frappe

	values = frappe.db.get_value(doctype, name, list(STAMPS), as_dict=True)
	return {field: str(value) for field, value in values.items()}


# ---- stamps


def test_an_insert_overwrites_the_stamps_that_the_document_brings(site):
	stored = site.run(insert_with_stamps)

	assert stored["creation"] == stored["modified"] > "2022"
	assert stored["owner"] == stored["modified_by"] == "Administrator"


def insert_with_stamps() -> dict:
	import frappe

	doc = frappe.get_doc({"doctype": HASHED, **STAMPS}).insert()
	return stamps_of(HASHED, doc.name)


def test_an_attribute_of_the_object_stands_in_for_set_user_and_timestamp_when_it_is_inserted(site):
	assert site.run(insert_keeping_stamps) == STAMPS


def insert_keeping_stamps() -> dict:
	import frappe

	from event_streaming.consumer.life_cycle.kept_values import KeptValues
	from event_streaming.consumer.life_cycle.stand_ins import KeepStamps, Life

	doc = frappe.get_doc({"doctype": HASHED, "lines": [{"item": "a"}]})
	doc.set_user_and_timestamp = KeepStamps(doc, Life(STAMPS, KeptValues(), KeptValues()))
	doc.insert()
	return stamps_of(HASHED, doc.name)


@pytest.mark.parametrize("docstatus", [0, 1, 2])
def test_the_attribute_stands_in_at_every_save_submit_and_cancel(site, docstatus):
	kept = {"modified": STAMPS["modified"], "modified_by": "Guest"}
	stored = site.run(save_keeping_stamps, docstatus=docstatus)

	assert {field: stored[field] for field in kept} == kept
	assert stored["owner"] == "Administrator"


def save_keeping_stamps(docstatus: int) -> dict:
	import frappe

	from event_streaming.consumer.life_cycle.kept_values import KeptValues
	from event_streaming.consumer.life_cycle.stand_ins import KeepStamps, Life
	from event_streaming.consumer.life_cycle.stand_ins import stamps_of as stamps_to_keep

	doc = frappe.get_doc({"doctype": ORDER, "title": "stamped", "rows": [{"item": "a"}]}).insert()
	for target in range(docstatus):
		doc.docstatus = target
		doc.save()
	doc = frappe.get_doc(ORDER, doc.name)
	stamps = stamps_to_keep(doc, {"modified": STAMPS["modified"], "modified_by": "Guest"})
	doc.set_user_and_timestamp = KeepStamps(doc, Life(stamps, KeptValues(), KeptValues()))
	doc.docstatus = docstatus
	doc.title = "stamped again"
	doc.save()
	return stamps_of(ORDER, doc.name)


def test_a_document_that_was_saved_with_kept_stamps_can_be_saved_again_at_once(site):
	"""Frappe compares the stored time of change with the object's, as text."""
	assert site.run(insert_submit_and_cancel_keeping_stamps) == [2, STAMPS["modified"]]


def insert_submit_and_cancel_keeping_stamps() -> list:
	from event_streaming.consumer.life_cycle.documents import insert

	doc, _warnings = insert(ORDER, {"title": "all at once", "docstatus": 2, **STAMPS}, None)
	return [doc.docstatus, stamps_of(ORDER, doc.name)["modified"]]


def test_a_document_that_keeps_its_stamps_can_be_pickled_into_a_job(site):
	assert site.run(pickle_keeping_stamps) == "pickled"


def pickle_keeping_stamps() -> str:
	import pickle

	import frappe

	from event_streaming.consumer.life_cycle.kept_values import KeptValues
	from event_streaming.consumer.life_cycle.stand_ins import Life, faithfully

	doc = frappe.get_doc({"doctype": HASHED, "title": "pickled"}).insert()
	with faithfully(doc, Life(dict(STAMPS), KeptValues(), KeptValues())):
		copied = pickle.loads(pickle.dumps(doc))
	copied.title = "saved by the job"
	# there it is an ordinary document again
	copied.save()
	return "pickled" if str(copied.modified) != STAMPS["modified"] else "stamped"


def test_a_document_that_has_changed_since_it_was_read_is_not_saved(site):
	with pytest.raises(RemoteError) as caught:
		site.run(save_what_has_changed)

	assert caught.value.exc_type == "TimestampMismatchError"


def save_what_has_changed() -> None:
	import frappe

	name = frappe.get_doc({"doctype": HASHED, "title": "a"}).insert().name
	first, second = frappe.get_doc(HASHED, name), frappe.get_doc(HASHED, name)
	first.title = "b"
	first.save()
	second.title = "c"
	second.save()


def test_update_modified_false_leaves_the_stamps(site):
	assert site.run(set_without_stamps) == ["new", True]


def set_without_stamps() -> list:
	import frappe

	name = frappe.get_doc({"doctype": HASHED, "title": "old"}).insert().name
	before = stamps_of(HASHED, name)
	frappe.db.set_value(HASHED, name, "title", "new", update_modified=False)
	return [frappe.db.get_value(HASHED, name, "title"), stamps_of(HASHED, name) == before]


@pytest.mark.mariadb("it is a serialization failure")
def test_get_doc_for_update_sees_past_an_old_picture_rows_too(site):
	name = site.run(make_with_row)
	shell = site.shell()
	assert shell.run(read_title_and_items, commit=False, name=name) == ["before", ["before"]]

	site.run(change_title_and_items, name=name)

	assert shell.run(read_title_and_items, commit=False, name=name) == ["before", ["before"]]
	assert shell.run(read_title_and_items, commit=False, name=name, for_update=True) == ["after", ["after"]]


def make_with_row() -> str:
	import frappe

	return frappe.get_doc({"doctype": HASHED, "title": "before", "lines": [{"item": "before"}]}).insert().name


def read_title_and_items(name: str, for_update: bool = False) -> list:
	import frappe

	doc = frappe.get_doc(HASHED, name, for_update=for_update)
	return [doc.title, [row.item for row in doc.lines]]


def change_title_and_items(name: str) -> None:
	import frappe

	doc = frappe.get_doc(HASHED, name)
	doc.title = doc.lines[0].item = "after"
	doc.save()


# ---- docstatus


def test_after_submission_only_allowed_fields_may_be_saved(site):
	with pytest.raises(RemoteError) as caught:
		site.run(change_after_submit, ignore=False)

	assert caught.value.exc_type == "UpdateAfterSubmitError"


def test_ignore_validate_update_after_submit_lets_any_field_and_row_be_saved(site):
	assert site.run(change_after_submit, ignore=True) == ["changed", ["a", "b"], [1, 1]]


def change_after_submit(ignore: bool) -> list:
	import frappe

	doc = frappe.get_doc({"doctype": ORDER, "title": "x", "docstatus": 1, "rows": [{"item": "a"}]}).insert()
	doc = frappe.get_doc(ORDER, doc.name)
	doc.title = "changed"
	doc.append("rows", {"item": "b"})
	doc.flags.ignore_validate_update_after_submit = ignore
	doc.save()
	rows = frappe.get_doc(ORDER, doc.name).rows
	title = frappe.db.get_value(ORDER, doc.name, "title")
	return [title, [row.item for row in rows], [row.docstatus for row in rows]]


@pytest.mark.parametrize(("before", "after"), [(0, 2), (1, 0)])
def test_docstatus_moves_one_step_forward_and_never_back(site, before, after):
	with pytest.raises(RemoteError) as caught:
		site.run(move_docstatus, before=before, after=after)

	assert caught.value.exc_type in ("DocstatusTransitionError", "ValidationError")


def move_docstatus(before: int, after: int) -> None:
	import frappe

	doc = frappe.get_doc({"doctype": ORDER, "title": "x", "docstatus": before}).insert()
	doc.docstatus = after
	doc.save()


def test_a_cancelled_document_can_not_be_saved_but_written_through(site):
	assert site.run(change_cancelled) == ["ValidationError", "written", ["c"], 2]


def change_cancelled() -> list:
	import frappe

	from event_streaming.consumer.life_cycle.cancelled import write_through

	doc = frappe.get_doc({"doctype": ORDER, "title": "x", "docstatus": 1, "rows": [{"item": "a"}]}).insert()
	doc.cancel()
	doc = frappe.get_doc(ORDER, doc.name)
	doc.title = "written"
	try:
		doc.save()
		refused = None
	except frappe.ValidationError:
		refused = "ValidationError"
	doc = frappe.get_doc(ORDER, doc.name)
	doc.title = "written"
	doc.rows[0].item = "c"
	write_through(doc)
	stored = frappe.get_doc(ORDER, doc.name)
	return [refused, stored.title, [row.item for row in stored.rows], stored.docstatus]


# ---- rows


def test_a_row_appended_with_a_name_of_its_own_is_inserted_with_it(site):
	name = unique("row")

	assert site.run(append_named_row, name=name) == [["kept", "first"], [name, "second"]]


def append_named_row(name: str) -> list:
	import frappe

	from event_streaming.consumer.life_cycle.rows import append_row

	doc = frappe.get_doc({"doctype": HASHED, "lines": [{"item": "first"}]}).insert()
	doc = frappe.get_doc(HASHED, doc.name)
	first = doc.lines[0].name
	append_row(doc, "lines", {"name": name, "item": "second", "idx": 2})
	doc.save()
	rows = frappe.get_doc(HASHED, doc.name).lines
	return [["kept" if row.name == first else row.name, row.item] for row in rows]


def test_a_row_that_is_left_out_is_deleted_and_the_order_of_the_list_is_stored(site):
	assert site.run(reorder_rows) == [["c", 1], ["a", 2]]


def reorder_rows() -> list:
	import frappe

	rows = [{"item": item} for item in ("a", "b", "c")]
	doc = frappe.get_doc({"doctype": HASHED, "lines": rows}).insert()
	doc = frappe.get_doc(HASHED, doc.name)
	a, _b, c = doc.lines
	a.idx, c.idx = 2, 1
	doc.set("lines", [c, a])
	doc.save()
	stored = frappe.get_all(LINE, filters={"parent": doc.name}, fields=["item", "idx"], order_by="idx asc")
	return [[row.item, row.idx] for row in stored]


# ---- links, mandatory fields, permission levels


def test_a_link_to_nothing_is_a_link_validation_error(site):
	with pytest.raises(RemoteError) as caught:
		site.run(insert_document, doctype=HASHED, city=unique("nowhere"))

	assert caught.value.exc_type == "LinkValidationError"


def insert_document(doctype: str, ignore_mandatory: bool = False, **values) -> str:
	import frappe

	doc = frappe.get_doc({"doctype": doctype, **values})
	doc.flags.ignore_mandatory = ignore_mandatory
	return doc.insert(set_name=values.get("name")).name


def test_a_mandatory_field_without_a_value_is_refused_unless_ignore_mandatory_is_set(site):
	assert site.run(insert_document, doctype=ORDER, ignore_mandatory=True)
	with pytest.raises(RemoteError) as caught:
		site.run(insert_document, doctype=ORDER)

	assert caught.value.exc_type == "MandatoryError"


def test_a_value_that_is_no_option_of_a_select_is_a_validation_error(site):
	with pytest.raises(RemoteError) as caught:
		site.run(insert_document, doctype=HASHED, picked="neither")

	assert caught.value.exc_type == "ValidationError"


@pytest.mark.parametrize(("ignore", "stored"), [(False, None), (True, "secret")])
def test_a_field_above_the_users_level_is_put_back_silently_unless_permissions_are_ignored(
	site, ignore, stored
):
	assert site.run(save_guarded_field, ignore=ignore) == stored


def save_guarded_field(ignore: bool) -> str | None:
	import frappe

	name = frappe.get_doc({"doctype": HASHED}).insert().name
	frappe.set_user(SUBSCRIBER)
	doc = frappe.get_doc(HASHED, name)
	doc.guarded = "secret"
	doc.flags.ignore_permissions = ignore
	doc.save()
	return frappe.db.get_value(HASHED, name, "guarded")


def test_check_permission_raises_a_permission_error_for_who_may_not(site):
	with pytest.raises(RemoteError) as caught:
		site.run(check_as, user="Guest")

	assert caught.value.exc_type == "PermissionError"
	assert site.run(check_as, user=SUBSCRIBER) is None


def check_as(user: str) -> None:
	import frappe

	frappe.set_user(user)
	frappe.get_doc({"doctype": HASHED}).check_permission("create")


# ---- delete and rename


def test_deleting_what_another_document_links_to_is_refused(site):
	city = unique("Linked")
	site.run(insert_document, doctype=CITY, title=city)
	site.run(insert_document, doctype=HASHED, city=city)

	with pytest.raises(RemoteError) as caught:
		site.run(delete_document, doctype=CITY, name=city)

	assert caught.value.exc_type == "LinkExistsError"


def test_what_our_records_link_to_can_be_deleted(site):
	"""hooks.py names them in ignore_links_on_delete."""
	name = site.run(insert_document, doctype=HASHED)
	site.run(log_event_of, doctype=HASHED, name=name)

	assert site.run(delete_document, doctype=HASHED, name=name) is False


def log_event_of(doctype: str, name: str) -> None:
	import frappe

	for log in ("Event Update Log", "Event Sync Log"):
		frappe.get_doc(
			{"doctype": log, "update_type": "Create", "ref_doctype": doctype, "docname": name}
		).insert(ignore_links=True, ignore_mandatory=True)


def delete_document(doctype: str, name: str) -> bool:
	"""Whether it is there afterwards."""
	import frappe

	frappe.delete_doc(doctype, name)
	return bool(frappe.db.exists(doctype, name))


def test_deleting_what_is_gone_raises_nothing(site):
	assert site.run(delete_document, doctype=HASHED, name=unique("gone")) is False


def test_a_submitted_document_can_not_be_deleted(site):
	name = site.run(insert_document, doctype=ORDER, title="x", docstatus=1)

	with pytest.raises(RemoteError) as caught:
		site.run(delete_document, doctype=ORDER, name=name)

	assert caught.value.exc_type == "ValidationError"


def test_links_in_other_documents_follow_a_rename_and_a_merge(site):
	assert site.run(rename_linked_city, merge=False) is True
	assert site.run(rename_linked_city, merge=True) is True


def rename_linked_city(merge: bool) -> bool:
	import frappe

	from event_streaming.consumer.life_cycle.documents import rename

	old, new = (frappe.generate_hash(length=10) for _each in range(2))
	for title in (old, new) if merge else (old,):
		frappe.get_doc({"doctype": CITY, "title": title}).insert()
	name = frappe.get_doc({"doctype": HASHED, "city": old}).insert().name
	rename(CITY, old, new, merge=merge)
	return frappe.db.get_value(HASHED, name, "city") == new and not frappe.db.exists(CITY, old)


# ---- evaluating


@pytest.mark.parametrize(
	"condition",
	[
		"doc.title == 'x' and doc.docstatus == 1",
		"doc['title'] in ('x', 'y')",
		"doc.get('city') is None",
		"len(doc.rows) == 2 and doc.rows[0].item == 'a'",
		"any(row.item == 'b' for row in doc.rows)",
		"sum([row.qty for row in doc.rows]) == 3",
		"[row.item for row in doc.rows if row.item.lower() == 'a'] == ['a']",
	],
)
def test_the_safe_evaluator_takes_what_a_condition_may_be_made_of(site, condition):
	assert site.run(condition_met, condition=condition) is True


def condition_met(condition: str) -> bool:
	import frappe

	from event_streaming.producer.subscriptions.conditions import meets

	rows = [{"item": "a", "qty": 1}, {"item": "b", "qty": 2}]
	return meets(condition, frappe.get_doc({"doctype": ORDER, "title": "x", "docstatus": 1, "rows": rows}))


def test_inside_a_comprehension_the_safe_evaluator_sees_the_names_given_as_globals(site):
	"""Those given as locals it sees there only on some versions of Python."""
	assert site.run(evaluate_inner_scope) is True


def evaluate_inner_scope() -> bool:
	import frappe

	return frappe.safe_eval("all(row == wanted for row in rows)", {"all": all, "wanted": 1, "rows": [1, 1]})


# ---- what says who made a document


@pytest.mark.parametrize("fieldname", ["owner", "creation"])
def test_a_save_may_not_change_who_made_a_document_nor_when(site, fieldname):
	"""So a document that is adopted gets them afterwards, in the database."""
	assert site.run(save_with_another, fieldname=fieldname) == "CannotChangeConstantError"


def save_with_another(fieldname: str) -> str:
	import frappe

	from event_streaming.consumer.life_cycle.kept_values import KeptValues
	from event_streaming.consumer.life_cycle.stand_ins import KeepStamps, Life

	doc = frappe.get_doc({"doctype": HASHED, "title": "a"}).insert()
	doc = frappe.get_doc(HASHED, doc.name)
	doc.title = "b"
	doc.set_user_and_timestamp = KeepStamps(
		doc, Life({fieldname: STAMPS[fieldname]}, KeptValues(), KeptValues())
	)
	try:
		doc.save()
	except frappe.CannotChangeConstantError as error:
		return type(error).__name__
	return ""

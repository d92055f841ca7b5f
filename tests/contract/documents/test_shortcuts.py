"""What leaving out Frappe's steps relies on: for which fields each looks, and that a DocType that has some keeps them."""

import pytest
from contract_doctypes import KINDS
from doctypes import ORDER
from logs import with_statements

from sandbox.errors import RemoteError

NUMBERS = ["Currency", "Float", "Int"]
# what each step asks a DocType's fields for; the step is left out where there are none of these types
ASKED = {
	"_validate_data_fields": ["Data", "Phone"],
	"_validate_selects": ["Select"],
	"_validate_non_negative": [*NUMBERS, "Percent"],
	"_fix_rating_value": ["Rating"],
	"_validate_code_fields": ["Code"],
	"_extract_images_from_text_editor": ["Text Editor"],
	"_save_passwords": ["Password"],
	"get_invalid_links": ["Dynamic Link", "Link"],
}


def test_each_step_looks_for_fields_of_these_types_and_does_nothing_without_one(site):
	asked = site.run(types_asked_for)

	# 15 lets a Percent be negative: a step that is kept for one finds nothing to do
	assert asked.pop("_validate_non_negative") in (NUMBERS, [*NUMBERS, "Percent"])
	assert asked == {step: types for step, types in ASKED.items() if step != "_validate_non_negative"}


def types_asked_for() -> dict:
	"""Of a document of a DocType without fields, so that a step which did something else would do it here."""
	import frappe
	from frappe.model.meta import Meta

	from event_streaming.consumer.life_cycle.shortcuts import STEPS

	doc, asked, original = frappe.get_doc({"doctype": ORDER, "title": "x"}), [], Meta.get

	def get(self, key, filters=None, *args, **options):
		if key != "fields" or not isinstance(filters, dict):
			return original(self, key, filters, *args, **options)
		types = filters["fieldtype"]
		types = [types] if isinstance(types, str) else types[1]
		asked.extend([types] if isinstance(types, str) else types)
		return []

	found, before = {}, doc.as_dict()
	Meta.get = get
	try:
		for step in STEPS:
			asked.clear()
			assert getattr(type(doc), step)(doc) in (None, ([], []))
			found[step] = sorted(asked)
	finally:
		if "get" in vars(Meta):
			del Meta.get
	assert doc.as_dict() == before
	return found


def test_steps_are_left_out_of_a_document_and_its_rows_and_given_back(site):
	order, row, kinds, after = site.run(what_is_left_out)

	assert set(order) == set(ASKED) - {"get_invalid_links", "_save_passwords"}
	assert set(row) == set(ASKED)
	# one field of each kind: everything is done
	assert kinds == []
	assert after == []


def what_is_left_out() -> tuple:
	import frappe

	from event_streaming.consumer.life_cycle.shortcuts import STEPS, lengthen, no_links, nothing, shorten

	def left_out(doc) -> list[str]:
		return sorted(name for name in STEPS if vars(doc).get(name) in (nothing, no_links))

	order = frappe.get_doc({"doctype": ORDER, "title": "x", "rows": [{"item": "a"}, {"item": "b"}]})
	kinds = frappe.get_doc({"doctype": KINDS})
	shortened = shorten(order) + shorten(kinds)
	found = left_out(order), left_out(order.rows[1]), left_out(kinds)
	lengthen(shortened)
	return *found, [name for each in (order, *order.rows, kinds) for name in STEPS if name in vars(each)]


def test_a_step_that_a_class_has_of_its_own_is_done(site):
	assert site.run(insert_with_a_step_of_its_own) == ["_validate_selects", "_save_passwords"]


def insert_with_a_step_of_its_own() -> list[str]:
	import frappe
	from frappe.model.base_document import get_controller

	from event_streaming.consumer.life_cycle.documents import insert

	done, usual = [], get_controller(ORDER)
	steps = {
		name: lambda doc, name=name: done.append(name) for name in ("_validate_selects", "_save_passwords")
	}
	frappe.controllers[frappe.local.site][ORDER] = type("Careful", (usual,), steps)
	try:
		insert(ORDER, {"title": "x"}, None)
	finally:
		frappe.controllers[frappe.local.site][ORDER] = usual
	frappe.db.rollback()
	return done


@pytest.mark.parametrize(
	"values",
	[
		{"choice": "purple"},
		{"amount": -1},
		{"phone": "call me"},
		{"mail": "nobody"},
		{"code": "def ("},
		{"city": "Atlantis"},
	],
)
def test_what_frappe_refuses_is_refused(site, values):
	with pytest.raises(RemoteError):
		site.run(insert_kinds, values=values)


def insert_kinds(values: dict) -> dict:
	import frappe

	from event_streaming.consumer.life_cycle.documents import insert

	doc, _warnings = insert(KINDS, values, None)
	stored = frappe.db.get_value(KINDS, doc.name, "*", as_dict=True)
	frappe.db.rollback()
	return {key: stored[key] for key in values}


# ---- passwords


@pytest.mark.parametrize("others_have_some", [False, True])
def test_a_password_that_a_document_of_that_name_left_behind_goes(site, others_have_some):
	statements, left = site.run(insert_over_a_password, before=others_have_some)

	assert left == 0
	assert (statements > 0) == others_have_some


def insert_over_a_password(before: bool) -> tuple[int, int]:
	"""How many statements deleted passwords, and how many of the name are left."""
	import frappe
	from frappe.utils.password import set_encrypted_password

	from event_streaming.consumer.life_cycle.documents import insert

	# a bench has those of earlier runs
	frappe.db.delete("__Auth", {"doctype": ORDER})
	name = f"ORD-{frappe.generate_hash(length=8)}"
	if before:
		set_encrypted_password(ORDER, name, "left behind", "secret")

	_result, seen = with_statements(lambda: insert(ORDER, {"title": "x"}, name))
	deleted = [query for query in seen if query.lower().startswith("delete") and "__Auth" in query]
	left = frappe.db.sql("select count(*) from `__Auth` where doctype=%s and name=%s", (ORDER, name))[0][0]
	frappe.db.rollback()
	return len(deleted), left


def test_whether_there_are_passwords_is_asked_anew_in_each_transaction(site):
	assert site.run(asked_around_a_commit) == [False, False, True, False]


def asked_around_a_commit() -> list[bool]:
	import frappe
	from frappe.utils.password import delete_all_passwords_for, set_encrypted_password

	from event_streaming.consumer.life_cycle.shortcuts import has_passwords

	# a bench has those of earlier runs
	frappe.db.delete("__Auth", {"doctype": ORDER})
	frappe.db.commit()
	found = [has_passwords(ORDER)]
	set_encrypted_password(ORDER, "nobody", "x", "secret")
	found.append(has_passwords(ORDER))
	frappe.db.commit()
	found.append(has_passwords(ORDER))
	delete_all_passwords_for(ORDER, "nobody")
	frappe.db.commit()
	return [*found, has_passwords(ORDER)]

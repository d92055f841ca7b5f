"""What the rule for a consumer's own user, the audit log, and the proof of a right to read rely on."""

import pytest
import requests
from contract_doctypes import HASHED


def test_flags_do_not_come_with_a_documents_values(site):
	assert site.run(flags_from_values) == [None, None]


def flags_from_values() -> list:
	import frappe

	new = frappe.get_doc({"doctype": "ToDo", "description": "x", "flags": {"from_consumer": 1}})
	old = frappe.get_doc({"doctype": "ToDo", "description": "x"})
	old.update({"flags": {"from_consumer": 1}})
	return [new.flags.from_consumer, old.flags.from_consumer]


def test_callbacks_of_a_rollback_may_write_and_commit_and_go_with_a_commit(site):
	assert site.run(write_after, ending="rollback") == [True, False]
	assert site.run(write_after, ending="commit") == [False, True]


def write_after(ending: str) -> list[bool]:
	import frappe

	done = []
	frappe.db.commit()

	def keep(what: str) -> None:
		frappe.db.set_global("contract", what)
		frappe.db.commit()
		done.append(what)

	frappe.db.after_rollback.add(lambda: keep("rollback"))
	frappe.db.after_commit.add(lambda: keep("commit"))
	getattr(frappe.db, ending)()
	frappe.db.rollback()
	frappe.db.commit()
	return ["rollback" in done, "commit" in done]


def test_a_callback_of_a_rollback_is_not_called_for_a_savepoint(site):
	assert site.run(roll_back_to_savepoint) == []


def roll_back_to_savepoint() -> list:
	import frappe

	done = []
	frappe.db.commit()
	frappe.db.savepoint("contract")
	frappe.db.after_rollback.add(lambda: done.append(1))
	frappe.db.rollback(save_point="contract")
	found = list(done)
	frappe.db.commit()
	return found


def test_a_request_is_rest_by_its_header_and_has_none_for_a_session(site):
	"""Keys come in `Authorization`, a person's session in a cookie."""
	answer = requests.get(f"{site.url}/api/method/frappe.auth.get_logged_user", timeout=60)
	assert answer.status_code in (401, 403)
	headers = {"Authorization": site.rest().session.headers["Authorization"]}
	answer = requests.get(f"{site.url}/api/method/frappe.auth.get_logged_user", headers=headers, timeout=60)
	assert answer.json()["message"] == "Administrator"


def test_the_shell_of_a_site_has_neither_request_nor_job(site):
	assert site.run(request_and_job) == [None, None]


def request_and_job() -> list:
	import frappe

	return [getattr(frappe.local, "request", None), getattr(frappe.local, "job", None)]


def test_rights_to_documents_of_ones_own_are_named_as_such(site):
	assert site.run(rights_of, if_owner=0) == [1, False]
	assert site.run(rights_of, if_owner=1) == [1, True]


def rights_of(if_owner: int) -> list:
	"""The right to read that a role has, and whether it is for documents of its own."""
	import frappe

	meta = frappe.get_meta(HASHED, cached=False)
	user = "contract-rights@example.com"
	if not frappe.db.exists("User", user):
		frappe.get_doc(
			{"doctype": "User", "email": user, "first_name": "x", "send_welcome_email": 0}
		).insert()
	meta.permissions = [frappe._dict(role="All", read=1, permlevel=0, if_owner=if_owner)]
	frappe.local.role_permissions = {}
	rights = frappe.permissions.get_role_permissions(meta, user)
	frappe.local.role_permissions = {}
	return [rights.get("read"), "read" in (rights.get("if_owner") or {})]


def test_a_role_that_a_doctype_names_is_made_with_access_to_the_desk_if_it_is_missing(site):
	"""So that ours has to be there before."""
	assert site.run(make_doctype_with_role) == 1


def make_doctype_with_role() -> int:
	import frappe

	doc = frappe.get_doc(
		{
			"doctype": "DocType",
			"name": "Contract Roles",
			"module": "Custom",
			"custom": 1,
			"fields": [{"fieldname": "a", "fieldtype": "Data", "label": "A"}],
			"permissions": [{"role": "Contract Role", "read": 1}],
		}
	)
	from frappe.core.doctype.doctype.doctype import make_module_and_roles

	make_module_and_roles(doc)
	access = frappe.db.get_value("Role", "Contract Role", "desk_access")
	frappe.delete_doc("Role", "Contract Role", force=True)
	return access


@pytest.mark.parametrize("single", [False, True])
def test_a_row_that_is_saved_by_itself_runs_its_own_controller_and_one_that_is_saved_with_its_parent_does_not(
	site, single
):
	assert site.run(save_row, single=single) == single


def save_row(single: bool) -> bool:
	"""Documents of custom DocTypes, parents and rows, are of one class."""
	import frappe

	called = []
	doc = frappe.get_doc({"doctype": HASHED, "title": "x", "lines": [{"item": "a"}]}).insert()
	row = doc.lines[0]
	row_class = type(row)
	row_class.validate = lambda self: called.append(self.doctype)
	try:
		if single:
			frappe.get_doc(row.doctype, row.name).save()
		else:
			doc.save()
	finally:
		del row_class.validate
	return row.doctype in called

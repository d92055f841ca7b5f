"""What applying a Rename or a Delete relies on: who may rename and merge, and what is gone before a document is."""

import pytest
from doctypes import CITY, ORDER, make_doctype, with_orders
from documents import unique

from sandbox.errors import RemoteError

FIXED = "Contract Fixed"
READER = "contract-reader@example.com"


@pytest.fixture
def site(producer):
	with_orders(producer)
	return producer


def refused(site, function, **arguments) -> str:
	"""The class of the exception that the function raised inside the site."""
	with pytest.raises(RemoteError) as caught:
		site.run(function, **arguments)
	return caught.value.exc_type


def make_reader() -> None:
	"""A user who may do nothing with orders and cities."""
	import frappe

	if not frappe.db.exists("User", READER):
		values = {"doctype": "User", "email": READER, "first_name": "Reader", "send_welcome_email": 0}
		frappe.get_doc(values).insert(ignore_permissions=True)


def test_a_rename_needs_the_permission_to_write(site):
	"""It does not say so with a PermissionError."""
	assert refused(site, rename_as_reader, old=unique("old"), ignore=False) == "ValidationError"


def test_the_rename_of_the_model_can_be_told_to_ignore_permissions(site):
	old = unique("old")

	assert site.run(rename_as_reader, old=old, ignore=True) == f"{old} renamed"


def rename_as_reader(old: str, ignore: bool) -> str:
	import frappe
	from frappe.model.rename_doc import rename_doc

	make_reader()
	frappe.get_doc({"doctype": CITY, "title": old}).insert()
	frappe.set_user(READER)
	return rename_doc(CITY, old, f"{old} renamed", ignore_permissions=ignore, show_alert=False)


def test_ignoring_permissions_covers_the_delete_of_a_merge_in_16_and_not_in_15(site):
	"""So whoever merges for a user checks the permission to delete beforehand."""
	expected = "PermissionError" if site.run(major_version) < 16 else "merged"

	assert site.run(merge_as_reader, old=unique("old")) == expected


def merge_as_reader(old: str) -> str:
	import frappe
	from frappe.model.rename_doc import rename_doc

	make_reader()
	for title in (old, f"{old} other"):
		frappe.get_doc({"doctype": CITY, "title": title}).insert()
	frappe.set_user(READER)
	try:
		rename_doc(CITY, old, f"{old} other", merge=True, ignore_permissions=True, show_alert=False)
	except frappe.PermissionError as error:
		frappe.db.rollback()
		return type(error).__name__
	return "merged"


def major_version() -> int:
	import frappe

	return int(frappe.__version__.split(".")[0])


def test_a_rename_with_force_needs_no_allow_rename(site):
	assert refused(site, rename_fixed, force=False) == "ValidationError"
	assert site.run(rename_fixed, force=True).endswith("renamed")


def rename_fixed(force: bool) -> str:
	import frappe
	from frappe.model.rename_doc import rename_doc

	fields = [{"fieldname": "title", "label": "Title", "fieldtype": "Data"}]
	make_doctype(FIXED, fields, autoname="hash", allow_rename=0)
	old = frappe.get_doc({"doctype": FIXED, "title": "contract"}).insert().name
	return rename_doc(FIXED, old, f"{old} renamed", force=force, show_alert=False)


def test_a_password_is_gone_before_on_trash(site):
	assert site.run(passwords_of_a_life) == ["very secret", None]


def passwords_of_a_life() -> list:
	"""The password after the insert, and the one that on_trash can read."""
	import frappe
	from frappe.model.document import Document

	original, seen = Document.run_method, []

	def run_method(doc, method, *args, **kwargs):
		if method == "on_trash" and doc.doctype == ORDER:
			seen.append(doc.get_password("secret", raise_exception=False))
		return original(doc, method, *args, **kwargs)

	doc = frappe.get_doc({"doctype": ORDER, "title": "contract", "secret": "very secret"}).insert()
	seen.append(doc.get_password("secret"))
	Document.run_method = run_method
	try:
		frappe.delete_doc(ORDER, doc.name)
	finally:
		Document.run_method = original
	return seen

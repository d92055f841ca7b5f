"""What the flow of attached files relies on: how Frappe attaches, hashes, shares and removes them."""

import hashlib

from doctypes import make_doctype
from documents import unique

HOLDER = "Contract Holder"


def make_holder() -> str:
	import frappe

	make_doctype(
		HOLDER,
		[{"fieldname": "photo", "label": "Photo", "fieldtype": "Attach Image"}],
		autoname="hash",
	)
	return frappe.get_doc({"doctype": HOLDER}).insert().name


def make_file(text: str, **values):
	import frappe

	return frappe.get_doc(
		{"doctype": "File", "file_name": "contract.png", "content": text, **values}
	).insert()


def attach_by_field(text: str) -> dict:
	import frappe

	holder = make_holder()
	file = make_file(text)
	doc = frappe.get_doc(HOLDER, holder)
	doc.photo = file.file_url
	doc.save()
	now = frappe.get_doc("File", file.name)
	return {
		"attached": [now.attached_to_doctype, now.attached_to_name == holder, now.attached_to_field],
		"files": frappe.db.count("File", {"attached_to_name": holder}),
	}


def test_a_file_that_belongs_to_nothing_is_attached_by_the_field_that_names_it(site):
	assert site.run(attach_by_field, text=unique("loose")) == {
		"attached": [HOLDER, True, "photo"],
		"files": 1,
	}


def insert_with_own_save_file(text: str) -> dict:
	import frappe

	first = make_file(text)
	doc = frappe.get_doc({"doctype": "File", "file_name": "own.png", "file_url": first.file_url})
	doc.content = b"not this"
	called = []

	def save_file(*_args, **_options):
		called.append(1)
		doc.content, doc.content_hash, doc.file_size = b"", first.content_hash, 7

	doc.save_file = save_file
	doc.insert()
	stored = frappe.get_doc("File", doc.name)
	return {
		"called": len(called),
		"url": stored.file_url == first.file_url,
		"name": stored.file_name,
		"hash": stored.content_hash,
		"content": stored.get_content(),
	}


def test_a_file_object_with_a_save_file_of_its_own_is_stored_as_that_says(site):
	text = unique("own")

	assert site.run(insert_with_own_save_file, text=text) == {
		"called": 1,
		"url": True,
		"name": "own.png",
		"hash": hashlib.md5(text.encode()).hexdigest(),
		"content": text,
	}


def make_private(text: str) -> dict:
	import frappe

	first, second = make_file(text), make_file(text)
	before = frappe.db.get_value("File", second.name, "modified")
	first.is_private = 1
	first.save()
	now = frappe.db.get_value("File", second.name, ["file_url", "is_private", "modified"])
	return {"same": first.file_url == now[0], "private": now[1], "event": now[2] != before}


def test_all_files_of_one_content_become_private_together_the_others_without_any_event(site):
	assert site.run(make_private, text=unique("shared")) == {"same": True, "private": 1, "event": False}


def private_with_its_new_address(text: str) -> dict:
	"""As the consumer does it: the content lies at the new address already."""
	import frappe

	doc, new = make_file(text), make_file(text + "2", is_private=1)
	doc.update({"is_private": 1, "file_url": new.file_url, "content_hash": new.content_hash})
	doc.save()
	return {
		"url": frappe.db.get_value("File", doc.name, "file_url") == new.file_url,
		"content": doc.get_content(),
	}


def test_a_file_that_is_given_its_new_address_itself_is_not_moved_on_the_disk(site):
	text = unique("moved")

	assert site.run(private_with_its_new_address, text=text)["url"]


def delete_holder(text: str) -> dict:
	import frappe

	holder = make_holder()
	file = make_file(text, attached_to_doctype=HOLDER, attached_to_name=holder)
	path, seen = file.get_full_path(), []
	after_delete = type(file).run_method

	def run_method(doc, method, *args, **kwargs):
		if doc.name == file.name and method == "after_delete":
			seen.append(bool(frappe.db.exists(HOLDER, holder)))
		return after_delete(doc, method, *args, **kwargs)

	type(file).run_method = run_method
	try:
		frappe.delete_doc(HOLDER, holder)
	finally:
		del type(file).run_method
	import os

	return {"document there": seen, "file": frappe.db.exists("File", file.name), "disk": os.path.exists(path)}


def test_the_files_of_a_document_are_deleted_after_it(site):
	assert site.run(delete_holder, text=unique("deleted")) == {
		"document there": [False],
		"file": None,
		"disk": False,
	}

"""Files go where their documents go: attached ones and those in fields, in every order, each content once."""

import json

import pytest
from doctypes import ORDER, make_doctype
from documents import change, delete, find_name, insert, read_doc, read_rows, unique
from faulty_proxy import FaultyProxy
from logs import sync_logs, update_logs
from streams import (
	SUBSCRIBER,
	decide,
	make_event_producer,
	make_subscriber,
	pull,
	pull_now,
	settle,
	subscribe,
)

from sandbox.sites.rest import RestError

PAPER, PAGE, BINDER = "Filed Paper", "Filed Page", "Filed Binder"
SETTINGS = "Event Streaming Settings"
CONTENT, FIND = (
	"event_streaming.endpoints.get_content",
	"event_streaming.endpoints.find_files",
)


def new_file(stem: str, ending: str) -> str:
	"""A file name that is free on the disk too, where the files of earlier runs on a bench stay."""
	return f"{unique(stem).replace(' ', '-')}.{ending}"


def field(fieldname: str, fieldtype: str = "Data", **values) -> dict:
	return {"fieldname": fieldname, "label": fieldname.title(), "fieldtype": fieldtype, **values}


def make_file_doctypes() -> None:
	"""A paper with a photo, a scan and pages that have pictures; the binder that it links to; a paper of another name."""
	make_doctype(BINDER, [field("title"), field("cover", "Attach Image")], autoname="hash")
	make_doctype(PAGE, [field("text"), field("picture", "Attach Image")], istable=1)
	make_doctype(
		PAPER,
		[
			field("title"),
			field("urgent", "Check"),
			field("photo", "Attach Image"),
			field("scan", "Attach"),
			field("binder", "Link", options=BINDER),
			field("pages", "Table", options=PAGE),
		],
		autoname="hash",
		allow_rename=1,
	)


@pytest.fixture
def papers(producer, consumer):
	"""A subscription to papers under the same name."""
	for site in (producer, consumer):
		site.run(make_file_doctypes)
	subscribe(consumer, producer, PAPER)


# ---- run inside a site


def attach(file_name: str, content: str, doctype: str = "", name: str = "", **values) -> dict:
	"""A file with this content (or, for a number, so many bytes that no other file has), and its address."""
	import frappe

	doc = frappe.get_doc(
		{
			"doctype": "File",
			"file_name": file_name,
			"content": content,
			"attached_to_doctype": doctype or None,
			"attached_to_name": name or None,
			**values,
		}
	).insert()
	return {"name": doc.name, "url": doc.file_url, "file_name": doc.file_name, "hash": doc.content_hash}


def attach_bytes(file_name: str, size: int, seed: str, doctype: str, name: str) -> dict:
	"""A file of `size` bytes that look like nothing in particular."""
	import random

	return attach(file_name, random.Random(seed).randbytes(size), doctype, name)


def files_of(doctype: str, name: str) -> list[dict]:
	"""What is attached to a document, with what is really on the disk."""
	import frappe

	found = []
	for row in frappe.get_all(
		"File",
		filters={"attached_to_doctype": doctype, "attached_to_name": name},
		fields=["*"],
		order_by="creation asc, name asc",
	):
		found.append({**look_at(row.name), "field": row.attached_to_field})
	return found


def look_at(name: str) -> dict:
	import hashlib

	import frappe

	doc = frappe.get_doc("File", name)
	with open(doc.get_full_path(), "rb") as opened:
		content = opened.read()
	return {
		"name": doc.name,
		"file_name": doc.file_name,
		"url": doc.file_url,
		"private": doc.is_private,
		"size": len(content),
		"hash": hashlib.md5(content).hexdigest(),
		"text": content[:60].decode(errors="replace"),
	}


def content_at(url: str) -> str:
	"""What this site has under an address."""
	import frappe

	path = frappe.get_site_path(
		*(["public"] if url.startswith("/files/") else []), *url.strip("/").split("/")
	)
	with open(path, "rb") as opened:
		return opened.read().decode(errors="replace")


def files_on_disk() -> list[str]:
	import os

	import frappe

	return sorted(
		os.path.join(folder, name)
		for private in (0, 1)
		for folder in [frappe.utils.get_files_path(is_private=private)]
		for name in os.listdir(folder)
	)


def write_over(url: str, text: str) -> None:
	"""Somebody changes the disk behind Frappe's back; no text: takes the file away."""
	import os

	import frappe

	path = frappe.get_site_path(
		*(["public"] if url.startswith("/files/") else []), *url.strip("/").split("/")
	)
	if not text:
		os.remove(path)
		return
	with open(path, "w") as opened:
		opened.write(text)


def resync(producer_doc: str) -> list[str]:
	import frappe

	from event_streaming.consumer.pull.by_hand import resync_logs

	resync_logs(frappe.get_all("Event Sync Log", filters={"producer_doc": producer_doc}, pluck="name"))
	return frappe.get_all(
		"Event Sync Log", filters={"producer_doc": producer_doc}, pluck="status", order_by="name asc"
	)


# ---- what is attached


@pytest.mark.parametrize("is_private", [0, 1])
def test_an_attached_file_comes_private_or_public_as_it_is(producer, consumer, papers, is_private):
	text = unique("content")
	paper = producer.run(insert, doctype=PAPER, title="one")
	there = producer.run(
		attach, file_name="report.txt", content=text, doctype=PAPER, name=paper, is_private=is_private
	)

	pull(consumer, producer)

	(here,) = consumer.run(files_of, doctype=PAPER, name=paper)
	assert (here["text"], here["hash"], here["private"]) == (text, there["hash"], is_private)
	assert here["file_name"] == there["file_name"]
	assert [log["update_type"] for log in sync_logs(consumer)] == ["Create", "Attach"]
	assert {log["status"] for log in sync_logs(consumer)} == {"Synced"}


def test_a_file_of_the_same_name_here_is_left_alone(producer, consumer, papers):
	name = f"{unique('plan')}.txt"
	text = unique("mine")
	mine = consumer.run(attach, file_name=name, content=text)
	paper = producer.run(insert, doctype=PAPER, title="one")
	producer.run(attach, file_name=name, content=unique("theirs"), doctype=PAPER, name=paper)

	pull(consumer, producer)

	(here,) = consumer.run(files_of, doctype=PAPER, name=paper)
	assert here["file_name"] == name and here["url"] != mine["url"]
	assert consumer.run(content_at, url=mine["url"]) == text


def test_a_removed_file_goes_and_the_others_stay(producer, consumer, papers):
	paper = producer.run(insert, doctype=PAPER, title="one")
	first = producer.run(attach, file_name="a.txt", content=unique("a"), doctype=PAPER, name=paper)
	producer.run(attach, file_name="b.txt", content=unique("b"), doctype=PAPER, name=paper)
	pull(consumer, producer)
	gone = consumer.run(files_of, doctype=PAPER, name=paper)[0]

	producer.run(delete, doctype="File", name=first["name"])
	pull(consumer, producer)

	assert [each["text"][0] for each in consumer.run(files_of, doctype=PAPER, name=paper)] == ["b"]
	assert not any(path.endswith("public" + gone["url"]) for path in consumer.run(files_on_disk))


def test_a_file_that_becomes_private_does_so_here_with_the_field_that_names_it(producer, consumer, papers):
	text = unique("photo")
	paper = producer.run(insert, doctype=PAPER, title="one")
	there = producer.run(
		attach,
		file_name=new_file("secret", "png"),
		content=text,
		doctype=PAPER,
		name=paper,
		attached_to_field="photo",
	)
	producer.run(change, doctype=PAPER, name=paper, photo=there["url"])
	pull(consumer, producer)
	before = consumer.run(read_doc, doctype=PAPER, name=paper)["photo"]
	assert before.startswith("/files/")

	producer.run(change, doctype="File", name=there["name"], is_private=1)
	pull(consumer, producer)

	(here,) = consumer.run(files_of, doctype=PAPER, name=paper)
	photo = consumer.run(read_doc, doctype=PAPER, name=paper)["photo"]
	assert (here["private"], here["text"], here["url"]) == (1, text, photo)
	assert photo.startswith("/private/files/")
	assert not any(path.endswith("public" + before) for path in consumer.run(files_on_disk))


def test_deleting_the_document_deletes_its_files_on_both_sites(producer, consumer, papers):
	paper = producer.run(insert, doctype=PAPER, title="one")
	producer.run(attach, file_name="a.txt", content=unique("a"), doctype=PAPER, name=paper)
	pull(consumer, producer)
	(here,) = consumer.run(files_of, doctype=PAPER, name=paper)

	producer.run(delete, doctype=PAPER, name=paper)
	pull(consumer, producer)

	assert [log["update_type"] for log in sync_logs(consumer)] == ["Create", "Attach", "Delete"]
	assert {log["status"] for log in sync_logs(consumer)} == {"Synced"}
	assert consumer.run(read_doc, doctype="File", name=here["name"]) is None
	assert (
		consumer.run(read_rows, doctype="Event Document Identity", filters={"remote_doctype": "File"}) == []
	)


def test_a_renamed_document_keeps_its_files_and_gets_more(producer, consumer, papers):
	old = producer.run(insert, doctype=PAPER, title="one")
	producer.run(attach, file_name="a.txt", content=unique("a"), doctype=PAPER, name=old)
	pull(consumer, producer)

	new = unique("renamed")
	producer.run(rename, doctype=PAPER, old=old, new=new)
	producer.run(attach, file_name="b.txt", content=unique("b"), doctype=PAPER, name=new)
	pull(consumer, producer)

	assert [each["text"][0] for each in consumer.run(files_of, doctype=PAPER, name=new)] == ["a", "b"]


def rename(doctype: str, old: str, new: str, merge: bool = False) -> None:
	import frappe

	frappe.rename_doc(doctype, old, new, merge=merge)


def test_a_file_that_a_document_loses_to_the_one_it_was_attached_to_first_is_no_change_of_this_sites_own(
	producer, consumer, third, papers
):
	"""It had come early: with what a merge brings of the document that stays. Told as its own, the producer would lose the file."""
	third.run(make_file_doctypes)
	subscribe(third, consumer, PAPER)
	kept, gone = (producer.run(insert, doctype=PAPER, title=title) for title in ("kept", "gone"))
	settle((consumer, producer), (third, consumer))
	consumer.run(delete, doctype=PAPER, name=gone)
	producer.run(rename, doctype=PAPER, old=gone, new=kept, merge=True)
	moved = producer.run(insert, doctype=PAPER, title="moved")
	producer.run(attach, file_name="a.txt", content=unique("a"), doctype=PAPER, name=moved)
	producer.run(rename, doctype=PAPER, old=moved, new=kept, merge=True)

	settle((consumer, producer), (third, consumer))

	lost = update_logs(consumer, update_type="Detach")
	assert [(each["docname"], each["origin"]) for each in lost] == [(kept, producer.url)]
	for site in (producer, consumer, third):
		assert len(site.run(files_of, doctype=PAPER, name=kept)) == 1


def test_a_file_that_moves_to_another_document_moves_here_too(producer, consumer, papers):
	old, new = (producer.run(insert, doctype=PAPER, title=title) for title in ("old", "new"))
	there = producer.run(attach, file_name="a.txt", content=unique("a"), doctype=PAPER, name=old)
	pull(consumer, producer)

	producer.run(change, doctype="File", name=there["name"], attached_to_name=new)
	pull(consumer, producer)

	assert consumer.run(files_of, doctype=PAPER, name=old) == []
	assert len(consumer.run(files_of, doctype=PAPER, name=new)) == 1


def test_a_file_that_a_hook_attaches_before_the_document_is_stored_comes(producer, consumer, papers):
	name = unique("early")
	producer.run(attach_then_insert, name=name, text=unique("early"))

	pull(consumer, producer)

	assert [log["update_type"] for log in sync_logs(consumer)] == ["Create", "Attach"]
	assert len(consumer.run(files_of, doctype=PAPER, name=name)) == 1


def attach_then_insert(name: str, text: str) -> None:
	import frappe

	attach("early.txt", text, PAPER, name)
	frappe.get_doc({"doctype": PAPER, "title": "early"}).insert(set_name=name)


# ---- fields


ORDERS = ["attached first", "loose first", "loose, then saved", "attached after"]


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("use_same_name", [1, 0])
def test_a_field_names_this_sites_file_in_whatever_order_things_were_done(
	producer, consumer, order, use_same_name
):
	for site in (producer, consumer):
		site.run(make_file_doctypes)
	subscribe(consumer, producer, PAPER, use_same_name=use_same_name)
	file_name, text, title = f"{unique('photo')}.png", unique("photo"), unique("paper")
	# the name is taken here: the address can't be the same
	consumer.run(attach, file_name=file_name, content=unique("mine"))

	paper = producer.run(fill_field, order=order, title=title, file_name=file_name, text=text)
	pull(consumer, producer)

	here = consumer.run(find_name, doctype=PAPER, title=title)
	doc, files = (
		consumer.run(read_doc, doctype=PAPER, name=here),
		consumer.run(files_of, doctype=PAPER, name=here),
	)
	url = producer.run(read_doc, doctype=PAPER, name=paper)["photo"]
	assert url and doc["photo"] and doc["photo"] != url
	assert consumer.run(content_at, url=doc["photo"]) == text
	assert [(each["url"], each["field"]) for each in files] == [(doc["photo"], "photo")]
	assert {(log["status"], log["warnings"]) for log in sync_logs(consumer)} == {("Synced", None)}


def fill_field(order: str, title: str, file_name: str, text: str) -> str:
	import frappe

	paper = {"doctype": PAPER, "title": title}
	if order == "loose first":
		return frappe.get_doc({**paper, "photo": attach(file_name, text)["url"]}).insert().name
	doc = frappe.get_doc(paper).insert()
	if order == "attached first":
		doc.photo = attach(file_name, text, PAPER, doc.name, attached_to_field="photo")["url"]
		doc.save()
	elif order == "loose, then saved":
		doc.photo = attach(file_name, text)["url"]
		doc.save()
	else:
		loose = attach(file_name, text)
		doc.db_set("photo", loose["url"])
		file = frappe.get_doc("File", loose["name"])
		file.update(
			{"attached_to_doctype": PAPER, "attached_to_name": doc.name, "attached_to_field": "photo"}
		)
		file.save()
	return doc.name


def test_a_replaced_photo_is_replaced_here(producer, consumer, papers):
	paper = producer.run(
		fill_field, order="attached first", title="one", file_name="first.png", text=unique("first")
	)
	pull(consumer, producer)
	producer.run(replace_photo, name=paper, text="second photo")
	pull(consumer, producer)

	photo = consumer.run(read_doc, doctype=PAPER, name=paper)["photo"]
	assert consumer.run(content_at, url=photo) == "second photo"
	assert [each["text"] for each in consumer.run(files_of, doctype=PAPER, name=paper)] == ["second photo"]

	producer.run(change, doctype=PAPER, name=paper, photo=None)
	pull(consumer, producer)
	assert not consumer.run(read_doc, doctype=PAPER, name=paper)["photo"]


def replace_photo(name: str, text: str) -> None:
	"""As the form does it: the old one is removed, the new one uploaded, the document saved."""
	import frappe

	for file in frappe.get_all(
		"File", {"attached_to_doctype": PAPER, "attached_to_name": name}, pluck="name"
	):
		frappe.delete_doc("File", file)
	doc = frappe.get_doc(PAPER, name)
	doc.photo = attach("second.png", text, PAPER, name, attached_to_field="photo")["url"]
	doc.save()


def test_pictures_in_rows_come_also_those_that_are_attached_elsewhere(producer, consumer, papers):
	name = f"{unique('row')}.png"
	consumer.run(attach, file_name=name, content=unique("mine"))
	binder = producer.run(insert, doctype=BINDER, title="b")
	cover = producer.run(attach, file_name=name, content=unique("cover"), doctype=BINDER, name=binder)
	paper = producer.run(insert, doctype=PAPER, title="rows", pages=[{"text": "1", "picture": cover["url"]}])
	pull(consumer, producer)

	(page,) = consumer.run(read_doc, doctype=PAPER, name=paper)["pages"]
	assert page["picture"] != cover["url"]
	assert consumer.run(content_at, url=page["picture"]).startswith("cover")

	loose = producer.run(attach, file_name=name, content=unique("loose"), doctype=PAPER, name=paper)
	producer.run(add_page, name=paper, picture=loose["url"])
	pull(consumer, producer)
	pages = consumer.run(read_doc, doctype=PAPER, name=paper)["pages"]
	assert consumer.run(content_at, url=pages[1]["picture"]).startswith("loose")


def add_page(name: str, picture: str) -> None:
	import frappe

	doc = frappe.get_doc(PAPER, name)
	doc.append("pages", {"text": "2", "picture": picture})
	doc.save()


def test_a_field_whose_file_is_gone_is_left_empty_with_a_warning(producer, consumer, papers):
	paper = producer.run(
		fill_field, order="attached first", title="one", file_name="gone.png", text=unique("gone")
	)
	producer.run(delete_files, name=paper)

	pull(consumer, producer)

	assert not consumer.run(read_doc, doctype=PAPER, name=paper)["photo"]
	assert consumer.run(files_of, doctype=PAPER, name=paper) == []
	assert {log["status"] for log in sync_logs(consumer)} == {"Synced"}
	assert "gone" in "".join(log["warnings"] or "" for log in sync_logs(consumer))


def delete_files(name: str) -> None:
	import frappe

	for file in frappe.get_all(
		"File", {"attached_to_doctype": PAPER, "attached_to_name": name}, pluck="name"
	):
		frappe.delete_doc("File", file)


def test_a_link_on_the_web_stays_what_it_is(producer, consumer, papers):
	url = f"https://example.com/{unique('x')}.png"
	paper = producer.run(insert, doctype=PAPER, title="web", photo=url)
	producer.run(attach_url, url=url, name=paper)

	pull(consumer, producer)

	assert consumer.run(read_doc, doctype=PAPER, name=paper)["photo"] == url
	assert url in [
		row["file_url"] for row in consumer.run(read_rows, doctype="File", filters={"file_url": url})
	]


def attach_url(url: str, name: str) -> None:
	import frappe

	frappe.get_doc(
		{
			"doctype": "File",
			"file_url": url,
			"file_name": "x.png",
			"attached_to_doctype": PAPER,
			"attached_to_name": name,
		}
	).insert()


# ---- documents that are brought


def amend(name: str) -> str:
	import frappe

	doc = frappe.get_doc(ORDER, name)
	doc.submit()
	doc.cancel()
	amended = frappe.copy_doc(doc)
	amended.amended_from, amended.docstatus = name, 0
	return amended.insert().name


def test_an_amendment_has_each_file_and_each_link_once(producer, consumer, orders):
	"""Frappe copies them from the document that is amended, on both sites."""
	subscribe(consumer, producer, ORDER)
	name = producer.run(insert, doctype=ORDER, title=unique("order"))
	link = {"file_name": "terms.pdf", "file_url": "https://example.com/terms.pdf"}
	producer.run(attach_link, name=name, **link)
	producer.run(attach, file_name=new_file("note", "txt"), content=unique("note"), doctype=ORDER, name=name)
	pull(consumer, producer)

	amended = producer.run(amend, name=name)
	pull(consumer, producer)

	there, here = (
		site.run(read_rows, doctype="File", filters={"attached_to_name": amended})
		for site in (producer, consumer)
	)
	assert sorted(file["file_name"] for file in here) == sorted(file["file_name"] for file in there)
	assert len(here) == 2


def attach_link(name: str, file_name: str, file_url: str) -> None:
	insert("File", file_name=file_name, file_url=file_url, attached_to_doctype=ORDER, attached_to_name=name)


def test_a_document_that_was_there_before_comes_with_its_files(producer, consumer):
	for site in (producer, consumer):
		site.run(make_file_doctypes)
	name = f"{unique('photo')}.png"
	consumer.run(attach, file_name=name, content=unique("mine"))
	paper = producer.run(
		fill_field, order="attached first", title="old", file_name=name, text=unique("photo")
	)
	producer.run(
		attach, file_name="more.txt", content=unique("more"), doctype=PAPER, name=paper, is_private=1
	)
	subscribe(consumer, producer, PAPER)

	producer.run(change, doctype=PAPER, name=paper, title="new")
	pull(consumer, producer)

	files = consumer.run(files_of, doctype=PAPER, name=paper)
	photo = consumer.run(read_doc, doctype=PAPER, name=paper)["photo"]
	assert [(each["text"][:5], each["field"], each["private"]) for each in files] == [
		("photo", "photo", 0),
		("more ", None, 1),
	]
	assert photo == files[0]["url"]
	assert [log["update_type"] for log in sync_logs(consumer)] == ["Update"]


def test_a_file_is_enough_to_bring_a_document_that_was_there_before(producer, consumer):
	for site in (producer, consumer):
		site.run(make_file_doctypes)
	paper = producer.run(insert, doctype=PAPER, title="old")
	producer.run(attach, file_name="a.txt", content=unique("a"), doctype=PAPER, name=paper)
	subscribe(consumer, producer, PAPER)

	producer.run(attach, file_name="b.txt", content=unique("b"), doctype=PAPER, name=paper)
	pull(consumer, producer)

	assert [each["text"][0] for each in consumer.run(files_of, doctype=PAPER, name=paper)] == ["a", "b"]


def test_what_a_document_needs_comes_with_its_files(producer, consumer, papers):
	name = f"{unique('cover')}.png"
	consumer.run(attach, file_name=name, content=unique("mine"))
	cover = producer.run(attach, file_name=name, content=unique("cover"))
	binder = producer.run(insert, doctype=BINDER, title="b", cover=cover["url"])
	producer.run(
		attach, file_name="spine.txt", content=unique("spine"), doctype=BINDER, name=binder, is_private=1
	)

	producer.run(insert, doctype=PAPER, title="in a binder", binder=binder)
	pull(consumer, producer)

	here = consumer.run(read_doc, doctype=BINDER, name=binder)
	assert sorted(each["text"][:5] for each in consumer.run(files_of, doctype=BINDER, name=binder)) == [
		"cover",
		"spine",
	]
	assert here["cover"] != cover["url"]
	assert consumer.run(content_at, url=here["cover"]).startswith("cover")


def test_a_document_that_comes_to_meet_its_condition_comes_with_its_files(producer, consumer):
	for site in (producer, consumer):
		site.run(make_file_doctypes)
	before = producer.run(insert, doctype=PAPER, title="before")
	producer.run(attach, file_name="a.txt", content=unique("a"), doctype=PAPER, name=before)
	subscribe(consumer, producer, PAPER, condition="doc.urgent == 1")
	after = producer.run(insert, doctype=PAPER, title="after")
	for paper in (before, after):
		producer.run(attach, file_name="b.txt", content=unique("b"), doctype=PAPER, name=paper)
	pull(consumer, producer)
	assert sync_logs(consumer) == []

	for paper in (before, after):
		producer.run(change, doctype=PAPER, name=paper, urgent=1)
	pull(consumer, producer)

	assert [each["text"][0] for each in consumer.run(files_of, doctype=PAPER, name=before)] == ["a", "b"]
	assert [each["text"][0] for each in consumer.run(files_of, doctype=PAPER, name=after)] == ["b"]


def test_fields_of_a_mapped_document_name_this_sites_files(producer, consumer):
	producer.run(make_file_doctypes)
	consumer.run(make_local_doctype)
	name = f"{unique('photo')}.png"
	consumer.run(attach, file_name=name, content=unique("mine"))
	mapping = consumer.run(make_mapping)
	rows = [{"ref_doctype": CARD, "has_mapping": 1, "mapping": mapping, "use_same_name": 1}]
	for site in (producer, consumer):
		site.run(make_subscriber)
	consumer.run(make_event_producer, url=producer.url, rows=rows)
	producer.run(decide, consumer_url=consumer.url)

	paper = producer.run(
		fill_field, order="attached first", title="mapped", file_name=name, text=unique("photo")
	)
	pull(consumer, producer)

	picture = consumer.run(read_doc, doctype=CARD, name=paper)["picture"]
	(here,) = consumer.run(files_of, doctype=CARD, name=paper)
	assert (here["url"], here["field"]) == (picture, "picture")
	assert here["text"].startswith("photo")


CARD = "Filing Card"


def make_local_doctype() -> None:
	make_doctype(CARD, [field("heading"), field("picture", "Attach Image")], autoname="hash")


def make_mapping() -> str:
	import frappe

	fields = [("heading", "title"), ("picture", "photo")]
	return (
		frappe.get_doc(
			{
				"doctype": "Document Type Mapping",
				"mapping_name": "Paper to Card",
				"local_doctype": CARD,
				"remote_doctype": PAPER,
				"field_mapping": [
					{"local_fieldname": local, "remote_fieldname": remote} for local, remote in fields
				],
			}
		)
		.insert()
		.name
	)


# ---- the content


@pytest.fixture
def line(producer, consumer):
	"""A subscription to papers whose every request goes through a proxy."""
	for site in (producer, consumer):
		site.run(make_file_doctypes)
		site.run(make_subscriber)
	with FaultyProxy(producer.url) as proxy:
		producer.run(change, doctype=SETTINGS, name=SETTINGS, public_url=proxy.url)
		consumer.run(make_event_producer, url=proxy.url, rows=[{"ref_doctype": PAPER, "use_same_name": 1}])
		producer.run(decide, consumer_url=consumer.url)
		proxy.requests.clear()
		yield proxy


def transfers(line) -> int:
	return sum(CONTENT in path for path in line.requests)


def test_the_same_content_is_sent_once(producer, consumer, line):
	text = unique("shared")
	papers = [producer.run(insert, doctype=PAPER, title=str(number)) for number in range(3)]
	for number, paper in enumerate(papers):
		producer.run(
			attach, file_name=f"{number}.txt", content=text, doctype=PAPER, name=paper, is_private=number == 2
		)

	consumer.run(pull_now, event_producer=line.url)

	assert transfers(line) == 1
	files = [consumer.run(files_of, doctype=PAPER, name=paper)[0] for paper in papers]
	assert [each["text"] for each in files] == [text] * 3
	assert files[0]["url"] == files[1]["url"] and files[2]["url"].startswith("/private/")


def test_content_that_is_here_already_is_not_sent(producer, consumer, line):
	text, theirs = unique("here already"), new_file("theirs", "txt")
	consumer.run(attach, file_name="mine.txt", content=text)
	paper = producer.run(insert, doctype=PAPER, title="one")
	producer.run(attach, file_name=theirs, content=text, doctype=PAPER, name=paper)

	consumer.run(pull_now, event_producer=line.url)

	assert transfers(line) == 0
	(here,) = consumer.run(files_of, doctype=PAPER, name=paper)
	assert (here["file_name"], here["text"]) == (theirs, text)


def test_a_big_file_comes_intact_in_pieces(producer, consumer, line):
	paper = producer.run(insert, doctype=PAPER, title="big")
	size = 9 * 1024 * 1024 + 1
	there = producer.run(
		attach_bytes, file_name="big.bin", size=size, seed=unique("big"), doctype=PAPER, name=paper
	)

	consumer.run(pull_now, event_producer=line.url)

	(here,) = consumer.run(files_of, doctype=PAPER, name=paper)
	assert (here["size"], here["hash"]) == (size, there["hash"])
	assert transfers(line) == 3


def test_a_photo_is_not_compressed_anew(producer, consumer, papers):
	paper = producer.run(insert, doctype=PAPER, title="jpeg")
	there = producer.run(attach_jpeg, name=paper)
	producer.run(change, doctype=PAPER, name=paper, photo=there["url"])

	pull(consumer, producer)

	(here,) = consumer.run(files_of, doctype=PAPER, name=paper)
	assert here["hash"] == there["hash"]


def attach_jpeg(name: str) -> dict:
	import io
	import random

	from PIL import Image

	image = Image.frombytes("RGB", (40, 40), random.randbytes(40 * 40 * 3))
	output = io.BytesIO()
	image.save(output, format="jpeg")
	return attach("photo.jpg", output.getvalue(), PAPER, name, attached_to_field="photo")


def test_applied_twice_it_is_there_once(producer, consumer, papers):
	paper = producer.run(
		fill_field, order="attached first", title="one", file_name="a.png", text=unique("twice")
	)
	pull(consumer, producer)
	disk = consumer.run(files_on_disk)

	consumer.run(begin_again)
	pull(consumer, producer)

	assert len(consumer.run(files_of, doctype=PAPER, name=paper)) == 1
	assert consumer.run(files_on_disk) == disk


def begin_again() -> None:
	"""As if the consumer had been put back to an older cursor."""
	import frappe

	frappe.db.sql("update `tabEvent Producer Last Update` set position = 0")
	frappe.db.sql("delete from `tabEvent Sync Log`")


# ---- what goes wrong


def test_a_file_over_the_limit_fails_alone_and_comes_after_the_limit_is_raised(producer, consumer, papers):
	consumer.run(change, doctype=SETTINGS, name=SETTINGS, max_file_megabytes=1)
	big, small = (producer.run(insert, doctype=PAPER, title=title) for title in ("big", "small"))
	film = new_file("film", "mov")
	producer.run(attach_bytes, file_name=film, size=3 << 19, seed=film, doctype=PAPER, name=big)
	producer.run(attach, file_name="note.txt", content=unique("note"), doctype=PAPER, name=small)

	pull(consumer, producer)

	(failed,) = sync_logs(consumer, status="Failed")
	assert (failed["update_type"], failed["producer_doc"]) == ("Attach", big)
	for part in (film, "1.5 MB", "1 MB", "Largest File in Megabytes in Event Streaming Settings"):
		assert part in failed["error"]
	assert len(consumer.run(files_of, doctype=PAPER, name=small)) == 1
	assert consumer.run(read_doc, doctype=PAPER, name=big)

	consumer.run(change, doctype=SETTINGS, name=SETTINGS, max_file_megabytes=2)
	assert consumer.run(resync, producer_doc=big) == ["Synced", "Synced"]
	(here,) = consumer.run(files_of, doctype=PAPER, name=big)
	assert here["size"] == 3 << 19


def test_content_that_is_not_what_its_hash_says_is_refused(producer, consumer, papers):
	paper = producer.run(insert, doctype=PAPER, title="one")
	there = producer.run(attach, file_name="contract.txt", content=unique("c"), doctype=PAPER, name=paper)
	producer.run(write_over, url=there["url"], text="not what was signed")
	disk = consumer.run(files_on_disk)

	pull(consumer, producer)

	(failed,) = sync_logs(consumer, update_type="Attach")
	assert failed["status"] == "Failed" and "contract" in failed["error"] and "hash" in failed["error"]
	assert consumer.run(files_of, doctype=PAPER, name=paper) == []
	assert consumer.run(files_on_disk) == disk


def test_a_file_that_is_missing_on_the_producers_disk_fails_and_says_so(producer, consumer, papers):
	paper = producer.run(insert, doctype=PAPER, title="one")
	there = producer.run(attach, file_name="lost.txt", content=unique("c"), doctype=PAPER, name=paper)
	producer.run(write_over, url=there["url"], text="")

	pull(consumer, producer)

	(failed,) = sync_logs(consumer, update_type="Attach")
	assert failed["status"] == "Failed"
	assert "lost" in failed["error"] and "missing on the disk" in failed["error"]


def test_what_a_failed_event_has_written_to_the_disk_goes_again(producer, consumer, papers):
	"""The content comes first, then this site refuses the row: nothing of it stays."""
	paper = producer.run(insert, doctype=PAPER, title="one")
	pull(consumer, producer)
	consumer.run(limit_attachments, most=2)
	names = [new_file(stem, "txt") for stem in ("first", "second", "third")]
	for name in names:
		producer.run(attach, file_name=name, content=name, doctype=PAPER, name=paper)
	try:
		pull(consumer, producer)
		disk = consumer.run(files_on_disk)
		(failed,) = sync_logs(consumer, status="Retrying")
		assert "Attachment" in failed["error"]
		assert not any(path.endswith(names[2]) for path in disk)
	finally:
		consumer.run(limit_attachments, most=0)
	assert consumer.run(resync, producer_doc=paper)[-1] == "Synced"
	assert len(consumer.run(files_of, doctype=PAPER, name=paper)) == 3


def limit_attachments(most: int) -> None:
	import frappe

	doc = frappe.get_doc("DocType", PAPER)
	doc.max_attachments = most
	doc.save()


@pytest.mark.parametrize(
	("column", "value"),
	[
		("file_name", "../../site_config.json"),
		("file_name", "/etc/passwd"),
		("file_url", "/private/backups/all.sql"),
		("content_hash", "../../../../tmp/hash"),
		("file_size", -1),
		("file_size", "many"),
	],
)
def test_what_a_hostile_producer_says_of_a_file_is_refused(producer, consumer, papers, column, value):
	paper = producer.run(insert, doctype=PAPER, title="one")
	producer.run(attach, file_name="a.txt", content=unique("a"), doctype=PAPER, name=paper)
	producer.run(falsify, column=column, value=value)
	disk = consumer.run(files_on_disk)

	pull(consumer, producer)

	(log,) = sync_logs(consumer, update_type="Attach")
	assert log["status"] == "Failed" and "InvalidPage" in log["error"]
	assert consumer.run(files_on_disk) == disk


def falsify(column: str, value) -> None:
	import json

	import frappe

	(row,) = frappe.get_all("Event Update Log", {"update_type": "Attach"}, ["name", "data"])
	frappe.db.set_value(
		"Event Update Log", row.name, "data", json.dumps({**json.loads(row.data), column: value})
	)


# ---- who may have them


def ask_content(site, consumer, file: dict, user: str = SUBSCRIBER) -> str:
	"""The name of the refusal, or "given"."""
	try:
		answer = site.rest(user).method(CONTENT, event_consumer=consumer.url, file=file["name"])
	except RestError as error:
		return error.exc_type
	assert answer["content"]
	return "given"


def test_the_endpoint_gives_a_file_to_nobody_but_the_consumer_that_may_have_its_document(
	producer, consumer, papers
):
	paper = producer.run(insert, doctype=PAPER, title="one")
	file = producer.run(
		attach, file_name="a.txt", content=unique("a"), doctype=PAPER, name=paper, is_private=1
	)
	loose = producer.run(attach, file_name="b.txt", content=unique("b"), is_private=1)
	of_user = producer.run(
		attach, file_name="c.txt", content=unique("c"), doctype="User", name=SUBSCRIBER, is_private=1
	)

	assert ask_content(producer, consumer, file) == "given"
	assert ask_content(producer, consumer, file, user="Administrator") == "PermissionError"
	assert ask_content(producer, consumer, loose) == "PermissionError"
	assert ask_content(producer, consumer, of_user) == "PermissionError"
	assert ask_content(producer, consumer, {"name": "../site_config.json"}) == "DoesNotExistError"

	producer.run(decide, consumer_url=consumer.url, status="Rejected")
	assert ask_content(producer, consumer, file) == "PermissionError"


def test_what_a_field_names_is_not_given_to_who_may_not_read_it(producer, consumer, papers):
	"""A private file that belongs to nothing, named in a field by hand: the field alone is no permission."""
	loose = producer.run(attach, file_name="b.txt", content=unique("b"), is_private=1)
	answer = producer.rest(SUBSCRIBER).method(
		FIND, event_consumer=consumer.url, references=json.dumps([[PAPER, "any", loose["url"]]])
	)

	assert answer == {"files": [], "missing": [[PAPER, "any", loose["url"], "not permitted"]]}


# ---- two ways


def test_files_cross_once_in_both_directions(producer, consumer):
	for site in (producer, consumer):
		site.run(make_file_doctypes)
	subscribe(consumer, producer, PAPER)
	subscribe(producer, consumer, PAPER)
	paper = producer.run(
		fill_field, order="attached first", title="both", file_name="a.png", text=unique("photo")
	)
	assert settle((consumer, producer), (producer, consumer)) == 3
	(here,) = consumer.run(files_of, doctype=PAPER, name=paper)

	consumer.run(attach, file_name="b.txt", content=unique("b"), doctype=PAPER, name=paper)
	assert settle((consumer, producer), (producer, consumer)) == 1
	assert len(producer.run(files_of, doctype=PAPER, name=paper)) == 2

	# the one that came is removed where it came to
	consumer.run(delete, doctype="File", name=here["name"])
	assert settle((consumer, producer), (producer, consumer)) == 1
	for site in (producer, consumer):
		assert [each["text"][0] for each in site.run(files_of, doctype=PAPER, name=paper)] == ["b"]


def test_a_file_goes_round_a_ring_of_three_once(producer, consumer, third):
	ring = [producer, consumer, third]
	for site in ring:
		site.run(make_file_doctypes)
	pairs = [(ring[(i + 1) % 3], ring[i]) for i in range(3)]
	for taker, giver in pairs:
		subscribe(taker, giver, PAPER)

	paper = producer.run(insert, doctype=PAPER, title="ring")
	first = producer.run(attach, file_name="a.txt", content=unique("a"), doctype=PAPER, name=paper)
	assert settle(*pairs) == 4
	last = third.run(files_of, doctype=PAPER, name=paper)
	assert len(last) == 1

	third.run(delete, doctype="File", name=last[0]["name"])
	assert settle(*pairs) == 2
	assert [site.run(files_of, doctype=PAPER, name=paper) for site in ring] == [[], [], []]
	assert producer.run(read_doc, doctype="File", name=first["name"]) is None


def test_files_are_not_a_doctype_to_subscribe_to(producer, consumer, papers):
	from sandbox.errors import RemoteError

	with pytest.raises(RemoteError, match="come with the documents"):
		producer.run(subscribe_to_file)


def subscribe_to_file() -> None:
	from event_streaming.site.refused import refuse_system_doctypes

	refuse_system_doctypes(["File"])


def test_an_old_consumer_hears_nothing_of_files(producer, consumer, papers):
	paper = producer.run(insert, doctype=PAPER, title="one")
	producer.run(attach, file_name="a.txt", content=unique("a"), doctype=PAPER, name=paper)

	answer = producer.rest(SUBSCRIBER).method(
		"event_streaming.event_streaming.doctype.event_update_log.event_update_log.get_update_logs_for_consumer",
		event_consumer=consumer.url,
		doctypes=json.dumps([PAPER]),
		last_update="2020-01-01 00:00:00",
	)

	assert [log["update_type"] for log in update_logs(producer)] == ["Create", "Attach"]
	assert [log["update_type"] for log in answer] == ["Create"]

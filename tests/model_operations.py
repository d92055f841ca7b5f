"""What runs inside a site for the model-based test: operations on documents, and a look at what they led to.

A document is known by its title, which no operation changes: its name is another on each site with local naming, and
changes with a rename. Each operation is a transaction of its own and chooses among the documents that it can be done to,
so that hardly any comes to nothing. Documents that others link to are never deleted or merged: see `can_go`.

The sites import this module, by the names that stand in `model_world`: sending so much source each time would take longer
than the operations.
"""

from contextlib import contextmanager
from datetime import timedelta

from tests.doctypes import CITY, ORDER, TICKET

DOCTYPES = (ORDER, TICKET)
STREAMED = (CITY, ORDER, TICKET)
DRAFT, SUBMITTED, CANCELLED = 0, 1, 2
DAYS = ("2026-03-01", "2026-03-02", "2026-12-31", None)
MOMENTS = ("2026-03-29 01:59:59", "2026-03-29 12:00:00.000001", None, "1999-12-31 23:59:59")
LOGS = (
	"Event Sync Log",
	"Event Update Log",
	"Event Update Log Consumer",
	"Event Delivery Hour",
	"Event Document Identity",
)
VALUES = (
	*("name", "title", "note", "total", "urgent", "due", "day", "city", "docstatus"),
	*("amended_from", "owner", "creation", "modified", "modified_by"),
)


def run_operations(operations: list[dict], hours: int = 0, one_transaction: bool = False) -> list[str]:
	"""Do the operations with the site's clock off by `hours`; says of each what became of it."""
	import frappe

	results = []
	with clock_off_by(hours):
		for operation in operations:
			try:
				results.append(OPERATIONS[operation["do"]](**operation["with"]) or "nothing to do it to")
			except frappe.ValidationError as error:
				# the site refuses: as a person would, it is left at that
				results.append(f"{type(error).__name__}: {error}")
				frappe.db.rollback()
			if not one_transaction:
				frappe.db.commit()
	return results


@contextmanager
def clock_off_by(hours: int):
	import frappe.utils.data

	right = frappe.utils.data.now_datetime
	frappe.utils.data.now_datetime = lambda: right() + timedelta(hours=hours)
	try:
		yield
	finally:
		frappe.utils.data.now_datetime = right


def choose(doctype: str, pick: int, docstatus: tuple = (DRAFT, SUBMITTED), mine: str = "") -> dict | None:
	"""One of the documents that are here; with `mine`, of those that were first made on the site of that letter."""
	import frappe

	found = frappe.get_all(
		doctype,
		filters={"docstatus": ["in", docstatus], "title": ["like", f"{mine}%"]},
		fields=["name", "title", "docstatus"],
		order_by="title asc",
	)
	return found[pick % len(found)] if found else None


def choose_doc(doctype: str, pick: int, docstatus: tuple = (DRAFT, SUBMITTED)):
	import frappe

	chosen = choose(doctype, pick, docstatus)
	return frappe.get_doc(doctype, chosen.name) if chosen else None


def can_go(doctype: str, name: str) -> bool:
	import frappe

	return not frappe.db.exists(doctype, {"amended_from": name})


# ---------------------------------------------------------------- operations


def create(doctype: str, title: str, value: int, rows: int, submit: bool) -> str:
	import frappe

	doc = frappe.get_doc({"doctype": doctype, "title": title, "note": f"note {value}", "total": value})
	for number in range(rows):
		doc.append("rows", {"item": f"item {number}", "qty": number + value / 10})
	# two counters would come to the same name on both sites, which is refused: see test_main_job
	doc.insert(set_name=f"ORD {title}" if doctype == ORDER else None)
	if submit:
		doc.submit()
	return doc.name


def create_city(title: str) -> str:
	import frappe

	return frappe.get_doc({"doctype": CITY, "title": title, "country_name": title}).insert().name


def update(doctype: str, pick: int, value: int, fields: list[str]) -> str | None:
	import frappe

	doc = choose_doc(doctype, pick)
	if not doc:
		return None
	cities = frappe.get_all(CITY, pluck="name", order_by="name asc")
	values = {
		"note": f"note {value}",
		"total": value / 4,
		"urgent": value % 2 or None,
		"due": MOMENTS[value % 4],
		"day": DAYS[value % 4],
		"city": cities[value % len(cities)] if cities else None,
	}
	chosen = {field: values[field] for field in (fields if doc.docstatus == DRAFT else ["note"])}
	if all(is_value(doc, field, value) for field, value in chosen.items()):
		return None
	doc.update(chosen)
	doc.save()
	return doc.name


def is_value(doc, field: str, value) -> bool:
	"""A save that changes nothing gives the document another time stamp, and that alone is no event."""
	there = doc.get(field) or None
	return float(there or 0) == value if field == "total" else str(there or "") == str(value or "")


def change_rows(doctype: str, pick: int, value: int, how: str) -> str | None:
	doc = choose_doc(doctype, pick, (DRAFT,))
	if not doc:
		return None
	rows = doc.rows
	if how == "add" or not rows:
		doc.append("rows", {"item": f"item {value}", "qty": value / 8})
	elif how == "add first":
		row = doc.append("rows", {"item": f"item {value}", "qty": value / 8})
		rows.insert(0, rows.pop(rows.index(row)))
	elif how == "remove":
		rows.pop(value % len(rows))
	elif how == "reorder" and value % len(rows):
		rows.insert(0, rows.pop(value % len(rows)))
	else:
		row = rows[value % len(rows)]
		row.qty, row.gift = row.qty + 1, value % 2
	for number, row in enumerate(rows, start=1):
		row.idx = number
	doc.save()
	return doc.name


def set_in_database(doctype: str, pick: int, value: int, quietly: bool) -> str | None:
	doc = choose_doc(doctype, pick, (DRAFT, SUBMITTED, CANCELLED))
	if not doc or is_value(doc, "note", f"note {value}"):
		return None
	doc.db_set("note", f"note {value}", update_modified=not quietly)
	return doc.name


def submit(doctype: str, pick: int) -> str | None:
	doc = choose_doc(doctype, pick, (DRAFT,))
	if doc:
		doc.submit()
	return doc and doc.name


def cancel(doctype: str, pick: int) -> str | None:
	doc = choose_doc(doctype, pick, (SUBMITTED,))
	if doc:
		doc.cancel()
	return doc and doc.name


def amend(doctype: str, pick: int, mine: str) -> str | None:
	"""Only where the document was first made: both sites would come to the same new name, which is refused."""
	import frappe

	chosen = choose(doctype, pick, (CANCELLED,), mine)
	if not chosen or not can_go(doctype, chosen.name):
		return None
	doc = frappe.copy_doc(frappe.get_doc(doctype, chosen.name))
	doc.amended_from, doc.title, doc.docstatus = chosen.name, f"{chosen.title}'", DRAFT
	return doc.insert().name


def rename(doctype: str, pick: int, new: str) -> str | None:
	import frappe

	chosen = choose(doctype, pick, (DRAFT, SUBMITTED, CANCELLED))
	return chosen and frappe.rename_doc(doctype, chosen.name, new, show_alert=False, rebuild_search=False)


def rename_city(pick: int, new: str) -> str | None:
	import frappe

	names = frappe.get_all(CITY, pluck="name", order_by="name asc")
	if not names:
		return None
	return frappe.rename_doc(CITY, names[pick % len(names)], new, show_alert=False, rebuild_search=False)


def merge(doctype: str, pick: int, into: int, mine: str) -> str | None:
	"""Two drafts, wherever they were made (`mine` only where the other site can't tell of a merge)."""
	import frappe

	old, new = choose(doctype, pick, (DRAFT,), mine), choose(doctype, into, (DRAFT,), mine)
	if not old or old.name == new.name or not can_go(doctype, old.name):
		return None
	return frappe.rename_doc(doctype, old.name, new.name, merge=True, show_alert=False, rebuild_search=False)


def make_again(doctype: str, pick: int, title: str, mine: str) -> str | None:
	"""Deleted, and another one made under its name."""
	import frappe

	chosen = choose(doctype, pick, (DRAFT,), mine)
	if doctype != ORDER or not chosen or not can_go(doctype, chosen.name):
		return None
	frappe.delete_doc(doctype, chosen.name)
	doc = {"doctype": doctype, "title": title, "note": "made again", "rows": [{"item": "again", "qty": 1}]}
	return frappe.get_doc(doc).insert(set_name=chosen.name).name


def delete(doctype: str, pick: int, mine: str) -> str | None:
	"""A draft, or a cancelled document where it may also be amended: an amendment and a deletion of one document
	that meet can't both stay, and which one does is not promised."""
	import frappe

	chosen = choose(doctype, pick, (DRAFT, CANCELLED))
	if not chosen or not can_go(doctype, chosen.name):
		return None
	if chosen.docstatus == CANCELLED and not chosen.title.startswith(mine):
		return None
	frappe.delete_doc(doctype, chosen.name)
	return chosen.name


def attach(doctype: str, pick: int, content: str, private: bool) -> str | None:
	"""A file whose content is no other's: the same one attached on both sites at once is one file or two."""
	import frappe

	chosen = choose(doctype, pick, (DRAFT, SUBMITTED, CANCELLED))
	if not chosen:
		return None
	values = {
		"file_name": f"{content}.txt",
		"content": content,
		"is_private": int(private),
		"attached_to_doctype": doctype,
		"attached_to_name": chosen.name,
	}
	return frappe.get_doc({"doctype": "File", **values}).insert().file_url


def detach(doctype: str, pick: int, other: int) -> str | None:
	import frappe

	chosen = choose(doctype, pick, (DRAFT, SUBMITTED, CANCELLED))
	attached = {"attached_to_doctype": doctype, "attached_to_name": chosen.name} if chosen else None
	found = attached and frappe.get_all("File", filters=attached, pluck="name", order_by="content_hash asc")
	if not found:
		return None
	frappe.delete_doc("File", found[other % len(found)])
	return found[other % len(found)]


OPERATIONS = {
	"create": create,
	"create_city": create_city,
	"update": update,
	"change_rows": change_rows,
	"set_in_database": set_in_database,
	"submit": submit,
	"cancel": cancel,
	"amend": amend,
	"rename": rename,
	"rename_city": rename_city,
	"merge": merge,
	"delete": delete,
	"make_again": make_again,
	"attach": attach,
	"detach": detach,
}

"""What two sites do to the same few documents before they hear of each other, and what is left of them: runs inside a site.

A document is known by its title; one that is made again under the name of another one has another title.
"""

from doctypes import ORDER, ROW


def do_steps(letter: str, todo: list) -> list[str]:
	"""Each (prefix, step) a transaction of its own; says what became of it. A step is a verb, a document and perhaps another."""
	import frappe

	results = []
	for number, (prefix, step) in enumerate(todo):
		try:
			results.append(do_step(prefix, f"{letter}{number}", *step.split()) or "nothing to do it to")
		except frappe.ValidationError as error:
			frappe.db.rollback()
			results.append(f"{type(error).__name__}: {error}")
		frappe.db.commit()
	return results


def do_step(prefix: str, mark: str, verb: str, which: str, _into: str = "", other: str = "") -> str | None:
	import frappe

	title = f"{prefix} {which}"
	if verb == "make":
		return make(title, title, "first")
	name = name_of(title)
	if not name:
		return None
	if verb == "merge":
		into = name_of(f"{prefix} {other}")
		return into and rename(name, into, merge=True)
	if verb == "rename":
		return rename(name, f"{title} {mark}", merge=False)
	if verb == "attach":
		return attach(name, f"{title} {mark}")
	if verb in ("delete", "remake"):
		frappe.delete_doc(ORDER, name)
		return name if verb == "delete" else make(name, f"{title}'", "made again")
	doc = frappe.get_doc(ORDER, name)
	doc.note = f"changed by {mark}"
	doc.append("rows", {"item": mark, "qty": 1})
	doc.save()
	return name


def name_of(title: str) -> str | None:
	import frappe

	return frappe.db.get_value(ORDER, {"title": title}, "name")


def rename(name: str, new: str, merge: bool) -> str:
	import frappe

	return frappe.rename_doc(ORDER, name, new, merge=merge, show_alert=False, rebuild_search=False)


def make(name: str, title: str, note: str) -> str:
	import frappe

	doc = {"doctype": ORDER, "title": title, "note": note, "rows": [{"item": "bolt", "qty": 1}]}
	frappe.get_doc(doc).insert(set_name=name)
	attach(name, title)
	return name


def attach(name: str, content: str) -> str:
	import frappe

	values = {"file_name": f"{content}.txt", "content": content}
	owner = {"attached_to_doctype": ORDER, "attached_to_name": name}
	return frappe.get_doc({"doctype": "File", **values, **owner}).insert().name


def what_is_there() -> dict[str, list]:
	"""Title -> the documents that have it, with all that belongs to them."""
	import frappe

	found: dict[str, list] = {}
	for doc in frappe.get_all(ORDER, fields=["title", "name", "note", "docstatus", "modified", "creation"]):
		rows = frappe.get_all(ROW, {"parent": doc.name}, ["idx", "item"], order_by="idx asc", as_list=True)
		owner = {"attached_to_doctype": ORDER, "attached_to_name": doc.name}
		files = sorted(frappe.get_all("File", owner, pluck="file_name"))
		values = [str(value) for value in doc.values()][1:]
		found.setdefault(doc.title, []).append([*values, [list(row) for row in rows], files])
	return found


def what_is_open() -> list[list]:
	import frappe

	fields = ["producer_doc", "update_type", "status", "error"]
	return frappe.get_all("Event Sync Log", {"status": ["!=", "Synced"]}, fields, as_list=True)


def what_was_said() -> list[list]:
	"""For a person: this site's log, what it has taken, and what it knows of the other one's documents."""
	import frappe

	said = frappe.db.sql(
		"select position, origin, update_type, docname, left(data, 150), data_before from `tabEvent Update Log` order by name"
	)
	taken = frappe.db.sql(
		"select producer_doc, docname, update_type, status, outcome, left(error, 300) from `tabEvent Sync Log`"
		" order by creation, cast(event_id as int)"
	)
	known = frappe.db.sql(
		"select remote_name, local_name, root_site, root_name, covered_to from `tabEvent Document Identity`"
		" where remote_doctype = %s",
		ORDER,
	)
	return [[str(value) for value in row] for row in (*said, *taken, *known)]


def queue_nothing() -> None:
	"""Frappe queues a job for each deletion; a queue of hundreds makes each further one slow, and is full at 550."""
	import frappe
	from frappe.utils.background_jobs import get_queues

	for queue in get_queues():
		queue.empty()
	if "enqueue_as_it_was" not in vars(frappe):
		frappe.enqueue_as_it_was = frappe.enqueue
	frappe.enqueue = lambda *args, **kwargs: None


def queue_again() -> None:
	"""Undoes `queue_nothing`: the process that it was done in goes on with the next test."""
	import frappe

	if "enqueue_as_it_was" in vars(frappe):
		frappe.enqueue = vars(frappe).pop("enqueue_as_it_was")


def forget_orders() -> None:
	import frappe

	for doctype in (ORDER, ROW):
		frappe.db.delete(doctype)


def make_due() -> None:
	import frappe

	frappe.db.set_value("Event Sync Log", {"status": "Retrying"}, "next_retry", "2020-01-01 00:00:00")

"""The DocTypes that tests stream: orders with rows, tickets just like them, and cities. All but `with_orders` run inside a site."""

ORDER, TICKET, ROW, CITY = "Streamed Order", "Streamed Ticket", "Streamed Order Row", "Streamed City"
# with much to hide
PAPER, LINE, WAGE, FOLDER = "Kept Paper", "Kept Line", "Kept Wage", "Kept Folder"
NOT_SENT = "note\nsalary\nscan\nstory\nwages\nlines.remark\nlines.picture"
MASKED = "code\ncontact = on request\nlines.label"


def make_doctype(name: str, fields: list[dict], **values) -> None:
	"""A custom DocType, unless the site has it already."""
	import frappe

	if frappe.db.exists("DocType", name):
		return
	permissions = [
		{
			"role": "System Manager",
			**dict.fromkeys(("read", "write", "create", "delete", "report", "export"), 1),
			**(dict.fromkeys(("submit", "cancel", "amend"), 1) if values.get("is_submittable") else {}),
		}
	]
	frappe.get_doc(
		{
			"doctype": "DocType",
			"name": name,
			"module": "Core",
			"custom": 1,
			"fields": fields,
			"permissions": [] if values.get("istable") else permissions,
			**values,
		}
	).insert()


def make_order_doctypes() -> None:
	"""A submittable order (and a ticket just like it) with rows, and the city that they link to."""
	make_doctype(
		CITY,
		[
			{"fieldname": "title", "label": "Title", "fieldtype": "Data", "reqd": 1},
			{"fieldname": "country_name", "label": "Country", "fieldtype": "Data"},
		],
		autoname="field:title",
		allow_rename=1,
	)
	make_doctype(
		ROW,
		[
			{"fieldname": "item", "label": "Item", "fieldtype": "Data", "in_list_view": 1},
			{"fieldname": "qty", "label": "Quantity", "fieldtype": "Float", "in_list_view": 1},
			{"fieldname": "gift", "label": "Gift", "fieldtype": "Check"},
		],
		istable=1,
	)
	fields = [
		{"fieldname": "title", "label": "Title", "fieldtype": "Data", "reqd": 1},
		{"fieldname": "city", "label": "City", "fieldtype": "Link", "options": CITY},
		{"fieldname": "note", "label": "Note", "fieldtype": "Small Text", "allow_on_submit": 1},
		{"fieldname": "total", "label": "Total", "fieldtype": "Currency"},
		{"fieldname": "urgent", "label": "Urgent", "fieldtype": "Check"},
		{"fieldname": "due", "label": "Due", "fieldtype": "Datetime"},
		{"fieldname": "day", "label": "Day", "fieldtype": "Date"},
		{"fieldname": "secret", "label": "Secret", "fieldtype": "Password"},
		{"fieldname": "rows", "label": "Rows", "fieldtype": "Table", "options": ROW},
	]
	for name, series in ((ORDER, "ORD-{#####}"), (TICKET, "TCK-{#####}")):
		# tickets are for local naming: where both sites count for themselves, names must not be carried over
		make_doctype(name, fields, autoname=f"format:{series}", is_submittable=1, allow_rename=1)


def with_orders(*sites) -> None:
	for site in sites:
		site.run(make_order_doctypes)


def add_custom_fields(doctype: str, fields: list) -> None:
	from frappe.custom.doctype.custom_field.custom_field import create_custom_fields

	create_custom_fields({doctype: fields})


def remove_custom_fields(doctype: str, names: list) -> None:
	import frappe

	for name in frappe.get_all("Custom Field", {"dt": doctype, "fieldname": ["in", names]}, pluck="name"):
		frappe.delete_doc("Custom Field", name, force=True)
	frappe.clear_cache(doctype=doctype)


# ---- papers, with fields of each kind, rows, a table and files to hide


def field(fieldname: str, fieldtype: str = "Data", **values) -> dict:
	return {"fieldname": fieldname, "label": fieldname.title(), "fieldtype": fieldtype, **values}


def make_paper_doctypes() -> None:
	make_doctype(
		LINE,
		[field("item"), field("remark"), field("label"), field("picture", "Attach Image")],
		istable=1,
	)
	make_doctype(WAGE, [field("amount"), field("slip", "Attach")], istable=1)
	make_doctype(
		PAPER,
		[
			field("title"),
			field("open", "Check"),
			field("city", "Link", options=CITY),
			field("note", "Small Text"),
			field("salary", "Currency"),
			field("scan", "Attach"),
			field("story", "Text Editor"),
			field("code"),
			field("shown", "Read Only"),
			field("contact"),
			field("phone", options="Phone"),
			field("lines", "Table", options=LINE),
			field("wages", "Table", options=WAGE),
		],
		autoname="hash",
		allow_rename=1,
	)
	make_doctype(FOLDER, [field("paper", "Link", options=PAPER)], autoname="hash")


def with_papers(*sites) -> None:
	for site in sites:
		site.run(make_paper_doctypes)
		site.run(forget_papers)


def forget_papers() -> None:
	"""What other tests have left would be sent, copied and compared, too."""
	import frappe

	for doctype in (PAPER, LINE, WAGE, FOLDER):
		frappe.db.delete(doctype)
	frappe.db.delete("File", {"attached_to_doctype": PAPER})
	frappe.db.delete("Event Document Identity")


def hide(consumer_url: str, doctype: str, not_sent: str = "", masked: str = "") -> list[str]:
	"""The producer's administrator decides; returns what the administrator is told."""
	import frappe

	doc = frappe.get_doc("Event Consumer", consumer_url)
	for row in doc.consumer_doctypes:
		if row.ref_doctype == doctype:
			row.fields_not_sent, row.fields_masked = not_sent, masked
	doc.save()
	return [str(each) for each in frappe.local.message_log or []]


def make_paper(mark: str, **values) -> str:
	"""A paper with `mark` in everything that is hidden by NOT_SENT and MASKED, and in nothing else."""
	import frappe

	doc = frappe.get_doc(
		{
			"doctype": PAPER,
			"title": "open to all",
			"note": f"{mark} note",
			"salary": 98765.43,
			"code": f"{mark} code",
			"contact": f"{mark} contact",
			"lines": [{"item": "bolt", "remark": f"{mark} remark", "label": f"{mark} label"}],
			"wages": [{"amount": f"{mark} amount"}],
			**values,
		}
	).insert()
	scan = attach_to(doc.name, f"{mark}-scan.txt", f"{mark} in the scan", "scan")
	picture = attach_to(doc.name, f"{mark}-story.png", f"{mark} in the story")
	doc.reload()
	doc.scan, doc.story = scan, f'<p>{mark} story</p><img src="{picture}">'
	doc.save()
	return doc.name


def attach_to(name: str, file_name: str, content: str, fieldname: str = "", private: int = 1) -> str:
	"""A file of a paper; returns its address."""
	import frappe

	return (
		frappe.get_doc(
			{
				"doctype": "File",
				"file_name": file_name,
				"content": content,
				"is_private": private,
				"attached_to_doctype": PAPER,
				"attached_to_name": name,
				"attached_to_field": fieldname or None,
			}
		)
		.insert()
		.file_url
	)


def change_hidden(name: str, mark: str) -> None:
	"""Everything that is hidden changes, and nothing else."""
	import frappe

	doc = frappe.get_doc(PAPER, name)
	doc.note, doc.salary, doc.contact = f"{mark} changed", 12345.67, f"{mark} other"
	doc.lines[0].remark = f"{mark} changed"
	doc.append("wages", {"amount": f"{mark} more"})
	doc.save()


# ---- what takes several slices, to its end


def run_task(event_producer: str, kind: str) -> dict:
	import json

	import frappe

	from event_streaming.consumer.first_copy import copying
	from event_streaming.consumer.long_work.runner import run_slice
	from event_streaming.consumer.tasks import task
	from event_streaming.consumer.verify import repair, verifying

	name = {"Copy": copying, "Verify": verifying, "Repair": repair}[kind].begin(event_producer).name
	frappe.db.commit()
	while (done := run_slice(name)).more:
		pass
	return json.loads(json.dumps({**task.as_progress(done.task), **done.task.report}, default=str))


def copy(consumer, producer) -> dict:
	done = consumer.run(run_task, event_producer=producer.url, kind="Copy")
	assert done["status"] == "Done", done["message"]
	return done


def verify(consumer, producer, repairs: bool = False) -> dict:
	done = consumer.run(run_task, event_producer=producer.url, kind="Repair" if repairs else "Verify")
	assert done["status"] == "Done", done["message"]
	return done


def indexes_of(doctype: str) -> list[list[str]]:
	"""Runs inside a site: the columns of each index of a DocType's table, in their order."""
	import frappe

	if frappe.db.db_type == "postgres":
		rows = frappe.db.sql(
			"""SELECT i.relname, a.attname FROM pg_index x
			JOIN pg_class t ON t.oid = x.indrelid JOIN pg_class i ON i.oid = x.indexrelid
			CROSS JOIN LATERAL unnest(x.indkey) WITH ORDINALITY AS k(attnum, place)
			JOIN pg_attribute a ON a.attrelid = t.oid AND a.attnum = k.attnum
			WHERE t.relname = %s ORDER BY i.relname, k.place""",
			(f"tab{doctype}",),
		)
	else:
		rows = [(row[2], row[4]) for row in frappe.db.sql(f"SHOW INDEX FROM `tab{doctype}`")]
	indexes: dict[str, list[str]] = {}
	for index, column in rows:
		indexes.setdefault(index, []).append(column)
	return list(indexes.values())

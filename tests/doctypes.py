"""The DocTypes that tests stream: orders with rows, tickets just like them, and cities. All but `with_orders` run inside a site."""

ORDER, TICKET, ROW, CITY = "Streamed Order", "Streamed Ticket", "Streamed Order Row", "Streamed City"


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

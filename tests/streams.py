"""What the tests of two sites have in common: a subscriber, a subscription, DocTypes to stream, and looking at the logs.

Functions with a site as their first argument are called by tests; the others run inside a site.
"""

import time
import uuid

SUBSCRIBER = "stream@example.com"
PATIENCE = 30
KEYS = ["streamkey", "streamsecret"]
# a consumer that is only on record: nobody is there
NOBODY_URL = "http://somebody.example"
ORDER, TICKET, ROW, CITY = "Streamed Order", "Streamed Ticket", "Streamed Order Row", "Streamed City"


def unique(prefix: str) -> str:
	"""A name that no other test has used: documents stay on the sites from test to test."""
	return f"{prefix} {uuid.uuid4().hex[:10]}"


def make_subscriber(user: str = SUBSCRIBER, keys: list | None = None) -> None:
	"""The same user, with keys, on a site."""
	import frappe

	if not frappe.db.exists("User", user):
		doc = frappe.get_doc(
			{"doctype": "User", "email": user, "first_name": "Stream", "send_welcome_email": 0, "enabled": 1}
		)
		doc.insert(ignore_permissions=True)
		doc.add_roles("System Manager")
	doc = frappe.get_doc("User", user)
	doc.api_key, doc.api_secret = keys or KEYS
	doc.save(ignore_permissions=True)


def make_event_producer(url: str, rows: list[dict], **values) -> str:
	import frappe

	doc = frappe.get_doc(
		{
			"doctype": "Event Producer",
			"producer_url": url,
			"api_key": KEYS[0],
			"api_secret": KEYS[1],
			"user": SUBSCRIBER,
			"producer_doctypes": rows,
			**values,
		}
	)
	return doc.insert().name


def decide(consumer_url: str, status: str = "Approved", doctypes: list | None = None) -> None:
	"""The producer's admin approves or rejects."""
	import frappe

	doc = frappe.get_doc("Event Consumer", consumer_url)
	for row in doc.consumer_doctypes:
		if not doctypes or row.ref_doctype in doctypes:
			row.status = status
	doc.save()


def set_unsubscribed(name: str, doctype: str, unsubscribed: int) -> None:
	import frappe

	doc = frappe.get_doc("Event Producer", name)
	for row in doc.producer_doctypes:
		if row.ref_doctype == doctype:
			row.unsubscribe = unsubscribed
	doc.save()


def pull_now(event_producer: str) -> dict:
	from event_streaming.event_streaming.doctype.event_producer.event_producer import pull_from_node

	return pull_from_node(event_producer)


def pull_and_count(event_producer: str) -> dict:
	"""A pull, and how often it asked the producer for documents."""
	from event_streaming.consumer.subscriptions.remote import Producer
	from event_streaming.event_streaming.doctype.event_producer.event_producer import pull_from_node

	asked, original = [], Producer.get_documents

	def counted(self, keys):
		asked.append(len(keys))
		return original(self, keys)

	Producer.get_documents = counted
	try:
		summary = pull_from_node(event_producer)
	finally:
		Producer.get_documents = original
	return {
		"requests": len(asked),
		"documents": sum(asked),
		"synced": summary["synced"],
		"failed": summary["failed"],
	}


def subscribe(consumer, producer, *doctypes, approve: bool = True, **row_values) -> str:
	"""Subscribe `consumer` to DocTypes of `producer`; a DocType or a whole row each. Returns the Event Producer."""
	row_values = {"use_same_name": 1, **row_values}
	rows = [{"ref_doctype": each, **row_values} if isinstance(each, str) else each for each in doctypes]
	for site in (producer, consumer):
		site.run(make_subscriber)
	name = consumer.run(make_event_producer, url=producer.url, rows=rows)
	if approve:
		producer.run(decide, consumer_url=consumer.url)
	return name


def pull(consumer, producer) -> dict:
	"""One pull to the end; fails the test when the producer could not be read."""
	summary = consumer.run(pull_now, event_producer=producer.url)
	assert not summary["error"], summary["error"]
	return summary


def wait_for(condition, what: str = "what was waited for"):
	"""The condition's first true value; fails after PATIENCE seconds."""
	deadline = time.monotonic() + PATIENCE
	while time.monotonic() < deadline:
		value = condition()
		if value:
			return value
		time.sleep(0.1)
	raise AssertionError(f"{what} did not happen within {PATIENCE} s")


def sync_logs(site, **filters) -> list[dict]:
	"""Rows of Event Sync Log, oldest first."""
	return site.run(read_rows, doctype="Event Sync Log", filters=filters)


def update_logs(site, **filters) -> list[dict]:
	"""Rows of Event Update Log, oldest first."""
	return site.run(read_rows, doctype="Event Update Log", filters=filters)


def read_rows(doctype: str, filters: dict) -> list[dict]:
	import frappe

	return frappe.get_all(doctype, filters=filters, fields=["*"], order_by="name asc", limit=0)


def read_doc(doctype: str, name: str) -> dict | None:
	"""A document as a dict, or None."""
	import frappe

	if not frappe.db.exists(doctype, name):
		return None
	return frappe.get_doc(doctype, name).as_dict(convert_dates_to_str=True)


def find_name(doctype: str, **filters) -> str | None:
	import frappe

	return frappe.db.get_value(doctype, filters, "name")


def insert(doctype: str, **values) -> str:
	import frappe

	return frappe.get_doc({"doctype": doctype, **values}).insert().name


def change(doctype: str, name: str, **values) -> None:
	import frappe

	doc = frappe.get_doc(doctype, name)
	doc.update(values)
	doc.save()


def delete(doctype: str, name: str) -> None:
	import frappe

	frappe.delete_doc(doctype, name)


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


def stream(*doctypes) -> None:
	"""Somebody subscribes to the DocTypes, and is approved. Runs inside the producer."""
	import frappe

	from event_streaming.producer.subscriptions.streamed import refresh_streamed_doctypes

	rows = [{"ref_doctype": doctype, "status": "Approved"} for doctype in doctypes]
	frappe.get_doc(
		{
			"doctype": "Event Consumer",
			"callback_url": NOBODY_URL,
			"user": "Administrator",
			"api_key": "key",
			"api_secret": "secret",
			"consumer_doctypes": rows,
		}
	).insert()
	frappe.db.commit()
	refresh_streamed_doctypes()


def stream_orders() -> None:
	"""Somebody subscribes to orders and cities, and is approved. Runs inside the producer."""
	stream(ORDER, CITY)


def require_field(doctype: str, fieldname: str) -> None:
	"""A rule of this site's own, as a controller would have it. Runs inside a site.

	That a field is mandatory would be none: what is empty on the producer is empty here.
	"""
	import frappe

	script = f"if not doc.{fieldname}: frappe.throw('{fieldname} is missing')"
	frappe.get_doc(
		{
			"doctype": "Server Script",
			"name": f"{doctype} needs {fieldname}",
			"script_type": "DocType Event",
			"reference_doctype": doctype,
			"doctype_event": "Before Save",
			"script": script,
		}
	).insert(ignore_if_duplicate=True)
	frappe.clear_cache()


def require_nothing(doctype: str) -> None:
	"""Takes such rules away again. Runs inside a site."""
	import frappe

	for name in frappe.get_all("Server Script", {"reference_doctype": doctype}, pluck="name"):
		frappe.delete_doc("Server Script", name, force=True)
	frappe.clear_cache()

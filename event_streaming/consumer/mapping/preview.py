"""For the person who writes a mapping: the producer's fields, and what a document would become. Saves nothing."""

import frappe

from event_streaming.consumer.mapping.records import CHILD_TABLE, DocumentReference, Mapping
from event_streaming.consumer.mapping.store import MappingStore, to_local_document
from event_streaming.consumer.subscriptions.remote import Producer
from event_streaming.exceptions import EventStreamingError, RemoteError, RemoteRefused, RemoteUnavailable
from event_streaming.identity.registry import find_many
from event_streaming.messages.coded import _

NO_VALUE = {"Section Break", "Column Break", "Tab Break", "HTML", "Button", "Heading", "Fold", "Image"}
MOST_NAMES = 20
FIELD_KEYS = ("fieldname", "label", "fieldtype", "options")
NAME_FIELD = {"fieldname": "name", "label": "Name", "fieldtype": "Data", "options": None}


def remote_fields(event_producer: str, doctype: str) -> list[dict]:
	"""The fields of a DocType as the producer has it, its custom fields included."""
	producer = open_producer(event_producer)
	try:
		fields = producer.client.get_document("DocType", doctype).get("fields") or []
		fields += (
			producer.client.call(
				"frappe.client.get_list",
				{
					"doctype": "Custom Field",
					"filters": frappe.as_json({"dt": doctype}),
					"fields": frappe.as_json(FIELD_KEYS),
					"limit_page_length": 0,
				},
			)
			or []
		)
	except (RemoteError, RemoteRefused, RemoteUnavailable) as error:
		frappe.throw(
			_("{0} does not show its fields of {1}: {2}").format(event_producer, doctype, explain(error))
		)
	finally:
		producer.client.close()
	known = [{key: field.get(key) for key in FIELD_KEYS} for field in fields]
	return [NAME_FIELD, *(field for field in known if field["fieldtype"] not in NO_VALUE)]


def preview(mapping: str, event_producer: str, remote_name: str) -> dict:
	"""The local document that a remote one would become: `document`, and `references` that would be made first."""
	loaded = MappingStore().get(mapping)
	producer = open_producer(event_producer)
	try:
		remote = producer.client.get_document(loaded.remote_doctype, remote_name)
		mapped = to_local_document(loaded, remote)
		references = [describe(each, event_producer, producer) for each in mapped.references]
	except EventStreamingError as error:
		frappe.throw(
			_("There is no preview of {0} {1}: {2}").format(
				loaded.remote_doctype, remote_name, explain(error)
			)
		)
	finally:
		producer.client.close()
	return {"document": mapped.data, "references": references, "unknown": unknown_fields(loaded, remote)}


def unknown_fields(mapping: Mapping, remote: dict) -> list[str]:
	"""Remote fieldnames of a mapping, and of those of its tables, that the remote document does not have."""
	unknown = []
	for each in mapping.fields:
		name = each.remote_fieldname
		if not name:
			continue
		if name not in remote:
			unknown.append(name)
			continue
		rows = remote[name] if each.mapping_type == CHILD_TABLE else None
		if isinstance(rows, list) and rows and isinstance(rows[0], dict):
			unknown += [f"{name}.{inner}" for inner in unknown_fields(each.inner, rows[0])]
	return unknown


def remote_names(event_producer: str, doctype: str, text: str = "") -> list[str]:
	"""Names of documents on the producer, the newest first, for a person to pick from."""
	producer = open_producer(event_producer)
	try:
		rows = producer.client.call(
			"frappe.client.get_list",
			{
				"doctype": doctype,
				"filters": frappe.as_json({"name": ["like", f"%{text}%"]} if text else {}),
				"fields": frappe.as_json(["name"]),
				"order_by": "creation desc",
				"limit_page_length": MOST_NAMES,
			},
		)
	finally:
		producer.client.close()
	return [str(row.get("name")) for row in rows or [] if isinstance(row, dict)]


def describe(reference: DocumentReference, event_producer: str, producer: Producer) -> dict:
	"""A document that has to be there first: which it is on the producer, and which here if it is here already."""
	doctype = reference.mapping.remote_doctype
	names = producer.find_names(doctype, reference.filters)
	local = find_many(event_producer, [(doctype, names[0])]) if len(names) == 1 else {}
	return {
		"field": ".".join(str(step + 1) if isinstance(step, int) else step for step in reference.path),
		"mapping": reference.mapping.name,
		"remote_doctype": doctype,
		"filters": reference.filters,
		"found": names,
		"local_doctype": reference.mapping.local_doctype,
		"local_name": next((name for _doctype, name in local.values()), None),
	}


def open_producer(name: str) -> Producer:
	return Producer(frappe.get_doc("Event Producer", name))


def explain(error: Exception) -> str:
	return str(error) or type(error).__name__

"""This site's set-up as plain data, and as a file. It reads, and changes nothing."""

import json
from typing import Any

import frappe

from event_streaming.admin.setup.fields import (
	DOCTYPES,
	MAPPING,
	MAPPING_ROW,
	PAIR,
	PRODUCER,
	PRODUCER_ROW,
	SETTINGS,
	VALUE_MAP,
	Field,
	Rules,
	fields_of,
)
from event_streaming.admin.setup.reading import VERSION, VERSION_KEY, Part, Row, Setup


def rules_of_site() -> Rules:
	"""What a file may say, by the DocTypes as this version of the app has them; custom fields are no part of it."""
	return {
		doctype: fields_of(
			doctype,
			[df.as_dict() for df in frappe.get_meta(doctype).fields if not df.get("is_custom_field")],
		)
		for doctype in DOCTYPES
	}


def current(rules: Rules) -> Setup:
	"""All of this site's set-up."""
	settings = frappe.get_doc(SETTINGS)
	return Setup(
		settings=Part(SETTINGS, values_of(settings, rules[SETTINGS])),
		value_maps={part.name: part for part in parts(VALUE_MAP, PAIR, "pairs", rules)},
		mappings={part.name: part for part in parts(MAPPING, MAPPING_ROW, "field_mapping", rules)},
		producers=parts(PRODUCER, PRODUCER_ROW, "producer_doctypes", rules),
	)


def parts(doctype: str, row_doctype: str, table: str, rules: Rules) -> list[Part]:
	"""All documents of a DocType with their rows, in two queries."""
	fields, row_fields = rules[doctype], rules[row_doctype]
	found = {
		doc.name: Part(doc.name, values_of(doc, fields))
		for doc in frappe.get_all(
			doctype, fields=["name", *(each.fieldname for each in fields.values())], order_by="name asc"
		)
	}
	rows = frappe.get_all(
		row_doctype,
		filters={"parenttype": doctype, "parentfield": table},
		fields=["name", "parent", *(each.fieldname for each in row_fields.values())],
		order_by="parent asc, idx asc",
	)
	for row in rows:
		if row.parent in found:
			found[row.parent].rows.append(Row(values_of(row, row_fields), id=row.name))
	return list(found.values())


def values_of(doc: Any, fields: dict[str, Field]) -> dict[str, Any]:
	return {key: each.current(doc.get(each.fieldname)) for key, each in fields.items()}


# ---- as a file


def export() -> str:
	"""The set-up of this site as a file. The same set-up always makes the same file."""
	setup = current(rules_of_site())
	return as_text(
		{
			VERSION_KEY: VERSION,
			"settings": setup.settings.values,
			"value_maps": {
				part.name: {
					**part.values,
					"pairs": {row.values["remote_value"]: row.values["local_value"] for row in part.rows},
				}
				for part in setup.value_maps.values()
			},
			"mappings": {
				part.name: {**part.values, "fields": [without_empty(row.values) for row in part.rows]}
				for part in setup.mappings.values()
			},
			"producers": [
				{"producer_url": part.name, **part.values, "rows": [row.values for row in part.rows]}
				for part in setup.producers
			],
		}
	)


def without_empty(values: dict[str, Any]) -> dict[str, Any]:
	"""A row of a mapping is read with less: nearly all of its fields are empty."""
	return {key: value for key, value in values.items() if value not in ("", [], None)}


def as_text(data: dict[str, Any]) -> str:
	return json.dumps(data, ensure_ascii=False, indent=1) + "\n"

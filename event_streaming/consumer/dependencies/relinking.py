"""Links that are about another document by now than the one that has the name here.

A document that was brought ahead links to what has a name on the producer now. Where that is another one than the one which is here by
that name, up to now, the link went to this one: before this is renamed or deleted, such links are found, and go to the other one
afterwards. It never commits.
"""

from typing import NamedTuple

import frappe
from frappe.model.rename_doc import get_link_fields

from event_streaming.identity import registry
from event_streaming.identity.registry import LocalKey

# of one field that links
MOST = 1_000


class Place(NamedTuple):
	"""One row with a link, of the document itself or of a table in it."""

	doctype: str
	name: str
	fieldname: str


def places_brought_after(local: LocalKey, position: int, event_producer: str) -> list[Place]:
	"""Where documents link to a local one that were brought from the producer after that position of its log, MOST of each field.

	One query for each field that links to its DocType, and one for each DocType that has such links.
	"""
	doctype, name = local
	# DocType of a document -> its name -> where in it
	found: dict[str, dict[str, list[Place]]] = {}
	for field in get_link_fields(doctype):
		meta = frappe.get_meta(field.parent)
		if field.issingle or meta.get("is_virtual"):
			continue
		owner = ["parenttype", "parent"] if meta.istable else []
		rows = frappe.get_all(field.parent, {field.fieldname: name}, ["name", *owner], limit=MOST)
		for row in rows:
			of, which = (row.parenttype, row.parent) if meta.istable else (field.parent, row.name)
			found.setdefault(of, {}).setdefault(which, []).append(
				Place(field.parent, row.name, field.fieldname)
			)
	return [
		place
		for of, documents in found.items()
		for which, identities in registry.find_for_local(of, documents).items()
		if any(each.event_producer == event_producer and each.covered_to >= position for each in identities)
		for place in documents[which]
	]


def point_to(places: list[Place], name: str | None) -> None:
	"""Let these links go to that document, without its being a change of the documents that have them."""
	for place in places:
		frappe.db.set_value(place.doctype, place.name, place.fieldname, name, update_modified=False)

"""Links that are about another document by now than the one that has the name here.

A document that was brought ahead links to what has a name on the producer now. Where that is another one than the one which is here by
that name, up to now, the link went to this one: before this is renamed or deleted, such links are found, and go to the other one
afterwards. It never commits.
"""

from collections.abc import Iterator
from typing import Any, NamedTuple

import frappe
from frappe.model.dynamic_links import get_dynamic_link_map
from frappe.model.rename_doc import get_link_fields
from frappe.utils import cint

from event_streaming.consumer.life_cycle.documents import look_for_dynamic_links_again
from event_streaming.consumer.life_cycle.quiet import quietly
from event_streaming.identity import registry
from event_streaming.identity.origin import taking_from
from event_streaming.identity.registry import LocalKey

# of one field that links
MOST = 1_000


class Place(NamedTuple):
	"""One row with a link, of the document `owner` itself or of a table in it."""

	doctype: str
	name: str
	fieldname: str
	owner: LocalKey


def places_brought_after(local: LocalKey, position: int, event_producer: str) -> list[Place]:
	"""Where documents link to a local one that were brought from the producer after that position of its log, MOST of each field.

	One query for each field that links to its DocType, and one for each DocType that has such links.
	"""
	doctype, name = local
	# DocType of a document -> its name -> where in it
	found: dict[str, dict[str, list[Place]]] = {}
	for table, fieldname, condition in fields_that_link(doctype):
		# a custom field may be left of a DocType that is no more
		meta = frappe.get_meta(table) if frappe.db.exists("DocType", table, cache=True) else None
		if meta is None or cint(meta.issingle) or cint(meta.get("is_virtual")):
			continue
		owner = ["parenttype", "parent"] if meta.istable else []
		for row in frappe.get_all(table, {**condition, fieldname: name}, ["name", *owner], limit=MOST):
			# identities know a number by its digits
			of, which = (row.parenttype, str(row.parent)) if meta.istable else (table, str(row.name))
			found.setdefault(of, {}).setdefault(which, []).append(
				Place(table, row.name, fieldname, (of, which))
			)
	return [
		place
		for of, linking in found.items()
		for which, identities in registry.find_for_local(of, linking).items()
		if any(each.event_producer == event_producer and each.covered_to >= position for each in identities)
		for place in linking.get(which, ())
	]


def fields_that_link(doctype: str) -> Iterator[tuple[str, str, dict[str, Any]]]:
	"""(DocType, fieldname, what else its rows have) of fields that link to documents of a DocType, as Frappe finds them for a rename."""
	for field in get_link_fields(doctype):
		yield field.parent, field.fieldname, {}
	look_for_dynamic_links_again()
	for field in get_dynamic_link_map().get(doctype, []):
		yield field.parent, field.fieldname, {field.options: doctype}


def point_to(places: list[Place], name: str | None) -> None:
	"""Let these links go to that document. That is no change of this site's own, of which people would be told; who subscribes to it is."""
	with quietly():
		for place in places:
			# hooks may have deleted it along with what it linked to
			if frappe.db.exists(place.doctype, place.name):
				taking_from(*place.owner)
				frappe.get_doc(place.doctype, place.name).db_set(place.fieldname, name, update_modified=False)

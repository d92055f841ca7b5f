"""This site's documents and their values, and links of the producer's in this site's names. It only reads."""

from collections.abc import Collection
from typing import Any

import frappe

from event_streaming.consumer.matching.fields import MatchFields
from event_streaming.identity import registry
from event_streaming.identity.registry import RemoteKey
from event_streaming.wire.matching import MatchRow, Values, values_of

DOCUMENTS_PER_QUERY = 5_000


def local_values(doctype: str, fields: MatchFields) -> dict[str, Values]:
	"""Name -> values, of all documents of the DocType, whoever may read them: a value is unique among all or not at all."""
	table = frappe.qb.DocType(doctype)
	found: dict[str, Values] = {}
	after = None
	while True:
		query = frappe.qb.from_(table).select(table.name, *(table[name] for name in fields.local))
		if after is not None:
			query = query.where(table.name > after)
		rows: Any = query.orderby(table.name).limit(DOCUMENTS_PER_QUERY).run()
		found.update({str(row[0]): values_of(row[1:]) for row in rows})
		if len(rows) < DOCUMENTS_PER_QUERY:
			return found
		after = rows[-1][0]


def in_names_of_this_site(event_producer: str, rows: list[MatchRow], fields: MatchFields) -> list[MatchRow]:
	"""The rows with links as this site calls what they point to, where that is known: a query for each field that links."""
	for place, doctype in fields.links.items():
		keys: set[RemoteKey] = {(doctype, row["values"][place]) for row in rows if row["values"][place]}
		known = registry.find_many(event_producer, keys) if keys else {}
		rows = [
			{**row, "values": _replaced(row["values"], place, known[doctype, row["values"][place]][1])}
			if (doctype, row["values"][place]) in known
			else row
			for row in rows
		]
	return rows


def _replaced(values: Values, place: int, value: str) -> Values:
	return (*values[:place], value, *values[place + 1 :])


def taken_names(doctype: str, names: Collection[str]) -> dict[str, list[registry.Identity]]:
	"""Those of the local names that stand for a remote document, with these."""
	found: dict[str, list[registry.Identity]] = {}
	ordered = sorted(names)
	for start in range(0, len(ordered), DOCUMENTS_PER_QUERY):
		found.update(registry.find_for_local(doctype, ordered[start : start + DOCUMENTS_PER_QUERY]))
	return found

"""Documents that the producer has renamed without telling: no events come of their DocType, so that one that is needed is called
otherwise than when it came. It only reads, in two queries for a DocType.
"""

from datetime import datetime

import frappe
from frappe.utils import get_datetime

from event_streaming.identity import registry
from event_streaming.identity.registry import Identity, RemoteKey

# documents made at the same moments that are looked at
MOST = 1_000


def may_be_former(
	event_producer: str, local_doctype: str, made: dict[RemoteKey, tuple[datetime, str]]
) -> dict[RemoteKey, Identity]:
	"""Those of the remote documents of one DocType here (when each was made, and by whom) that may be one which came from the producer
	under another name: it was made at the same moment, to the microsecond, by the same person, and is the only such one.

	Whether the producer has that other name no more is for the caller to ask.
	"""
	if not registry.has_come_from(event_producer, local_doctype):
		return {}
	table = frappe.qb.DocType(local_doctype)
	rows = (
		frappe.qb.from_(table)
		.select(table.name, table.creation, table.owner)
		.where(table.creation.isin(sorted({moment for moment, _owner in made.values()})))
		.limit(MOST)
		.run()
	)
	names: dict[tuple[datetime, str], list[str]] = {}
	for name, creation, owner in rows:
		names.setdefault((get_datetime(creation), owner), []).append(str(name))
	known = registry.find_for_local(local_doctype, {each for some in names.values() for each in some})
	found = {}
	stamps = list(made.values())
	for key, stamp in made.items():
		alike = names.get(stamp, [])
		if len(alike) != 1 or len(rows) == MOST or stamps.count(stamp) != 1:
			continue
		formers = [
			each
			for each in known.get(alike[0], ())
			if each.event_producer == event_producer and each.remote_doctype == key[0]
		]
		# one that came from elsewhere is recognised by its root
		if len(formers) == 1 and formers[0].root_site == event_producer:
			found[key] = formers[0]
	return found

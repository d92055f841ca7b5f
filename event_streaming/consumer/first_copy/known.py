"""What this site has already of what is copied: it is said to the producer with digests, so that none of it travels again.

Only of documents that came from there and are known to be the same, and behind which nothing waits: a copy leaves those as they are. Of all
others (that are missing here, only linked, lost there with a restored backup, first made here) the producer sends what it has. It reads, and
writes nothing.
"""

from typing import Any

import frappe

from event_streaming.consumer.apply.work import Work
from event_streaming.consumer.digesting.compared import compared_fields
from event_streaming.consumer.digesting.local_digests import LocalDigests, Pair
from event_streaming.consumer.logs.open_rows import documents_held_back
from event_streaming.consumer.mapping.store import MappingStore
from event_streaming.exceptions import CannotApply
from event_streaming.identity.registry import DOCTYPE as IDENTITY
from event_streaming.identity.registry import LINKED, LOST
from event_streaming.wire.checks import MAX_NAME, InvalidPage, text
from event_streaming.wire.lean.known import MOST_KNOWN, pack_known


def known_after(work: Work, remote: str, after: str, without: list[str]) -> dict[str, Any] | None:
	"""The next documents here that stand for the producer's, for its answer to a request for a page; None where there are none.

	`without` are fields that the producer has not got.
	"""
	found = pairs_after(work, remote, after)
	pairs = [pair for pair in found if can_be_said(pair.remote)]
	if not pairs:
		return None
	try:
		compared = compared_fields(work.subscriptions[remote], MappingStore()).without(without)
	except CannotApply:
		# each document says so
		return None
	remote_doctypes = {each.local_doctype: name for name, each in work.subscriptions.items()}
	here = LocalDigests(work.event_producer, work.here, compared, work.time_zone, remote_doctypes)
	waiting = documents_held_back(work.event_producer, {(remote, pair.remote) for pair in pairs})
	digests = dict(here.of([pair for pair in pairs if (remote, pair.remote) not in waiting]))
	return {
		"shape": compared.shape.as_wire(),
		"packed": pack_known(digests),
		"upto": pairs[-1].remote if len(found) == MOST_KNOWN else "",
	}


def can_be_said(name: str) -> bool:
	"""Whether a name is one for the wire: the older app has taken others, too."""
	try:
		return bool(text(name, "name", MAX_NAME, required=True))
	except InvalidPage:
		return False


def pairs_after(work: Work, remote: str, after: str) -> list[Pair]:
	table, subscription = frappe.qb.DocType(IDENTITY), work.subscriptions[remote]
	query = (
		frappe.qb.from_(table)
		.select(table.local_name, table.remote_name)
		.where((table.local_doctype == subscription.local_doctype) & (table.root_site != work.here))
		.where((table.event_producer == work.event_producer) & (table.remote_doctype == remote))
		.where((table.remote_name > after) & table.covered_to.notin((LINKED, LOST)))
		.where(table.deleted_here == 0)
		.orderby(table.remote_name)
		.limit(MOST_KNOWN)
	)
	return [Pair(str(local), str(name), (str(local), "")) for local, name in query.run()]

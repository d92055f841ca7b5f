"""A comparison of what has changed since the last one: by names, so that its cost goes with the number of changes.

A document is looked at when either site knows that it has changed: its time stamp there or here, an event of it that came, its
deletion here; and when it was found to differ the last time and nobody has mended it. What SQL has changed without a time stamp,
nobody knows of: that is for the full round that comes every so often. It asks and remembers, and changes no document.
"""

from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Any

import frappe
from frappe.utils import cint, create_batch, get_datetime

from event_streaming.consumer.digesting.local_digests import Pair, moment_there
from event_streaming.consumer.logs import state
from event_streaming.consumer.logs.sync_log import DOCTYPE as SYNC_LOG
from event_streaming.consumer.tasks import task
from event_streaming.identity import registry

# names that are asked for together
TOGETHER = 1_000
# documents that one round does not compare twice; it writes their names with its place. Of those that differ it forgets none
MOST_REMEMBERED = 5_000
# documents that this site has changed, found in one look through all of them
MOST_CHANGED = 10_000
# deletions here that are looked at; more in one night are for the full round
MOST_DELETED = 5_000


def changed_there(event_producer: str, since: str) -> dict[str, Any]:
	"""The filter by which the producer finds what it has changed since, by its own clock."""
	moment = get_datetime(since)
	convert = moment_there(state.load_state(event_producer).remote_time_zone or "")
	return {"modified": [">=", str(convert(moment) if convert else moment)]}


def list_changed(check: Any) -> None:
	"""The next documents that this site knows to have changed, as suspects where they differ; batch after batch until there are any."""
	place = check.task.place
	while place["changed"] and not place["suspects"]:
		changed = place["changed"]
		names, after = SOURCES[changed["source"]](check, changed["after"])
		seen = set(place["seen"])
		suspect(check, [name for name in dict.fromkeys(names) if name not in seen])
		if after:
			place["changed"] = {**changed, "after": after}
		elif changed["source"] + 1 < len(SOURCES):
			place["changed"] = {"source": changed["source"] + 1, "after": ""}
		else:
			place["changed"] = None
		check.part.measure()
		if check.part.over:
			return


def suspect(check: Any, names: list[str]) -> None:
	"""Of these, those whose digests differ, or that only one site has."""
	differing: list[str] = []
	for start in range(0, len(names), TOGETHER):
		some = names[start : start + TOGETHER]
		there: dict[str, int] = {}
		after, more = "", True
		while more:
			page = check.ask(list(range(check.task.place["buckets"])), after, {"name": ["in", some]})
			there.update(page.digests)
			after, more = page.after, page.has_more
		here = dict(check.local().of(pairs_of(check, some)))
		check.task.done += len(there)
		differing += [name for name in some if here.get(name) != there.get(name)]
	remember(check, differing, names)


def remember(check: Any, differing: list[str], compared: Iterable[str]) -> None:
	"""Those that differ are looked at, once in this round; of those that do not, some are not compared again."""
	place = check.task.place
	place["suspects"] = [[name, 0] for name in differing]
	differ = set(differing)
	equal = [name for name in compared if name not in differ]
	room = max(MOST_REMEMBERED - len(place["seen"]), 0)
	place["seen"] = [*place["seen"], *differing, *equal[:room]]


def pairs_of(check: Any, names: list[str]) -> list[Pair]:
	known = registry.find_many(check.doc.name, [(check.remote, name) for name in names]) if names else {}
	return [Pair(local, remote, ("", "")) for (_remote_doctype, remote), (_doctype, local) in known.items()]


# ---- where a name comes from: (names, where it goes on; "" at the end)


def of_events(check: Any, after: str) -> tuple[list[str], str]:
	"""Documents of which an event has come since."""
	log = frappe.qb.DocType(SYNC_LOG)
	if not after:
		first = (
			frappe.qb.from_(log)
			.select(log.name)
			.where(log.creation >= since_of(check))
			.orderby(log.creation)
			.limit(1)
			.run()
		)
		if not first:
			return [], ""
		after = str(cint(first[0][0]) - 1)
	rows = (
		frappe.qb.from_(log)
		.select(log.name, log.producer_doc)
		.where((log.name > cint(after)) & (log.event_producer == check.doc.name))
		.where(log.remote_doctype == check.remote)
		.orderby(log.name)
		.limit(TOGETHER)
		.run()
	)
	return [str(name) for _number, name in rows], str(rows[-1][0]) if len(rows) == TOGETHER else ""


def changed_here(check: Any, after: str) -> tuple[list[str], str]:
	"""Documents that this site has changed since. Their times alone are looked through, many at a time: Frappe 16 has no index on them,
	and joined with what they stand for the database would read that of every document."""
	doctype = check.compared().subscription.local_doctype
	if frappe.get_meta(doctype).issingle:
		return [check.remote], ""
	table = frappe.qb.DocType(doctype)
	query = frappe.qb.from_(table).select(table.name, table.modified).where(table.modified >= since_of(check))
	if after:
		moment, name = after.split(" | ", 1)
		query = query.where((table.modified > moment) | ((table.modified == moment) & (table.name > name)))
	rows = query.orderby(table.modified).orderby(table.name).limit(MOST_CHANGED).run()
	names = standing_for_remote(check, doctype, [str(name) for name, _modified in rows])
	return names, f"{rows[-1][1]} | {rows[-1][0]}" if len(rows) == MOST_CHANGED else ""


def standing_for_remote(check: Any, doctype: str, local_names: list[str]) -> list[str]:
	"""What documents here are or were called on the producer; without those that were first made here, or come from another one."""
	names: list[str] = []
	for some in create_batch(local_names, TOGETHER):
		for find in (registry.find_for_local, registry.find_for_deleted):
			names += [
				each.remote_name
				for identities in find(doctype, some).values()
				for each in identities
				if each.event_producer == check.doc.name
				and each.remote_doctype == check.remote
				and each.root_site != check.here
			]
	return names


def deleted_here(check: Any, after: str) -> tuple[list[str], str]:
	"""Documents that this site has deleted since, and that are there perhaps."""
	doctype = check.compared().subscription.local_doctype
	names = frappe.get_all(
		"Deleted Document",
		filters={"deleted_doctype": doctype, "creation": [">=", since_of(check)]},
		pluck="deleted_name",
		order_by=None,
		limit=MOST_DELETED,
	)
	return standing_for_remote(check, doctype, names), ""


def not_mended(check: Any, after: str) -> tuple[list[str], str]:
	"""Documents that differed the last time, as far as its report names them."""
	verified = (check.task.scope.get("differed_in") or {}).get(check.remote)
	if not verified or not frappe.db.exists(task.DOCTYPE, verified):
		return [], ""
	return [
		each["remote_name"]
		for each in task.load(verified).report.get("findings") or []
		if each["remote_doctype"] == check.remote and not each.get("repaired")
	], ""


def since_of(check: Any) -> datetime:
	return get_datetime(check.since)


Source = Callable[[Any, str], tuple[Iterable[str], str]]
SOURCES: tuple[Source, ...] = (of_events, changed_here, deleted_here, not_mended)

"""What tests set up again and again is made twice, and from then on its rows are put where they were.

Two sites shake hands in half a second, and nearly every test of two sites begins with that. The rows of the app that
are there afterwards are kept, and put on sites that are as `reset_site` has left them, as long as everything that the
making may depend on is the same (`state_of`). Jobs that the making has queued are not there again. Tests of the making
itself do without (`SHAKES_HANDS` in tests/streams.py).
"""

import datetime
import json
from collections.abc import Callable
from typing import Any

from sandbox.sites.reset import filled, forget_cached_data, is_set_back
from sandbox.sites.site import Site

MODULE = "Event Streaming"
SETTINGS = "Event Streaming Settings"
COUNTER = "event_streaming.position"
MARK = "event_streaming_log.json"

# whether this test may have what was made for another one
in_use = True

_seen: set[tuple] = set()
_kept: dict[tuple, tuple[Any, list[dict]]] = {}


def remembered(sites: list[Site], what: Any, user: str, make: Callable[[], Any]) -> Any:
	"""What `make` gives, which sets something up on these sites; or its rows of last time, and what it gave then.

	`what` says all that goes into it, as JSON can; `user` is whom it is done as.
	"""
	if not in_use:
		return make()
	states = [site.run(state_of, module=MODULE, user=user) for site in sites]
	if not all(states):
		return make()
	key = (json.dumps(what, sort_keys=True), *(site.url for site in sites), *states)
	if key in _kept:
		result, rows = _kept[key]
		for site, here in zip(sites, rows, strict=True):
			site.run(put, kept=here)
		return result
	result = make()
	if key in _seen:
		_kept[key] = result, [site.run(take, module=MODULE) for site in sites]
	_seen.add(key)
	return result


def state_of(module: str, user: str) -> str | None:
	"""Runs inside the site: a digest of what else a connection may depend on. None where the app is not as it was
	just installed."""
	import hashlib
	from pathlib import Path

	import frappe

	names = frappe.get_all("DocType", {"module": module, "is_virtual": 0, "issingle": 0}, pluck="name")
	if filled(names) or not is_set_back(SETTINGS):
		return None
	parts = [Path(frappe.get_site_path("site_config.json")).read_text(), frappe.get_installed_apps()]
	for table, where in (
		("DocType", "custom = 1"),
		("Custom Field", "1 = 1"),
		("Property Setter", "1 = 1"),
		("Custom DocPerm", "1 = 1"),
		("Server Script", "1 = 1"),
		("Role", "1 = 1"),
	):
		parts.append(frappe.db.sql(f"SELECT COUNT(*), MAX(modified) FROM `tab{table}` WHERE {where}"))
	for table, field in (
		("User", "name"),
		("Has Role", "parent"),
		("User Permission", "user"),
		("DocShare", "user"),
	):
		parts.append(
			frappe.db.sql(f"SELECT name, modified FROM `tab{table}` WHERE {field} = %s ORDER BY name", user)
		)
	parts.append(
		frappe.db.sql("SELECT value FROM tabSingles WHERE doctype = 'System Settings' AND field = 'modified'")
	)
	return hashlib.sha256(repr(parts).encode()).hexdigest()


def take(module: str) -> dict:
	"""Runs inside the site: the rows of the module's DocTypes, as JSON can say them, and when that was."""
	from pathlib import Path

	import frappe

	names = frappe.get_all("DocType", {"module": module, "is_virtual": 0, "issingle": 0}, pluck="name")
	rows = {f"tab{name}": frappe.db.sql(f"SELECT * FROM `tab{name}`", as_dict=True) for name in filled(names)}
	rows["__Auth"] = [
		row for row in frappe.db.sql("SELECT * FROM `__Auth`", as_dict=True) if row.doctype in names
	]
	mark = Path(frappe.get_site_path(MARK))
	return {
		"now": frappe.utils.now_datetime().isoformat(),
		"rows": {table: [as_said(row) for row in each] for table, each in rows.items() if each},
		"site_id": frappe.db.get_single_value(SETTINGS, "site_id", cache=False),
		"position": frappe.db.sql("SELECT current FROM `tabSeries` WHERE name = %s", COUNTER),
		"mark": mark.read_text() if mark.exists() else None,
	}


def as_said(row: dict) -> dict:
	"""A moment is said as a list, to tell it from text."""
	return {
		name: [value.isoformat()] if isinstance(value, datetime.datetime) else value
		for name, value in row.items()
	}


def put(kept: dict) -> None:
	"""Runs inside the site, which is as it was just installed. All moments are as long ago as they were then."""
	from pathlib import Path

	import frappe

	later = frappe.utils.now_datetime() - datetime.datetime.fromisoformat(kept["now"])
	for table, rows in kept["rows"].items():
		into = frappe.qb.Table(table)
		query = frappe.qb.into(into).columns(*rows[0])
		for row in rows:
			query = query.insert(*(as_of_now(value, later) for value in row.values()))
		query.run()
	frappe.db.set_single_value(SETTINGS, "site_id", kept["site_id"])
	series = frappe.qb.DocType("Series")
	for (position,) in kept["position"]:
		frappe.qb.update(series).set(series.current, position).where(series.name == COUNTER).run()
	if kept["mark"]:
		Path(frappe.get_site_path(MARK)).write_text(kept["mark"])
	forget_cached_data()


def as_of_now(value: Any, later: datetime.timedelta) -> Any:
	return datetime.datetime.fromisoformat(value[0]) + later if isinstance(value, list) else value

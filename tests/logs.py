"""Looking at the two logs, and at what a site asks of its database. Functions with a site as their first argument are called by tests; the others run inside one."""

from collections.abc import Callable
from typing import Any

from tests.documents import read_rows


def sync_logs(site, **filters) -> list[dict]:
	"""Rows of Event Sync Log, oldest first."""
	return site.run(read_rows, doctype="Event Sync Log", filters=filters)


def update_logs(site, **filters) -> list[dict]:
	"""Rows of Event Update Log, oldest first."""
	return site.run(read_rows, doctype="Event Update Log", filters=filters)


def make_due() -> None:
	"""What has failed is tried again with the next pull."""
	import frappe

	frappe.db.set_value(
		"Event Sync Log", {"next_retry": [">", "2000-01-01"]}, "next_retry", "2020-01-01 00:00:00"
	)


def with_statements(work: Callable[[], Any]) -> tuple[Any, list[str]]:
	"""What `work` comes to, and the statements that frappe.db was given meanwhile, in order."""
	import frappe

	seen, original = [], frappe.db.sql

	def recording(query, *args, **kwargs):
		seen.append(str(query))
		return original(query, *args, **kwargs)

	frappe.db.sql = recording
	try:
		return work(), seen
	finally:
		del frappe.db.sql

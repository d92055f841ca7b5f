"""Looking at the two logs, and at what a site asks of its database. Functions with a site as their first argument are called by tests; the others run inside one."""

from collections.abc import Iterator
from contextlib import contextmanager

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


@contextmanager
def statements() -> Iterator[list[str]]:
	"""The statements of this process inside the block, as frappe.db was given them, in order."""
	import frappe

	seen, original = [], frappe.db.sql

	def recording(query, *args, **kwargs):
		seen.append(str(query))
		return original(query, *args, **kwargs)

	frappe.db.sql = recording
	try:
		yield seen
	finally:
		del frappe.db.sql

"""What a site asks of its database. Runs inside a site."""

from collections.abc import Iterator
from contextlib import contextmanager


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

"""Indexes of several columns, which a DocType's JSON can't say."""

from collections.abc import Sequence

import frappe


def add_index(doctype: str, columns: Sequence[str], name: str) -> None:
	"""Make an index where it is not there yet. To be called by `on_doctype_update`.

	On MariaDB a name is the table's own; on PostgreSQL it is the whole database's, and one that is taken would leave the index out
	without a word.
	"""
	if frappe.db.db_type == "postgres":
		name = f"{frappe.scrub(doctype)}_{name}"[:63]
	frappe.db.add_index(doctype, list(columns), name)

"""One picture of the database for several reads: what others commit meanwhile is not in it.

On MariaDB each transaction has that from its first read on. On PostgreSQL Frappe asks the driver for repeatable read, but begins each
transaction after the first commit or rollback of a connection by itself, and those are read committed: each statement sees more.
"""

import frappe


def begin_picture() -> None:
	"""Commits, and begins a transaction in which all reads show the same. For where no work is open.

	What has changed since can't be written in it on PostgreSQL: see `passing`.
	"""
	frappe.db.commit()
	if frappe.db.db_type == "postgres":
		# not of the transaction that is open: what is called after the commit may have read in it
		frappe.db.sql("commit")
		frappe.db.sql("start transaction isolation level repeatable read")

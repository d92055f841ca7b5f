"""What the figures were measured on."""

import frappe


def versions() -> dict[str, str]:
	import platform
	import sys

	database, at_commit = frappe.db.sql("select version(), @@innodb_flush_log_at_trx_commit")[0]
	return {
		"Frappe": frappe.__version__,
		"engine": frappe.__name__,
		"Python": platform.python_version(),
		"database": database,
		"flush at commit": str(at_commit),
		"from": sys.modules["frappe"].__name__,
	}

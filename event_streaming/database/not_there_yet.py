"""Between new code and the end of `migrate` a table or a column may not be there: what is done then.

MariaDB refuses the statement alone. PostgreSQL refuses all that follows in the transaction too, also what other apps do, until it is
taken back to a savepoint: there one is made before.
"""

from collections.abc import Callable
from typing import TypeVar

import frappe

SAVEPOINT = "event_streaming_not_there_yet"

Result = TypeVar("Result")


def unless_missing(work: Callable[[], Result], otherwise: Callable[[], Result]) -> Result:
	"""What `work` returns, or `otherwise` where a table or a column that it needs is missing. Other errors are raised.

	`work` may neither commit nor roll back.
	"""
	needs_savepoint = frappe.db.db_type == "postgres"
	if needs_savepoint:
		frappe.db.savepoint(SAVEPOINT)
	try:
		result = work()
	except Exception as error:
		if not (frappe.db.is_table_missing(error) or frappe.db.is_missing_column(error)):
			raise
		if needs_savepoint:
			frappe.db.rollback(save_point=SAVEPOINT)
	else:
		if needs_savepoint:
			frappe.db.release_savepoint(SAVEPOINT)
		return result
	return otherwise()

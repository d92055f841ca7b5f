"""Whether an error means only that another transaction was in the way. Each dialect's numbers stand side by side here. Pure."""

import frappe

# deadlock, lock wait time-out, record has changed since last read (innodb_snapshot_isolation)
MARIADB = (1213, 1205, 1020)
# serialization failure (a row that was waited for has changed, under repeatable read), deadlock, lock not available
POSTGRES = ("40001", "40P01", "55P03")


def is_passing(error: BaseException) -> bool:
	"""Whether the same transaction, begun again, may go through."""
	if isinstance(error, frappe.QueryDeadlockError | frappe.QueryTimeoutError):
		return True
	if getattr(error, "pgcode", None) in POSTGRES:
		return True
	return bool(error.args) and error.args[0] in MARIADB

"""Whether an error means that there is no room to write any more. Pure; never frees any."""

import errno

# MariaDB: disk full, table full, error writing a file; its own number for a file that could not be written
MARIADB = (1021, 1114, 1026, 3)
POSTGRES = "53100"
NO_ROOM = (errno.ENOSPC, errno.EDQUOT)
DEPTH = 10


def is_full_disk(error: BaseException | None) -> bool:
	"""Whether an error, or one that it came of, says that a disk or a table is full."""
	for _depth in range(DEPTH):
		if error is None:
			return False
		if isinstance(error, OSError):
			if error.errno in NO_ROOM:
				return True
		elif _of_a_database(error):
			return True
		error = error.__cause__ or error.__context__
	return False


def _of_a_database(error: BaseException) -> bool:
	if getattr(error, "pgcode", None) == POSTGRES:
		return True
	# drivers of databases say it as (number, text)
	number, *rest = error.args or ("",)
	return type(error).__name__ in ("OperationalError", "InternalError") and bool(rest) and number in MARIADB

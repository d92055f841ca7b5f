"""Which errors mean that there is no room to write any more."""

import errno

import pytest

from event_streaming.database.full_disk import is_full_disk


class OperationalError(Exception):
	"""As drivers of databases raise it: (number, text)."""


class DiskFull(Exception):
	pgcode = "53100"


def caused_by(error: Exception) -> Exception:
	try:
		try:
			raise error
		except Exception as cause:
			raise ValueError("lost") from cause
	except ValueError as outer:
		return outer


@pytest.mark.parametrize(
	("error", "full"),
	[
		(OperationalError(1114, "The table is full"), True),
		(OperationalError(1021, "Disk full"), True),
		(caused_by(OperationalError(1114, "The table is full")), True),
		(DiskFull(), True),
		(OSError(errno.ENOSPC, "No space left on device"), True),
		(OSError(errno.EACCES, "Permission denied"), False),
		(OperationalError(1213, "Deadlock"), False),
		(OperationalError(), False),
		(KeyError(3, "a key"), False),
		(None, False),
	],
)
def test_a_full_disk_is_known_by_its_number_wherever_it_stands(error, full):
	assert is_full_disk(error) is full

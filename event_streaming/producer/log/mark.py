"""The mark: how far the log has got, in a file beside site_config.json, which no backup of the database holds.

After a restore the database is behind it: that is this site's own proof. It is written after the commit of a numbering, so it
may be a little behind, and is never ahead. It is no secret, and nothing but a proof: when it can't be written, the log goes on.
"""

import contextlib
import json
import os
import threading
import time
from dataclasses import dataclass
from pathlib import Path

import frappe
from frappe.utils import now_datetime

FILE = "event_streaming_log.json"
# a write that only a power cut can take back is enough in between
SECONDS_BETWEEN_SYNCS = 1.0
MOST_NAME = 140


@dataclass(frozen=True)
class Mark:
	"""How far the log has got; nothing of it is known where the file is missing or can't be read."""

	epoch: str = ""
	head: int = 0
	# there is no such file, and one can be made
	missing: bool = False


def read() -> Mark:
	path = _path()
	try:
		kept = json.loads(path.read_bytes())
		epoch, head = kept["epoch"], kept["head"]
		if not isinstance(epoch, str) or not 0 < len(epoch) <= MOST_NAME or type(head) is not int or head < 0:
			raise ValueError("not a mark")
	except FileNotFoundError:
		return Mark(missing=_can_write(path))
	except (OSError, ValueError, KeyError, TypeError, RecursionError) as error:
		_complain(f"can't be read: {type(error).__name__}")
		return Mark()
	return Mark(epoch, head)


def write(epoch: str, head: int) -> None:
	"""Whole or not at all. A process that is slow may write an older one over a newer: that only finds less."""
	path = _path()
	temporary = path.with_name(f".{FILE}.{os.getpid()}.{threading.get_ident()}")
	try:
		with open(temporary, "w") as file:
			json.dump({"epoch": epoch, "head": head, "written": str(now_datetime())}, file)
			if _is_due(path):
				file.flush()
				os.fsync(file.fileno())
		os.replace(temporary, path)
	except OSError as error:
		with contextlib.suppress(OSError):
			temporary.unlink(missing_ok=True)
		_complain(f"can't be written: {type(error).__name__}")


def _path() -> Path:
	return Path(frappe.get_site_path(FILE))


def _can_write(path: Path) -> bool:
	"""Tried, not asked: where it can't be written it is missing for ever, and that proves nothing."""
	probe = path.with_name(f".{FILE}.{os.getpid()}.{threading.get_ident()}")
	try:
		with open(probe, "w") as file:
			file.write("x" * 4096)
			file.flush()
			os.fsync(file.fileno())
		return True
	except OSError:
		return False
	finally:
		with contextlib.suppress(OSError):
			probe.unlink(missing_ok=True)


def _is_due(path: Path) -> bool:
	try:
		return abs(time.time() - path.stat().st_mtime) > SECONDS_BETWEEN_SYNCS
	except OSError:
		return True


def _complain(what: str) -> None:
	frappe.logger("event_streaming").warning(f"{FILE} {what}")

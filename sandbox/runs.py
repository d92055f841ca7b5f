"""The folder of a run, and what is left of runs that died.

A run holds a lock on a file in its folder for as long as its process lives. So the next one can tell a run that
is going on from one that was killed, whatever its process id is by now. Needs nothing but Python itself.
"""

import contextlib
import fcntl
import os
import shutil
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from sandbox import children, servers
from sandbox.paths import runs_folder


@contextlib.contextmanager
def run_folder() -> Iterator[Path]:
	"""A folder for this run alone, which the next run knows to be in use by the lock that we hold on it."""
	runs_folder().mkdir(parents=True, exist_ok=True)
	end_dead_runs()
	folder = Path(tempfile.mkdtemp(prefix=time.strftime("%m%d-%H%M%S-"), dir=runs_folder()))
	with (folder / "lock").open("w") as lock:
		fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
		lock.write(str(os.getpid()))
		lock.flush()
		try:
			yield folder
		finally:
			shutil.rmtree(folder, ignore_errors=True)


def end_dead_runs(also_living: bool = False) -> int:
	"""Ends processes and removes folders of runs whose own process is gone. Says how many runs that were."""
	ended = 0
	for folder in runs_folder().glob("*"):
		if _is_alive(folder) and not also_living:
			continue
		children.end_leftovers(folder)
		servers.forget_socket_folder(folder)
		shutil.rmtree(folder, ignore_errors=True)
		ended += 1
	return ended


def living_runs() -> list[Path]:
	"""Folders of runs that are going on, the oldest first."""
	return sorted(folder for folder in runs_folder().glob("*") if _is_alive(folder))


def _is_alive(folder: Path) -> bool:
	"""Whether the process that made the folder still holds its lock. A folder of the last seconds may not have
	its lock yet."""
	try:
		if time.time() - folder.stat().st_mtime < 2:
			return True
		with (folder / "lock").open() as lock:
			fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
	except BlockingIOError:
		return True
	except OSError:
		return False
	return False

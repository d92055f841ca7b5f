"""The folder of a run, and what is left of runs that died.

A run holds a lock on a file in its folder for as long as its process lives. So the next one can tell a run that
is going on from one that was killed, whatever its process id is by now. Needs nothing but Python itself.
"""

import contextlib
import fcntl
import json
import os
import shutil
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from sandbox.paths import logs_folder, runs_folder
from sandbox.servers import children, databases

LOGS_KEPT = 10


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
			_tidy_up(folder)


def end_dead_runs(also_living: bool = False) -> int:
	"""Ends processes and removes folders of runs whose own process is gone. Says how many runs that were."""
	ended = 0
	for folder in runs_folder().glob("*"):
		if _is_alive(folder) and not also_living:
			continue
		_tidy_up(folder)
		ended += 1
	return ended


def _tidy_up(folder: Path) -> None:
	children.end_leftovers(folder)
	put_files_back(folder)
	databases.forget_socket_folder(folder)
	shutil.rmtree(folder, ignore_errors=True)


def note_for_putting_back(folder: Path, file: Path) -> None:
	"""Keeps what a file outside the run's folder says now; it is put back when the run ends, however it ends."""
	notes = folder / "put-back"
	notes.mkdir(exist_ok=True)
	note = notes / f"{len(list(notes.iterdir()))}.json"
	note.write_text(json.dumps({"path": str(file), "text": file.read_text()}))


def put_files_back(folder: Path) -> None:
	for note in (folder / "put-back").glob("*.json"):
		noted = json.loads(note.read_text())
		Path(noted["path"]).write_text(noted["text"])
		note.unlink()


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


def new_logs_folder(run: str) -> Path:
	"""The logs of this run; those of long ago go."""
	for old in sorted(logs_folder().glob("*"))[: -LOGS_KEPT or None]:
		shutil.rmtree(old, ignore_errors=True)
	folder = logs_folder() / run
	folder.mkdir(parents=True)
	return folder

"""One run at a time builds what is built once and kept for all."""

import contextlib
import fcntl
from collections.abc import Callable, Iterator
from pathlib import Path

from sandbox.paths import cache_folder
from sandbox.progress import say


@contextlib.contextmanager
def building_alone(name: str = "lock") -> Iterator[None]:
	"""What is built once and kept is built by one run at a time; others wait here. Locks of different names do
	not wait for each other."""
	cache_folder().mkdir(parents=True, exist_ok=True)
	with (cache_folder() / name).open("a") as lock:
		try:
			fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
		except BlockingIOError:
			say("waiting for another run that is building what both need …")
			fcntl.flock(lock, fcntl.LOCK_EX)
		yield


def made_once(name: str, make: Callable[[Path], None]) -> Path:
	"""A folder of the cache that `make` makes where it is not there yet."""
	folder = cache_folder() / name
	if not folder.exists():
		with building_alone():
			if not folder.exists():
				make(folder)
	return folder

"""Lines on the terminal that say which step of the set-up is running, and how long it took.

They are plain text: no colours, nothing rewritten, so that a log of them reads well too. Where they go can be
set, as pytest captures what is printed.
"""

import contextlib
import sys
import time
from collections.abc import Callable, Iterator

QUIET_BELOW_SECONDS = 0.3


def print_to_terminal(line: str) -> None:
	print(line, file=sys.stderr, flush=True)


write: Callable[[str], None] = print_to_terminal


def say(line: str) -> None:
	write(f"[sandbox] {line}")


@contextlib.contextmanager
def step(what: str) -> Iterator[None]:
	"""Announces a step that takes a while, and says afterwards how long it took."""
	say(f"{what} …")
	started = time.monotonic()
	try:
		yield
	except BaseException:
		say(f"{what}: failed after {time.monotonic() - started:.1f} s")
		raise
	seconds = time.monotonic() - started
	if seconds >= QUIET_BELOW_SECONDS:
		say(f"{what}: {seconds:.1f} s")

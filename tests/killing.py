"""A process that is killed with SIGKILL before or after one call of one function, named as "module:function"."""

import time

from sandbox.errors import ShellDied

PATIENCE = 60


def die_at(target: str, when: str, nth: int) -> None:
	"""From the nth call of a function on, this process is no more. Runs inside a site."""
	import importlib
	import os
	import signal

	import frappe

	if target.startswith("commit:"):
		holder, name = frappe.local.db, "commit"
	else:
		path, name = target.split(":")
		holder = importlib.import_module(f"event_streaming.{path}")
		while "." in name:
			outer, name = name.split(".", 1)
			holder = getattr(holder, outer)
	real, calls = getattr(holder, name), {"count": 0}

	def counted(*args, **kwargs):
		calls["count"] += 1
		if when == "before" and calls["count"] == nth:
			os.kill(os.getpid(), signal.SIGKILL)
		result = real(*args, **kwargs)
		if when == "after" and calls["count"] == nth:
			os.kill(os.getpid(), signal.SIGKILL)
		return result

	setattr(holder, name, counted)


def run_until_it_is_killed(site, function, **kwargs) -> None:
	pending = site.shell().start(function, **kwargs)
	try:
		answer = pending.fetch(PATIENCE)
	except ShellDied:
		return
	raise AssertionError(f"it was never killed: {answer}")


def wait_for(condition, what: str):
	deadline = time.monotonic() + PATIENCE
	while time.monotonic() < deadline:
		if value := condition():
			return value
		time.sleep(0.05)
	raise AssertionError(f"{what} did not come within {PATIENCE} s")

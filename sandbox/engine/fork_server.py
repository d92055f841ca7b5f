"""Inside a site: forks the site's other processes, so that each begins with everything imported.

A new Python that imports Frappe takes about a second, a fork of one that has done so some milliseconds. Nothing
of the site is opened here: no connection, no cache, no file, so that a fork is what a new process would be. Its
other end is `sandbox.servers.forks`.

One packet each way on the socket whose descriptor is the first argument: `{"module", "arguments"}` with standard
input, output and error as descriptors comes in; `{"started": pid}` is what the fork says, and
`{"ended": pid, "code": int}` what is said here when it has ended. Ends when the other end is closed.
"""

import gc
import importlib
import json
import os
import pkgutil
import runpy
import select
import signal
import socket
import sys

from sandbox.engine import entry
from sandbox.paths import APP

PACKET_BYTES = 65536
STANDARD_STREAMS = 3

# What a process of a site imports sooner or later, besides the app.
OF_FRAPPE = (
	"frappe.app",
	"frappe.client",
	"frappe.database.query",
	"frappe.desk.form.save",
	"frappe.email.queue",
	"frappe.integrations.utils",
	"frappe.model.document",
	"frappe.model.rename_doc",
	"frappe.utils.background_jobs",
	"frappe.utils.password",
	"frappe.utils.safe_exec",
	"frappe.utils.scheduler",
	"frappe.utils.typing_validations",
)


def main() -> None:
	channel = socket.socket(fileno=int(sys.argv[1]))
	entry.prepare()
	import_what_is_used()
	gc.collect()
	gc.freeze()
	wake_up, wake = os.pipe()
	for end in (wake_up, wake):
		os.set_blocking(end, False)
	old_handler = signal.signal(signal.SIGCHLD, lambda *_: None)
	signal.set_wakeup_fd(wake, warn_on_full_buffer=False)
	channel.send(json.dumps({"ready": os.getpid()}).encode())
	while True:
		ready, _, _ = select.select([channel, wake_up], [], [])
		if wake_up in ready:
			os.read(wake_up, PACKET_BYTES)
			report_ended(channel)
		if channel not in ready:
			continue
		packet, streams, _, _ = socket.recv_fds(channel, PACKET_BYTES, STANDARD_STREAMS)
		if not packet:
			return
		if os.fork() == 0:
			signal.set_wakeup_fd(-1)
			signal.signal(signal.SIGCHLD, old_handler)
			for end in (wake_up, wake):
				os.close(end)
			become(json.loads(packet), streams, channel)
			return
		for stream in streams:
			os.close(stream)


def import_what_is_used() -> None:
	"""Frappe and the app. A module that can't be imported here is left to the process that needs it."""
	import frappe  # noqa: F401

	app = importlib.import_module(APP)
	names = [*OF_FRAPPE, *(module.name for module in pkgutil.walk_packages(app.__path__, f"{APP}."))]
	for name in names:
		try:
			importlib.import_module(name)
		except Exception as error:
			print(f"not imported beforehand: {name}: {error!r}", file=sys.stderr)


def become(request: dict, streams: list[int], channel: socket.socket) -> None:
	"""In the fork: what `python -m MODULE ARGUMENTS` would do, in a process group of its own."""
	os.setsid()
	die_with_the_parent()
	for number, stream in enumerate(streams):
		os.dup2(stream, number)
		os.close(stream)
	channel.send(json.dumps({"started": os.getpid()}).encode())
	channel.close()
	sys.argv = [request["module"], *request["arguments"]]
	runpy.run_module(request["module"], run_name="__main__", alter_sys=True)


def die_with_the_parent() -> None:
	"""The kernel kills this process when the fork server ends, however that happens (prctl(2), PR_SET_PDEATHSIG)."""
	import ctypes

	ctypes.CDLL(None, use_errno=True).prctl(1, signal.SIGKILL, 0, 0, 0)


def report_ended(channel: socket.socket) -> None:
	while True:
		try:
			pid, status = os.waitpid(-1, os.WNOHANG)
		except ChildProcessError:
			return
		if pid == 0:
			return
		channel.send(json.dumps({"ended": pid, "code": os.waitstatus_to_exitcode(status)}).encode())


if __name__ == "__main__":
	main()

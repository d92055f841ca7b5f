"""Runs functions inside a site, from outside: the other end of `sandbox.engine.shell_server`.

A function is sent as its source, with what it uses of its module (see `shipping`); `frappe` is there already.
It takes and gives what JSON can say.

	def make_note(title):
		return frappe.get_doc({"doctype": "Note", "title": title}).insert().name

	name = site.run(make_note, title="Hello")
"""

import contextlib
import json
import os
import queue
import signal
import threading
import time
from collections.abc import Callable
from typing import Any

from sandbox.errors import RemoteError, SandboxError, ShellDied
from sandbox.servers.children import Child
from sandbox.sites.shipping import describe_function

START_SECONDS = 60
CALL_SECONDS = 300
STACKS_SECONDS = 1  # for a process that gives no answer to write where it is


class Pending:
	"""A call that was started and not waited for."""

	def __init__(self, shell: "Shell"):
		self._shell = shell
		self._answer: dict | None = None

	def wait(self, timeout: float = CALL_SECONDS) -> Any:
		"""The result, or the exception that the function raised. TimeoutError when it isn't there in time."""
		answer = self.fetch(timeout)
		if "error" in answer:
			raise RemoteError(**answer["error"])
		return answer.get("result")

	def fetch(self, timeout: float) -> dict:
		"""The answer as it came, an error too."""
		if self._answer is None:
			self._answer = self._shell._next_answer(timeout)
		return self._answer

	def is_done(self) -> bool:
		return self._answer is not None or self._shell._has_answer()


class Shell:
	"""One process inside a site, with a database connection of its own. One call at a time."""

	def __init__(self, child: Child):
		self.child = child
		self._answers: queue.Queue = queue.Queue()
		self._last: Pending | None = None
		threading.Thread(target=self._read_answers, daemon=True).start()
		self._next_answer(START_SECONDS)

	def run(self, function: Callable | str, commit: bool = True, **kwargs: Any) -> Any:
		"""Runs a function (or what a dotted path names) in the site and gives its result.

		Commits at the end and rolls back when it raises. With commit=False the transaction stays open, for the
		next call or for `commit()` or `rollback()`.
		"""
		return self.start(function, commit=commit, **kwargs).wait()

	def start(self, function: Callable | str, commit: bool = True, **kwargs: Any) -> Pending:
		"""Like `run`, without waiting for the result."""
		return self._send({"do": "run", "commit": commit, "kwargs": kwargs, **describe_function(function)})

	def commit(self) -> None:
		self._send({"do": "commit"}).wait()

	def rollback(self) -> None:
		self._send({"do": "rollback"}).wait()

	def is_busy(self) -> bool:
		"""Whether a call that was started has not come back."""
		return bool(self._last) and not self._last.is_done()

	def kill(self) -> None:
		"""SIGKILL, as when the machine's memory runs out: nothing inside gets to clean up."""
		self.child.kill()

	def stop(self) -> None:
		self.child.kill()

	def _send(self, request: dict) -> Pending:
		if self.is_busy():
			raise SandboxError("This shell is still busy with a call that was started; wait for that first.")
		if self._last:
			self._last.fetch(CALL_SECONDS)
		try:
			self.child.process.stdin.write(json.dumps(request, default=str).encode() + b"\n")
			self.child.process.stdin.flush()
		except (OSError, ValueError) as error:
			raise self._died() from error
		self._last = Pending(self)
		return self._last

	def _read_answers(self) -> None:
		try:
			for line in self.child.process.stdout:
				self._answers.put(json.loads(line))
		except (OSError, ValueError):
			pass
		self._answers.put(None)

	def _has_answer(self) -> bool:
		return not self._answers.empty()

	def _next_answer(self, timeout: float) -> dict:
		try:
			answer = self._answers.get(timeout=timeout)
		except queue.Empty:
			raise self._late(timeout) from None
		if answer is None:
			self._answers.put(None)
			raise self._died()
		return answer

	def _late(self, timeout: float) -> TimeoutError:
		"""Says where the process is: `shell_server` writes its stack when it is asked so."""
		with contextlib.suppress(ProcessLookupError):
			os.kill(self.child.pid, signal.SIGUSR1)
		time.sleep(STACKS_SECONDS)
		return TimeoutError(
			f"{self.child.name} gave no answer within {timeout:.0f} s. Its log ends:\n{self.child.log_tail()}"
		)

	def _died(self) -> ShellDied:
		return ShellDied(
			f"{self.child.name} is gone. Its log ({self.child.log}) ends:\n{self.child.log_tail()}"
		)

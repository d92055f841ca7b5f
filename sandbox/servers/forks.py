"""Starts a site's processes as forks of one that has everything imported: the other end of `sandbox.engine.fork_server`.

One fork server for each site of a run, started when the first process of the site is. It dies with us, and its
forks die with it.
"""

import contextlib
import json
import os
import queue
import signal
import socket
import subprocess
import threading
from pathlib import Path
from typing import IO

from sandbox.errors import SandboxError
from sandbox.servers import children

START_SECONDS = 60
PACKET_BYTES = 65536


class Fork:
	"""A process that the fork server has started, to be handled like a `subprocess.Popen`."""

	def __init__(self, pid: int, stdin: IO[bytes] | None, stdout: IO[bytes] | None):
		self.pid = pid
		self.stdin = stdin
		self.stdout = stdout
		self.returncode: int | None = None
		self._has_ended = threading.Event()

	def poll(self) -> int | None:
		return self.returncode

	def wait(self, timeout: float | None = None) -> int:
		"""Its exit code, negative for a signal. Raises subprocess.TimeoutExpired."""
		if not self._has_ended.wait(timeout):
			raise subprocess.TimeoutExpired(str(self.pid), timeout or 0)
		return self.returncode

	def terminate(self) -> None:
		with contextlib.suppress(ProcessLookupError):
			os.kill(self.pid, signal.SIGTERM)

	def ended(self, code: int) -> None:
		self.returncode = code
		self._has_ended.set()


class ForkServer:
	"""The process of one site that forks the others."""

	def __init__(
		self, name: str, python: str, *, env: dict[str, str], cwd: Path, run_folder: Path, log: Path
	):
		self._channel, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
		with theirs:
			self.child = children.start(
				name,
				[python, "-m", "sandbox.engine.fork_server", str(theirs.fileno())],
				run_folder=run_folder,
				log=log,
				cwd=cwd,
				env=env,
				pass_fds=(theirs.fileno(),),
			)
		self._answers: queue.Queue = queue.Queue()
		self._forks: dict[int, Fork] = {}
		self._one_at_a_time = threading.Lock()
		threading.Thread(target=self._read, daemon=True).start()
		self._next_answer()

	def is_running(self) -> bool:
		return self.child.is_running()

	def start(self, module: str, arguments: list[str], *, output: int, pipes: bool = False) -> Fork:
		"""Starts what `python -m MODULE ARGUMENTS` does. With `pipes`, its standard input and output are pipes for
		us and its standard error is `output`, a descriptor; else both of its outputs are that."""
		if not pipes:
			with open(os.devnull, "rb") as nothing:
				return self._start(module, arguments, [nothing.fileno(), output, output])
		read_in, write_in = os.pipe()
		read_out, write_out = os.pipe()
		try:
			return self._start(
				module,
				arguments,
				[read_in, write_out, output],
				stdin=os.fdopen(write_in, "wb"),
				stdout=os.fdopen(read_out, "rb"),
			)
		finally:
			os.close(read_in)
			os.close(write_out)

	def run(self, module: str, arguments: list[str], seconds: float) -> subprocess.CompletedProcess:
		"""Runs it to its end and gives its exit code and what it printed. Raises subprocess.TimeoutExpired."""
		read_error, write_error = os.pipe()
		try:
			fork = self.start(module, arguments, output=write_error, pipes=True)
		finally:
			os.close(write_error)
		fork.stdin.close()
		texts: dict[str, str] = {}
		readers = [
			threading.Thread(target=_read_all, args=(texts, name, stream), daemon=True)
			for name, stream in (("stdout", fork.stdout), ("stderr", os.fdopen(read_error, "rb")))
		]
		for reader in readers:
			reader.start()
		try:
			code = fork.wait(seconds)
		except subprocess.TimeoutExpired:
			os.killpg(fork.pid, signal.SIGKILL)
			raise
		for reader in readers:
			reader.join(seconds)
		return subprocess.CompletedProcess([module, *arguments], code, texts["stdout"], texts["stderr"])

	def stop(self) -> None:
		"""Ends it, and with it all that it has forked."""
		self.child.kill()

	def _start(self, module: str, arguments: list[str], streams: list[int], stdin=None, stdout=None) -> Fork:
		request = json.dumps({"module": module, "arguments": arguments}).encode()
		with self._one_at_a_time:
			try:
				socket.send_fds(self._channel, [request], streams)
			except OSError as error:
				raise self._died() from error
			fork = self._next_answer()
		fork.stdin, fork.stdout = stdin, stdout
		return fork

	def _read(self) -> None:
		with contextlib.suppress(OSError):
			while packet := self._channel.recv(PACKET_BYTES):
				said = json.loads(packet)
				if "ended" in said:
					if fork := self._forks.pop(said["ended"], None):
						fork.ended(said["code"])
					continue
				fork = None
				if "started" in said:
					fork = self._forks[said["started"]] = Fork(said["started"], None, None)
				self._answers.put(fork or said)
		for fork in list(self._forks.values()):
			fork.ended(-signal.SIGKILL)
		self._answers.put(None)

	def _next_answer(self) -> Fork:
		try:
			answer = self._answers.get(timeout=START_SECONDS)
		except queue.Empty:
			raise TimeoutError(f"{self.child.name} gave no answer within {START_SECONDS} s") from None
		if answer is None:
			self._answers.put(None)
			raise self._died()
		return answer

	def _died(self) -> SandboxError:
		return SandboxError(
			f"{self.child.name} is gone. Its log ({self.child.log}) ends:\n{self.child.log_tail()}"
		)


def _read_all(texts: dict[str, str], name: str, stream: IO[bytes]) -> None:
	with stream:
		texts[name] = stream.read().decode(errors="replace")

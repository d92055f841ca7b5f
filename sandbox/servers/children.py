"""Starts processes that cannot outlive us, and ends those of a run that died without ending them.

Three nets, each for what the one before lets through:
1. `Child.stop()` and `Child.kill()`, called by whoever started it, end the whole process group.
2. The kernel kills a child when the thread that started it ends (`setpriv --pdeathsig`), also after kill -9 of
   us. Therefore one thread, which lives as long as this process, starts them all.
3. Process ids are noted in the run's folder; the next run kills what is left of dead ones (`end_leftovers`).

Never touches a process that is not noted with the start time it has: ids are used again by the system.
"""

import concurrent.futures
import contextlib
import json
import os
import random
import signal
import socket
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import IO, Protocol

from sandbox.errors import SandboxError

# Below the range that Linux gives to outgoing connections, so that none of those takes a port of ours.
PORTS = range(21000, 32000)

_starter = concurrent.futures.ThreadPoolExecutor(max_workers=1, thread_name_prefix="sandbox-starter")


class Process(Protocol):
	"""What a `Child` asks of its process: part of `subprocess.Popen`."""

	pid: int
	stdin: IO[bytes] | None
	stdout: IO[bytes] | None

	def poll(self) -> int | None: ...
	def wait(self, timeout: float | None = None) -> int: ...
	def terminate(self) -> None: ...


class Child:
	"""A process of a run, and the group that it leads."""

	def __init__(self, name: str, process: Process, log: Path, note: Path):
		self.name = name
		self.process = process
		self.log = log
		self._note = note

	@property
	def pid(self) -> int:
		return self.process.pid

	def is_running(self) -> bool:
		return self.process.poll() is None

	def stop(self, grace_seconds: float = 10) -> None:
		"""Asks it to end, and makes it end when it has not done so in time."""
		if self.is_running():
			self.process.terminate()
			with contextlib.suppress(subprocess.TimeoutExpired):
				self.process.wait(grace_seconds)
		self.kill()

	def kill(self) -> None:
		"""Ends it and everything that it started, at once (SIGKILL)."""
		with contextlib.suppress(ProcessLookupError):
			os.killpg(self.process.pid, signal.SIGKILL)
		self.process.wait()
		for stream in (self.process.stdin, self.process.stdout):
			if stream:
				with contextlib.suppress(OSError):
					stream.close()
		self._note.unlink(missing_ok=True)

	def log_tail(self, lines: int = 30) -> str:
		with contextlib.suppress(OSError):
			return "\n".join(self.log.read_text(errors="replace").splitlines()[-lines:])
		return ""


def start(
	name: str,
	command: list[str],
	*,
	run_folder: Path,
	log: Path,
	cwd: Path | None = None,
	env: dict[str, str] | None = None,
	pass_fds: tuple[int, ...] = (),
) -> Child:
	"""Starts a command whose output goes to the log. `pass_fds` are descriptors that it keeps."""
	with open_log(log) as output:
		process = _starter.submit(
			subprocess.Popen,
			["setpriv", "--pdeathsig", "KILL", *command],
			stdin=subprocess.DEVNULL,
			stdout=output,
			stderr=output,
			cwd=cwd,
			env=env,
			start_new_session=True,
			pass_fds=pass_fds,
		).result()
	return note_child(name, process, run_folder=run_folder, log=log)


def open_log(log: Path) -> IO[bytes]:
	log.parent.mkdir(parents=True, exist_ok=True)
	return log.open("ab")


def note_child(name: str, process: Process, *, run_folder: Path, log: Path) -> Child:
	"""The process as a child of this run, noted for `end_leftovers`."""
	notes = run_folder / "pids"
	notes.mkdir(exist_ok=True)
	note = notes / str(process.pid)
	note.write_text(json.dumps({"name": name, "started": _start_time(process.pid)}))
	return Child(name, process, log, note)


def wait_until(ready: Callable[[], bool], child: Child, seconds: float) -> None:
	"""Returns when the child is ready; says what its log says when it dies first or takes too long."""
	deadline = time.monotonic() + seconds
	while not ready():
		if not child.is_running():
			raise SandboxError(f"{child.name} ended at once. Its log ({child.log}) ends:\n{child.log_tail()}")
		if time.monotonic() > deadline:
			raise SandboxError(
				f"{child.name} was not ready after {seconds:.0f} s. Its log ({child.log}) ends:\n{child.log_tail()}"
			)
		time.sleep(0.03)


def end_leftovers(run_folder: Path) -> int:
	"""Kills what is still running of a run whose own process is gone. Says how many that were."""
	ended = 0
	for note in (run_folder / "pids").glob("*"):
		with contextlib.suppress(OSError, ValueError):
			noted = json.loads(note.read_text())
			if noted["started"] and noted["started"] == _start_time(int(note.name)):
				os.killpg(int(note.name), signal.SIGKILL)
				ended += 1
	return ended


def free_port() -> int:
	"""A TCP port of this machine that nobody listens on."""
	for port in random.sample(PORTS, 200):
		with socket.socket() as probe, contextlib.suppress(OSError):
			probe.bind(("127.0.0.1", port))
			return port
	raise SandboxError("No free TCP port was found on 127.0.0.1.")


def accepts_connections(port: int) -> bool:
	with contextlib.suppress(OSError):
		with socket.create_connection(("127.0.0.1", port), timeout=1):
			return True
	return False


def _start_time(pid: int) -> str | None:
	"""When the kernel started the process; tells it from a later one with the same id."""
	with contextlib.suppress(OSError, IndexError):
		return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[19]
	return None

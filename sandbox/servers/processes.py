"""A site's processes: web, worker, scheduler and shells. Starts, stops and kills them, and keeps their logs."""

import contextlib
import subprocess
import sys
from pathlib import Path

from sandbox.errors import SandboxError
from sandbox.paths import PROJECT
from sandbox.servers import children
from sandbox.servers.children import Child
from sandbox.sites.shell import Shell

READY_SECONDS = 60
COMMAND_SECONDS = 300
WEB_THREADS = 4


class SiteProcesses:
	"""The processes of one site. `python` and `env` say where they run: the sandbox's engine or a bench."""

	def __init__(
		self, site: str, port: int, *, env: dict[str, str], run_folder: Path, logs: Path, python: str = ""
	):
		self.site = site
		self.port = port
		self.env = env
		self.run_folder = run_folder
		self.logs = logs
		self.python = python or sys.executable
		self.running: dict[str, Child] = {}
		self.shells: list[Shell] = []

	@property
	def url(self) -> str:
		return f"http://127.0.0.1:{self.port}"

	def start_web(self) -> None:
		"""gunicorn, as on a bench: one process with threads. Returns when it answers."""
		self.begin_web()
		self.wait_for_web()

	def begin_web(self) -> None:
		self._start(
			"web",
			["-m", "gunicorn", "sandbox.engine.wsgi:application", "--bind", f"127.0.0.1:{self.port}"],
			["--workers", "1", "--worker-class", "gthread", "--threads", str(WEB_THREADS)],
			["--timeout", "120", "--graceful-timeout", "5", "--log-level", "warning"],
		)

	def wait_for_web(self) -> None:
		children.wait_until(self._answers, self.running["web"], READY_SECONDS)

	def start_worker(self) -> None:
		self._start("worker", ["-m", "sandbox.engine.worker"])

	def start_scheduler(self) -> None:
		self._start("scheduler", ["-m", "sandbox.engine.scheduler"])

	def start_shell(self) -> Shell:
		name = f"shell-{len(self.shells) + 1}" if self.shells else "shell"
		child = self._spawn(name, ["-m", "sandbox.engine.shell_server"], pipes=True)
		shell = Shell(child)
		self.shells.append(shell)
		return shell

	def run_command(self, words: list[str]) -> subprocess.CompletedProcess:
		"""A command of the app, to its end."""
		return subprocess.run(
			[self.python, "-m", "sandbox.engine.command", *words],
			cwd=PROJECT,
			env=self.env,
			stdin=subprocess.DEVNULL,
			capture_output=True,
			text=True,
			timeout=COMMAND_SECONDS,
		)

	def is_running(self, what: str) -> bool:
		return what in self.running and self.running[what].is_running()

	def stop(self, what: str) -> None:
		"""Asks the process to end, and waits for it."""
		if child := self.running.pop(what, None):
			child.stop()

	def kill(self, what: str) -> None:
		"""Ends the process and what it started at once, as kill -9 does."""
		if child := self.running.pop(what, None):
			child.kill()

	def end_shells_except(self, kept: Shell | None) -> None:
		for shell in self.shells:
			if shell is not kept:
				shell.stop()
		self.shells = [kept] if kept else []

	def stop_all(self) -> None:
		self.end_shells_except(None)
		for what in list(self.running):
			self.kill(what)

	def log_text(self, what: str) -> str:
		with contextlib.suppress(FileNotFoundError):
			return self._log(what).read_text(errors="replace")
		return ""

	def _start(self, what: str, *arguments: list[str]) -> None:
		if not self.is_running(what):
			self.running[what] = self._spawn(what, [word for words in arguments for word in words])

	def _spawn(self, what: str, arguments: list[str], pipes: bool = False) -> Child:
		return children.start(
			f"{what} of {self.site}",
			[self.python, *arguments],
			run_folder=self.run_folder,
			log=self._log(what),
			cwd=PROJECT,
			env=self.env,
			pipes=pipes,
		)

	def _log(self, what: str) -> Path:
		return self.logs / f"{self.site}-{what}.log"

	def _answers(self) -> bool:
		import requests

		if not children.accepts_connections(self.port):
			return False
		try:
			answer = requests.get(f"{self.url}/api/method/ping", timeout=READY_SECONDS)
		except requests.ConnectionError:
			# taken by the server's socket, before the worker behind it is there
			return False
		if answer.status_code != 200:
			raise SandboxError(
				f"{self.site} answers with an error: HTTP {answer.status_code} {answer.text[:500]}"
			)
		return True

"""A site's processes: web, worker, scheduler and shells. Starts, stops and kills them, and keeps their logs."""

import contextlib
import subprocess
import sys
from pathlib import Path

from sandbox.errors import SandboxError
from sandbox.paths import PROJECT
from sandbox.servers import children
from sandbox.servers.children import Child
from sandbox.servers.forks import ForkServer
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
		# processes that answer, with WEB_THREADS each; tests want one, whose log they read
		self.web_workers = 1
		self.running: dict[str, Child] = {}
		self.shells: list[Shell] = []
		self.fork_server: ForkServer | None = None

	@property
	def url(self) -> str:
		return f"http://127.0.0.1:{self.port}"

	def start_web(self) -> None:
		"""gunicorn, as on a bench, with threads. Returns when it answers."""
		self.begin_web()
		self.wait_for_web()

	def begin_web(self) -> None:
		self._start(
			"web",
			"gunicorn",
			["sandbox.engine.wsgi:application", "--bind", f"127.0.0.1:{self.port}"],
			["--workers", str(self.web_workers), "--worker-class", "gthread", "--threads", str(WEB_THREADS)],
			["--timeout", "120", "--graceful-timeout", "5", "--log-level", "warning"],
		)

	def wait_for_web(self) -> None:
		children.wait_until(self._answers, self.running["web"], READY_SECONDS)

	def start_worker(self) -> None:
		self._start("worker", "sandbox.engine.worker")

	def start_scheduler(self) -> None:
		self._start("scheduler", "sandbox.engine.scheduler")

	def start_command(self, what: str, words: list[str]) -> None:
		"""A command of the app that runs until it is stopped."""
		self._start(what, "sandbox.engine.command", words)

	def start_shell(self) -> Shell:
		name = f"shell-{len(self.shells) + 1}" if self.shells else "shell"
		child = self._spawn(name, "sandbox.engine.shell_server", pipes=True)
		shell = Shell(child)
		self.shells.append(shell)
		return shell

	def run_command(self, words: list[str]) -> subprocess.CompletedProcess:
		"""A command of the app, to its end."""
		return self._fork_server().run("sandbox.engine.command", words, COMMAND_SECONDS)

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
		if self.fork_server:
			self.fork_server.stop()
			self.fork_server = None

	def log_text(self, what: str) -> str:
		with contextlib.suppress(FileNotFoundError):
			return self._log(what).read_text(errors="replace")
		return ""

	def _start(self, what: str, module: str, *arguments: list[str]) -> None:
		if not self.is_running(what):
			self.running[what] = self._spawn(what, module, [word for words in arguments for word in words])

	def _spawn(
		self, what: str, module: str, arguments: list[str] | None = None, pipes: bool = False
	) -> Child:
		with children.open_log(self._log(what)) as output:
			fork = self._fork_server().start(module, arguments or [], output=output.fileno(), pipes=pipes)
		return children.note_child(
			f"{what} of {self.site}", fork, run_folder=self.run_folder, log=self._log(what)
		)

	def _fork_server(self) -> ForkServer:
		if not (self.fork_server and self.fork_server.is_running()):
			self.fork_server = ForkServer(
				f"fork server of {self.site}",
				self.python,
				env=self.env,
				cwd=PROJECT,
				run_folder=self.run_folder,
				log=self._log("fork-server"),
			)
		return self.fork_server

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

"""One site of a cluster, as the tests and the demo handle it: run code in it, call it, start and stop it.

The same class serves both engines; what differs is in the `SiteProcesses` that it is given.
"""

from collections.abc import Callable
from subprocess import CompletedProcess
from typing import Any

from sandbox.servers.processes import SiteProcesses
from sandbox.sites.rest import RestClient
from sandbox.sites.shell import Pending, Shell


class Site:
	"""`name` is the one it was asked for by ("producer"); `url` is what the other site reaches it by."""

	def __init__(self, name: str, processes: SiteProcesses):
		self.name = name
		self.processes = processes
		self._shell: Shell | None = None
		self._keys: dict[str, tuple[str, str]] = {}

	@property
	def url(self) -> str:
		return self.processes.url

	def run(self, function: Callable | str, commit: bool = True, **kwargs: Any) -> Any:
		"""Runs a function inside the site, as Administrator, and gives its result. See `sandbox.sites.shell`."""
		return self._own_shell().run(function, commit=commit, **kwargs)

	def start(self, function: Callable | str, commit: bool = True, **kwargs: Any) -> Pending:
		"""Like `run`, without waiting for the result: for what may take longer than `run` waits."""
		return self._own_shell().start(function, commit=commit, **kwargs)

	def shell(self) -> Shell:
		"""Another process inside the site, with a database connection of its own."""
		return self.processes.start_shell()

	def rest(self, user: str = "Administrator") -> RestClient:
		"""A client that calls the site with this user's API keys, which are made on first use."""
		if user not in self._keys:
			self._keys[user] = tuple(self.run(make_api_keys, user=user))
		return RestClient(self.url, *self._keys[user])

	def command(self, *words: str) -> CompletedProcess:
		"""Runs a command of the app from a terminal's point of view, as `bench --site … WORDS` does: `returncode`,
		`stdout` and `stderr`."""
		return self.processes.run_command(list(words))

	def set_time_zone(self, time_zone: str) -> None:
		"""The site's own time zone; without this it is the template's, Asia/Bangkok. Every process of the site
		that is running has it from its next request or job on."""
		self.run(set_time_zone, time_zone=time_zone)

	def start_web(self) -> None:
		self.processes.start_web()

	def stop_web(self) -> None:
		self.processes.stop("web")

	def kill_web(self) -> None:
		self.processes.kill("web")

	def start_worker(self) -> None:
		"""An RQ worker for all of the site's queues."""
		self.processes.start_worker()

	def stop_worker(self) -> None:
		self.processes.stop("worker")

	def kill_worker(self) -> None:
		"""SIGKILL to the worker and to the job that it is running."""
		self.processes.kill("worker")

	def start_scheduler(self) -> None:
		self.processes.start_scheduler()

	def stop_scheduler(self) -> None:
		self.processes.stop("scheduler")

	def start_listener(self, look_every: float = 0.5) -> None:
		"""`bench event-streaming listen`."""
		words = ["event-streaming", "listen", "--look-every", str(look_every)]
		self.processes.start_command("listener", words)

	def stop_listener(self) -> None:
		"""SIGTERM."""
		self.processes.stop("listener")

	def kill_listener(self) -> None:
		self.processes.kill("listener")

	def log(self, process: str) -> str:
		"""What a process ("web", "worker", "scheduler", "listener", "shell") has logged."""
		return self.processes.log_text(process)

	def end_what_a_test_started(self) -> None:
		"""Ends workers, schedulers and extra shells; the web server and the site's own shell go on, but for one that
		has not answered: the next test must not pay for this one's call."""
		self.processes.kill("worker")
		self.processes.kill("scheduler")
		self.processes.kill("listener")
		if self._shell and self._shell.is_busy():
			self._shell = None
		self.processes.end_shells_except(self._shell)

	def stop(self) -> None:
		"""Ends all of the site's processes."""
		self._shell = None
		self.processes.stop_all()

	def _own_shell(self) -> Shell:
		if self._shell is None or not self._shell.child.is_running():
			self._shell = self.processes.start_shell()
		return self._shell


def make_api_keys(user: str) -> list[str]:
	"""Runs inside the site. Keys that the user has are used as they are."""
	import frappe

	doc = frappe.get_doc("User", user)
	secret = doc.get_password("api_secret", raise_exception=False)
	if not (doc.api_key and secret):
		secret = frappe.generate_hash(length=15)
		doc.api_key = doc.api_key or frappe.generate_hash(length=15)
		doc.api_secret = secret
		doc.save(ignore_permissions=True)
	return [doc.api_key, secret]


def set_time_zone(time_zone: str) -> None:
	"""Runs inside the site."""
	import frappe

	settings = frappe.get_single("System Settings")
	settings.time_zone = time_zone
	settings.flags.ignore_mandatory = True
	settings.save()
	for job in frappe.get_all(
		"Scheduled Job Type", pluck="name"
	):  # or they would be due hours from now, or ago
		frappe.db.set_value("Scheduled Job Type", job, "last_execution", frappe.utils.now_datetime())
	frappe.clear_cache()

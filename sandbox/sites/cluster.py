"""Brings up a cluster of sites, and takes everything down again: `with open_cluster(["producer", "consumer"])`.

The sandbox's own engine is used unless EVENT_STREAMING_BENCH names a real bench. Several runs can go on at
the same time: each has its own servers, ports and sites. What a run left behind that was killed, the next one
cleans up.
"""

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Protocol

from sandbox.engine.monoframe import ENGINE
from sandbox.errors import SandboxError
from sandbox.progress import step
from sandbox.servers import children, databases, packages, postgres, realtime
from sandbox.servers.processes import SiteProcesses
from sandbox.servers.realtime import Realtime
from sandbox.servers.runs import new_logs_folder, run_folder
from sandbox.sites import clones
from sandbox.sites.environment import entry_environment
from sandbox.sites.site import Site

# gunicorn 24 and later has one, in the home folder.
WITHOUT_CONTROL_SOCKET = {"GUNICORN_CMD_ARGS": "--no-control-socket"}


class Engine(Protocol):
	"""Where sites come from."""

	def make_site(self, name: str) -> Site:
		"""The site, with none of its processes running."""

	def make_realtime(self) -> Realtime:
		"""The realtime server of all sites, not started yet."""

	def close(self) -> None: ...


class Cluster:
	"""The sites of a run. A site is made when it is first asked for."""

	def __init__(self, engine: Engine):
		self.engine = engine
		self.sites: dict[str, Site] = {}
		self._realtime: Realtime | None = None

	@property
	def realtime(self) -> Realtime:
		"""The realtime server of all sites; running only where somebody starts it."""
		if self._realtime is None:
			self._realtime = self.engine.make_realtime()
		return self._realtime

	def site(self, name: str) -> Site:
		"""A site of the cluster; the first time, it is made and its web server started."""
		if name not in self.sites:
			self.open([name])
		return self.sites[name]

	def open(self, names: list[str]) -> None:
		"""Makes sites and starts their web servers, all at the same time."""
		for name in names:
			with step(f"Site {name}"):
				self.sites[name] = self.engine.make_site(name)
				self.sites[name].processes.begin_web()
		with step(f"Web servers of {', '.join(names)}"):
			for name in names:
				self.sites[name].processes.wait_for_web()

	def close(self) -> None:
		if self._realtime:
			self._realtime.stop()
		for site in self.sites.values():
			site.stop()
		self.engine.close()


@contextlib.contextmanager
def open_cluster(
	names: list[str], engine: str | None = None, with_app: bool | None = None, durable: bool = False
) -> Iterator[Cluster]:
	"""A cluster with these sites. `engine` is "monoframe" or "bench"; without it, the environment decides.

	`with_app` false gives bare Frappe sites; EVENT_STREAMING_WITHOUT_APP=1 in the environment does the same.
	With `durable` the sandbox's database waits for the disk at each commit; a bench's does what its settings say.
	"""
	if with_app is None:
		with_app = not os.environ.get("EVENT_STREAMING_WITHOUT_APP")
	with run_folder() as folder:
		cluster = Cluster(_engine(engine, folder, with_app, durable))
		try:
			cluster.open(names)
			yield cluster
		finally:
			cluster.close()


def _engine(name: str | None, folder: Path, with_app: bool, durable: bool) -> Engine:
	name = name or ("bench" if os.environ.get("EVENT_STREAMING_BENCH") else ENGINE)
	if name == ENGINE:
		return SandboxEngine(folder, with_app, durable)
	if name == "bench":
		from sandbox.sites.bench import BenchEngine

		return BenchEngine(folder, with_app)
	raise SandboxError(f'There is no engine "{name}"; there are "{ENGINE}" and "bench".')


# what EVENT_STREAMING_DATABASE can say
DATABASES = {
	"mariadb": databases.MariaDB,
	"mariadb-snapshot": databases.MariaDBWithSnapshots,
	"postgres": postgres.Postgres,
}


def _database_class() -> type[databases.MariaDB] | type[postgres.Postgres]:
	wanted = os.environ.get("EVENT_STREAMING_DATABASE") or "mariadb"
	if wanted not in DATABASES:
		raise SandboxError(f'EVENT_STREAMING_DATABASE is "{wanted}"; it can be {", ".join(DATABASES)}.')
	return DATABASES[wanted]


class SandboxEngine:
	"""Sites cloned from the template, on servers of this run."""

	def __init__(self, folder: Path, with_app: bool, durable: bool = False):
		packages.ensure(packages.SERVERS)
		self.folder = folder
		self.with_app = with_app
		self.logs = new_logs_folder(folder.name)
		self.database = _database_class()(folder, self.logs, durable)
		self.redis = databases.Redis(folder, self.logs)
		self.maker = clones.SiteMaker(folder, self.logs, self.database, self.redis)
		try:
			with step(f"{self.database.title} and Redis"):
				self.database.start()
				self.redis.start()
		except BaseException:
			self.close()
			raise

	def make_site(self, name: str) -> Site:
		port = children.free_port()
		folder = self.maker.clone(name, f"http://127.0.0.1:{port}", self.with_app)
		env = {**entry_environment(ENGINE, folder), **WITHOUT_CONTROL_SOCKET}
		return Site(name, SiteProcesses(name, port, env=env, run_folder=self.folder, logs=self.logs))

	def make_realtime(self) -> Realtime:
		apps = realtime.apps_of_sandbox(self.folder)
		return realtime.of_sandbox(self.folder, self.logs, self.redis.url(0), apps)

	def close(self) -> None:
		self.redis.stop()
		self.database.stop()

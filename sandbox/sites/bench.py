"""The same cluster on a real bench: EVENT_STREAMING_BENCH names its folder.

The sites have to exist: `producer.localhost`, `consumer.localhost` and `third.localhost`, or those that
EVENT_STREAMING_BENCH_SITES names, in this order. They are for tests: what the app keeps on them is deleted.
The app has to be on the bench; it is installed on a site that lacks it, and migrated when its DocTypes have
changed. The test app (tests/apps) is put on the bench for the time of the run, and installed beside it. The bench's MariaDB and Redis have to be running; its own web, workers and scheduler should not.

Each site gets a web server on a port of its own. Therefore its `host_name` is another for the time of the run,
and its `bench_id`, so that its worker takes no other site's jobs. Both are put back afterwards, also by the
next run when this one is killed.
"""

import fcntl
import hashlib
import json
import os
from pathlib import Path

from sandbox.errors import SandboxError
from sandbox.paths import APP, TEST_APP, cache_folder
from sandbox.progress import say, step
from sandbox.servers import children, realtime
from sandbox.servers.commands import run_checked
from sandbox.servers.processes import SiteProcesses
from sandbox.servers.realtime import Realtime
from sandbox.servers.runs import new_logs_folder, note_for_putting_back
from sandbox.sites.clones import app_fingerprint
from sandbox.sites.environment import entry_environment
from sandbox.sites.site import Site
from sandbox.sites.template import TIME_ZONE

NAMES = ("producer", "consumer", "third")
DEFAULT_SITES = "producer.localhost,consumer.localhost,third.localhost"


class BenchEngine:
	"""Sites of a bench, one run at a time."""

	def __init__(self, folder: Path, with_app: bool):
		self.folder = folder
		self.with_app = with_app
		self.bench = Path(os.environ["EVENT_STREAMING_BENCH"]).resolve()
		self.sites_path = self.bench / "sites"
		self.python = str(self.bench / "env" / "bin" / "python")
		listed = os.environ.get("EVENT_STREAMING_BENCH_SITES") or DEFAULT_SITES
		self.sites = dict(zip(NAMES, (name.strip() for name in listed.split(",")), strict=False))
		self._check_bench()
		self.lock = self._lock()
		self._put_test_app_on_bench()
		self.logs = new_logs_folder(folder.name)
		say(f"Uses the sites {', '.join(self.sites.values())} of a bench: the app's data on them is deleted.")

	def make_site(self, name: str) -> Site:
		if name not in self.sites:
			raise SandboxError(f'EVENT_STREAMING_BENCH_SITES names no site for "{name}".')
		site_folder = self.sites_path / self.sites[name]
		if not (site_folder / "site_config.json").exists():
			raise SandboxError(
				f"The bench has no site {site_folder.name}. Make it with `bench new-site {site_folder.name}`, "
				"or name others in EVENT_STREAMING_BENCH_SITES."
			)
		port = children.free_port()
		self._set_config(
			site_folder, {"host_name": f"http://127.0.0.1:{port}", "bench_id": f"sandbox-{name}"}
		)
		env = {**entry_environment("bench", site_folder), "PYTHONDONTWRITEBYTECODE": "1"}
		processes = SiteProcesses(
			name, port, env=env, run_folder=self.folder, logs=self.logs, python=self.python
		)
		site = Site(name, processes)
		if self.with_app:
			self._bring_app_up_to_date(site, site_folder)
		# as the sandbox's own: tests put it back to this one
		site.set_time_zone(TIME_ZONE)
		return site

	def make_realtime(self) -> Realtime:
		return realtime.of_bench(self.folder, self.logs, self.bench)

	def close(self) -> None:
		self.lock.close()

	def _check_bench(self) -> None:
		for needed in (self.sites_path / "apps.txt", Path(self.python)):
			if not needed.exists():
				raise SandboxError(
					f"EVENT_STREAMING_BENCH is {self.bench}, which is no bench: it has no {needed}."
				)

	def _lock(self):
		"""Two runs on the same sites would delete each other's data."""
		lock = (self.sites_path / "apps.txt").open()
		try:
			fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
		except BlockingIOError:
			lock.close()
			raise SandboxError("Another run is using this bench's sites. Wait for it to end.") from None
		return lock

	def _put_test_app_on_bench(self) -> None:
		"""For the time of the run: the bench can't load it without our path, and must not miss it afterwards."""
		file = self.sites_path / "apps.txt"
		apps = file.read_text().split()
		if TEST_APP not in apps:
			note_for_putting_back(self.folder, file)
			file.write_text("\n".join([*apps, TEST_APP]) + "\n")

	def _set_config(self, site_folder: Path, values: dict) -> None:
		file = site_folder / "site_config.json"
		note_for_putting_back(self.folder, file)
		file.write_text(json.dumps({**json.loads(file.read_text()), **values}, indent=1, sort_keys=True))

	def _bring_app_up_to_date(self, site: Site, site_folder: Path) -> None:
		stamp = cache_folder() / f"bench-{hashlib.sha256(str(site_folder).encode()).hexdigest()[:16]}"
		now = app_fingerprint()
		installed = site.run(installed_apps)
		missing = [app for app in (APP, TEST_APP) if app not in installed]
		if not missing and stamp.exists() and stamp.read_text() == now:
			return
		for app in missing:
			self._bench_command(site_folder.name, "install-app", app)
		if APP not in missing:
			self._bench_command(site_folder.name, "migrate")
		stamp.parent.mkdir(parents=True, exist_ok=True)
		stamp.write_text(now)

	def _bench_command(self, site: str, *command: str) -> None:
		with step(f"bench --site {site} {' '.join(command)}"):
			run_checked(
				[self.python, "-m", "frappe.utils.bench_helper", "frappe", "--site", site, *command],
				f"bench --site {site} {' '.join(command)} failed. Is {APP} on the bench (sites/apps.txt)?",
				cwd=self.sites_path,
				# the app is the tree that the tests are run from
				env={**entry_environment("bench", self.sites_path / site), "PYTHONDONTWRITEBYTECODE": "1"},
			)


def installed_apps() -> list[str]:
	"""Runs inside the site. The list of the bench's apps may be cached from before the app was added."""
	import frappe

	frappe.clear_cache()
	frappe.cache.delete_value("app_modules")
	frappe.cache.delete_value("all_apps")
	return frappe.get_installed_apps()

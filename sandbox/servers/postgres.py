"""A private PostgreSQL for one run, with the same handles as `databases.MariaDB`: asked for with EVENT_STREAMING_DATABASE=postgres.

It listens on a socket only. It refuses to run as root, so root starts it as Debian's user `postgres`. Never touches a cluster
of the system.
"""

import os
import pwd
import shutil
import subprocess
import tempfile
from pathlib import Path

from sandbox.progress import step
from sandbox.servers import children, packages
from sandbox.servers.children import Child
from sandbox.servers.commands import run_checked
from sandbox.servers.locks import made_once

SUPERUSER = "postgres"
PORT = 5432  # a part of the socket's name, nothing listens on it
OPTIONS = {
	"listen_addresses": "''",
	"max_connections": "300",
	"shared_buffers": "128MB",
	"max_locks_per_transaction": "512",
}
# each commit is written before it is answered, or a server that is killed would forget it; the disk is not waited for
WITHOUT_SYNC = {"fsync": "off", "full_page_writes": "off"}


class Postgres:
	"""One PostgreSQL server of this run. Its data and socket are in a folder of its own that its user may enter."""

	title, db_type, quote = "PostgreSQL", "postgres", '"'

	def __init__(self, run_folder: Path, logs: Path, durable: bool = False):
		self.run_folder = run_folder
		self.options = OPTIONS if durable else {**OPTIONS, **WITHOUT_SYNC}
		self.log = logs / "postgres.log"
		self.socket = Path(
			tempfile.mkdtemp(prefix="sandbox-")
		)  # of its folder: that is what clients are given
		(run_folder / "socket-folder").write_text(str(self.socket))
		self.data = self.socket / "data"
		self.child: Child | None = None

	def address(self) -> dict[str, str]:
		"""What a site's configuration says of where it is: a folder in the place of a host means the socket in it."""
		return {"db_host": str(self.socket), "db_socket": str(self.socket)}

	def start(self) -> None:
		if not self.data.exists():
			command = ["cp", "-a", "--reflink=auto", str(_empty_data_folder()), str(self.data)]
			subprocess.run(command, check=True)
			_give_to_superuser(self.socket)
		(self.data / "postmaster.pid").unlink(missing_ok=True)
		self.child = children.start(
			"PostgreSQL",
			[
				*_as_superuser(),
				packages.program("postgres"),
				*("-D", str(self.data), "-k", str(self.socket)),
				*(f"-c{name}={value}".replace("''", "") for name, value in self.options.items()),
			],
			run_folder=self.run_folder,
			log=self.log,
		)
		children.wait_until(self._accepts_connections, self.child, 60)

	def stop(self) -> None:
		"""As kill -9 does it; what is committed is there when it is started again."""
		if self.child:
			self.child.kill()

	def sql(self, statements: str, database: str = SUPERUSER) -> str:
		"""Runs statements as the superuser, and gives what the client printed: tab-separated lines, no headings."""
		command = [*_client("psql", self.socket), "-qAt", "-F\t", "-v", "ON_ERROR_STOP=1", database]
		return run_checked(command, f"PostgreSQL refused {statements[:200]!r}:", input=statements)

	def create_database(self, name: str, user: str, password: str) -> None:
		if not self.sql(f"SELECT 1 FROM pg_roles WHERE rolname = '{user}';"):
			self.sql(f"CREATE ROLE \"{user}\" LOGIN PASSWORD '{password}';")
		self.sql(f'CREATE DATABASE "{name}" OWNER "{user}";')

	def drop_database(self, name: str) -> None:
		self.sql(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE);')

	def dump(self, name: str, file: Path) -> None:
		"""Without owners: whoever loads it says whose it is. What is there then makes room for what the dump has."""
		options = ["--clean", "--if-exists", "--no-owner", "--no-privileges"]
		with file.open("wb") as output:
			self._checked("pg_dump", [*options, name], stdout=output)

	def load(self, name: str, file: Path) -> None:
		with file.open("rb") as dump:
			self._checked(
				"psql",
				["-q", "-v", "ON_ERROR_STOP=1", "-c", f'SET ROLE "{name}"', "-f", "-", name],
				stdin=dump,
			)

	def _checked(self, program: str, arguments: list[str], **streams) -> None:
		command = [*_client(program, self.socket), *arguments]
		run_checked(command, f"{program} {' '.join(arguments)} failed:", **streams)

	def _accepts_connections(self) -> bool:
		command = [*_client("pg_isready", self.socket), "--quiet"]
		return subprocess.run(command).returncode == 0


def _client(program: str, socket: Path) -> list[str]:
	return [packages.program(program), f"--host={socket}", f"--port={PORT}", f"--username={SUPERUSER}"]


def _as_superuser() -> list[str]:
	if os.geteuid() != 0:
		return []
	return [packages.program("setpriv"), f"--reuid={SUPERUSER}", f"--regid={SUPERUSER}", "--clear-groups"]


def _give_to_superuser(folder: Path) -> None:
	if os.geteuid() != 0:
		return
	user = pwd.getpwnam(SUPERUSER)
	for path in (folder, *folder.rglob("*")):
		os.chown(path, user.pw_uid, user.pw_gid, follow_symlinks=False)


def _empty_data_folder() -> Path:
	"""The data of a PostgreSQL with nothing in it: made once, copied for each run."""
	return made_once("postgres-empty", _make_empty_data_folder)


def _make_empty_data_folder(folder: Path) -> None:
	made = Path(tempfile.mkdtemp(prefix="sandbox-"))
	_give_to_superuser(made)
	with step("PostgreSQL: making its empty data folder"):
		command = [*_as_superuser(), packages.program("initdb"), "-D", str(made / "data"), "--no-sync"]
		command += ["--auth=trust", "--encoding=UTF8", "--locale=C.UTF-8", f"--username={SUPERUSER}"]
		run_checked(command, "initdb failed:", cwd="/")
	shutil.move(str(made / "data"), folder)
	shutil.rmtree(made, ignore_errors=True)

"""Debian's packages that the sandbox needs: says which are missing and, as root, installs them.

Only packages without a system service are used: `mariadb-server-core` and `redis-tools` bring the programs
of the two servers, not the services that the full packages would start. Nothing is ever configured or started
through the system, and nothing is removed again.
"""

import glob
import os
import shutil
from collections.abc import Iterable

from sandbox.errors import SandboxError
from sandbox.progress import step
from sandbox.servers.commands import run_checked
from sandbox.servers.locks import building_alone

# program or file -> the Debian package that brings it
SERVERS = {
	"mariadbd": "mariadb-server-core",
	"mariadb-install-db": "mariadb-server-core",
	"mariadb": "mariadb-client-core",
	"mariadb-dump": "mariadb-client",
	"redis-check-rdb": "redis-tools",
	"setpriv": "util-linux",
}
# In the place of MariaDB, where EVENT_STREAMING_DATABASE=postgres asks for it: this package does bring a service, so nobody
# but a person installs it.
POSTGRES = {
	"postgres": "postgresql-15",
	"initdb": "postgresql-15",
	"pg_dump": "postgresql-client-15",
	"psql": "postgresql-client-15",
	"pg_isready": "postgresql-client-15",
}
# For compiling mysqlclient, which PyPI has only as source.
BUILD = {
	"mariadb_config": "libmariadb-dev",
	"pkg-config": "pkg-config",
	"gcc": "gcc",
}
# For the models of the protocol in tests/model; what it makes is compiled by gcc.
MODELS = {"spin": "spin", "gcc": "gcc"}
# For the linters of JavaScript and workflows, and for building the Desk.
NODE = {"node": "nodejs", "npm": "npm"}
DESK = {"chromium": "chromium"}
# For pictures of the Desk in Thai.
THAI = {"/usr/share/fonts/truetype/noto/NotoSansThai-Regular.ttf": "fonts-noto-core"}

SEARCH_PATH = os.pathsep.join(
	[
		os.environ.get("PATH", ""),
		"/usr/local/sbin",
		"/usr/local/bin",
		"/usr/sbin",
		"/usr/bin",
		"/sbin",
		"/bin",
		*sorted(glob.glob("/usr/lib/postgresql/*/bin")),
	]
)


def find(program: str) -> str | None:
	"""The full path of a program; a file that is named by its full path may be anything."""
	if os.path.isabs(program):
		return program if os.path.exists(program) else None
	return shutil.which(program, path=SEARCH_PATH)


def program(name: str) -> str:
	"""The full path of a program, or an error that says which package has it."""
	path = find(name)
	if path:
		return path
	package = {**SERVERS, **POSTGRES, **BUILD, **MODELS, **NODE, **DESK, **THAI}.get(name, name)
	raise SandboxError(
		f"{name} was not found. It is in Debian's package {package}; `make tools` installs it."
	)


def missing(*groups: dict[str, str]) -> list[str]:
	"""The packages of these groups that are not installed, judged by their programs."""
	wanted = {name: package for group in groups for name, package in group.items()}
	return sorted({package for name, package in wanted.items() if not find(name)})


def ensure(*groups: dict[str, str]) -> None:
	"""Installs what is missing; an error says what a person has to do who may not."""
	packages = missing(*groups)
	if not packages:
		return
	if os.geteuid() != 0 or not shutil.which("apt-get"):
		raise SandboxError(
			f"These Debian packages are missing: {' '.join(packages)}.\n"
			f"Install them with `sudo apt-get install --no-install-recommends {' '.join(packages)}` and try again."
		)
	with building_alone("apt.lock"):
		# another run may have brought them meanwhile
		if packages := missing(*groups):
			with step(f"apt-get install {' '.join(packages)}"):
				_apt(["update"])
				_apt(["install", "--yes", "--no-install-recommends", *packages])


def _apt(arguments: Iterable[str]) -> None:
	run_checked(
		["apt-get", "--quiet", "-o", "DPkg::Lock::Timeout=120", *arguments],
		f"apt-get {' '.join(arguments)} failed:",
		env={**os.environ, "DEBIAN_FRONTEND": "noninteractive"},
	)


def main() -> None:
	"""`python -m sandbox.servers.packages`: what has to be there before the Python environment can be made, for the models and for the linters."""
	try:
		ensure(SERVERS, BUILD, MODELS, NODE)
	except SandboxError as error:
		raise SystemExit(str(error)) from None


if __name__ == "__main__":
	main()

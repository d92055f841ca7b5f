"""Makes `import frappe` mean monoframe, a fork of Frappe 16's code on PyPI, and mends the fork from outside.

Frappe itself is in no package registry. The fork has Frappe's document life cycle, permissions, naming, REST
API, jobs, scheduler, migrations and Desk, with the Python package renamed, and it was cut down to one app on
one site. What was cut is put back here, each repair a small named function that says what it is for, so that
this can shrink, or go, once Frappe can be had from a registry:

`engine_alias`    `frappe.x` is `monoframe.x`, and what the fork needs to load at all
`engine_apps`     several apps on a site: their hooks, paths and modules
`engine_install`  installing, migrating and removing an app
`engine_repairs`  names, versions, the site's configuration, and single bugs
`engine_http`     headers and static files

It refuses any other version of the fork than the one that these repairs were written for. No installed file is
edited, and the app never knows of it.
"""

import importlib.metadata
import os
from pathlib import Path

from sandbox.errors import SandboxError

ENGINE = "monoframe"
ENGINE_VERSION = "0.0.1"

# Read by the fork while it is imported, so they have to be there before that.
ENVIRONMENT = {
	"MONOFRAME_STREAM_LOGGING": "1",  # its log files would be in ../logs of wherever the process is
	"MONOFRAME_EXTRA_CONFIG": "sandbox.engine.repairs.read_site_config",
}


def activate(site_folder: Path) -> None:
	"""Makes this process one of the site in `site_folder`. Afterwards `import frappe` works."""
	_refuse_another_version()
	os.environ.update(ENVIRONMENT)
	os.environ["MONOFRAME_BENCH_ROOT"] = str(site_folder)
	os.chdir(site_folder)  # the fork takes the current folder for the site's

	from sandbox.engine import alias

	alias.install()

	from sandbox.engine import apps, install, repairs

	repairs.apply()
	apps.apply()
	install.apply()


def installed_version() -> str | None:
	try:
		return importlib.metadata.version(ENGINE)
	except importlib.metadata.PackageNotFoundError:
		return None


def _refuse_another_version() -> None:
	version = installed_version()
	if version != ENGINE_VERSION:
		raise SandboxError(
			f"The sandbox needs {ENGINE} {ENGINE_VERSION} exactly, and found {version or 'none'}. "
			"Its repairs fit that version only. `make tools` installs it into the work folder."
		)

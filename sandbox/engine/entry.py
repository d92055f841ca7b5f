"""The first thing that each process inside a site does: gets `import frappe` to work and opens the site.

What runs inside a site (`shell_server`, `worker`, `scheduler`, `wsgi`, `command`) asks only this module, and
so runs unchanged on the sandbox's engine and on a real bench. Three variables of the environment say where:

SANDBOX_ENGINE  monoframe, or bench
SANDBOX_SITE    the site's name
SANDBOX_SITES   the folder with the sites, each a folder with a site_config.json
"""

import os
from pathlib import Path
from typing import Any

_is_prepared = False


def site_name() -> str:
	return os.environ["SANDBOX_SITE"]


def sites_path() -> Path:
	return Path(os.environ["SANDBOX_SITES"])


def prepare() -> None:
	"""Makes `import frappe` work in this process, for the site that the environment names. A second call, as in a
	fork of the fork server, finds it done."""
	global _is_prepared
	if _is_prepared:
		return
	_is_prepared = True
	if os.environ["SANDBOX_ENGINE"] == "bench":
		os.chdir(sites_path())
		return
	from sandbox.engine import monoframe

	monoframe.activate(sites_path() / site_name())


def open_site() -> Any:
	"""Connects to the site as Administrator, with nothing remembered from before. Gives the module frappe."""
	import frappe

	frappe.init(site_name(), sites_path=".")
	frappe.connect()
	return frappe


def wsgi_application() -> Any:
	"""The site over HTTP, with its static files, as a bench's development server has it."""
	if os.environ["SANDBOX_ENGINE"] != "bench":
		from sandbox.engine import http

		return http.application()

	import frappe.app
	from frappe.middlewares import StaticDataMiddleware
	from werkzeug.middleware.shared_data import SharedDataMiddleware

	frappe.app._site = site_name()
	frappe.app._sites_path = "."
	served = SharedDataMiddleware(frappe.app.application, {"/assets": str(Path("assets").resolve())})
	return StaticDataMiddleware(served, {"/files": str(Path(".").resolve())})

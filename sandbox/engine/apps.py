"""Several apps on a site: the fork knows only itself, and this puts back what it cut out of Frappe.

Which apps a site has is kept where Frappe keeps it, in the global default `installed_apps`. The framework's own
app keeps the name `monoframe`, as the fork's code compares with it in many places; asked whether "frappe" is
installed, the list says yes.
"""

import importlib
import inspect
import json
import types

import monoframe

from sandbox.engine.alias import real_name
from sandbox.paths import APP, TEST_APP

FRAMEWORK = "monoframe"


class InstalledApps(list):
	"""The names of a site's apps, in which the framework answers to both of its names."""

	def __contains__(self, app: object) -> bool:
		return super().__contains__(app_package(app) if isinstance(app, str) else app)

	def index(self, app: str, *args) -> int:
		return super().index(app_package(app), *args)


def apply() -> None:
	for function in (
		get_all_apps,
		get_installed_apps,
		get_app_path,
		get_app_source_path,
		get_module_list,
		get_module,
		get_hooks,
		setup_module_map,
	):
		setattr(monoframe, function.__name__, function)
	monoframe._load_app_hooks = load_hooks


def app_package(app: str) -> str:
	"""The Python package of an app."""
	return FRAMEWORK if app == "frappe" else app


def get_all_apps(with_internal_apps: bool = True, sites_path: str | None = None) -> list[str]:
	"""Put back: the apps "on the bench"."""
	return InstalledApps([FRAMEWORK, APP, TEST_APP])


def get_installed_apps(*, _ensure_on_bench: bool = False) -> list[str]:
	"""Put back: the apps of this site. None while its database is being made."""
	if getattr(monoframe.flags, "in_install_db", True) or not getattr(monoframe.local, "db", None):
		return InstalledApps()
	return InstalledApps(json.loads(monoframe.db.get_global("installed_apps") or "[]"))


def get_app_path(app_name: str, *joins: str) -> str:
	"""Put back: the fork ignores the app's name and gives its own path."""
	return monoframe.get_pymodule_path(app_package(app_name), *joins)


def get_app_source_path(app_name: str, *joins: str) -> str:
	return monoframe.get_pymodule_path(app_package(app_name), "..", *joins)


def get_module_list(app_name: str = FRAMEWORK) -> list[str]:
	"""Put back: the modules of an app, from its modules.txt."""
	return monoframe.get_file_items(get_app_path(app_name, "modules.txt"))


def get_module(modulename: str) -> types.ModuleType:
	"""Mends dotted paths: "frappe.client" in hooks, method paths and jobs means the fork's module."""
	return importlib.import_module(real_name(modulename))


def get_hooks(hook: str | None = None, default: object = "_KEEP_DEFAULT_LIST", app_name: str | None = None):
	"""Put back: hooks of all installed apps, or of one."""
	if app_name:
		hooks = load_hooks(app_name)
	else:
		hooks = monoframe.client_cache.get_value("app_hooks")
		if hooks is None:
			hooks = load_hooks()
			if getattr(monoframe.local, "db", None):
				monoframe.client_cache.set_value("app_hooks", hooks)
	if hook:
		return hooks.get(hook, [] if default == "_KEEP_DEFAULT_LIST" else default)
	return monoframe._dict(hooks)


def load_hooks(app_name: str | None = None) -> dict:
	hooks: dict = {}
	for app in [app_name] if app_name else get_installed_apps():
		module = importlib.import_module(f"{app_package(app)}.hooks")
		for key, value in inspect.getmembers(module, predicate=_is_hook):
			if not key.startswith("_"):
				monoframe.append_hook(hooks, key, value)
	return hooks


def _is_hook(value: object) -> bool:
	return not isinstance(value, types.ModuleType | types.FunctionType | type)


def forget_hooks() -> None:
	"""To be called when the list of installed apps has changed."""
	monoframe.local.doc_events_hooks = None
	monoframe.local.request_cache.clear()
	monoframe.client_cache.delete_value("app_hooks")


def setup_module_map(include_all_apps: bool = True) -> None:
	"""Put back: which module belongs to which app."""
	app_modules = {app: [monoframe.scrub(m) for m in get_module_list(app)] for app in get_all_apps()}
	monoframe.local.app_modules = app_modules
	monoframe.local.module_app = {module: app for app, modules in app_modules.items() for module in modules}

"""Single repairs of the fork: names, versions, the site's configuration, and bugs that stand in the way."""

import contextlib
import functools
import inspect
import json
import os
import typing

import click
import monoframe
import monoframe.cli_impl
import monoframe.exceptions
import monoframe.utils
import monoframe.utils.safe_exec
import monoframe.utils.typing_validations

FRAPPE_VERSION = "16.0.0-dev"  # the state of Frappe that the fork was made from

_init = monoframe.init
_transform_parameter_types = monoframe.utils.typing_validations.transform_parameter_types
_get_safe_globals = monoframe.utils.safe_exec.get_safe_globals


def apply() -> None:
	monoframe.__version__ = FRAPPE_VERSION
	monoframe.init = init
	monoframe.init_site = InitSite
	monoframe.get_site_name = get_site_name
	monoframe.utils.get_sites = lambda sites_path=None: [get_site_name()]
	monoframe.is_setup_complete = is_setup_complete
	monoframe.utils.safe_exec.get_safe_globals = get_safe_globals
	monoframe.cli_impl.pass_context = pass_context
	monoframe.cli_impl.get_site = get_site
	name_exceptions_as_frappe_does()
	monoframe.utils.typing_validations.transform_parameter_types = transform_parameter_types


def read_site_config() -> dict:
	"""The fork writes site_config.json and never reads it, so that each process would even encrypt with a key
	of its own. It calls this through MONOFRAME_EXTRA_CONFIG."""
	try:
		with open("site_config.json") as file:
			return json.load(file)
	except FileNotFoundError:
		return {}


def get_site_name() -> str:
	"""The fork calls every site "monoframe". Here it is the name of the site's folder, as in Frappe."""
	return os.path.basename(os.getcwd())


def init(site: str | bool = "", sites_path: str = ".", new_site: bool = False, force: bool = False) -> None:
	"""Frappe's signature, and `frappe.local.site`, which caches and logs go by and the fork leaves unset."""
	_init(force=force or site is True)
	monoframe.local.site = get_site_name()
	monoframe.local.sites_path = ".."


class InitSite:
	"""`frappe.init_site`, which has the unmended `init` in the fork."""

	def __init__(self, site: str | None = None):
		self.site = site

	def __enter__(self):
		init()
		return monoframe.local

	def __exit__(self, *exception):
		monoframe.destroy()


def is_setup_complete() -> bool:
	"""The fork looks for a table of the Single DocType System Settings, and so always says no."""
	return bool(monoframe.utils.cint(monoframe.db.get_single_value("System Settings", "setup_complete")))


def get_safe_globals() -> dict:
	"""Conditions, server scripts and templates say `frappe`."""
	names = _get_safe_globals()
	names["frappe"] = names["monoframe"]
	names["FrappeClient"] = names.get("MonoframeClient")
	return names


def name_exceptions_as_frappe_does() -> None:
	"""Error answers and tracebacks name exceptions in full: "frappe.exceptions.FrappeTypeError"."""
	for name, exception in inspect.getmembers(monoframe.exceptions, inspect.isclass):
		if exception.__module__ != "monoframe.exceptions":
			continue
		exception.__module__ = "frappe.exceptions"
		exception.__name__ = exception.__qualname__ = name.replace("Monoframe", "Frappe")
		setattr(monoframe.exceptions, exception.__name__, exception)
		setattr(monoframe, exception.__name__, exception)


def pass_context(command):
	"""`frappe.commands.pass_context`, which the fork has dropped: a click command gets bench's options."""

	@click.pass_context
	@functools.wraps(command)
	def with_context(context, *args, **kwargs):
		return command(monoframe._dict(context.obj), *args, **kwargs)

	return with_context


def get_site(context: dict, raise_err: bool = True) -> str | None:
	"""`frappe.commands.get_site`: the site that the command was called for."""
	return context["sites"][0] if context.get("sites") else get_site_name()


def transform_parameter_types(func, args: tuple, kwargs: dict):
	"""The fork added `from __future__ import annotations` to every module, which makes all annotations strings,
	and those are skipped when a whitelisted function's arguments are checked and converted: ?flag=0 arrives as
	the true string "0", and so the Desk can't set any Link. Here its own functions get their types back."""
	if func.__module__.startswith("monoframe.") and any(
		isinstance(t, str) for t in func.__annotations__.values()
	):
		with contextlib.suppress(NameError, TypeError):
			func.__annotations__ = typing.get_type_hints(func)
	return _transform_parameter_types(func, args, kwargs)

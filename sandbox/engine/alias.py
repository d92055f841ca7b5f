"""`import frappe.x` gives the very module `monoframe.x`, and the fork's own modules can be loaded.

Not two copies: `frappe.model.document is monoframe.model.document`, so that classes and module globals are the
same whichever name they are reached by.
"""

import contextlib
import functools
import importlib
import importlib.abc
import importlib.machinery
import importlib.util
import re
import sys
import types

# Where the fork moved a module to another name.
MOVED = {
	"frappe.frappeclient": "monoframe.monoframeclient",
	"frappe.modules": "monoframe.model.module_utils",
	"frappe.modules.utils": "monoframe.model.module_utils",
	"frappe.modules.patch_handler": "monoframe.patches",
	"frappe.modules.import_file": "monoframe.model.import_doc",
	"frappe.modules.export_file": "monoframe.model.export",
	"frappe.commands": "monoframe.cli_impl",
	"frappe.commands.site": "monoframe.cli_impl.db",
	"frappe.types.frappedict": "monoframe.types.monoframedict",
	"frappe.utils.frappecloud": "monoframe.utils.monoframecloud",
}

# Has a `type X = …` statement, which Python has had since 3.12, though the wheel allows 3.10.
NEEDS_PYTHON_312 = "monoframe.desk.doctype.event.event"


def install() -> None:
	if any(isinstance(finder, FrappeFinder) for finder in sys.meta_path):
		return
	sys.meta_path.insert(0, FrappeFinder())
	if sys.version_info < (3, 12):
		sys.meta_path.insert(0, TypeStatementFinder())
		functools.cached_property.__init__ = make_without_lock
	_stand_in_for_missing_modules()
	import frappe

	_give_back_old_class_names()
	assert frappe is sys.modules["monoframe"]


def make_without_lock(prop: functools.cached_property, func) -> None:
	"""`cached_property` as Python has it since 3.12. Before, computing one holds a lock of its class; two of a document's need each
	other, and Frappe 16, which is not made for those, stands still where two threads compute them."""
	prop.func, prop.attrname, prop.__doc__ = func, None, func.__doc__
	prop.lock = contextlib.nullcontext()


def real_name(name: str) -> str:
	"""The fork's name for a dotted path that begins with frappe; any other path unchanged."""
	if name in MOVED:
		return MOVED[name]
	if name == "frappe" or name.startswith("frappe."):
		return "monoframe" + name[len("frappe") :]
	return name


class FrappeFinder(importlib.abc.MetaPathFinder, importlib.abc.Loader):
	"""Finds `frappe` and everything below it under the fork's names."""

	def find_spec(self, fullname, path=None, target=None):
		if fullname != "frappe" and not fullname.startswith("frappe."):
			return None
		real = real_name(fullname)
		try:
			if real not in sys.modules and importlib.util.find_spec(real) is None:
				return None
		except ModuleNotFoundError:
			return None
		return importlib.machinery.ModuleSpec(fullname, self, is_package=True, loader_state=real)

	def create_module(self, spec):
		module = importlib.import_module(spec.loader_state)
		spec.loader_state = module.__spec__
		return module

	def exec_module(self, module):
		"""The module was executed under its own name already; only its spec, which the import machinery has
		just replaced, goes back."""
		module.__spec__ = module.__spec__.loader_state


class TypeStatementFinder(importlib.abc.MetaPathFinder):
	"""Loads the one file that Python 3.11 cannot parse."""

	def find_spec(self, fullname, path=None, target=None):
		if fullname != NEEDS_PYTHON_312:
			return None
		spec = importlib.machinery.PathFinder.find_spec(fullname, path)
		spec.loader = TypeStatementLoader(fullname, spec.origin)
		return spec


class TypeStatementLoader(importlib.machinery.SourceFileLoader):
	"""Turns `type X = Y` into `X = "Y"`; it only serves annotations there."""

	def get_code(self, fullname):
		source = re.sub(rb"(?m)^(\s*)type (\w+) = (.*)$", rb'\1\2 = "\3"', self.get_data(self.path))
		return compile(source, self.path, "exec", dont_inherit=True)


def _stand_in_for_missing_modules() -> None:
	"""Modules that the fork imports while installing or logging an error, and does not have or declare."""
	generators = types.ModuleType("monoframe.tests.utils.generators")
	generators._clear_test_log = lambda: None
	sys.modules["monoframe.tests.utils.generators"] = generators

	if importlib.util.find_spec("sentry_sdk") is None:
		sentry = types.ModuleType("monoframe.utils.sentry")
		sentry.capture_exception = lambda *args, **kwargs: None
		sys.modules["monoframe.utils.sentry"] = sentry


def _give_back_old_class_names() -> None:
	import monoframe.monoframeclient as client
	import monoframe.tests
	import monoframe.tests.utils

	client.FrappeClient = client.MonoframeClient
	client.FrappeException = client.MonoframeException
	client.FrappeOAuth2Client = getattr(client, "MonoframeOAuth2Client", None)
	monoframe.tests.FrappeTestCase = monoframe.tests.MonoframeTestCase
	monoframe.tests.utils.FrappeTestCase = monoframe.tests.MonoframeTestCase

"""Turns a function into what can be sent to a site: its source, and what it uses of the module it stands in.

Sent along, so that tests read naturally: other functions of the tests (as source), constants (by their Python
source), and other modules, classes and functions (as imports). Anything else is refused here, with its name,
instead of failing over there.
"""

import ast
import builtins
import inspect
import textwrap
import types
from collections.abc import Callable
from pathlib import Path
from typing import Any

from sandbox.errors import SandboxError
from sandbox.paths import PROJECT

TESTS = PROJECT / "tests"


def describe_function(function: Callable | str) -> dict[str, Any]:
	"""The message for `shell_server`: a dotted path as it is, or a function with all that it uses."""
	if isinstance(function, str):
		return {"path": function}
	_refuse_what_cannot_be_sent(function)
	sources: dict[str, str] = {}
	constants: dict[str, str] = {}
	imports: dict[str, list[str]] = {}
	_collect(function, sources, constants, imports)
	return {
		"name": function.__name__,
		"source": "\n\n".join(sources.values()),
		"constants": constants,
		"imports": imports,
	}


def _collect(function: Callable, sources: dict, constants: dict, imports: dict) -> None:
	tree = _without_decorators(function)
	sources[function.__name__] = ast.unparse(tree)
	for name in sorted(_names_used(tree)):
		if name in sources or name == "frappe" or name not in function.__globals__:
			continue
		value = function.__globals__[name]
		if _is_sent_as_source(value, function):
			_refuse_what_cannot_be_sent(value)
			_collect(value, sources, constants, imports)
		elif isinstance(value, types.ModuleType):
			imports[name] = [value.__name__]
		elif isinstance(value, type | types.FunctionType | types.BuiltinFunctionType):
			imports[name] = [value.__module__, value.__qualname__]
		elif _is_plain(value):
			constants[name] = repr(value)
		else:
			raise SandboxError(
				f"{function.__name__} uses {name}, a {type(value).__name__}, which cannot be sent to a site. "
				"Pass what it needs of it as an argument."
			)


def _is_sent_as_source(value: Any, user: Callable) -> bool:
	"""Functions of the same module, and of the tests: pytest imports those by names that are not known there."""
	if not isinstance(value, types.FunctionType):
		return False
	return value.__module__ == user.__module__ or Path(value.__code__.co_filename).is_relative_to(TESTS)


def _refuse_what_cannot_be_sent(function: Callable) -> None:
	if not inspect.isfunction(function) or function.__name__ == "<lambda>":
		raise SandboxError(f"Only a function made with `def` can be run in a site, not {function!r}.")
	free = [name for name in function.__code__.co_freevars if name != function.__name__]
	if free:
		raise SandboxError(
			f"{function.__name__} uses {', '.join(free)} of the function around it, which is not there inside "
			"the site. Pass it as an argument."
		)


def _without_decorators(function: Callable) -> ast.Module:
	tree = ast.parse(textwrap.dedent(inspect.getsource(function)))
	tree.body[0].decorator_list = []
	return tree


def _names_used(tree: ast.Module) -> set[str]:
	"""Names that the function reads and neither makes itself nor has from Python."""
	read, made = set(), set()
	for node in ast.walk(tree):
		if isinstance(node, ast.Name):
			(read if isinstance(node.ctx, ast.Load) else made).add(node.id)
		elif isinstance(node, ast.arg):
			made.add(node.arg)
		elif isinstance(node, ast.alias):
			made.add((node.asname or node.name).partition(".")[0])
	return {name for name in read - made if not hasattr(builtins, name)}


def _is_plain(value: Any) -> bool:
	"""Whether its source is all there is to it: numbers, text, None, and tuples, sets, lists, dicts of such."""
	try:
		return ast.literal_eval(repr(value)) == value
	except (SyntaxError, ValueError):
		return False

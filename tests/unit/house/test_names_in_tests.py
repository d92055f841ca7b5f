"""What tests, benchmarks and tools name of the app is there: much of it is looked up only when a site runs it, half an hour later."""

import ast
import re
from functools import cache
from pathlib import Path

import pytest

PROJECT = Path(__file__).parents[3]
APP = "event_streaming"
FILES = sorted(
	path
	for top in ("tests", "benchmarks", "tools")
	for path in (PROJECT / top).rglob("*.py")
	if path != Path(__file__)
)
# what is killed, "module:function", without the app's name
TARGET = re.compile(r"[a-z_]+(\.[a-z_]+)+:[A-Za-z_.]+")


@cache
def names_of(module: str) -> frozenset[str] | None:
	"""What a module of the app defines or imports, wherever in it; None where there is no such module."""
	path = PROJECT / module.replace(".", "/")
	path = path / "__init__.py" if path.is_dir() else path.with_suffix(".py")
	if not path.exists():
		return None
	found = set()
	for node in ast.walk(ast.parse(path.read_text())):
		if isinstance(node, ast.FunctionDef | ast.ClassDef):
			found.add(node.name)
		elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
			found.add(node.id)
		elif isinstance(node, ast.Import | ast.ImportFrom):
			found.update((alias.asname or alias.name).split(".")[0] for alias in node.names)
	return frozenset(found)


def has(module: str, name: str) -> bool:
	names = names_of(module)
	return names is not None and (name in names or names_of(f"{module}.{name}") is not None)


def missing(tree: ast.Module) -> list[str]:
	"""Names of the app in a file that are not there: imports, targets, and what is asked of an imported module."""
	found, modules = [], {}
	for node in ast.walk(tree):
		if isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] == APP:
			for alias in node.names:
				if not has(node.module, alias.name):
					found.append(f"{node.module}.{alias.name}")
				elif names_of(f"{node.module}.{alias.name}") is not None:
					# two functions of a file may call two modules the same
					modules.setdefault(alias.asname or alias.name, set()).add(f"{node.module}.{alias.name}")
		elif isinstance(node, ast.Constant) and isinstance(node.value, str) and TARGET.fullmatch(node.value):
			module, name = node.value.split(":")
			if not has(f"{APP}.{module}", name.split(".")[0]):
				found.append(node.value)
	for node in ast.walk(tree):
		if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
			asked = modules.get(node.value.id, ())
			if (
				asked
				and not node.attr.startswith("__")
				and not any(has(module, node.attr) for module in asked)
			):
				found.append(f"{node.value.id}.{node.attr}")
	return found


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(PROJECT)))
def test_what_is_named_of_the_app_is_there(path):
	assert missing(ast.parse(path.read_text())) == []


def test_what_is_gone_is_seen():
	gone = """
from event_streaming.consumer.pull import loop
from event_streaming.consumer.pull.nowhere import pull
from event_streaming.consumer.pull.loop import push
loop.pull, loop.push_on
"producer.log.sequence:_number", "producer.log.sequence:_unnumber", "pull.nowhere:pull"
"""
	assert missing(ast.parse(gone)) == [
		"event_streaming.consumer.pull.nowhere.pull",
		"event_streaming.consumer.pull.loop.push",
		"producer.log.sequence:_unnumber",
		"pull.nowhere:pull",
		"loop.push_on",
	]

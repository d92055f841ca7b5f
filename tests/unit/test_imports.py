"""Imports go one way, as docs and docstrings say: read from the sources, so that no site is needed."""

import ast
from pathlib import Path

import pytest

PROJECT = Path(__file__).resolve().parents[2]
APP = "event_streaming"
PRODUCER, CONSUMER, DOCTYPES = f"{APP}.producer", f"{APP}.consumer", f"{APP}.{APP}"
# what starts things: it calls the two sides and nothing calls it
ENTRANCES = {
	f"{APP}.{name}" for name in ("hooks", "tasks", "commands", "api", "admin", "install", "uninstall")
}


def is_entrance(module: str) -> bool:
	return any(belongs_to(module, each) for each in ENTRANCES)


# rules and arithmetic on plain data: tested without a site, so they import nothing that needs one
PURE = {
	f"{APP}.wire",
	f"{APP}.confidential",
	f"{APP}.digests",
	f"{APP}.values",
	f"{APP}.hours",
	f"{APP}.admin.episodes",
	f"{APP}.admin.prometheus",
	f"{APP}.admin.doctor.compare",
	f"{APP}.admin.doctor.finding",
	f"{PRODUCER}.diff",
	f"{PRODUCER}.expressions",
	f"{CONSUMER}.dependency_graph",
	f"{CONSUMER}.dependency_links",
	f"{CONSUMER}.file_fields",
	f"{CONSUMER}.findings",
	f"{CONSUMER}.lanes",
	f"{CONSUMER}.mapping",
	f"{CONSUMER}.mapping_values",
}
# on the consumer a commit belongs to the pull: documents, log and cursor go together. The others, and why:
MAY_COMMIT = {
	f"{CONSUMER}.pull": "the loop itself",
	f"{CONSUMER}.groups": "the loop's groups of events",
	f"{CONSUMER}.shared_page": "the cursor, when the lanes of a page are done",
	f"{CONSUMER}.helper": "an entry in Frappe's Error Log",
	f"{CONSUMER}.first_copy": "its place, which goes with what was copied up to there",
	f"{CONSUMER}.checking": "how far a comparison has got, between two steps",
	f"{CONSUMER}.long_work": "a task's status, between two slices",
	f"{CONSUMER}.registration": "statuses that the producer has changed, between two pages",
	f"{CONSUMER}.retention": "old logs go in batches, from a job of their own",
}


def modules() -> dict[str, ast.Module]:
	found = {}
	for path in sorted((PROJECT / APP).rglob("*.py")):
		name = ".".join(path.relative_to(PROJECT).with_suffix("").parts).removesuffix(".__init__")
		found[name] = ast.parse(path.read_text())
	return found


MODULES = modules()


def imports(module: str) -> set[str]:
	"""Everything that a module imports, inside of its functions too, as modules where that can be told."""
	found: set[str] = set()
	for node in ast.walk(MODULES[module]):
		if isinstance(node, ast.Import):
			found.update(alias.name for alias in node.names)
		elif isinstance(node, ast.ImportFrom):
			assert node.level == 0, f"{module}: imports are written in full"
			for alias in node.names:
				whole = f"{node.module}.{alias.name}"
				found.add(whole if whole in MODULES else str(node.module))
	return found


def own_imports(module: str) -> set[str]:
	return {name for name in imports(module) if belongs_to(name, APP)}


def belongs_to(module: str, package: str) -> bool:
	return module == package or module.startswith(package + ".")


def modules_of(package: str) -> list[str]:
	return [name for name in MODULES if belongs_to(name, package)]


def commits(module: str) -> list[int]:
	"""Lines on which `frappe.db.commit()` is called."""
	return [
		node.lineno
		for node in ast.walk(MODULES[module])
		if isinstance(node, ast.Call) and ast.unparse(node.func) == "frappe.db.commit"
	]


def test_the_two_sides_do_not_import_each_other():
	for here, there in ((PRODUCER, CONSUMER), (CONSUMER, PRODUCER)):
		crossing = {
			name: found
			for name in modules_of(here)
			if (found := {each for each in own_imports(name) if belongs_to(each, there)})
		}
		assert not crossing


def test_the_two_sides_import_neither_entrances_nor_controllers():
	for module in [*modules_of(PRODUCER), *modules_of(CONSUMER)]:
		upwards = {name for name in own_imports(module) if is_entrance(name) or belongs_to(name, DOCTYPES)}
		assert not upwards, module


def test_what_both_sides_need_imports_neither():
	shared = [
		name
		for name in MODULES
		if not is_entrance(name)
		and not any(belongs_to(name, each) for each in (PRODUCER, CONSUMER, DOCTYPES))
	]
	for module in shared:
		sides = {
			name
			for name in own_imports(module)
			if any(belongs_to(name, each) for each in (PRODUCER, CONSUMER, DOCTYPES)) or is_entrance(name)
		}
		assert belongs_to(module, f"{APP}.patches") or not sides, module


@pytest.mark.parametrize("module", sorted(PURE))
def test_a_pure_module_imports_nothing_of_frappe_and_only_pure_modules_of_ours(module):
	assert not {name for name in imports(module) if belongs_to(name, "frappe")}
	assert own_imports(module) <= PURE


def test_only_the_pull_commits_on_the_consumers_side():
	committing = {name for name in modules_of(CONSUMER) if commits(name)}

	assert committing == set(MAY_COMMIT)


def test_capture_never_commits():
	"""An event is written in the transaction of the change itself, with all that capture calls on the way."""
	seen: set[str] = set()
	waiting = [f"{PRODUCER}.diff", f"{APP}.origin", f"{PRODUCER}.streamed"]
	while waiting:
		module = waiting.pop()
		if module not in seen:
			seen.add(module)
			waiting.extend(own_imports(module) & MODULES.keys())
	for module in {*seen, f"{PRODUCER}.capture"}:
		assert not commits(module), module


def test_no_two_modules_import_each_other():
	"""Not over others either; imports that stand in functions count."""
	done: set[str] = set()
	for start in MODULES:
		assert not circle_from(start, [], done)


def circle_from(module: str, path: list[str], done: set[str]) -> list[str]:
	if module in path:
		return path[path.index(module) :]
	if module in done:
		return []
	for name in sorted(runtime_imports(module)):
		if circle := circle_from(name, [*path, module], done):
			return circle
	done.add(module)
	return []


def runtime_imports(module: str) -> set[str]:
	"""Without those that are only for types."""
	only_types = {
		each
		for node in ast.walk(MODULES[module])
		if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING"
		for each in ast.walk(node)
	}
	found = set()
	for node in ast.walk(MODULES[module]):
		if isinstance(node, ast.ImportFrom) and node not in only_types:
			for alias in node.names:
				whole = f"{node.module}.{alias.name}"
				found.add(whole if whole in MODULES else str(node.module))
	return {name for name in found if name in MODULES and name != module}

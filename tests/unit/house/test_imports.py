"""The order of the rooms: imports only go down, and never in a circle. Read from the sources, so that no site is needed."""

import ast
from pathlib import Path

import pytest

PROJECT = Path(__file__).resolve().parents[3]
APP = "event_streaming"
PRODUCER, CONSUMER, DOCTYPES = f"{APP}.producer", f"{APP}.consumer", f"{APP}.{APP}"
# from the ground up: a room imports only what stands before it in its list, or in a list before
GROUND = ("messages", "exceptions", "wire", "site", "database", "http", "broker", "identity", "adapters")
ROOMS_OF_PRODUCER = (
	"subscriptions",
	"log",
	"notify",
	"documents",
	"reach",
	"capture",
	"feed",
	"publishing",
	"registration",
	"inviting",
)
ROOMS_OF_CONSUMER = (
	"conflict_rules",
	"line",
	"tasks",
	"logs",
	"subscriptions",
	"unit_of_work",
	"life_cycle",
	"managed",
	"mapping",
	"matching",
	"resolve",
	"files",
	"digesting",
	"folding",
	"dependencies",
	"apply",
	"workers",
	"pull",
	"listening",
	"first_copy",
	"checking",
	"verify",
	"long_work",
	"joining",
)
# what starts things: it calls the two sides and nothing calls it
ENTRANCES = {
	f"{APP}.{name}"
	for name in (
		"hooks",
		"document_events",
		"tasks",
		"commands",
		"api",
		"endpoints",
		"admin",
		"install",
		"uninstall",
	)
}
MOST_MODULES = 14
# packages that Frappe fills as it likes
OF_FRAPPE = ("doctype", "patches")


def is_entrance(module: str) -> bool:
	return any(belongs_to(module, each) for each in ENTRANCES)


# rules and arithmetic on plain data: tested without a site, so they import nothing that needs one
PURE = {
	f"{APP}.messages.codes",
	f"{APP}.messages.kinds",
	f"{APP}.http.certificates",
	f"{APP}.http.confidential",
	f"{APP}.http.connection",
	f"{APP}.http.networks",
	f"{APP}.http.pauses",
	f"{APP}.site.hours",
	f"{APP}.admin.episodes",
	f"{APP}.admin.prometheus",
	f"{APP}.admin.doctor.finding",
	f"{APP}.admin.setup.fields",
	f"{APP}.admin.setup.planning",
	f"{APP}.admin.setup.reading",
	f"{APP}.admin.pairing.lines",
	f"{PRODUCER}.inviting.policy",
	f"{PRODUCER}.subscriptions.bounds",
	f"{PRODUCER}.subscriptions.expressions",
	f"{PRODUCER}.subscriptions.hiding",
	f"{PRODUCER}.subscriptions.lookups",
	f"{PRODUCER}.log.spans",
	f"{CONSUMER}.checking.amounts",
	f"{CONSUMER}.checking.causes",
	f"{CONSUMER}.checking.compare",
	f"{CONSUMER}.checking.finding",
	f"{CONSUMER}.dependencies.order",
	f"{CONSUMER}.folding.runs",
	f"{CONSUMER}.dependencies.places",
	f"{CONSUMER}.files.fields",
	f"{CONSUMER}.life_cycle.counted_names",
	f"{CONSUMER}.line.windows",
	f"{CONSUMER}.listening.back_ends",
	f"{CONSUMER}.listening.checked",
	f"{CONSUMER}.listening.process",
	f"{CONSUMER}.listening.realtime",
	f"{CONSUMER}.logs.causes",
	f"{CONSUMER}.pull.chain",
	f"{CONSUMER}.tasks.findings",
	f"{CONSUMER}.resolve.rules",
	f"{CONSUMER}.workers.lanes",
	f"{CONSUMER}.mapping.records",
	f"{CONSUMER}.mapping.rules",
	f"{CONSUMER}.matching.pairs",
	f"{CONSUMER}.mapping.value_maps",
	f"{CONSUMER}.unit_of_work.statements",
	f"{CONSUMER}.conflict_rules.adding",
	f"{CONSUMER}.conflict_rules.policies",
	f"{CONSUMER}.verify.nights",
}
# on the consumer a commit belongs to the unit of work: documents, log and cursor go together. The others, and why:
MAY_COMMIT = {
	f"{CONSUMER}.unit_of_work.groups": "a group of events, with its mark",
	f"{CONSUMER}.pull.loop": "what a page's answer says, between two groups",
	f"{CONSUMER}.pull.adopting": "which documents a person has linked, before they are tried again",
	f"{CONSUMER}.pull.skipping": "which events a person has skipped, with the audit log's row that says why",
	f"{CONSUMER}.pull.waiting": "nothing of its own: each look has to see what others have committed since",
	f"{CONSUMER}.pull.retry": "one document that is tried again",
	f"{CONSUMER}.pull.sweep": "an entry in Frappe's Error Log for a pull that broke, so that the others go on",
	f"{CONSUMER}.workers.shared_page": "the cursor, when the lanes of a page are done",
	f"{CONSUMER}.workers.helper": "an entry in Frappe's Error Log",
	f"{CONSUMER}.first_copy.linking": "which documents are linked, in batches; nothing else is written with it",
	f"{CONSUMER}.first_copy.copying": "its place, which goes with what was copied up to there",
	f"{CONSUMER}.checking.checker": "which rows are checked, one by one",
	f"{CONSUMER}.verify.checking": "how far a comparison has got, between two steps",
	f"{CONSUMER}.verify.comparison": "that it has begun",
	f"{CONSUMER}.verify.portions": "nothing of its own: what is read from there on has what the last pull committed",
	f"{CONSUMER}.long_work.runner": "a task's status, between two slices",
	f"{CONSUMER}.subscriptions.agreement": "statuses that the producer has changed, between two pages",
	f"{CONSUMER}.subscriptions.rotation": "new keys, before anybody else knows them, and when they are in force",
	f"{CONSUMER}.logs.retention": "old logs go in batches, from a job of their own",
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


def rank(module: str) -> tuple[int, int] | None:
	"""How high a module stands: (which list, its place there); None for what stands above all of them."""
	for story, (base, rooms) in enumerate(
		((APP, GROUND), (PRODUCER, ROOMS_OF_PRODUCER), (CONSUMER, ROOMS_OF_CONSUMER))
	):
		for place, room in enumerate(rooms):
			if belongs_to(module, f"{base}.{room}"):
				return story, place
	return None


def upward(module: str, names: set[str]) -> set[str]:
	"""Those of the modules that one imports which stand higher than it, or on the other side."""
	own = rank(module)
	if own is None:
		return set()
	found = set()
	for name in names:
		other = rank(name)
		if other is None:
			if name != APP and not any(name == base for base in (PRODUCER, CONSUMER)):
				found.add(name)
		elif other[0] != own[0]:
			# the two sides stand beside each other, on the same ground
			if other[0] != 0:
				found.add(name)
		elif other[1] > own[1]:
			found.add(name)
	return found


def test_every_room_stands_in_the_order():
	for base, rooms in ((PRODUCER, ROOMS_OF_PRODUCER), (CONSUMER, ROOMS_OF_CONSUMER)):
		folders = {path.parent.name for path in (PROJECT / base.replace(".", "/")).glob("*/__init__.py")}
		assert folders == set(rooms)
		assert not [path.name for path in (PROJECT / base.replace(".", "/")).glob("[!_]*.py")]


def test_imports_only_go_down():
	crossing = {module: found for module in MODULES if (found := upward(module, own_imports(module)))}

	assert not crossing


def test_an_import_that_goes_up_is_found():
	"""The check itself: a pair of rooms turned round, and one side importing the other."""
	assert upward(f"{CONSUMER}.logs.state", {f"{CONSUMER}.pull.loop"})
	assert upward(f"{CONSUMER}.pull.loop", {f"{PRODUCER}.log.sequence"})
	assert upward(f"{APP}.wire.events", {f"{APP}.site.settings"})
	assert not upward(f"{CONSUMER}.pull.loop", {f"{CONSUMER}.logs.state", f"{APP}.wire.events"})


def test_what_both_sides_stand_on_imports_neither_entrances_nor_controllers():
	for module in MODULES:
		if rank(module) is not None:
			assert not [
				name for name in own_imports(module) if is_entrance(name) or belongs_to(name, DOCTYPES)
			]


def test_no_folder_is_too_full_to_find_things_in():
	full = {}
	for top in (APP, "sandbox", "tests", "benchmarks", "tools"):
		for folder in [PROJECT / top, *(PROJECT / top).rglob("*/")]:
			if any(part in OF_FRAPPE for part in folder.relative_to(PROJECT).parts):
				continue
			modules = [path for path in folder.glob("*.py") if path.name != "__init__.py"]
			if len(modules) > MOST_MODULES:
				full[str(folder.relative_to(PROJECT))] = len(modules)
	assert not full


def test_every_room_draws_its_boundary_and_does_nothing_else():
	for base in (APP, PRODUCER, CONSUMER):
		for path in (PROJECT / base.replace(".", "/")).glob("*/__init__.py"):
			if path.parent.name in ("event_streaming", "patches", "commands", "api"):
				continue
			tree = ast.parse(path.read_text())
			assert ast.get_docstring(tree), path
			assert len(tree.body) == 1, path


@pytest.mark.parametrize("module", sorted({*PURE, *modules_of(f"{APP}.wire")}))
def test_a_pure_module_imports_nothing_of_frappe_and_only_pure_modules_of_ours(module):
	assert not {name for name in imports(module) if belongs_to(name, "frappe")}
	assert all(name in PURE or belongs_to(name, f"{APP}.wire") for name in own_imports(module))


def test_who_commits_on_the_consumers_side():
	committing = {name for name in modules_of(CONSUMER) if commits(name)}

	assert committing == set(MAY_COMMIT)


def test_capture_never_commits():
	"""An event is written in the transaction of the change itself, with all that capture calls on the way."""
	seen: set[str] = set()
	waiting = [f"{APP}.wire.difference", f"{APP}.identity.origin", f"{PRODUCER}.subscriptions.streamed"]
	while waiting:
		module = waiting.pop()
		if module not in seen:
			seen.add(module)
			waiting.extend(own_imports(module) & MODULES.keys())
	for module in {*seen, f"{PRODUCER}.capture.hooks"}:
		assert not commits(module), module


def test_no_circle_of_modules():
	"""Not over others either; imports that stand in functions, or are only for types, count."""
	done: set[str] = set()
	for start in MODULES:
		assert not circle_from(start, [], done)


def circle_from(module: str, path: list[str], done: set[str]) -> list[str]:
	if module in path:
		return path[path.index(module) :]
	if module in done:
		return []
	for name in sorted(own_imports(module) & MODULES.keys() - {module}):
		if circle := circle_from(name, [*path, module], done):
			return circle
	done.add(module)
	return []

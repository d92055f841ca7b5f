"""Each form, list and page is given the modules that its script calls, and hooks name each DocType once."""

import ast
import re
from pathlib import Path

import pytest

APP = Path(__file__).parents[3] / "event_streaming"
MODULE = APP / "event_streaming"
HOOKS = ast.parse((APP / "hooks.py").read_text())
# of a page's own files, and what frappe.provide alone makes
PROVIDED = re.compile(r"^event_streaming\.(\w+) = |^frappe\.provide\(\"event_streaming\.(\w+)\"\)", re.M)
CALLED = re.compile(r"(?<![\w./\"'`$])event_streaming\.(\w+)(?=[.\[])")


def hooked(hook: str) -> dict[str, list[str]]:
	"""What a hook gives to each DocType or page: paths inside the app."""
	[value] = [
		node.value
		for node in HOOKS.body
		if isinstance(node, ast.Assign) and getattr(node.targets[0], "id", "") == hook
	]
	names = [key.value for key in value.keys]
	assert len(names) == len(set(names)), f"{hook} names one twice: Python keeps the last alone"
	given = {name: ast.literal_eval(each) for name, each in zip(names, value.values, strict=True)}
	return {name: [paths] if isinstance(paths, str) else paths for name, paths in given.items()}


def scrub(name: str) -> str:
	return name.lower().replace(" ", "_").replace("-", "_")


def code(file: Path) -> str:
	return re.sub(r"^\s*//.*$", "", file.read_text(), flags=re.M) if file.exists() else ""


SCRIPTS = [
	(hook, folder, ending)
	for hook, folder, ending in (
		("doctype_js", "doctype", ".js"),
		("doctype_list_js", "doctype", "_list.js"),
		("page_js", "page", ".js"),
	)
]


@pytest.mark.parametrize(("hook", "folder", "ending"), SCRIPTS)
def test_a_script_is_given_what_it_calls_and_nothing_else(hook, folder, ending):
	given = {scrub(name): paths for name, paths in hooked(hook).items()}
	everywhere = ["public/js/streamed_document.js"]

	for directory in sorted(path for path in (MODULE / folder).iterdir() if path.is_dir()):
		paths = given.get(directory.name, [])
		texts = [code(directory / f"{directory.name}{ending}"), *(code(APP / path) for path in paths)]
		provided = {a or b for text in texts for a, b in PROVIDED.findall(text)}
		called = {name for text in texts for name in CALLED.findall(text)}

		assert not [path for path in (*paths, *everywhere) if not (APP / path).exists()]
		assert called <= provided, f"{directory.name}{ending} calls what {hook} does not give it"
		own = {name for text in texts[:1] for name in CALLED.findall(text)}
		for path, text in zip(paths, texts[1:], strict=True):
			names = {a or b for a, b in PROVIDED.findall(text)}
			others = {name for other in texts[1:] if other != text for name in CALLED.findall(other)}
			assert names & (own | others), f"{directory.name}{ending} does not call {path}"


def test_every_module_in_public_is_given_to_somebody():
	text = (APP / "hooks.py").read_text()

	assert not [file.name for file in (APP / "public" / "js").glob("*.js") if f"js/{file.name}" not in text]

"""What the app says, and what of it has no Thai yet: `python -m tools.translations` lists what is wrong with th.csv.

th.csv is written by hand; `make translations` makes the catalogues of gettext from it (tools/catalogs.py). Reads the sources, without Frappe: `_()` in Python, `__()` in JavaScript, and in the files of DocTypes, workspaces,
cards and charts whatever the Desk shows. It never writes a translation.
"""

import ast
import csv
import json
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

APP = Path(__file__).parent.parent / "event_streaming"
THAI = APP / "translations" / "th.csv"

# what the Desk shows of a file of its own; "options" is so for a Select only
SHOWN_KEYS = {
	"label",
	"description",
	"title",
	"format",
	"message",
	"subtitle",
	"success_message",
	"action_label",
	"callback_title",
	"callback_message",
}
NAMED_AND_SHOWN = {
	"DocType",
	"Workspace",
	"Workspace Sidebar",
	"Number Card",
	"Dashboard Chart",
	"Module Def",
	"Role",
}
JS_CALL = re.compile(r"""(?<![\w.])__\(\s*(["'`])((?:\\.|(?!\1).)*)\1""", re.DOTALL)
JS_OTHER_CALL = re.compile(r"""(?<![\w.])__\((?!\s*["'`])\s*([^\s)])""")
PLACEHOLDER = re.compile(r"\{\w*\}")
TAG = re.compile(r"<[^>]+>")


def strings() -> dict[str, set[str]]:
	"""Each string to be translated, with the files that say it."""
	found: dict[str, set[str]] = {}
	for suffix, read in ((".py", python_strings), (".js", javascript_strings), (".json", json_strings)):
		for file in sorted(APP.rglob(f"*{suffix}")):
			for text in read(file.read_text(encoding="utf-8")):
				if re.search(r"[^\W\d_]", PLACEHOLDER.sub("", text)):
					found.setdefault(text, set()).add(str(file.relative_to(APP)))
	return found


def python_strings(source: str) -> Iterator[str]:
	for node in ast.walk(ast.parse(source)):
		if isinstance(node, ast.Call) and getattr(node.func, "id", "") in ("_", "_lt"):
			text = node.args[0]
			if isinstance(text, ast.JoinedStr):
				raise ValueError(f"line {node.lineno}: an f-string can't be translated")
			if isinstance(text, ast.Constant):
				yield text.value
		elif isinstance(node, ast.Dict):
			# fields that the app adds to other DocTypes
			for key, value in zip(node.keys, node.values, strict=True):
				if (
					getattr(key, "value", "") in SHOWN_KEYS
					and isinstance(value, ast.Constant)
					and value.value
				):
					yield value.value


def javascript_strings(source: str) -> Iterator[str]:
	for quote, text in JS_CALL.findall(source):
		if quote == "`" and "${" in text:
			raise ValueError(f"a template with values can't be translated: {text}")
		yield re.sub(r"\\(.)", r"\1", text)


def json_strings(source: str) -> Iterator[str]:
	yield from _shown(json.loads(source))


def _shown(node: Any) -> Iterator[str]:
	if isinstance(node, list):
		for each in node:
			yield from _shown(each)
	if not isinstance(node, dict):
		return
	if node.get("doctype") in NAMED_AND_SHOWN:
		yield node["name"]
	if node.get("fieldtype") == "Select":
		yield from filter(None, node.get("options", "").split("\n"))
	for key, value in node.items():
		if key in SHOWN_KEYS and isinstance(value, str) and value:
			yield value
		elif key == "content" and isinstance(value, str) and value.startswith("["):
			yield from _headings(json.loads(value))
		else:
			yield from _shown(value)


def _headings(blocks: list[dict]) -> Iterator[str]:
	"""Of a workspace's content: what stands there as text; the rest of it is named elsewhere in the file."""
	for block in blocks:
		if text := TAG.sub("", block["data"].get("text", "")).strip():
			yield text


def translations(file: Path = THAI) -> list[list[str]]:
	with file.open(encoding="utf-8", newline="") as opened:
		return list(csv.reader(opened))


def problems() -> list[str]:
	"""One line for everything that is wrong with the translation."""
	wanted, rows = strings(), translations()
	found = [f"not two columns: {row}" for row in rows if len(row) != 2]
	known = {row[0]: row[1] for row in rows if len(row) == 2}
	sources = [row[0] for row in rows]
	found += [f"twice: {text}" for text in sorted(known) if sources.count(text) > 1]
	found += [
		f"missing: {text}  ({', '.join(sorted(wanted[text]))})" for text in sorted(wanted.keys() - known)
	]
	found += [f"unused: {text}" for text in sorted(known.keys() - wanted)]
	for text, translated in known.items():
		if not translated.strip():
			found.append(f"empty: {text}")
		elif sorted(set(PLACEHOLDER.findall(text))) != sorted(set(PLACEHOLDER.findall(translated))):
			found.append(f"other placeholders: {text} | {translated}")
		elif sorted(TAG.findall(text)) != sorted(TAG.findall(translated)):
			found.append(f"other tags: {text} | {translated}")
	return found


if __name__ == "__main__":
	lines = problems()
	print("\n".join(lines) or "Nothing is missing.")
	sys.exit(bool(lines))

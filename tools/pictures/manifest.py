"""Which sources each picture was made of, as digests, so that a test sees without a site when a picture has grown old.

Only what can be seen counts: of a DocType its fields with their labels and kinds, of a script all but comments and white
space, of a workspace what is on it. Colours and words of Frappe's own, translations and data do not.
"""

import hashlib
import json
import re
from pathlib import Path

from sandbox.paths import APP, PROJECT

FILE = Path(__file__).parent / "manifest.json"
PICTURES = PROJECT / "docs" / "pictures"
# of a DocType's field
SEEN = (
	"fieldname",
	"label",
	"fieldtype",
	"options",
	"description",
	"hidden",
	"depends_on",
	"read_only",
	"collapsible",
)
# of a Workspace and of its sidebar
OF_WORKSPACE = ("content", "label", "items")
OF_SIDEBAR_ITEM = ("label", "icon", "type")


def digest(source: str) -> str:
	"""Of a file below event_streaming/, as far as it can be seen."""
	text = (PROJECT / APP / source).read_text()
	seen = _of_json(json.loads(text)) if source.endswith(".json") else _of_script(text)
	return hashlib.sha256(seen.encode()).hexdigest()[:16]


def _of_json(doc: dict) -> str:
	if doc["doctype"] == "DocType":
		fields = {field["fieldname"]: {key: field.get(key) for key in SEEN} for field in doc["fields"]}
		return json.dumps([fields.get(name) for name in doc["field_order"]])
	if doc["doctype"] == "Workspace Sidebar":
		return json.dumps([[item.get(key) for key in OF_SIDEBAR_ITEM] for item in doc["items"]])
	return json.dumps([doc.get(key) for key in ("label", "content", "link", "logo_url")])


def _of_script(text: str) -> str:
	"""Without comments that have a line of their own, and without white space."""
	lines = (line.strip() for line in text.splitlines())
	return re.sub(r"\s+", "", "".join(line for line in lines if not line.startswith(("//", "/*", "*"))))


def read() -> dict[str, dict[str, str]]:
	"""Picture -> source -> digest at the time it was taken."""
	return json.loads(FILE.read_text()) if FILE.exists() else {}


def remember(name: str, sources: tuple[str, ...]) -> None:
	"""The picture is as its sources are now."""
	known = read()
	known[name] = {source: digest(source) for source in sources}
	FILE.write_text(json.dumps(dict(sorted(known.items())), indent="\t") + "\n")


def changed(name: str, sources: tuple[str, ...]) -> list[str]:
	"""The sources that are not as they were when the picture was taken."""
	known = read().get(name, {})
	return [source for source in sources if known.get(source) != digest(source)]

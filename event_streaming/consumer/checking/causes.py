"""Pure: what a trial's documents say, the same said of many put together."""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field

LONGEST = 500
# what differs from document to document: numbers, and what stands in quotes
VARYING = re.compile(r"\d+|'[^']*'|\"[^\"]*\"")


@dataclass
class Said:
	"""One thing said of documents: the text of the first one, and all of their names."""

	text: str
	documents: list[str] = field(default_factory=list)


def put_together(said: Iterable[tuple[str, str]]) -> list[Said]:
	"""(document, text) -> what was said, most often first. Texts are the same if they are but for the document's name, numbers
	and what stands in quotes."""
	found: dict[str, Said] = {}
	for name, text in said:
		text = (text or "").strip()[:LONGEST] or "?"
		key = VARYING.sub("…", text.replace(name, "…") if name else text)
		found.setdefault(key, Said(text)).documents.append(name)
	return sorted(found.values(), key=lambda each: -len(each.documents))


def says(template: str, text: str) -> bool:
	"""Whether a text has come of a message with {0}, {1} … in it, whatever stands around it."""
	parts = re.split(r"\{\d\}", template)
	return bool(re.search(".*".join(re.escape(part) for part in parts), text, re.DOTALL))

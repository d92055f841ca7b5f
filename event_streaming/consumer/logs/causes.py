"""Pure: why an event failed, without the names and numbers of its document, so that failures of one cause are alike.

A cause is the kind of error (its exception), the DocType, the field where the error says which, and the error's text without
quoted names, numbers, dates, hashes and addresses. It reads what an error says, and never a site.
"""

import ast
import hashlib
import re
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from event_streaming.messages.codes import without_codes

VALUE_NOT_IN_MAP = "ValueNotInMap"
GONE = "…"
# of an error so much is read; of a text without names so much is kept
MOST_READ, LONGEST = 4_000, 200
# of a column that is indexed
KEY_LENGTH = 16

KIND = re.compile(r"^([A-Za-z_]\w*)(?::\s+|$)")
TRACEBACK = re.compile(r"\n\s*\n?Traceback \(most recent call last\)")
MARKED = re.compile(r"<(a|b|strong|em|code)\b[^>]*>(.*?)</\1>", re.DOTALL | re.IGNORECASE)
TAG = re.compile(r"<[^<>]{1,500}>")
QUOTED = re.compile(
	r"""(?<!\w)(?:"([^"\n]*)"|'([^\n]{0,200}?)'|“([^”\n]*)”|‘([^’\n]*)’|«([^»\n]*)»|`([^`\n]*)`)(?!\w)"""
)
ADDRESS = re.compile(r"\b[a-z][a-z0-9+.-]*://[^\s,;]+|[^\s,;()<>'\"]+@[^\s,;()<>'\"]+")
# any word with a digit in it: numbers, dates, hashes, names that were counted
COUNTED = re.compile(r"[^\s,;:()\[\]{}<>=|·…\"']*\d[^\s,;:()\[\]{}<>=|·…\"']*")
# 12:30:00 is three words
AGAIN = re.compile(r"…(?:[\s:,/.-]*…)+")

NOT_IN_MAP = f"{VALUE_NOT_IN_MAP}: "
IN_VALUE_MAP = re.compile(
	r"(?P<mapping>.{1,200}?), (?P<field>[\w.]{1,140}): (?P<value>.{1,400}) is not in the value map (?P<map>.{1,140})"
)
# of what another site's values may have made long, so much is looked at, and so often
LONGEST_LINE, MOST_LOOKS = 1_000, 3
MISSING = re.compile(r"\[[^\[\]\n]*\]: (?P<field>\w+(?:, ?\w+)*)")
# what says which field it is about
FIELD = (
	re.compile(r"[Cc]olumn '(?P<field>\w+)'"),
	re.compile(r"for key '(?:[^'.]+\.)?(?!PRIMARY')(?P<field>\w+)'"),
	re.compile(r"Value cannot be changed for (?P<field>[^.:·\n]{1,60}?)\s*(?:[.·]|$)"),
	re.compile(r"Not allowed to change (?P<field>.{1,60}?) after submission"),
	re.compile(r"^(?:[^:\n]{1,60}: )?(?P<field>[^:\n\"']{1,60}?) (?:must be unique|cannot be )"),
)
LINKS = ("LinkValidationError", "CancelledLinkError")
OF_A_ROW = re.compile(r"\s*[^\s:,·]{1,20} ?#\d+: ")
# the name behind a label, up to the next label
LINKED = re.compile(r": [^:·\n]+?(?=, [^:,·\n]+: |$| ·|\n)")
# the other document that an error of ours begins with
OTHER_DOCUMENT = re.compile(r"^(?P<document>.{1,300}?) (?=is needed\b|is not here\b|exists on this site\b)")
# values that stand in an error without quotes
BARE_VALUES = (
	(re.compile(r"\(.*\)(?= will get truncated)", re.DOTALL), f"({GONE})"),
	(re.compile(r"(?<=after submission) from .* to [^·]*", re.DOTALL), ""),
	(re.compile(r"^Error: .+ (?=\([^()]+\) has been modified)"), f"Error: {GONE} "),
)


@dataclass(frozen=True)
class Cause:
	"""Why an event failed; equal for events that failed for the same reason. `field` is empty where it is not known."""

	kind: str
	doctype: str
	field: str
	text: str

	@property
	def key(self) -> str:
		"""Short and the same everywhere: what rows are grouped by."""
		said = "\n".join((self.kind, self.doctype, self.field, self.text))
		return hashlib.sha256(said.encode(errors="replace")).hexdigest()[:KEY_LENGTH]

	@property
	def problem(self) -> str:
		"""One line for a person."""
		return without_tags(f"{self.kind}: {self.text}" if self.text else self.kind)


def without_tags(text: str) -> str:
	"""The text with other brackets: Frappe's lists show a column as HTML, and an error may hold what another site has sent."""
	return text.replace("<", "‹").replace(">", "›")


@dataclass(frozen=True)
class MissingPair:
	"""A value of the producer's that a value map has no local value for."""

	value_map: str
	value: str
	field: str


def cause_of(error: str, doctype: str, names: Iterable[str] = (), words: Collection[str] = ()) -> Cause:
	"""The cause that an error tells of: "Kind: what was said", with or without a traceback behind it.

	`names` are those of the document that it is about. `words` are no names wherever they stand: labels and fieldnames of
	the DocType, and the DocTypes that it links to.
	"""
	if found := missing_pair(error):
		return Cause(VALUE_NOT_IN_MAP, doctype, found.field, found.value_map)
	said = without_codes(TRACEBACK.split(error[:MOST_READ], 1)[0]).strip()
	match = KIND.match(said)
	kind = match.group(1) if match else ""
	said = said[match.end() :] if match else said
	field = _field_in(kind, said, words)
	return Cause(kind, doctype, field[:140], _without_names(kind, said, names, words))


def missing_pair(error: str) -> MissingPair | None:
	"""The value, and the value map that lacks it, if that is what an error with its traceback is about."""
	match, at = None, 0
	for _look in range(MOST_LOOKS):
		at = error.find(NOT_IN_MAP, at) + len(NOT_IN_MAP)
		if at < len(NOT_IN_MAP):
			return None
		if match := IN_VALUE_MAP.match(error[at : at + LONGEST_LINE].split("\n", 1)[0]):
			break
	if not match:
		return None
	value: Any = match.group("value")
	try:
		value = ast.literal_eval(value)
	except (ValueError, SyntaxError, MemoryError, RecursionError):
		pass
	return MissingPair(match.group("map").strip(), str(value), match.group("field"))


def _field_in(kind: str, said: str, words: Collection[str]) -> str:
	if match := MISSING.search(said):
		return match.group("field")
	plain = TAG.sub("", said)
	if kind in LINKS:
		labels = [part.rpartition(": ")[2] for part in _linked_parts(plain)]
		labels = list(dict.fromkeys(label.removeprefix("Could not find ").strip() for label in labels))
		return labels[0] if len(labels) == 1 else ""
	for pattern in FIELD:
		if match := pattern.search(plain):
			return match.group("field").strip(" \"'")
	# one that is set apart, and that the DocType has
	named = [each for each in _set_apart(said) if each in words]
	return named[0] if len(set(named)) == 1 else ""


def _without_names(kind: str, said: str, names: Iterable[str], words: Collection[str]) -> str:
	text = said
	for pattern, instead in BARE_VALUES:
		text = pattern.sub(instead, text)
	if match := OTHER_DOCUMENT.match(text):
		text = _doctype_of(match.group("document"), words) + text[match.end() :]
	text = MISSING.sub(r"\g<field>", text)
	for name in sorted({name for name in names if name and name not in words}, key=len, reverse=True):
		text = re.sub(rf"(?<!\w){re.escape(name)}(?!\w)", GONE, text)
	text = MARKED.sub(lambda match: _kept(TAG.sub("", match.group(2)), words), text)
	text = TAG.sub("", text)
	text = QUOTED.sub(lambda match: _kept(next((each for each in match.groups() if each), ""), words), text)
	if kind in LINKS:
		first, *others = _linked_parts(text) or [""]
		others = sorted({part for part in others if not first.endswith(f" {part}")})
		text = ", ".join(f"{part}: {GONE}" for part in (first, *others))
	text = COUNTED.sub(GONE, ADDRESS.sub(GONE, text))
	text = " ".join(AGAIN.sub(GONE, " ".join(text.split())).split())
	return text[:LONGEST].rstrip(" .·:")


def _kept(text: str, words: Collection[str]) -> str:
	return text if text.strip() in words else GONE


def _set_apart(said: str) -> Iterator[str]:
	for match in MARKED.finditer(said):
		yield TAG.sub("", match.group(2)).strip()
	for match in QUOTED.finditer(TAG.sub("", said)):
		yield next((each for each in match.groups() if each), "").strip()


def _doctype_of(document: str, words: Collection[str]) -> str:
	"""The DocType of "DocType name ", as far as it can be told from the name."""
	known = [word for word in words if document.startswith(f"{word} ")]
	return f"{max(known, key=len)} {GONE} " if known else f"{document} "


def _linked_parts(text: str) -> list[str]:
	"""What stands before each name of "Could not find Customer: Foo, Row #2: Item: Bar"."""
	text = OF_A_ROW.sub(" ", text.split(" · ", 1)[0])
	return [part.strip(" ,") for part in LINKED.sub("\n", text).split("\n") if part.strip(" ,")]

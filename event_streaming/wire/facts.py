"""What a producer says of one DocType to a consumer that looks before it copies, checked. Pure."""

from typing import Any, TypedDict

from event_streaming.wire.checks import MAX_NAME, InvalidPage, list_of, text, whole_number

MOST_COUNTERS = 200
PROBLEMS = ("", "not found", "not permitted")


class DocTypeFacts(TypedDict):
	"""`schema` is not checked yet; the numbers are 0 where there is a problem. `sampled` documents have `sampled_bytes`. `rights`
	are those of the user `writes_as`, in whose name the producer takes documents from the one that asks; "" where it does not
	say. `unread`: (field, DocType) of links in the sampled documents to what the consumer's user may not read."""

	problem: str
	schema: Any
	approved: bool
	paused: bool
	documents: int
	sampled: int
	sampled_bytes: int
	rights: dict[str, bool]
	writes_as: str
	unread: list[tuple[str, str]]
	reads_all: bool
	counted_by: list[str]


def parse_facts(answer: Any) -> DocTypeFacts:
	"""Raises InvalidPage."""
	if not isinstance(answer, dict) or answer.get("problem") not in PROBLEMS:
		raise InvalidPage("What the producer says of a DocType is not an object.")
	rights = answer.get("rights") or {}
	if not isinstance(rights, dict):
		raise InvalidPage("rights is not an object.")
	counters = list_of(answer, "counted_by")[:MOST_COUNTERS]
	return {
		"problem": answer["problem"],
		"schema": answer.get("schema"),
		"approved": bool(answer.get("approved")),
		"paused": bool(answer.get("paused")),
		"documents": whole_number(answer.get("documents") or 0, "documents"),
		"sampled": whole_number(answer.get("sampled") or 0, "sampled"),
		"sampled_bytes": whole_number(answer.get("sampled_bytes") or 0, "sampled_bytes"),
		"rights": {str(right)[:MAX_NAME]: bool(given) for right, given in rights.items()},
		"writes_as": text(answer.get("writes_as") or "", "writes_as", MAX_NAME),
		"unread": [link(each) for each in list_of(answer, "unread")[:MOST_COUNTERS]],
		"reads_all": bool(answer.get("reads_all")),
		"counted_by": [text(counter, "counted_by", MAX_NAME) for counter in counters],
	}


def link(given: Any) -> tuple[str, str]:
	if not isinstance(given, list | tuple) or len(given) != 2:
		raise InvalidPage("A link that may not be read is no pair of field and DocType.")
	return text(given[0], "field", MAX_NAME), text(given[1], "DocType", MAX_NAME)

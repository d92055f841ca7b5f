"""What a producer says of one DocType to a consumer that looks before it copies, checked. Pure."""

from typing import Any, TypedDict

from event_streaming.wire.checks import MAX_NAME, InvalidPage, list_of, text, whole_number

MOST_COUNTERS = 200
PROBLEMS = ("", "not found", "not permitted")


class DocTypeFacts(TypedDict):
	"""`schema` is not checked yet; the numbers are 0 where there is a problem. `sampled` documents have `sampled_bytes`."""

	problem: str
	schema: Any
	approved: bool
	paused: bool
	documents: int
	sampled: int
	sampled_bytes: int
	rights: dict[str, bool]
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
		"reads_all": bool(answer.get("reads_all")),
		"counted_by": [text(counter, "counted_by", MAX_NAME) for counter in counters],
	}

"""Pure: one thing that a check has found: how bad it is, of which DocType, what it is, how to mend it, and what its button does."""

from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from typing import Any

# documents fail or are not sent; documents may fail, or become others than there; good to know
STOPS, MAY_HURT, NOTE = "Stops", "May Hurt", "Note"
SEVERITIES = (STOPS, MAY_HURT, NOTE)
# what the button of a finding does: see mending.py
SET_MATCH_BY = "Set Match By"
UNSUBSCRIBE = "Unsubscribe"
DECIDE_HERE = "Fields This Site Decides"
ADD_TO_VALUE_MAP = "Add to Value Map"
GIVE_RIGHTS = "Give the Rights"
ADD_OPTIONS = "Add the Options"
CREATE_FIELDS = "Create the Fields Here"
MOST_FINDINGS = 500
MOST_NAMED = 10


@dataclass(frozen=True)
class Found:
	"""`doctype` is what this site calls it. `action` is one of the above, "" for none; `details` are what it needs."""

	severity: str
	kind: str
	doctype: str
	what: str
	remedy: str = ""
	action: str = ""
	details: dict[str, Any] = field(default_factory=dict)

	def as_dict(self) -> dict[str, Any]:
		return asdict(self)


def in_order(found: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
	"""Findings as they are shown: the worst first, those of one DocType together, as many as are kept."""
	ranks = {severity: rank for rank, severity in enumerate(SEVERITIES)}
	return sorted(found, key=lambda each: (ranks[each["severity"]], each["doctype"]))[:MOST_FINDINGS]


def named(names: Iterable[str], most: int = MOST_NAMED) -> str:
	"""A list of names for a person, not all of many."""
	listed = list(names)
	return ", ".join(listed[:most]) + (", …" if len(listed) > most else "")

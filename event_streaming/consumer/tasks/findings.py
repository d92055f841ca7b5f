"""What a comparison has found, as the report of its task: counts of everything, and details of the first ones.

Pure: plain data that goes into JSON.
"""

from dataclasses import asdict, dataclass, field
from typing import Any

MISSING, EXTRA, DIFFERENT = "Missing", "Extra", "Different"
# an event of it is not settled; a change is on its way; it is here because the subscription says so
OPEN, UNDER_WAY, KEPT = "Open", "Under Way", "Kept"
DIFFERING = (MISSING, EXTRA, DIFFERENT)
KINDS = (*DIFFERING, OPEN, UNDER_WAY, KEPT)
MOST_DETAILED = 500


@dataclass
class Finding:
	"""One document that is not the same on both sites. `fields` are [label, value here, value there]."""

	kind: str
	remote_doctype: str
	remote_name: str
	local_doctype: str
	local_name: str = ""
	reason: str = ""
	fields: list[list[str]] = field(default_factory=list)
	more_fields: int = 0
	# its last change was made on this site
	changed_here: bool = False
	# and it would be kept in a conflict: that it is different may be intended
	kept_here: bool = False
	# rows of Event Sync Log that are not settled
	logs: list[str] = field(default_factory=list)
	# of a repair: what was done, or why nothing could be
	outcome: str = ""
	repaired: bool = False
	failed: bool = False


def new_report() -> dict[str, Any]:
	return {"counts": dict.fromkeys(KINDS, 0), "doctypes": {}, "findings": [], "repaired": 0, "failed": 0}


def add(report: dict[str, Any], finding: Finding) -> None:
	"""Count a finding, and keep its details if there is room."""
	report["counts"][finding.kind] += 1
	of_doctype = report["doctypes"].setdefault(finding.remote_doctype, {}).setdefault("counts", {})
	of_doctype[finding.kind] = of_doctype.get(finding.kind, 0) + 1
	report["repaired"] += finding.repaired
	report["failed"] += finding.failed
	details = {key: value for key, value in asdict(finding).items() if value}
	if len(report["findings"]) < MOST_DETAILED:
		report["findings"].append(details)
	elif finding.kind in DIFFERING:
		make_room(report["findings"], details)


def make_room(kept: list[dict[str, Any]], details: dict[str, Any]) -> None:
	"""A difference takes the place of the last detail that is none; where there is none such, its details are not kept."""
	for number in range(len(kept) - 1, -1, -1):
		if kept[number]["kind"] not in DIFFERING:
			kept[number] = details
			return


def differing(report: dict[str, Any]) -> int:
	"""How many documents are missing, different or one too many."""
	return sum(report["counts"][kind] for kind in DIFFERING)

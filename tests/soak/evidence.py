"""What a run leaves behind for the checker, as plain data; how documents and changes are called in it. Pure.

A document has an id that no rename changes, "p-pwa.17": the letter of the site that owns it ("x": both write it), and the change
that made it. Each change writes its token into one field of the document: "p-pwa.17|pwb.5" is the document's id and the change.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

ID = re.compile(r"\b([a-z])-[a-z]+\.\d+\b")
TOKEN = re.compile(r"\b([a-z]-[a-z]+\.\d+)\|([a-z]+\.\d+)\b")
CONTESTED = "x"


@dataclass(frozen=True)
class Version:
	"""A state of a document that was committed on a site: a trigger of the database wrote it, in the same transaction."""

	n: int
	doctype: str
	name: str
	op: str
	token: str
	docstatus: int = 0
	refs: tuple[tuple[str, str], ...] = ()
	trx: int = 0

	@property
	def id(self) -> str:
		found = TOKEN.search(self.token or "") or ID.search(self.name)
		return found.group(1) if found and found.re is TOKEN else (found.group(0) if found else "")

	@property
	def mark(self) -> str:
		found = TOKEN.search(self.token or "")
		return found.group(2) if found else ""


@dataclass
class SiteEvidence:
	"""What one site holds at rest, and its committed states in their order."""

	versions: list[Version] = field(default_factory=list)
	# DocType -> id -> values
	documents: dict[str, dict[str, dict]] = field(default_factory=dict)
	sync_logs: list[dict] = field(default_factory=list)
	update_logs: list[dict] = field(default_factory=list)
	ledger: list[dict] = field(default_factory=list)
	# (producer, cursor) in the order of the writing
	cursors: list[tuple[str, int]] = field(default_factory=list)
	# positions of events that were changed after they were given: (event, before, after)
	moved_positions: list[tuple[int, int, int]] = field(default_factory=list)
	head: int = 0
	url: str = ""


@dataclass(frozen=True)
class Flow:
	"""`target` subscribes to these DocTypes of `source`."""

	source: str
	target: str
	doctypes: tuple[str, ...]
	# what was changed together is applied together or not at all, also when some of it fails
	together: bool = False
	# DocTypes of which only what is wanted flows, and what becomes there of what is not wanted any more: Keep or Remove
	conditions: dict[str, str] = field(default_factory=dict)
	# DocTypes of which people of `target` delete, replace and edit what came
	guests: tuple[str, ...] = ()
	# DocTypes that `target` names by itself, though tickets, which each site does, are not among them
	own_names: tuple[str, ...] = ()

	def is_special(self, doctype: str) -> bool:
		"""Whether there are rules of its own for what is right at rest."""
		return doctype in self.conditions or doctype in self.guests


@dataclass
class Evidence:
	flows: list[Flow]
	sites: dict[str, SiteEvidence]
	history: list[dict] = field(default_factory=list)
	# a backup was restored on these sites at that second: what was acknowledged before may be gone, and cursors may go back
	restored: dict[str, float] = field(default_factory=dict)

	def made_since_restore(self, letter: str) -> set[str]:
		"""The documents that people have made on a restored site, and were told of, since then."""
		return {
			f"{letter}-{mark}"
			for line in self.history
			if line["site"] == letter and line["outcome"] == "ok" and line["start"] >= self.restored[letter]
			for mark in line.get("marks") or ()
		}

	def has_own_rules(self, doctype: str) -> bool:
		return any(flow.is_special(doctype) for flow in self.flows)

	def takers(self, doctype: str, owner: str) -> list[str]:
		"""The sites to which documents that `owner` makes come, by one hop or by several, in that order."""
		found, waiting = [], [owner]
		while waiting:
			here = waiting.pop(0)
			for flow in self.flows:
				if flow.source == here and doctype in flow.doctypes and flow.target not in (owner, *found):
					found.append(flow.target)
					waiting.append(flow.target)
		return found


def marks_in(text: Any) -> list[tuple[str, str]]:
	"""The tokens in a text, as (document's id, change)."""
	return TOKEN.findall(str(text or ""))


def ids_in(text: Any) -> list[str]:
	return [found.group(0) for found in ID.finditer(str(text or ""))]


def owner_of(document: str) -> str:
	return document[:1]


def collapsed(marks: Iterable[str]) -> list[str]:
	"""Without what follows itself: a save may write a row several times."""
	found: list[str] = []
	for mark in marks:
		if mark and (not found or found[-1] != mark):
			found.append(mark)
	return found


# ---------------------------------------------------------------- to and from JSON


def site_from(values: dict) -> SiteEvidence:
	versions = [
		Version(
			n=row["n"],
			doctype=row["doctype"],
			name=row["name"],
			op=row["op"],
			token=row["token"] or "",
			docstatus=row["docstatus"] or 0,
			refs=tuple((doctype, name) for doctype, name in row["refs"]),
			trx=row["trx"] or 0,
		)
		for row in values["versions"]
	]
	cursors = [(producer, cursor or 0) for producer, cursor in values["cursors"]]
	moved = [(event, was, now) for event, was, now in values["moved_positions"]]
	return SiteEvidence(**{**values, "versions": versions, "cursors": cursors, "moved_positions": moved})


def evidence_from(values: dict) -> Evidence:
	return Evidence(
		flows=[
			Flow(
				flow["source"],
				flow["target"],
				tuple(flow["doctypes"]),
				flow.get("together", False),
				dict(flow.get("conditions") or {}),
				tuple(flow.get("guests") or ()),
				tuple(flow.get("own_names") or ()),
			)
			for flow in values["flows"]
		],
		sites={letter: site_from(site) for letter, site in values["sites"].items()},
		history=values["history"],
		restored=dict(values.get("restored") or {}),
	)

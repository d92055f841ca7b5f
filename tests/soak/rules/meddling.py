"""What is right where people of a site that takes delete what came, make one of their own under its name, and edit what came. Pure.

In the place of what came, one of their own holds the name: what the other site does to its own waits then, and so does all that needs
a name that the waiting one has here.
"""

import unicodedata
from collections.abc import Iterator

from tests.soak.evidence import CONTESTED, Evidence, Flow, SiteEvidence, ids_in, marks_in, owner_of
from tests.soak.kinds import KINDS_DOCTYPES
from tests.soak.rules.comparing import differences, of_owner

# of the trigger's operations; the last two are a person's own word for what comes next, in the same transaction
STATES, GONE, TAKEN_AWAY, EDITED = ("I", "U"), "D", "X", "E"
# what a person edits, and what Frappe writes with it
EDITABLE = ("total", "modified", "modified_by")


def deleted_by_people(evidence: Evidence) -> Iterator[str]:
	"""A document that a site has made goes there only because somebody has deleted it, or merged it into another one."""
	for letter, site in evidence.sites.items():
		for version in site.versions:
			if version.doctype not in KINDS_DOCTYPES or version.op != GONE:
				continue
			owner = owner_of(version.id)
			askers = evidence.sites.values() if owner == CONTESTED else [site]
			if owner in (letter, CONTESTED) and not any(
				has_said(each, TAKEN_AWAY, version.id) for each in askers
			):
				yield f"{version.doctype} {version.id} is gone from {letter}, and nobody has deleted it"


def own_ones_are_left_alone(evidence: Evidence) -> Iterator[str]:
	"""What people of a site that takes have made there is as they have left it, and goes nowhere."""
	for flow, doctype in meddled_with(evidence):
		here, there = evidence.sites[flow.target], evidence.sites[flow.source]
		own = of_owner(here, doctype, flow.target)
		last = {version.id: version for version in here.versions if version.op in (*STATES, GONE)}
		for key, version in last.items():
			if version.doctype != doctype or owner_of(key) != flow.target or version.op == GONE:
				continue
			if key not in own:
				yield f"{doctype} {key} of {flow.target}'s own is gone, and nobody has deleted it"
			elif own[key].get("files"):
				yield f"{doctype} {key} of {flow.target}'s own has files of another one: {own[key]['files']}"
		for key in of_owner(there, doctype, flow.target):
			yield f"{doctype} {key} of {flow.target}'s own is on {flow.source}"


def what_came_is_as_it_is_there(evidence: Evidence) -> Iterator[str]:
	"""All is there and the same but for what people have edited, what they have deleted and nobody has changed since, and what waits."""
	for flow, doctype in meddled_with(evidence):
		here = evidence.sites[flow.target]
		mine = of_owner(evidence.sites[flow.source], doctype, flow.source)
		taken = of_owner(here, doctype, flow.source)
		waiting = waiting_for_a_name(evidence, flow, doctype)
		for key in sorted((mine.keys() | taken.keys()) - waiting):
			if key not in mine:
				yield f"{doctype} {key} is on {flow.target} and not on {flow.source}"
			elif key not in taken:
				if not (has_said(here, TAKEN_AWAY, key) and has_shown_the_last(evidence, flow, key)):
					yield f"{doctype} {key} is on {flow.source} and not on {flow.target}"
			else:
				but = EDITABLE if has_said(here, EDITED, key) else ()
				but += ("name",) if doctype in flow.own_names else ()
				for line in differences(mine[key], taken[key], but):
					yield f"{doctype} {key}: {line} ({flow.source}, {flow.target})"


def meddled_with(evidence: Evidence) -> Iterator[tuple[Flow, str]]:
	for flow in evidence.flows:
		if not evidence.restored.keys() & {flow.source, flow.target}:
			yield from ((flow, doctype) for doctype in flow.guests)


def waiting_for_a_name(evidence: Evidence, flow: Flow, doctype: str) -> set[str]:
	"""The documents whose name there one of this site's own has here, or one that waits itself."""
	if doctype in flow.own_names:
		return set()
	mine = of_owner(evidence.sites[flow.source], doctype, flow.source)
	taken = of_owner(evidence.sites[flow.target], doctype, flow.source)
	held = {
		plain(doc["name"]) for doc in of_owner(evidence.sites[flow.target], doctype, flow.target).values()
	}
	waiting: set[str] = set()
	while more := {key for key, doc in mine.items() if key not in waiting and plain(doc["name"]) in held}:
		waiting |= more
		held |= {plain(taken[key]["name"]) for key in more if key in taken}
	return waiting


def is_kept_out(evidence: Evidence, letter: str, key: str) -> bool:
	"""Whether a document can't come to a site, as one of that site's own has its name."""
	return any(
		flow.target == letter and key in waiting_for_a_name(evidence, flow, doctype)
		for flow, doctype in meddled_with(evidence)
	)


def waits_for_a_name(evidence: Evidence, letter: str, log: dict) -> bool:
	"""Whether a row that is open may be so: it is of a document that waits for its name."""
	for flow, doctype in meddled_with(evidence):
		producer = evidence.sites[flow.source]
		if flow.target != letter or log["event_producer"] != producer.url or log["remote_doctype"] != doctype:
			continue
		waiting = waiting_for_a_name(evidence, flow, doctype)
		named = {
			plain(each.name) for each in producer.versions if each.doctype == doctype and each.id in waiting
		}
		ids = {key for key, _mark in marks_in(log.get("data"))} or {*ids_in(log.get("producer_doc"))}
		if ids & waiting or (not ids and plain(log["producer_doc"]) in named):
			return True
	return False


def has_said(site: SiteEvidence, what: str, key: str) -> bool:
	return any(version.op == what and version.id == key for version in site.versions)


def has_shown_the_last(evidence: Evidence, flow: Flow, key: str) -> bool:
	marks = [
		each.mark for each in evidence.sites[flow.source].versions if each.id == key and each.op in STATES
	]
	here = evidence.sites[flow.target].versions
	return any(each.id == key and each.op in STATES and each.mark == marks[-1] for each in here)


def plain(name: str) -> str:
	"""A name as MariaDB compares it."""
	parts = unicodedata.normalize("NFKD", str(name))
	return "".join(each for each in parts if not unicodedata.combining(each)).casefold()

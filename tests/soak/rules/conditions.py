"""What a site has of documents of which only those that fit come to it. Pure."""

from collections.abc import Iterator

from tests.soak.evidence import CONTESTED, Evidence, Flow
from tests.soak.kinds import REMOVE, WANTED
from tests.soak.rules.comparing import differences, of_owner


def only_what_fits(evidence: Evidence) -> Iterator[str]:
	"""What fits is there as it is on the site that gives it. What does not fit any more is gone, with *Remove*; with *Keep* it may be
	there, as it was sent last, under the name that it has by now. What the site that gives has not got any more is there in no case."""
	for flow in evidence.flows:
		if evidence.restored.keys() & {flow.source, flow.target}:
			continue
		for doctype in flow.conditions:
			for owner in (*evidence.sites, CONTESTED):
				if owner != flow.target:
					yield from of_one_owner(evidence, flow, doctype, owner)


def of_one_owner(evidence: Evidence, flow: Flow, doctype: str, owner: str) -> Iterator[str]:
	mine = of_owner(evidence.sites[flow.source], doctype, owner)
	taken = of_owner(evidence.sites[flow.target], doctype, owner)
	for key in sorted(mine.keys() | taken.keys()):
		what = f"{doctype} {key}"
		if key not in mine:
			yield f"{what} is on {flow.target}, and not on {flow.source}"
		elif fits(mine[key]) and key not in taken:
			yield f"{what} fits, and is not on {flow.target}"
		elif fits(mine[key]) and not fits_by_a_change_from(evidence, flow, doctype, mine[key]):
			for line in differences(mine[key], taken[key]):
				yield f"{what}: {line} ({flow.source}, {flow.target})"
		elif key in taken and flow.conditions[doctype] == REMOVE:
			yield f"{what} does not fit any more, and is still on {flow.target}"
		elif key in taken and mine[key].get("name") != taken[key].get("name"):
			names = f"{mine[key].get('name')!r} on {flow.source}, {taken[key].get('name')!r} on {flow.target}"
			yield f"{what}, which does not fit any more, is {names}"


def fits_by_a_change_from(evidence: Evidence, flow: Flow, doctype: str, doc: dict) -> bool:
	"""Whether the last change of it on the site that gives it came from the one that takes it: what that one had missed comes only with the
	next one. Open, see docs/reliability.md."""
	there = evidence.sites[flow.source].update_logs
	rows = [log for log in there if (log["ref_doctype"], log["docname"]) == (doctype, doc.get("name"))]
	last = max(rows, key=lambda log: log["position"], default=None)
	return bool(last) and last.get("origin") == evidence.sites[flow.target].url


def fits(doc: dict) -> bool:
	return str(doc.get(WANTED)) == "1"

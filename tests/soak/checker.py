"""What must be so at rest, whatever was done and whatever broke. Pure: from histories, logs and databases as data.

Each check is a function of the evidence that gives findings; its docstring is the promise. `check` runs all of them.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from tests.soak.evidence import (
	CONTESTED,
	Evidence,
	SiteEvidence,
	Version,
	collapsed,
	ids_in,
	marks_in,
	owner_of,
)
from tests.soak.history import FAILED, OK
from tests.soak.rules.comparing import differences, of_owner
from tests.soak.rules.conditions import only_what_fits
from tests.soak.rules.meddling import (
	STATES,
	deleted_by_people,
	is_kept_out,
	own_ones_are_left_alone,
	waits_for_a_name,
	what_came_is_as_it_is_there,
)

OPEN = ("Failed", "Retrying", "Waiting", "Conflict")
MOST_OF_A_KIND = 12
CONTAINED = "Already contained in what came before"
GONE_THERE = "Not copied: it was deleted or renamed on the producer since then"
CANCELLED = 2
# a document's id, and one change of it
Change = tuple[str, str]


@dataclass(frozen=True)
class Finding:
	"""`kind` is the promise that is broken."""

	kind: str
	text: str

	def __str__(self) -> str:
		return f"{self.kind}: {self.text}"


def check(evidence: Evidence) -> list[Finding]:
	return [
		Finding(name, text)
		for name, promise in PROMISES.items()
		for text in list(promise(evidence))[:MOST_OF_A_KIND]
	]


# ---------------------------------------------------------------- nothing lost


def acknowledged_is_there(evidence: Evidence) -> Iterator[str]:
	"""What a person was told is saved was committed; what was refused left nothing."""
	for letter, site in evidence.sites.items():
		since = evidence.restored.get(letter, 0)
		there = {version.mark for version in site.versions}
		for line in evidence.history:
			if line["site"] != letter or not line.get("marks") or line.get("start", 0) < since:
				continue
			missing = [mark for mark in line["marks"] if mark not in there]
			if line["outcome"] == OK and missing:
				yield f"{line['what']} of {line['document']} on {letter} was acknowledged, and is not there: {missing}"
			if line["outcome"] == FAILED and len(missing) < len(line["marks"]):
				yield f"{line['what']} on {letter} was refused ({line.get('error')}), and is there: {line['marks']}"


def nothing_is_lost(evidence: Evidence) -> Iterator[str]:
	"""Each document is on every site that it flows to, as it is on the site that owns it; and no other one is there."""
	for doctype, owner, source, target in pairs(evidence):
		if evidence.has_own_rules(doctype):
			continue
		here, there = evidence.sites[target], evidence.sites[source]
		mine = of_owner(there, doctype, owner)
		taken = of_owner(here, doctype, owner)
		if owner == CONTESTED and evidence.restored.keys() & {source, target}:
			continue
		if owner in evidence.restored:
			# what was changed in the lost time is another document on each site now: a verify and its repair are for that
			made = evidence.made_since_restore(owner)
			mine = {key: doc for key, doc in mine.items() if key in made}
			taken = {key: doc for key, doc in taken.items() if key in made}
		for key in sorted(mine.keys() | taken.keys()):
			if key not in taken:
				yield f"{doctype} {key} is on {source} and not on {target}"
			elif key not in mine:
				yield f"{doctype} {key} is on {target} and not on {source}"
			else:
				for line in differences(mine[key], taken[key]):
					yield f"{doctype} {key}: {line} ({source}, {target})"


def nothing_is_open(evidence: Evidence) -> Iterator[str]:
	"""Whatever has failed meanwhile has healed; cursors stand at the ends of the logs; each event has its position."""
	for letter, site in evidence.sites.items():
		for log in site.sync_logs:
			if log["status"] not in OPEN or is_of_the_lost_time(evidence, log):
				continue
			if not waits_for_a_name(evidence, letter, log):
				error = " ".join(str(log.get("error") or log.get("outcome") or "").split())[:300]
				yield f"{letter}: {log['status']}: {told(log)}: {error}"
		without = [log["name"] for log in site.update_logs if not log["position"]]
		if without:
			yield f"{letter}: events without a position: {without[:5]}"
	for flow in evidence.flows:
		last = last_cursor(evidence.sites[flow.target], evidence.sites[flow.source].url)
		head = evidence.sites[flow.source].head
		if last != head:
			yield f"{flow.target}'s cursor is {last}, the log of {flow.source} ends at {head}"


# ---------------------------------------------------------------- nothing twice


def nothing_is_twice(evidence: Evidence) -> Iterator[str]:
	"""Each event has one row in the consumer's log; each change one event on each site; each document is there once."""
	for letter, site in evidence.sites.items():
		rows = Counter(
			(log["event_producer"], log["event_id"], str(log.get("event_creation")))
			for log in site.sync_logs
			if log.get("event_id")
		)
		for (producer, event, _creation), count in rows.items():
			if count > 1:
				yield f"{letter} has {count} rows for event {event} of {producer}"
		for doctype, found in site.documents.items():
			for key in found:
				if key.endswith("(twice)"):
					yield f"{letter} has {doctype} {key}"
		for (document, mark), count in told_changes(site).items():
			if count > 1 and owner_of(document) != CONTESTED:
				yield f"{letter} has logged the change {mark} of {document} {count} times"


def no_echo(evidence: Evidence) -> Iterator[str]:
	"""No site is given what it has made; what came from another site is logged with that site as its origin."""
	for letter, site in evidence.sites.items():
		for log in site.sync_logs:
			owners = {owner_of(key) for key in ids_in(log.get("data")) or ids_in(log.get("producer_doc"))}
			if owners == {letter}:
				yield f"{letter} was given its own {told(log)}"
		for log in site.update_logs:
			for document, mark in marks_in(log.get("data")):
				if owner_of(document) not in (letter, CONTESTED) and not log.get("origin"):
					yield f"{letter} says that the change {mark} of {document} is its own: {log['name']}"


# ---------------------------------------------------------------- order


def versions_are_a_subsequence(evidence: Evidence) -> Iterator[str]:
	"""A consumer shows of each document only states that the owner's site has had, in that order, and none twice."""
	for doctype, owner, source, target in pairs(evidence):
		if source != owner or owner in evidence.restored:
			continue
		taken = by_document(evidence.sites[target], doctype, owner)
		for key, versions in by_document(evidence.sites[owner], doctype, owner).items():
			had = collapsed(version.mark for version in versions)
			yield from (
				f"{doctype} {key} on its own site {owner} went back to {mark}"
				for mark, count in Counter(had).items()
				if count > 1
			)
			shown = collapsed(version.mark for version in taken.get(key, ()))
			if wrong := first_out_of_order(shown, had):
				yield f"{doctype} {key} on {target} shows {wrong} out of order: {shown} of {had}"


def causes_come_before_effects(evidence: Evidence) -> Iterator[str]:
	"""No document shows a link before what it links to was there."""
	for letter, site in evidence.sites.items():
		there: set[tuple[str, str]] = set()
		for version in site.versions:
			if version.op != "D":
				for ref in version.refs:
					if ids_in(ref[1]) and ref not in there:
						yield f"{letter}: {version.doctype} {version.name} links to {ref[0]} {ref[1]}, not there yet"
				there.add((version.doctype, version.name))


def transactions_are_whole(evidence: Evidence) -> Iterator[str]:
	"""What one transaction has changed on the owner's site is committed together on a consumer, as far as its events brought it.

	What has failed comes later, but for flows that are *together*.
	"""
	for flow in evidence.flows:
		if evidence.restored.keys() & {flow.source, flow.target}:
			continue
		made: dict[int, set[Change]] = defaultdict(set)
		known: set[Change] = set()
		for version in evidence.sites[flow.source].versions:
			change = version.id, version.mark
			# a merge, a rename or a deletion writes rows that still show an earlier change
			if change in known:
				continue
			known.add(change)
			flows = version.doctype in flow.doctypes and not flow.is_special(version.doctype)
			if version.mark.startswith(flow.source) and flows and version.trx:
				made[version.trx].add(change)
		target = evidence.sites[flow.target]
		brought = brought_by_events(target, evidence.sites[flow.source].url, flow.together)
		seen: dict[Change, int] = {}
		for version in target.versions:
			seen.setdefault((version.id, version.mark), version.trx)
		for changes in made.values():
			trxs = {seen[change] for change in changes & brought if change in seen}
			if len(trxs) > 1:
				yield f"{sorted(changes)} of one transaction on {flow.source} came in {len(trxs)} on {flow.target}"


# ---------------------------------------------------------------- effects


def synced_has_an_effect(evidence: Evidence) -> Iterator[str]:
	"""Where the log says *Synced*, the state was written, or a later one of the same document; or it was deleted before it could come
	(on a site that was restored: for the second time)."""
	for letter, site in evidence.sites.items():
		shown: dict[str, set[str]] = defaultdict(set)
		for version in site.versions:
			shown[version.id].add(version.mark)
		had = {
			owner: {
				key: collapsed(version.mark for version in versions)
				for doctype in {version.doctype for version in evidence.sites[owner].versions}
				for key, versions in by_document(evidence.sites[owner], doctype, owner).items()
			}
			for owner in evidence.sites
		}
		for log in site.sync_logs:
			if log["status"] != "Synced" or log["update_type"] not in ("Create", "Update"):
				continue
			for key, mark in marks_in(log.get("data")):
				order = had.get(owner_of(key), {}).get(key, [])
				if owner_of(key) in (CONTESTED, letter) or mark not in order:
					continue
				gone = not shown[key] or owner_of(key) in evidence.restored or is_told(log, GONE_THERE)
				if gone and deleted_later(evidence.sites[owner_of(key)], key):
					continue
				if owner_of(key) in evidence.restored and not shown[key].issubset(order):
					# a later state of the time that was lost on its own site
					continue
				if is_told(log, GONE_THERE) and is_kept_out(evidence, letter, key):
					# it was to come by the name that it has now
					continue
				if not shown[key].intersection(order[order.index(mark) :]):
					yield f"{letter}: Synced, and neither {mark} nor a later state of {key} is there: {told(log)}"


def ledgers_add_up(evidence: Evidence) -> Iterator[str]:
	"""Each voucher's lines are balanced, and the same on every site that it flows to.

	A voucher that had been cancelled when it came to a site (with a copy, or for another document) has none there.
	"""
	for letter, site in evidence.sites.items():
		for voucher, lines in vouchers(site).items():
			total = sum(line["debit"] - line["credit"] for line in lines)
			if abs(total) > 0.005:
				yield f"{letter}: the lines of {voucher} come to {total:.2f}"
	for doctype, owner, source, target in pairs(evidence):
		here, there = vouchers(evidence.sites[target]), vouchers(evidence.sites[source])
		for voucher in sorted(here.keys() | there.keys()):
			if voucher[0] != doctype or owner not in map(owner_of, ids_in(voucher[1])):
				continue
			if is_lost_with_a_backup(evidence, owner, voucher[1]):
				continue
			if voucher not in here and came_cancelled(evidence.sites[target], voucher):
				continue
			one, other = (sorted(map(as_line, lines.get(voucher, ()))) for lines in (there, here))
			if one != other:
				yield f"{voucher}: {len(one)} lines on {source}, {len(other)} on {target}, not the same"


def counters_never_go_back(evidence: Evidence) -> Iterator[str]:
	"""Cursors only go on; positions are given once, each to one event, and stay."""
	for letter, site in evidence.sites.items():
		last: dict[str, int] = {}
		for producer, cursor in site.cursors:
			if cursor < last.get(producer, 0) and letter not in evidence.restored:
				yield f"{letter}: the cursor of {producer} went from {last[producer]} back to {cursor}"
			last[producer] = cursor
		given = Counter(log["position"] for log in site.update_logs if log["position"])
		yield from (
			f"{letter} has given position {number} twice" for number, count in given.items() if count > 1
		)
		if letter not in evidence.restored:
			for event, before, after in site.moved_positions:
				yield f"{letter}: event {event} went from position {before} to {after}"
			if site.update_logs and site.head < max(given, default=0):
				yield f"{letter}: the head is {site.head}, an event has {max(given)}"


PROMISES: dict[str, Callable[[Evidence], Iterator[str]]] = {
	"lost before it was streamed": acknowledged_is_there,
	"lost": nothing_is_lost,
	"open": nothing_is_open,
	"twice": nothing_is_twice,
	"echo": no_echo,
	"out of order": versions_are_a_subsequence,
	"effect before cause": causes_come_before_effects,
	"divided": transactions_are_whole,
	"synced without effect": synced_has_an_effect,
	"ledger": ledgers_add_up,
	"went back": counters_never_go_back,
	"condition": only_what_fits,
	"deleted by nobody": deleted_by_people,
	"in its place": own_ones_are_left_alone,
	"lost among guests": what_came_is_as_it_is_there,
}


# ---------------------------------------------------------------- looking things up


def brought_by_events(site: SiteEvidence, producer: str, retried_too: bool) -> set[Change]:
	"""The changes that were taken from a producer's log, and not with a copy, a repair, or for another document before that."""
	return {
		change
		for log in site.sync_logs
		if log["event_producer"] == producer and log["status"] == "Synced" and log.get("event_id")
		if not log.get("divided")
		if (retried_too or not log.get("attempts")) and not is_told(log, CONTAINED)
		for change in marks_in(log.get("data"))
	}


def is_told(log: dict, outcome: str) -> bool:
	"""Whether this is what the row says was done; more may follow, such as how many changes it stands for."""
	return (log.get("outcome") or "").startswith(outcome)


def pairs(evidence: Evidence) -> Iterator[tuple[str, str, str, str]]:
	"""(DocType, owner, the owner's site, a site that it flows to); documents that both write are compared by their flow."""
	doctypes = {doctype: None for flow in evidence.flows for doctype in flow.doctypes}
	for doctype in doctypes:
		for owner in evidence.sites:
			for target in evidence.takers(doctype, owner):
				yield doctype, owner, owner, target
	for flow in evidence.flows:
		for doctype in flow.doctypes:
			yield doctype, CONTESTED, flow.source, flow.target


def is_of_the_lost_time(evidence: Evidence, log: dict) -> bool:
	"""Whether an event is of a document that was made before a backup of its site was restored."""
	return any(
		(owner_of(key) == CONTESTED and evidence.restored)
		or (owner_of(key) in evidence.restored and key not in evidence.made_since_restore(owner_of(key)))
		for key in ids_in(log.get("producer_doc")) + ids_in(log.get("data"))
	)


def is_lost_with_a_backup(evidence: Evidence, owner: str, name: str) -> bool:
	"""Whether a document was made on a site that was restored, before that."""
	return owner in evidence.restored and evidence.made_since_restore(owner).isdisjoint(ids_in(name))


def by_document(site: SiteEvidence, doctype: str, owner: str) -> dict[str, list[Version]]:
	found: dict[str, list[Version]] = defaultdict(list)
	for version in site.versions:
		if version.doctype == doctype and version.op in STATES and owner_of(version.id) == owner:
			found[version.id].append(version)
	return found


def deleted_later(site: SiteEvidence, key: str) -> bool:
	return any(version.op == "D" and version.id == key for version in site.versions)


def first_out_of_order(shown: list[str], had: list[str]) -> str | None:
	start = 0
	for mark in shown:
		try:
			start = had.index(mark, start) + 1
		except ValueError:
			return mark
	return None


def told_changes(site: SiteEvidence) -> Counter:
	return Counter(change for log in site.update_logs for change in set(marks_in(log.get("data"))))


def last_cursor(site: SiteEvidence, producer: str) -> int | None:
	return next((cursor for name, cursor in reversed(site.cursors) if name == producer), None)


def vouchers(site: SiteEvidence) -> dict[tuple[str, str], list[dict]]:
	found: dict[tuple[str, str], list[dict]] = defaultdict(list)
	for line in site.ledger:
		found[(line["voucher_type"], line["voucher_no"])].append(line)
	return found


def came_cancelled(site: SiteEvidence, voucher: tuple[str, str]) -> bool:
	"""Whether the first state of a voucher that a site has had, and each later one, is a cancelled one."""
	states = [
		version.docstatus
		for version in site.versions
		if (version.doctype, version.name) == voucher and version.op in "IU"
	]
	return bool(states) and set(states) == {CANCELLED}


def as_line(line: dict) -> tuple:
	return tuple((key, str(value)) for key, value in sorted(line.items()))


def told(log: dict) -> str:
	return f"{log['update_type']} of {log.get('remote_doctype')} {log.get('producer_doc')} at {log.get('position')}"

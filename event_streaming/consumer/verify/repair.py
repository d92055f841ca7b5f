"""Repair: brings in line with the producer what a verify has compared, in the same order and by the same look.

It needs no list: it compares again, and mends each document as it is when its turn comes, under the pull's lock, so that
nothing newer is written over. What is missing is brought as an event would bring it; of what differs just these fields and
rows are set, through the document life cycle; what is one too many is deleted only if the person says so. Each document
that was mended has a row in Event Sync Log. The other site is not told: it has these values already.

A person asks for it and has seen what differs; the conflict policy has nothing to say then. One that follows a scheduled verify
by itself leaves what was changed last here to that policy: only with Producer Wins it is set.
"""

from collections.abc import Iterable
from copy import deepcopy
from dataclasses import dataclass, field
from typing import Any

import frappe
from frappe.utils import cint

from event_streaming.adapters.calls import after_writing
from event_streaming.consumer.apply import localise
from event_streaming.consumer.apply.bringing import make_needed
from event_streaming.consumer.apply.event import apply_event, subscription_for
from event_streaming.consumer.apply.outcomes import outcome_of
from event_streaming.consumer.apply.page import prepare
from event_streaming.consumer.apply.told import applied_of
from event_streaming.consumer.apply.work import Work
from event_streaming.consumer.conflict_rules.policies import PRODUCER_WINS
from event_streaming.consumer.first_copy.copying import as_documents
from event_streaming.consumer.life_cycle import documents
from event_streaming.consumer.life_cycle.quiet import quietly
from event_streaming.consumer.life_cycle.times import convert_times
from event_streaming.consumer.logs.sync_log import FAILED, OPEN, SYNCED, Outcome
from event_streaming.consumer.subscriptions.remote import Producer
from event_streaming.consumer.tasks import findings, task
from event_streaming.consumer.tasks.findings import Finding
from event_streaming.consumer.tasks.slices import Slice, request
from event_streaming.consumer.tasks.task import Task
from event_streaming.consumer.unit_of_work.groups import Handling, apply_in_groups
from event_streaming.consumer.unit_of_work.savepoint import attempt, failure
from event_streaming.consumer.verify.checking import check_slice
from event_streaming.consumer.verify.differences import Difference, as_text, difference_of, fit
from event_streaming.consumer.verify.files import files_that_differ
from event_streaming.consumer.verify.portions import Portion
from event_streaming.consumer.verify.verifying import Examiner, write
from event_streaming.exceptions import CannotApply, EventStreamingError
from event_streaming.identity.origin import Applied, applying
from event_streaming.identity.registry import LocalKey
from event_streaming.messages.coded import _
from event_streaming.site import audit
from event_streaming.wire.checks import InvalidPage
from event_streaming.wire.events import CREATE, DELETE, FILES_KEY, UPDATE, Event, parse_data, remote_key
from event_streaming.wire.files import parse_files

SAME = "Same"


# ---- what a person asks for


def start_repair(
	event_producer: str,
	delete_extra: bool = False,
	verified: str | None = None,
	kinds: Iterable[str] | None = None,
) -> dict[str, Any]:
	"""Repair in the background what a verify has compared; returns the progress. See `begin`."""
	work = begin(event_producer, delete_extra, verified, kinds=kinds)
	request(work.name)
	return task.as_progress(work)


def begin(
	event_producer: str,
	delete_extra: bool = False,
	verified: str | None = None,
	by_itself: bool = False,
	kinds: Iterable[str] | None = None,
) -> Task:
	"""A task that repairs what the verify `verified` has compared, by default the producer's last; it does nothing yet.

	`kinds` are those of findings.DIFFERING that are mended, by default all; deleting needs `delete_extra` besides.

	`by_itself`: nobody has seen what differs, so that what was changed last here is left to the row's conflict policy.

	Raises frappe.ValidationError when there is none that has come to its end: nobody has seen what would be done.
	"""
	seen = task.load(verified) if verified else task.latest(event_producer, task.VERIFY)
	if not seen or (seen.kind, seen.event_producer, seen.status) != (task.VERIFY, event_producer, task.DONE):
		raise EventStreamingError(
			_("Run a complete Verify of {0} first: it shows what a repair would do.").format(event_producer)
		)
	scope = {**seen.scope, "verify": seen.name, "delete_extra": bool(delete_extra)}
	if by_itself:
		scope["by_itself"] = True
	if kinds is not None:
		scope["kinds"] = chosen_kinds(kinds)
	begun = task.start(task.REPAIR, event_producer, scope)
	audit.record(audit.REPAIRED, "Event Producer", event_producer, None, {"task": begun.name, **scope})
	return begun


def chosen_kinds(kinds: Iterable[str]) -> list[str]:
	"""Raises EventStreamingError for none, and for one that can't be mended."""
	chosen = list(dict.fromkeys(kinds))
	if not chosen or any(kind not in findings.DIFFERING for kind in chosen):
		raise EventStreamingError(_("Choose what is repaired: {0}").format(", ".join(findings.DIFFERING)))
	return chosen


# ---- a slice


def repair_slice(part: Slice, doc, producer: Producer) -> bool:
	return check_slice(part, doc, producer, mend)


def mend(portion: Portion) -> None:
	"""Mend a portion in small groups, each committed with the task's place."""
	work, events = portion.work, portion.events
	work.brought = as_documents([event for event in events if event["update_type"] == CREATE])
	work.quiet = True
	prepare(work, events)
	repairer = Repairer(portion, Examiner(portion), deepcopy(portion.part.task.report))
	if not events:
		repairer.write(0, [])
	apply_in_groups(
		work, events, repairer, portion.part.deadline, Handling(prepare, repairer.deal, repairer.give_up)
	)
	work.producer.tell_repaired(portion.compared.subscription.remote_doctype, repairer.repaired)


@dataclass
class Repairer:
	"""Deals with the documents of a portion, and marks in the task how far it has got."""

	portion: Portion
	examiner: Examiner
	report: dict[str, Any]
	found: dict[str, Finding | None] = field(default_factory=dict)

	@property
	def delete_extra(self) -> bool:
		return bool(self.portion.part.task.scope.get("delete_extra"))

	def deal(self, event: Event, work: Work) -> str:
		finding = self.found[event["docname"]] = self.examiner.examine(event)
		if not finding or not self.is_to_be_mended(finding):
			return SAME
		mended = Mended(self.portion, event, finding)
		outcome = attempt(event, work, attempts=1, apply=mended.apply)
		finding.repaired = outcome.status == SYNCED and mended.whole
		if outcome.status == SYNCED:
			work.log.add(mended.as_logged(), outcome)
		return self.tell(event, work, finding, outcome)

	def give_up(self, event: Event, work: Work, error: Exception) -> str:
		"""One whose transaction was given up again and again; nobody has sent it, so that it is no event to be tried again."""
		outcome = failure(event, work, error, frappe.get_traceback(), attempts=1)
		finding = self.found.get(event["docname"])
		if not finding or not self.is_to_be_mended(finding):
			return SAME
		finding.repaired = False
		return self.tell(event, work, finding, outcome)

	def is_to_be_mended(self, finding: Finding) -> bool:
		kinds = self.portion.part.task.scope.get("kinds")
		if kinds is not None and finding.kind in findings.DIFFERING and finding.kind not in kinds:
			finding.outcome = _("Left unchanged: it was not chosen.")
			return False
		if finding.kind == findings.EXTRA and not self.delete_extra:
			finding.outcome = _("Left unchanged: deletion was not requested.")
			return False
		policy = self.portion.compared.subscription.conflict_policy
		by_itself = self.portion.part.task.scope.get("by_itself")
		if by_itself and finding.changed_here and policy != PRODUCER_WINS:
			finding.outcome = _(
				"Kept for a person: changed last on this site, and the policy is {0}."
			).format(_(policy))
			return False
		return finding.kind in findings.DIFFERING

	def tell(self, event: Event, work: Work, finding: Finding, outcome: Outcome) -> str:
		finding.failed = not finding.repaired
		finding.outcome = frappe.utils.strip_html(
			outcome.done or (outcome.error or "").split("\n", 1)[0] or outcome.status
		)
		if finding.kind == findings.MISSING and outcome.status in OPEN:
			# it is tried again like the event that it might have been
			work.log.add(event, outcome)
			work.held_back.add(remote_key(event))
		return SYNCED if finding.repaired else FAILED

	@property
	def repaired(self) -> dict[str, int]:
		"""Document there -> its position, of those that are as there now."""
		return {
			event["docname"]: event["position"]
			for event in self.portion.events
			if event["update_type"] != DELETE
			and (found := self.found.get(event["docname"]))
			and found.repaired
		}

	def write(self, upto: int, statuses: list[str]) -> None:
		found = [self.found.get(event["docname"]) for event in self.portion.events]
		write(self.portion, deepcopy(self.report), found, upto)

	def committed(self, upto: int, statuses: list[str]) -> None:
		self.portion.part.tell()


@dataclass
class Mended:
	"""One document that is brought in line; `whole` says whether nothing differs any more."""

	portion: Portion
	event: Event
	finding: Finding
	whole: bool = True
	difference: Difference = field(default_factory=Difference)
	change: dict[str, Any] = field(default_factory=dict)

	@property
	def local(self) -> LocalKey:
		return self.finding.local_doctype, self.finding.local_name

	def apply(self, event: Event, work: Work) -> Outcome:
		if event["problem"]:
			raise InvalidPage(event["problem"])
		subscription_for(event, work)
		work.event_begins()
		how = {
			findings.MISSING: self.bring,
			findings.EXTRA: self.delete,
			findings.DIFFERENT: self.bring_in_line,
		}
		return how[self.finding.kind](event, work)

	def bring(self, event: Event, work: Work) -> Outcome:
		"""A document that is missing here, as a Create would bring it."""
		if known := work.resolver.identities.of(remote_key(event)):
			# it was here once, and what it had then is not here any more
			documents.remove_rows_left(known.local_doctype, known.local_name)
			work.resolver.drop(remote_key(event))
		outcome = apply_event(event, work)
		self.whole = bool(outcome.local_name)
		return outcome

	def delete(self, event: Event, work: Work) -> Outcome:
		with applying(self.local[0], work.event_producer, self.applied(event, work)), quietly():
			documents.delete(*self.local)
		work.resolver.drop(remote_key(event))
		return outcome_of(self.portion.compared.subscription, self.local[1], _("Deleted by a repair"))

	def bring_in_line(self, event: Event, work: Work) -> Outcome:
		"""Set the fields and rows that differ, and nothing else."""
		compared, key = self.portion.compared, remote_key(event)
		values, needs = fit(parse_data(event), compared, work)
		plan = localise.bring_what_is_needed(key, needs, work, make_needed)
		localise.set_later({}, plan, self.local, work, make_needed)
		values = work.dependencies.data_here(values, needs)
		values = convert_times(self.local[0], values, work.time_zone)
		doc = frappe.get_doc(*self.local)
		self.difference = difference_of(doc, values, compared)
		if cint(values.get("docstatus")) < doc.docstatus:
			raise CannotApply(
				_("It is submitted or cancelled here and not on the producer: that can't be taken back.")
			)
		self.change = self.difference.as_change(values)
		with applying(self.local[0], work.event_producer, self.applied(event, work)), quietly():
			doc, changed, warnings = documents.update(
				documents.locked(*self.local),
				self.change,
				decided=compared.subscription.left_to_this_site,
				mapped=bool(compared.subscription.mapping),
			)
			warnings += after_writing(doc, self.change) if changed else []
			files = parse_files(parse_data(event).get(FILES_KEY)) if compared.files else []
			if files_that_differ(files, self.local, work):
				work.files.attach_all(files, self.local, compared.subscription)
		covered_to = max(event["position"], work.resolver.covered_to(key))
		counted_to = work.resolver.counted_to(key) if compared.subscription.add_up else 0
		work.resolver.keep(key, self.local, event["root"], covered_to, counted_to)
		left = difference_of(frappe.get_doc(*self.local), values, compared)
		left.shown.extend(files_that_differ(files, self.local, work))
		done = _("Set to the producer's values by a repair")
		if left or left.shown:
			self.whole = False
			names = ", ".join(each.label for each in left.shown)
			done = _("Rules of this site have set these to other values again: {0}").format(names)
		outcome = outcome_of(compared.subscription, doc.name, done, warnings)
		outcome.given = None if left else doc.modified
		return outcome

	def applied(self, event: Event, work: Work) -> Applied:
		return applied_of(event, self.portion.compared.subscription, work)

	def as_logged(self) -> Event:
		"""The event as Event Sync Log has it: what was done here."""
		if self.finding.kind != findings.DIFFERENT:
			return self.event
		return {
			**self.event,
			"update_type": UPDATE,
			"data": as_text(self.change),
			"data_before": as_text({"changed": self.difference.before}),
		}

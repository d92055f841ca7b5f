"""Verify: compares a producer's documents with those here, and notes what is missing, different or one too many.

`checking` finds the documents that seem to differ; this module looks at each exactly and writes the report. It changes no
document: that is `repair`'s.
"""

from collections.abc import Iterable
from copy import deepcopy
from typing import Any

import frappe
from frappe.utils import create_batch, get_datetime

from event_streaming.consumer.apply import two_way
from event_streaming.consumer.apply.page import look_up_here
from event_streaming.consumer.apply.work import Work
from event_streaming.consumer.conflict_rules.policies import CONSUMER_WINS
from event_streaming.consumer.first_copy.scope import as_list, scope_of, wanted_subscriptions
from event_streaming.consumer.logs import open_rows, state
from event_streaming.consumer.subscriptions.remote import Producer
from event_streaming.consumer.subscriptions.subscription import Subscription
from event_streaming.consumer.tasks import findings, task
from event_streaming.consumer.tasks.findings import Finding
from event_streaming.consumer.tasks.slices import Slice, request
from event_streaming.consumer.tasks.task import Task
from event_streaming.consumer.verify import rounds
from event_streaming.consumer.verify.checking import check_slice
from event_streaming.consumer.verify.differences import Shown, difference_of, fit, in_local_terms
from event_streaming.consumer.verify.files import files_that_differ
from event_streaming.consumer.verify.portions import Portion
from event_streaming.exceptions import CannotApply
from event_streaming.identity.fates import NAMES_AT_ONCE
from event_streaming.identity.registry import LocalKey
from event_streaming.messages.coded import _
from event_streaming.wire.checks import InvalidPage
from event_streaming.wire.events import DELETE, FILES_KEY, Event, parse_data, remote_key
from event_streaming.wire.files import parse_files
from event_streaming.wire.pages import REMOVE

LOG = "Event Update Log"
NOT_PERMITTED, CONDITION = "not permitted", "condition"
MOST_LOGS = 5


# ---- what a person asks for


def start_verify(
	event_producer: str,
	doctypes: str | Iterable[str] | None = None,
	filters: Any = None,
	what_has_changed: bool = False,
) -> dict[str, Any]:
	"""Compare in the background; returns the progress. See `begin`."""
	check = begin(event_producer, doctypes, filters, what_has_changed=what_has_changed)
	request(check.name)
	return task.as_progress(check)


def begin(
	event_producer: str,
	doctypes: str | Iterable[str] | None = None,
	filters: Any = None,
	scheduled: dict[str, Any] | None = None,
	what_has_changed: bool = False,
) -> Task:
	"""A task that compares; it does nothing yet. The arguments are those of a first copy; `scheduled` is its day and its part;
	`what_has_changed`: only what either site knows to have changed since the last comparison, and all of what was never compared.

	Raises frappe.ValidationError with what to do.
	"""
	doc = frappe.get_doc("Event Producer", event_producer)
	wanted = wanted_subscriptions(doc, as_list(doctypes))
	scope = {**scope_of(wanted, filters), **(scheduled or {})}
	if what_has_changed:
		if scope["filters"]:
			frappe.throw(_("Choose filters or What Has Changed, not both."))
		scope |= rounds.changed_since_last(doc.name, scope["doctypes"])
	return task.start(task.VERIFY, doc.name, scope)


def begin_wanted() -> list[str]:
	"""Begin what was asked for when a producer was found to be restored (Event Streaming Settings); returns the tasks."""
	begun = []
	for event_producer in state.verifies_wanted():
		before = task.latest(event_producer, task.VERIFY)
		if before and before.active:
			continue
		state.save_state(event_producer, verify_wanted=0)
		try:
			begun.append(begin(event_producer).name)
		except (frappe.ValidationError, frappe.DoesNotExistError):
			# nothing is approved: the alert stays
			frappe.clear_messages()
	return begun


# ---- a slice


def verify_slice(part: Slice, doc, producer: Producer) -> bool:
	return check_slice(part, doc, producer, note)


def note(portion: Portion) -> None:
	"""Look at a portion and keep what is found."""
	look_up_here(portion.work, portion.events)
	examiner = Examiner(portion)
	found = [examiner.examine(event) for event in portion.events]
	write(portion, deepcopy(portion.part.task.report), found, len(found))


def write(portion: Portion, report: dict[str, Any], found: list[Finding | None], upto: int) -> None:
	"""The task's place and report once the first `upto` documents of a portion are dealt with."""
	work, done = portion.part.task, upto == len(portion.events)
	for finding in found[:upto]:
		if finding:
			findings.add(report, finding)
	if done:
		for name in portion.given_up:
			findings.add(report, under_way(portion, name))
	place = portion.place_after(upto)
	work.report, work.place = report, place
	work.differing, work.failed, work.made = (
		findings.differing(report),
		report["failed"],
		report["repaired"],
	)
	task.save_progress(work)


def under_way(portion: Portion, name: str) -> Finding:
	subscription = portion.compared.subscription
	return Finding(
		findings.UNDER_WAY,
		subscription.remote_doctype,
		name,
		subscription.local_doctype,
		reason=_("Its events are on their way."),
	)


# ---- one document


class Examiner:
	"""Says of each document of a portion what differs."""

	def __init__(self, portion: Portion):
		self.portion, self.work, self.compared = portion, portion.work, portion.compared
		self.subscription: Subscription = portion.compared.subscription
		self.unsent = own_changes_under_way(self.work, self.subscription, portion.events)
		self.fitted: dict[str, dict | Exception] = {}
		self.fit_all()

	def fit_all(self) -> None:
		"""The remote documents in this site's terms; what they link to is looked up together."""
		fitted = {}
		for event in self.portion.events:
			if event["update_type"] == DELETE:
				continue
			try:
				if event["problem"]:
					raise InvalidPage(event["problem"])
				fitted[event["docname"]] = fit(parse_data(event), self.compared, self.work)
			except (CannotApply, InvalidPage) as error:
				self.fitted[event["docname"]] = error
		self.work.dependencies.look_up_here(need for _values, needs in fitted.values() for need in needs)
		for name, (values, needs) in fitted.items():
			try:
				self.fitted[name] = in_local_terms(values, needs, self.compared, self.work)
			except CannotApply as error:
				self.fitted[name] = error

	def examine(self, event: Event) -> Finding | None:
		"""What is to be said of a document; None when it is the same on both sites."""
		key = remote_key(event)
		local = self.local_of(event)
		resolver = self.work.resolver
		# what has the name of one that was deleted here is another one
		here = bool(local and resolver.exists(local) and not resolver.is_deleted_here(key, event["root"]))
		if key in self.work.held_back:
			rows = open_rows.open_rows(self.work.event_producer, *key)
			return self.finding(
				findings.OPEN,
				event,
				local,
				_("It has an open event: see Event Sync Log."),
				logs=[str(row.name) for row in rows[:MOST_LOGS]],
			)
		if event["root"] and event["root"]["site"] == self.work.here:
			return None
		if local and local[1] in self.unsent:
			return self.finding(
				findings.UNDER_WAY, event, local, _("A change of this site has not reached the producer yet.")
			)
		if event["update_type"] == DELETE:
			return self.extra(event, local) if here else None
		if not here:
			return self.missing(event, local)
		return self.different(event, local)

	def local_of(self, event: Event) -> LocalKey | None:
		"""The document here: as events find it, or the same one under the same name that nobody has linked yet."""
		key, resolver = remote_key(event), self.work.resolver
		local = resolver.find(key, event["root"], self.subscription)
		if local or event["update_type"] == DELETE:
			return local
		try:
			return resolver.find_same(key, parse_data(event), self.subscription)[0]
		except (InvalidPage, CannotApply):
			# it is said of the document itself
			return None

	def extra(self, event: Event, local: LocalKey) -> Finding | None:
		if self.work.resolver.look(remote_key(event), event["root"], self.subscription).first_made_here:
			return None
		reason = self.portion.answer["gone"][event["docname"]][0]
		if reason == NOT_PERMITTED:
			return self.finding(
				findings.KEPT,
				event,
				local,
				_("The user may not read it on the producer (any more). It stays here."),
			)
		if reason != CONDITION:
			return self.finding(findings.EXTRA, event, local, _("It is not on the producer any more."))
		text = _("It does not meet the condition (any more).")
		if self.subscription.when_condition_ends == REMOVE:
			return self.finding(findings.EXTRA, event, local, text)
		return self.finding(findings.KEPT, event, local, text)

	def missing(self, event: Event, local: LocalKey | None) -> Finding:
		reason = _("It was here and has been deleted here.") if local else ""
		if not local and self.work.resolver.is_taken(remote_key(event), self.subscription):
			reason = _("Another document has its name here.")
		return self.finding(findings.MISSING, event, None, event["problem"] or reason)

	def different(self, event: Event, local: LocalKey) -> Finding | None:
		values = self.fitted[event["docname"]]
		if isinstance(values, Exception):
			return self.finding(findings.DIFFERENT, event, local, str(values))
		doc = frappe.get_doc(*local)
		difference = difference_of(doc, values, self.compared)
		files = self.files_of(event, local)
		if not difference and not files:
			return None
		finding = self.finding(findings.DIFFERENT, event, local)
		finding.fields = [[each.label, each.here, each.there] for each in (*difference.shown, *files)]
		finding.more_fields = difference.more
		changed_here = values.get("modified") and get_datetime(doc.modified) > get_datetime(
			values["modified"]
		)
		finding.changed_here = bool(changed_here)
		if changed_here and self.subscription.conflict_policy == CONSUMER_WINS:
			finding.kept_here = True
			finding.reason = _(
				"Changed last on this site, whose values are kept in a conflict (Consumer Wins): it may be intended."
			)
		elif changed_here:
			finding.reason = _("Changed last on this site.")
		return finding

	def files_of(self, event: Event, local: LocalKey) -> list[Shown]:
		"""Those of its files that are not the same here."""
		if not self.compared.files:
			return []
		return files_that_differ(parse_files(parse_data(event).get(FILES_KEY)), local, self.work)

	def finding(
		self,
		kind: str,
		event: Event,
		local: LocalKey | None,
		reason: str = "",
		logs: list[str] | None = None,
	) -> Finding:
		return Finding(
			kind,
			event["ref_doctype"],
			event["docname"],
			self.subscription.local_doctype,
			local[1] if local else "",
			frappe.utils.strip_html(reason)[:500],
			logs=logs or [],
		)


def own_changes_under_way(work: Work, subscription: Subscription, events: list[Event]) -> set[str]:
	"""Names of documents that this site has changed itself, if the producer takes them from it and has not yet."""
	if not two_way.tells_back(subscription.local_doctype, work):
		return set()
	known = [work.resolver.identities.of(remote_key(event)) for event in events]
	names = {each.local_name for each in known if each} | {event["docname"] for event in events}
	taken = two_way.heard_up_to(subscription.local_doctype, work.event_producer)
	log, found = frappe.qb.DocType(LOG), set()
	for some in create_batch(sorted(names), NAMES_AT_ONCE):
		query = (
			frappe.qb.from_(log)
			.select(log.docname)
			.where((log.ref_doctype == subscription.local_doctype) & log.docname.isin(some))
			.where((log.position == 0) | (log.position > taken))
			.where(log.origin.isnull() | (log.origin != work.event_producer))
		)
		found.update(str(name) for name in query.run(pluck=True))
	return found

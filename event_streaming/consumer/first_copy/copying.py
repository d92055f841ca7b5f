"""First copy: brings over the documents that exist on a producer already, in the order of their names.

They come as pages of made-up Creates and go the way of every event: mapping, dependencies, naming, permissions. A page is
read and applied under the pull's lock, so that it is never older than what has been applied; the position of each
document keeps events that are contained in it from being applied to it again. What is here already is not touched, so that
a copy can be run again; nor does it travel again: see known.py. Between two pages the ordinary pull gets its turn.
"""

import time
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import frappe
from frappe.utils import cint, now_datetime

from event_streaming.consumer.apply.page import prepare
from event_streaming.consumer.apply.step import give_up, try_event
from event_streaming.consumer.apply.work import Work, open_work
from event_streaming.consumer.first_copy.known import known_after
from event_streaming.consumer.first_copy.linking import match_first
from event_streaming.consumer.first_copy.scope import as_list, scope_of, wanted_subscriptions, why_left_alone
from event_streaming.consumer.logs import state
from event_streaming.consumer.logs.state import PullState
from event_streaming.consumer.logs.sync_log import OPEN, SYNCED, WAITING
from event_streaming.consumer.pull import loop, requests
from event_streaming.consumer.resolve.local_names import existing_names
from event_streaming.consumer.subscriptions import registration
from event_streaming.consumer.subscriptions.fetched import FetchedDocuments
from event_streaming.consumer.subscriptions.remote import Producer
from event_streaming.consumer.subscriptions.subscription import subscriptions_of
from event_streaming.consumer.tasks import task
from event_streaming.consumer.tasks.slices import Slice, request
from event_streaming.consumer.tasks.task import Task
from event_streaming.consumer.unit_of_work.groups import Handling, apply_in_groups
from event_streaming.consumer.workers.crew import pull_lock
from event_streaming.exceptions import EventStreamingError, RemoteUnavailable
from event_streaming.identity.registry import LINKED, LOST, LocalKey, RemoteKey
from event_streaming.messages.coded import _
from event_streaming.wire.checks import InvalidPage
from event_streaming.wire.digests import names_of, parse_shape
from event_streaming.wire.events import FILES_KEY, Event, parse_data, remote_key
from event_streaming.wire.files import parse_files
from event_streaming.wire.pages import PROTOCOL, CopyPage

# what became of a document, besides what becomes of events
HERE = "Here"
# a pull that is running is waited for so long
WAIT_SECONDS = 30
# meanwhile events go on arriving: the pull gets its turn so often, and so long
PULL_EACH, PULL_FOR = 5.0, 20
MOST_WARNINGS = 50


# ---- what a person asks for


def start_copy(
	event_producer: str, doctypes: str | Iterable[str] | None = None, filters: Any = None
) -> dict[str, Any]:
	"""Copy existing documents in the background; returns the progress. See `begin`."""
	copy = begin(event_producer, doctypes, filters)
	request(copy.name)
	return task.as_progress(copy)


def get_copy_progress(event_producer: str) -> dict[str, Any] | None:
	"""How far the last copy from a producer has got; None when there was none."""
	return task.as_progress(task.latest(event_producer, task.COPY))


def stop_copy(event_producer: str) -> bool:
	"""Stop the copy that is under way; returns whether there was one. Begun again, it passes over what is here."""
	return task.stop(event_producer, task.COPY)


def begin(event_producer: str, doctypes: str | Iterable[str] | None = None, filters: Any = None) -> Task:
	"""A task that copies existing documents; it does nothing yet.

	`doctypes` are those of the producer's rows, by default all that are approved. `filters`, in terms of the producer's
	fields, are for one DocType, or {DocType: filters}. Raises frappe.ValidationError with what to do.
	"""
	doc = frappe.get_doc("Event Producer", event_producer)
	wanted = wanted_subscriptions(doc, as_list(doctypes))
	return task.start(task.COPY, doc.name, scope_of(wanted, filters))


def begin_wanted() -> list[str]:
	"""Begin the copies that rows ask for (Copy Existing Documents) and that were approved since; returns the tasks."""
	row, parent = frappe.qb.DocType("Event Producer Document Type"), frappe.qb.DocType("Event Producer")
	query = (
		frappe.qb.from_(row)
		.join(parent)
		.on(row.parent == parent.name)
		.select(row.name, row.parent)
		.where((row.copy_existing == 1) & row.copied_on.isnull() & (row.parenttype == "Event Producer"))
		.where((row.status == "Approved") & (row.unsubscribe == 0) & (parent.paused == 0))
	)
	rows: dict[str, list[str]] = {}
	# locked only where there are any: the minute's sweep and the job that an approval asks for may come at once
	for name, event_producer in query.run() and query.for_update().run():
		rows.setdefault(event_producer, []).append(name)
	begun = []
	for event_producer, names in rows.items():
		before = task.latest(event_producer, task.COPY)
		if not before or not before.active:
			begun.append(begin_rows(event_producer, names))
	return begun


def begin_rows(event_producer: str, names: list[str]) -> str:
	doc = frappe.get_doc("Event Producer", event_producer)
	wanted, subscriptions = [], subscriptions_of(doc)
	for row in doc.producer_doctypes:
		if row.name in names:
			wanted += [
				each
				for each in subscriptions.values()
				if each.local_doctype == row.ref_doctype and (each.mapping or None) == (row.mapping or None)
			]
			row.db_set("copied_on", now_datetime(), update_modified=False)
	return task.start(task.COPY, doc.name, scope_of(wanted, None)).name


# ---- a slice


def copy_slice(part: Slice, doc, producer: Producer) -> bool:
	"""Page after page until the end or the deadline; returns whether all is done."""
	kept = registration.ensure_registered(doc, producer, state.load_state(doc.name))
	if kept.protocol < PROTOCOL:
		raise EventStreamingError(
			_("{0} runs the older app, which can't give existing documents: install this one there.").format(
				doc.name
			)
		)
	if not part.task.place:
		if not match_what_is_here(part, doc, producer):
			return False
		count_all(part.task, doc, producer)
	part.measure()
	pulled = 0.0
	while current(part.task):
		if loop.is_wanted(doc.name) or time.monotonic() - pulled >= PULL_EACH:
			let_pull(doc.name)
			pulled = time.monotonic()
		if not part.see_that_line_is_free(current(part.task), producer.line):
			return False
		with pull_lock(doc.name, WAIT_SECONDS) as taken:
			if not taken:
				return False
			# what is read from here on has what the last pull committed
			frappe.db.commit()
			doc, kept = frappe.get_doc("Event Producer", doc.name), state.load_state(doc.name)
			copy_page(part, doc, producer, kept)
		part.tell()
		if not task.is_active(part.task):
			return True
		if part.over:
			return not current(part.task)
	return True


def match_what_is_here(part: Slice, doc, producer: Producer) -> bool:
	"""Before anything is copied, what rows with Match By have on both sites is linked; returns whether that is done."""

	def goes_on() -> bool:
		part.tell()
		return not part.over and task.is_active(part.task)

	known = subscriptions_of(doc)
	wanted = [
		known[remote] for remote in part.task.scope["doctypes"] if not why_left_alone(known, remote, doc.name)
	]
	done = match_first(part.task.report, doc, producer, wanted, goes_on)
	task.save_progress(part.task)
	frappe.db.commit()
	return done or not task.is_active(part.task)


def let_pull(event_producer: str) -> None:
	"""Events go on arriving during a copy, and what is behind comes before what is copied."""
	done = loop.pull(event_producer, seconds=PULL_FOR)
	if done.goes_on and loop.is_wanted(event_producer):
		# whoever was told to wait for it
		requests.request_pull(event_producer)


def count_all(copy: Task, doc, producer: Producer) -> None:
	"""How many documents there are to look at, for the progress that is shown."""
	filters, known = copy.scope["filters"], subscriptions_of(doc)
	copy.total = sum(
		producer.count_documents(remote, filters.get(remote))
		for remote in copy.scope["doctypes"]
		if not why_left_alone(known, remote, doc.name)
	)
	copy.place = {"number": 0, "after": ""}
	task.save_progress(copy)
	frappe.db.commit()


def current(copy: Task) -> str | None:
	"""The DocType on the producer that is being copied; None at the end."""
	number = cint(copy.place.get("number"))
	return copy.scope["doctypes"][number] if number < len(copy.scope["doctypes"]) else None


def copy_page(part: Slice, doc, producer: Producer, kept: PullState) -> None:
	"""Read one page and apply it. The pull's lock is held, so that nothing newer has been applied."""
	remote, place = current(part.task), part.task.place
	# the time zone of the page before, as that of this one is not known yet
	zone = place.get("time_zone") or kept.remote_time_zone or ""
	work = open_work(doc, producer, kept.protocol, zone)
	if reason := why_left_alone(work.subscriptions, remote, doc.name):
		# a person has decided it since: the others come all the same
		warn(part.task, reason)
		next_doctype(part.task)
		frappe.db.commit()
		return
	known = (
		known_after(work, remote, place["after"], place.get("without") or []) if can_compare(place) else None
	)
	filters = part.task.scope["filters"].get(remote)
	page = producer.get_copy_page(remote, place["after"], kept.position_of(remote), filters, known=known)
	if page["paused"]:
		raise RemoteUnavailable(_("The producer's administrator has paused this site."))
	if known and keep_what_it_lacks(part.task, page, names_of(parse_shape(known["shape"]))):
		return
	if page["time_zone"] and page["time_zone"] != zone:
		before, work = work, open_work(doc, producer, kept.protocol, page["time_zone"])
		if known and page["without"] is not None and work.time_zone != before.time_zone:
			# what was compared were other times: asked again, in the zone that is kept now
			return
	events = page["events"]
	work.brought, work.quiet = as_documents(events), True
	prepare(work, events)
	read = {key for key, identity in work.resolver.identities.read.items() if identity}
	copier = Copier(part, events, existing(work), read)
	if not apply_in_groups(work, events, copier, part.deadline, Handling(prepare, copier.deal, give_up)):
		return
	copier.page_done(page)
	frappe.db.commit()


def next_doctype(copy: Task) -> None:
	can = can_compare(copy.place)
	copy.place = {"number": copy.place["number"] + 1, "after": "", "without": [] if can else None}
	task.save_progress(copy)


def warn(copy: Task, text: str) -> None:
	warnings = copy.report.setdefault("warnings", {})
	if text in warnings or len(warnings) < MOST_WARNINGS:
		warnings[text] = warnings.get(text, 0) + 1


def can_compare(place: dict[str, Any]) -> bool:
	"""Whether the producer is asked to compare what is here: until it has shown that it can't."""
	return place.get("without", []) is not None


def keep_what_it_lacks(copy: Task, page: CopyPage, asked: list[str]) -> bool:
	"""Keep what the producer says of the fields that are compared, those `asked`; whether the page has to be asked for again without those
	that it lacks."""
	before = copy.place.get("without") or []
	lacking = page["without"]
	if lacking and not set(lacking).issubset(asked):
		raise InvalidPage("The producer lacks fields that it was not asked for.")
	copy.place = {
		**copy.place,
		"time_zone": page["time_zone"],
		"without": None if lacking is None else [*before, *dict.fromkeys(lacking)],
	}
	task.save_progress(copy)
	frappe.db.commit()
	return bool(lacking)


def as_documents(events: list[Event]) -> FetchedDocuments:
	"""The page's documents as if fetched: those that need each other are not asked for again."""
	found = FetchedDocuments()
	for event in events:
		try:
			data = parse_data(event)
			found.files[remote_key(event)] = parse_files(data.pop(FILES_KEY, None))
		except InvalidPage:
			# it fails with its own event
			continue
		found.documents[remote_key(event)] = data
		found.positions[remote_key(event)] = event["position"]
		if event["root"]:
			found.roots[remote_key(event)] = event["root"]
	return found


def existing(work: Work) -> set[LocalKey]:
	"""Local documents that stand for some of the page and are there: a query for each DocType."""
	wanted: dict[str, set[str]] = {}
	for doctype, name in [
		*(
			(known.local_doctype, known.local_name)
			for known in work.resolver.identities.read.values()
			if known
		),
		*filter(None, work.resolver.seen.roots.values()),
	]:
		wanted.setdefault(doctype, set()).add(name)
	return {(doctype, name) for doctype, names in wanted.items() for name in existing_names(doctype, names)}


@dataclass
class Copier:
	"""Deals with the documents of one page, and marks in the task how far it has got."""

	part: Slice
	events: list[Event]
	existing: set[LocalKey]
	known: set[RemoteKey]
	done_before: int = field(init=False)

	def __post_init__(self):
		self.done_before = self.part.task.done

	def deal(self, event: Event, work: Work) -> str:
		"""Bring one document, unless it is here already. Only what fails gets a row in Event Sync Log."""
		key = remote_key(event)
		if key in work.held_back:
			return WAITING
		resolver = work.resolver
		local = resolver.find(key, event["root"], work.subscriptions[event["ref_doctype"]])
		known = resolver.identities.of(key)
		if known and known.covered_to in (LINKED, LOST):
			# linked by Match By, or not known to be there any more: what is here is the producer's, and gets its values
			local = None
		if resolver.is_deleted_here(key, event["root"]):
			# what has its name is another one
			local = None
		if local and (local in self.existing or (resolver.identity(key) and key not in self.known)):
			if not resolver.identity(key):
				resolver.keep(key, local, event["root"])
				work.log.event.event_done()
			return HERE
		outcome = try_event(event, work, attempts=1)
		if outcome.status in OPEN:
			work.log.add(event, outcome)
			work.held_back.add(key)
		for warning in outcome.warnings:
			warn(self.part.task, warning)
		return HERE if outcome.status == SYNCED and not outcome.local_name else outcome.status

	def write(self, upto: int, statuses: list[str]) -> None:
		copy = self.part.task
		copy.place = {**copy.place, "after": self.events[upto - 1]["docname"]}
		copy.done = self.done_before + upto
		copy.made += statuses.count(SYNCED)
		copy.here += statuses.count(HERE)
		copy.failed += sum(status in OPEN for status in statuses)
		self.part.measure()
		task.save_progress(copy)

	def committed(self, upto: int, statuses: list[str]) -> None:
		self.part.tell()

	def page_done(self, page: CopyPage) -> None:
		copy = self.part.task
		copy.done = self.done_before + max(page["looked_at"], len(self.events))
		copy.here += page["same"] + len(page["differing"])
		for _name in page["differing"]:
			warn(copy, _("Is not as on the producer, and was left as it is: Verify shows what differs."))
		if page["has_more"]:
			copy.place = {**copy.place, "after": page["after"]}
			task.save_progress(copy)
		else:
			next_doctype(copy)

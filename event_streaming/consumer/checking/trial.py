"""A trial: the first documents of a row are applied for real, in a rehearsal that takes all of it back, and what they say is kept.

They go the way of a copy: mapping, dependencies, naming, permissions, life cycle. Attached files are left out. Ten seconds at most
are spent on a row, because others of this site may wait for what its documents lock: counters of names, stock, ledgers.
"""

import time
from dataclasses import dataclass, field

import frappe

from event_streaming.consumer.apply.page import prepare
from event_streaming.consumer.apply.step import try_event
from event_streaming.consumer.apply.work import Work, open_work
from event_streaming.consumer.checking.untouched_files import UntouchedFiles
from event_streaming.consumer.first_copy.copying import as_documents
from event_streaming.consumer.logs.state import PullState
from event_streaming.consumer.logs.sync_log import CONFLICT, OPEN
from event_streaming.consumer.subscriptions.remote import Producer
from event_streaming.consumer.unit_of_work.groups import is_events_fault
from event_streaming.consumer.unit_of_work.lost_transaction import is_lost_transaction
from event_streaming.consumer.unit_of_work.rehearsal import rehearsal
from event_streaming.consumer.unit_of_work.savepoint import explain
from event_streaming.exceptions import RemoteUnavailable
from event_streaming.messages.coded import _
from event_streaming.wire.events import Event, remote_key

DOCUMENTS = 50
SECONDS = 10.0
# transactions that hooks have ended, before the rest is left
MOST_LOST = 5


@dataclass
class Trial:
	"""What came of the first documents of one DocType. `failed` and `warned` are (document, text)."""

	tried: int = 0
	fits: int = 0
	here: int = 0
	seconds: float = 0.0
	failed: list[tuple[str, str]] = field(default_factory=list)
	warned: list[tuple[str, str]] = field(default_factory=list)
	# statements that would have ended the transaction
	refused: list[str] = field(default_factory=list)
	withheld: dict[str, int] = field(default_factory=dict)
	escaped: bool = False
	documents: list[dict] = field(default_factory=list)


def try_first(doc, producer: Producer, kept: PullState, remote: str) -> Trial:
	"""Try the first documents that a copy of a DocType would bring; `producer.trial` is set. The pull's lock is held.

	Raises the Remote* errors. What is open in the transaction is lost.
	"""
	began, trial = time.monotonic(), Trial()
	page = producer.get_copy_page(remote, "", kept.position_of(remote), None, limit=DOCUMENTS)
	if page["paused"]:
		raise RemoteUnavailable(_("The producer's administrator has paused this site."))
	events = page["events"][:DOCUMENTS]
	work = open_work(doc, producer, kept.protocol, page["time_zone"] or kept.remote_time_zone or "")
	work.brought, work.quiet = as_documents(events), True
	work.files = UntouchedFiles(work, work.log.event)
	trial.documents = [dict(each) for each in work.brought.documents.values()]
	if remote in work.subscriptions and events:
		with rehearsal() as tried:
			apply_all(work, events, trial)
		trial.escaped, trial.refused, trial.withheld = tried.escaped, tried.refused, tried.withheld.counts
	trial.seconds = time.monotonic() - began
	return trial


def apply_all(work: Work, events: list[Event], trial: Trial) -> None:
	"""Document after document until the last, or until the time is over; a hook may end the transaction a few times."""
	deadline, lost, number = time.monotonic() + SECONDS, 0, 0
	while number < len(events) and lost < MOST_LOST and time.monotonic() < deadline:
		try:
			with work.log.group(together=False):
				together = looked_up(work, events[number:])
				while number < len(events) and time.monotonic() < deadline:
					event, number = events[number], number + 1
					apply_one(work, event, trial, together)
		except Exception as error:
			if not is_lost_transaction(error):
				raise
			lost += 1
			text = explain(error)
			frappe.db.rollback()
			frappe.local.message_log = []
			# the one that it happened to; while they were looked up, the first of them
			number = max(number, 1)
			name = events[number - 1]["docname"]
			if name not in (failed for failed, _text in trial.failed):
				trial.failed.append((name, text))
	trial.tried = trial.fits + trial.here + len(trial.failed)


def looked_up(work: Work, events: list[Event]) -> bool:
	"""Look up what the documents need; False: one of them can't be read, and each has to be looked up by itself."""
	try:
		prepare(work, events)
	except Exception as error:
		if not is_events_fault(error):
			raise
		return False
	return True


def apply_one(work: Work, event: Event, trial: Trial, together: bool) -> None:
	"""One document; what it says is noted."""
	name, key = event["docname"], remote_key(event)
	try:
		if not together:
			prepare(work, [event])
	except Exception as error:
		if not is_events_fault(error):
			raise
		trial.failed.append((name, explain(error)))
		return
	local = work.resolver.find(key, event["root"], work.subscriptions[event["ref_doctype"]])
	if local and work.resolver.exists(local) and not work.resolver.is_deleted_here(key, event["root"]):
		trial.here += 1
		return
	outcome = try_event(event, work, attempts=1)
	trial.warned += [(name, frappe.utils.strip_html(warning)) for warning in outcome.warnings]
	if outcome.status in OPEN:
		text = (outcome.error or "").strip().split("\n")[0]
		trial.failed.append((name, text or _(CONFLICT)))
		work.held_back.add(key)
	else:
		trial.fits += 1

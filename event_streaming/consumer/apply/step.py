"""One event of a page: held back behind an earlier one, known already, applied, or kept for later; and its row in Event
Sync Log."""

from dataclasses import replace

import frappe

from event_streaming.consumer.apply.event import apply_event, subscription_for
from event_streaming.consumer.apply.outcomes import as_one, composed
from event_streaming.consumer.apply.page import prepare
from event_streaming.consumer.apply.work import Work
from event_streaming.consumer.folding.runs import Folded, became, is_composed, is_folded, steps_of
from event_streaming.consumer.logs.sync_log import OPEN, SYNCED, WAITING, Outcome
from event_streaming.consumer.unit_of_work.groups import Handling, Obstacle, OneByOne
from event_streaming.consumer.unit_of_work.savepoint import attempt, failure
from event_streaming.exceptions import NotAsOne, StepsNeeded
from event_streaming.identity.registry import RemoteKey
from event_streaming.messages.coded import _
from event_streaming.wire.events import CREATE, Event, keys_of, remote_key


def deal_with(event: Event, work: Work) -> str:
	"""Apply an event, or those that it stands for, or keep them for later; adds their rows to the group's log and returns the
	row's status.

	Raises only when the transaction is lost.
	"""
	if is_composed(event):
		return deal_with_composed(event, work)
	if not is_folded(event):
		return deal_with_one(event, work)
	return became(event, try_as_one(event, work) or [deal_with_one(step, work) for step in steps_of(event)])


def try_as_one(event: Folded, work: Work) -> list[str]:
	"""Apply several events of a document as one; the statuses of their rows. None of it is done, and the answer is [], where they
	have to be dealt with one by one: then it shows which of them fails, and what came before that stays.

	Raises OneByOne where that goes beyond them: other events have been made together with one of them.
	"""
	steps = steps_of(event)
	is_open = remote_key(event) in work.held_back
	if is_open or any((step["id"], step["creation"]) in work.known for step in steps):
		return one_by_one(event)
	outcome = attempt(event, work, 1, apply_as_one)
	if outcome.status != SYNCED:
		return one_by_one(event)
	for step, done in zip(steps, as_one(steps, outcome), strict=True):
		work.log.add(step, done)
	return [SYNCED] * len(steps)


def one_by_one(event: Folded) -> list[str]:
	if not event["each_alone"]:
		raise OneByOne
	return []


def apply_as_one(event: Event, work: Work) -> Outcome:
	"""Raises NotAsOne where one of the steps meets something that it has to meet by itself, and as `apply_event`."""
	about = work.resolver.about(event, subscription_for(event, work))
	if event["update_type"] == CREATE:
		fits = not about.is_here and not about.identity and not about.local
	else:
		in_order = about.covered_to < event["position"] and about.key not in work.gaps
		fits = about.is_here and in_order and not about.is_only_linked
	if not fits:
		raise NotAsOne()
	outcome = apply_event(event, work)
	if outcome.given is None:
		# the document is not what the producer has
		raise NotAsOne()
	return outcome


def deal_with_one(event: Event, work: Work) -> str:
	"""The same for a single event."""
	if (event["id"], event["creation"]) in work.known:
		return SYNCED
	if work.held_back.intersection(keys_of(event)):
		outcome = waiting(event, work)
	else:
		outcome = try_event(event, work, attempts=1)
	work.log.add(event, outcome)
	if outcome.status in OPEN:
		work.held_back.update(keys_of(event))
	return outcome.status


def deal_with_composed(event: Event, work: Work) -> str:
	"""Apply what several changes there have made together. Raises StepsNeeded, with nothing of it done, where they have to come one by
	one: then it shows which of them meets what, and what came before that stays."""
	if (event["id"], event["creation"]) in work.known:
		return SYNCED
	if work.held_back.intersection(keys_of(event)):
		raise StepsNeeded(remote_key(event))
	outcome = try_composed(event, work)
	if outcome.status != SYNCED:
		raise StepsNeeded(remote_key(event))
	work.log.add(event, outcome)
	return outcome.status


def try_composed(event: Event, work: Work) -> Outcome:
	"""Apply such an event inside of a savepoint; anything but Synced says that it has to come in steps."""
	return attempt(event, work, 1, apply_composed)


def apply_composed(event: Event, work: Work) -> Outcome:
	"""Raises NotAsOne where one of the changes meets something that it has to meet by itself, and as `apply_event`.

	From then on all of them are contained in the document: they may come again, one by one or otherwise put together.
	"""
	about = work.resolver.about(event, subscription_for(event, work))
	if about.covers(event["position"]):
		return composed(event, apply_event(event, work))
	if max(about.covered_to, work.taken_to.get(about.key, 0)) >= event["changes_from"]:
		# some of them are in the document already: what it held before the first is not what it has to hold now
		raise NotAsOne()
	outcome = apply_event(event, work)
	if outcome.given is None or not outcome.local_name:
		raise NotAsOne()
	now = work.resolver.identities.of(about.key)
	covered_to = max(event["position"], work.resolver.covered_to(about.key))
	root = event["root"] or (now.root if now else None)
	work.resolver.keep(about.key, (outcome.local_doctype, str(outcome.local_name)), root, covered_to)
	return composed(event, outcome)


def try_event(event: Event, work: Work, attempts: int) -> Outcome:
	"""Apply one event inside of a savepoint, see `attempt`; `attempts` counts this one."""
	return attempt(event, work, attempts, apply_event)


def give_up(event: Event, work: Work, error: Exception) -> str:
	"""An event can't even be tried: its transaction is given up again and again, or looking up what it needs fails. Let it
	wait for its retry, and go on."""
	if is_composed(event):
		raise StepsNeeded(remote_key(event)) from error
	outcome = failure(event, work, error, frappe.get_traceback(), attempts=1)
	work.log.add(event, outcome)
	work.held_back.update(keys_of(event))
	return outcome.status


def waiting(event: Event, work: Work) -> Outcome:
	"""An earlier event of the same document has not been applied: this one stands behind it."""
	subscription = work.subscriptions.get(event["ref_doctype"])
	return Outcome(
		status=WAITING,
		local_doctype=subscription.local_doctype if subscription else event["ref_doctype"],
		done=_("Waits for an earlier event of {0} {1}").format(*remote_key(event)),
		use_same_name=bool(subscription and subscription.use_same_name),
		mapping=subscription.mapping if subscription else None,
	)


def wait_for_each_other(events: list[Event], work: Work) -> bool:
	"""Whether the events of a transaction take effect together or not at all: a row of one of them says so."""
	rows = (work.subscriptions.get(event["ref_doctype"]) for event in events)
	return any(row.together for row in rows if row)


def set_aside(event: Event, work: Work, obstacle: Obstacle) -> str:
	"""Keep an event for later because of another one of its transaction, or of itself."""
	if is_folded(event):
		return became(event, [set_aside(step, work, obstacle) for step in steps_of(event)])
	if (event["id"], event["creation"]) in work.known:
		return SYNCED
	if is_composed(event):
		raise StepsNeeded(remote_key(event))
	if event is obstacle.event and obstacle.outcome:
		outcome = obstacle.outcome
	elif work.held_back.intersection(keys_of(event)):
		outcome = waiting(event, work)
	else:
		outcome = waiting_for_another(event, work, remote_key(obstacle.event))
	work.log.add(event, outcome)
	work.held_back.update(keys_of(event))
	return outcome.status


def waiting_for_another(event: Event, work: Work, key: RemoteKey) -> Outcome:
	"""Another event of the same transaction has not been applied."""
	told = _("Waits for {0} {1}, which was changed in the same transaction").format(*key)
	return replace(waiting(event, work), done=told)


# how the events of a page are handled
OF_A_PAGE = Handling(prepare, deal_with, give_up, wait_for_each_other, set_aside, steps_of)

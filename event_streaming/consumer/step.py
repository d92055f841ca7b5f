"""One event of a pull: held back, known already, applied, or failed; and its row in Event Sync Log.

Everything an event does to the database happens inside its own savepoint, so that it takes effect whole or not at all.
"""

import random
from datetime import timedelta

import frappe
from frappe import _
from frappe.utils import now_datetime

from event_streaming.consumer import sync_log
from event_streaming.consumer.apply import apply_event
from event_streaming.consumer.page import Work, keys_of, may_be_known, remote_key
from event_streaming.consumer.sync_log import CONFLICT, FAILED, OPEN, RETRYING, SYNCED, WAITING, Outcome
from event_streaming.exceptions import CannotApply, ConflictToSettle, NameTaken, RefusedDocType
from event_streaming.settings import get_settings
from event_streaming.wire import Event, InvalidPage

SAVEPOINT = "event_streaming_event"
FIRST_RETRY = 60
LONGEST_RETRY = 12 * 3600
# the database has rolled back the whole transaction, or may have: savepoints are gone
LOST_TRANSACTION = (1020, 1205, 1213, 2006, 2013)
LOST_TRANSACTION_SQLSTATES = ("40001", "40P01", "55P03")
# trying again changes nothing until a person does
PERMANENT = (CannotApply, NameTaken, RefusedDocType, InvalidPage)


def deal_with(event: Event, work: Work) -> str:
	"""Apply an event, or keep it for later; writes its Event Sync Log row and returns the row's status.

	Raises only when the transaction is lost.
	"""
	if may_be_known(event) and (event["id"], event["creation"]) in work.known:
		return SYNCED
	if work.held_back.intersection(keys_of(event)):
		outcome = waiting(event, work)
	else:
		outcome = attempt(event, work, attempts=1)
	sync_log.write(work.event_producer, event, outcome)
	if outcome.status in OPEN:
		work.held_back.update(keys_of(event))
	return outcome.status


def attempt(event: Event, work: Work, attempts: int) -> Outcome:
	"""Apply an event inside a savepoint; a failure is undone whole and becomes an outcome.

	`attempts` counts this one. Raises only when the transaction is lost.
	"""
	frappe.db.savepoint(SAVEPOINT)
	try:
		outcome = apply_event(event, work)
		frappe.db.release_savepoint(SAVEPOINT)
	except Exception as error:
		if is_lost_transaction(error):
			raise
		trace = frappe.get_traceback()
		frappe.db.rollback(save_point=SAVEPOINT)
		return failure(event, work, error, trace, attempts)
	work.event_done()
	frappe.local.message_log = []
	return outcome


def give_up(event: Event, work: Work, error: Exception) -> str:
	"""The database has given up the event's transaction again and again: let it wait for its retry, and go on."""
	outcome = failure(event, work, error, frappe.get_traceback(), attempts=1)
	sync_log.write(work.event_producer, event, outcome)
	work.held_back.update(keys_of(event))
	return outcome.status


def failure(event: Event, work: Work, error: Exception, trace: str, attempts: int) -> Outcome:
	"""What is to become of an event whose changes have been undone."""
	work.event_undone()
	message = explain(error)
	frappe.local.message_log = []
	subscription = work.subscriptions.get(event["ref_doctype"])
	if isinstance(error, ConflictToSettle):
		return Outcome(
			status=CONFLICT,
			local_doctype=subscription.local_doctype,
			error=str(error),
			use_same_name=subscription.use_same_name,
			mapping=subscription.mapping,
			conflicts=error.conflicts,
		)
	final = isinstance(error, PERMANENT) or attempts >= get_settings().max_attempts
	return Outcome(
		status=FAILED if final else RETRYING,
		local_doctype=subscription.local_doctype if subscription else event["ref_doctype"],
		error=f"{message}\n\n{trace}",
		next_retry=None if final else next_retry(attempts),
		use_same_name=bool(subscription and subscription.use_same_name),
		mapping=subscription.mapping if subscription else None,
	)


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


def explain(error: Exception) -> str:
	"""The error as a person would say it: Frappe's messages first, they name the field and the document."""
	messages = []
	for entry in frappe.local.message_log or []:
		entry = frappe.parse_json(entry) if isinstance(entry, str) else entry
		text = frappe.utils.strip_html(str((entry or {}).get("message") or "")).strip()
		if text:
			messages.append(text)
	text = str(error).strip()
	if text and frappe.utils.strip_html(text).strip() not in messages:
		messages.append(frappe.utils.strip_html(text).strip())
	return f"{type(error).__name__}: {' · '.join(messages)}" if messages else type(error).__name__


def next_retry(attempts: int):
	"""The stored time of the next try: exponential back-off with jitter, from a minute to half a day."""
	longest = min(LONGEST_RETRY, FIRST_RETRY * 2 ** min(attempts - 1, 12))
	return now_datetime() + timedelta(seconds=longest * random.uniform(0.5, 1.0))


def is_lost_transaction(error: BaseException | None) -> bool:
	"""Whether the database has given up the transaction (deadlock, lock time-out, error 1020, lost connection)."""
	while error is not None:
		if isinstance(error, frappe.QueryDeadlockError | frappe.QueryTimeoutError):
			return True
		code = error.args[0] if error.args else None
		if (
			isinstance(error, frappe.db.OperationalError | frappe.db.InternalError)
			and code in LOST_TRANSACTION
		):
			return True
		if getattr(error, "pgcode", None) in LOST_TRANSACTION_SQLSTATES:
			return True
		error = error.__cause__ or error.__context__
	return False

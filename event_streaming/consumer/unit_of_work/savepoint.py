"""One event of a pull: held back, known already, applied, or failed; and its row in Event Sync Log.

Everything an event does to the database happens inside its own savepoint, so that it takes effect whole or not at all.
"""

import random
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import frappe
from frappe.utils import now_datetime

from event_streaming.consumer.logs.causes import Cause, cause_of
from event_streaming.consumer.logs.open_causes import words_of
from event_streaming.consumer.logs.sync_log import CONFLICT, FAILED, RETRYING, Outcome
from event_streaming.consumer.unit_of_work.after_commit import AfterCommit
from event_streaming.consumer.unit_of_work.context import Context
from event_streaming.consumer.unit_of_work.lost_transaction import Watch, forget_lookups, is_lost_transaction
from event_streaming.exceptions import (
	AsItIsNow,
	CannotApply,
	ConflictToSettle,
	EventStreamingError,
	NameTaken,
	RefusedDocType,
	RemoteUnavailable,
	TransactionLost,
	WaitsForAnother,
)
from event_streaming.messages.coded import _
from event_streaming.messages.codes import CODE
from event_streaming.messages.kinds import code_of
from event_streaming.messages.markup import without_markup
from event_streaming.site.settings import get_settings
from event_streaming.wire.checks import InvalidPage
from event_streaming.wire.events import Event

SAVEPOINT = "event_streaming_event"
FIRST_RETRY = 60
LONGEST_RETRY = 12 * 3600
# what waits for another document is looked at again every quarter of an hour or so, however long that takes
TRIES_WHILE_WAITING = 5
Apply = Callable[[Event, Any], Outcome]
# trying again changes nothing until a person does
PERMANENT = (CannotApply, NameTaken, RefusedDocType, InvalidPage)
# a rule of this site, or a right, that stands against an event so often does hardly give way by itself
TRIES_BEFORE_SHOWN = 3
# of Frappe's, though they are called so: another process is at work, or what it links to is still to come
PASSING = (
	frappe.TimestampMismatchError,
	frappe.DocumentLockedError,
	frappe.LinkValidationError,
	frappe.DoesNotExistError,
)


def attempt(event: Event, work: Context, attempts: int, apply: Apply) -> Outcome:
	"""Apply an event inside a savepoint; a failure is undone whole and becomes an outcome.

	`attempts` counts this one; `apply` is how. The group's log is open. Raises only when
	the transaction is lost; a loss that a hook has hidden is found at the group's end.
	"""
	watch, left, saving = Watch(), AfterCommit(), frappe.flags.currently_saving
	before = len(saving)
	# what is said from here on is said of this event
	frappe.local.message_log, frappe.flags.error_message = [], None
	frappe.db.savepoint(SAVEPOINT)
	try:
		outcome = apply(event, work)
		if watch.rolled_back:
			raise TransactionLost(_("A hook of this site has rolled back while the event was being applied."))
	except Exception as error:
		if is_lost_transaction(error):
			raise
		trace = frappe.get_traceback()
		undo(watch, left, work, error)
		if isinstance(error, AsItIsNow):
			return attempt_as_it_is_now(event, work, attempts, apply)
		return failure(event, work, error, trace, attempts)
	finally:
		# Frappe leaves there what was inserted and what failed: every later save would search through all of it, and one of
		# the same document would pass for a part of this
		del saving[before:]
	work.log.event.event_done()
	frappe.local.message_log = []
	return outcome


def attempt_as_it_is_now(event: Event, work: Context, attempts: int, apply: Apply) -> Outcome:
	"""The second attempt at an event whose first is undone: `apply` takes the document as it is now and raises AsItIsNow no more."""
	work.log.event.event_undone()
	work.as_it_is_now = True
	try:
		return attempt(event, work, attempts, apply)
	finally:
		work.as_it_is_now = False


def undo(watch: Watch, left: AfterCommit, work: Context, error: Exception) -> None:
	"""Undo what the event has done, and nothing else. Raises TransactionLost, with the words of the event's own error, when
	what came before is gone with it."""
	if watch.rolled_back_first:
		told = _("A hook of this site has rolled back while the event was being applied.")
		raise TransactionLost(f"{told} {explain(error)}") from error
	if watch.committed:
		# what came before is committed with its rows, so that all that is open is this event's
		frappe.db.rollback()
		work.log.begin()
		return
	try:
		frappe.db.rollback(save_point=SAVEPOINT)
		forget_lookups()
	except Exception as gone:
		told = _("The event's savepoint is gone: a hook may have hidden a deadlock.")
		raise TransactionLost(f"{told} {explain(error)}") from gone
	left.withdraw()


def failure(event: Event, work: Context, error: Exception, trace: str, attempts: int) -> Outcome:
	"""What is to become of an event whose changes have been undone."""
	work.log.event.event_undone()
	message = naming(event, explain(error))
	subscription = work.subscriptions.get(event["ref_doctype"])
	local_doctype = subscription.local_doctype if subscription else event["ref_doctype"]
	cause = why(event, error, trace, local_doctype)
	frappe.local.message_log = []
	if isinstance(error, ConflictToSettle):
		return Outcome(
			status=CONFLICT,
			local_doctype=local_doctype,
			error=naming(event, str(error)),
			cause=cause,
			use_same_name=subscription.use_same_name,
			mapping=subscription.mapping,
			conflicts=error.conflicts,
		)
	# while the producer is away for days, what is fetched from it can't be had, and that is not the event's fault
	counted = not (work.away and isinstance(error, RemoteUnavailable))
	# another document's event that waits for a person may do so for long
	waits = isinstance(error, WaitsForAnother)
	exhausted = counted and not waits and attempts >= get_settings().max_attempts
	final = isinstance(error, PERMANENT) or exhausted
	# a person is told of it; it goes on being tried all the same, as what stands against it may be mended
	shown = final or (is_refusal(error) and attempts >= TRIES_BEFORE_SHOWN)
	return Outcome(
		status=FAILED if shown else RETRYING,
		local_doctype=local_doctype,
		error=f"{coded(message, error)}\n\n{trace}",
		cause=cause,
		next_retry=None if final else next_retry(min(attempts, TRIES_WHILE_WAITING) if waits else attempts),
		waits_for=error.key if waits else None,
		counted=counted,
		use_same_name=bool(subscription and subscription.use_same_name),
		mapping=subscription.mapping if subscription else None,
	)


def is_refusal(error: Exception) -> bool:
	"""Whether a rule or a right of this site stands against the event, and not a passing trouble."""
	if isinstance(error, EventStreamingError) or isinstance(error, PASSING):
		return False
	return isinstance(error, frappe.ValidationError | frappe.PermissionError)


def naming(event: Event, message: str) -> str:
	"""The message with the document that it is about, unless it names it."""
	if f"{event['ref_doctype']} {event['docname']}" in message:
		return message
	return f"{event['ref_doctype']} {event['docname']}: {message}"


def coded(message: str, error: Exception) -> str:
	"""The message with the code of the error's kind, unless it has one of its own: Frappe's errors have none."""
	return message if CODE.search(message) else f"{message} ({code_of(type(error).__name__)})"


def why(event: Event, error: Exception, trace: str, local_doctype: str) -> Cause:
	"""The cause of a failure: what it has in common with those of other documents."""
	# still with its markup: what is set apart in it is a name
	said = " · ".join(dict.fromkeys((*said_in_the_desk(), str(error).strip())))
	if isinstance(error, frappe.PermissionError) and not str(error).strip():
		said = explain(error).partition(": ")[2]
	# of another document, if that is what it waits for
	names = [event["docname"], *(error.key if isinstance(error, WaitsForAnother) else ())[1:]]
	return cause_of(
		f"{type(error).__name__}: {said}\n\n{trace}", local_doctype, names, words_of(local_doctype)
	)


def said_in_the_desk() -> list[str]:
	"""What a person would have been shown, with its markup."""
	messages = []
	for entry in frappe.local.message_log or []:
		entry = frappe.parse_json(entry) if isinstance(entry, str) else entry
		if text := str((entry or {}).get("message") or "").strip():
			messages.append(text)
	return messages


def explain(error: Exception) -> str:
	"""The error as a person would say it: Frappe's messages first, they name the field and the document."""
	messages = [text for each in said_in_the_desk() if (text := without_markup(each))]
	text = str(error).strip()
	if not text and isinstance(error, frappe.PermissionError):
		# Frappe has what is missing there; whose right it is, it does not say
		missing = without_markup(frappe.flags.error_message or "")
		text = _("{0} does not have the permission to do this on this site. {1}").format(
			frappe.session.user, missing
		)
	if text and without_markup(text) not in messages:
		messages.append(without_markup(text))
	return f"{type(error).__name__}: {' · '.join(messages)}" if messages else type(error).__name__


def next_retry(attempts: int):
	"""The stored time of the next try: exponential back-off with jitter, from a minute to half a day."""
	longest = min(LONGEST_RETRY, FIRST_RETRY * 2 ** min(attempts - 1, 12))
	return now_datetime() + timedelta(seconds=longest * random.uniform(0.5, 1.0))

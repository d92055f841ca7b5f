"""Evaluates a subscription's condition, and checks one before it is accepted.

A condition comes from another site and is not trusted. An expression sees `doc`, a read-only view of the document's
values, and a handful of plain functions (see expressions.py). `cmd: path.to.function`
calls a function of an app that is installed here, with `consumer`, `doc` and `update_log`; whatever it writes is
undone. Nothing here decides what happens to an event whose condition fails: see meeting.py.
"""

import inspect
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import frappe

from event_streaming.exceptions import EventStreamingError
from event_streaming.messages.coded import _
from event_streaming.producer.subscriptions.bounds import Budget, guarded
from event_streaming.producer.subscriptions.expressions import FUNCTIONS, View, hidden_asked_for, problem_in
from event_streaming.producer.subscriptions.hiding import Hidden
from event_streaming.producer.subscriptions.lookups import lookup_of
from event_streaming.site.address import public_url

COMMAND = "cmd:"
LONGEST = 2_000
FRAMEWORK_APPS = ("frappe", "monoframe")
SAVEPOINT = "event_streaming_condition"
# an app, a module and a function at least; nothing that begins with an underscore
PATH = re.compile(r"[A-Za-z]\w*(\.[A-Za-z]\w*){2,}", re.ASCII)


def meets(
	condition: str | None,
	doc: Any,
	consumer: Any = None,
	update_log: Any = None,
	hidden: Hidden | None = None,
) -> bool:
	"""Whether the document meets the condition; none is always met. Raises what the condition raises.

	Asked inside of `without_writing`: what a `cmd:` function writes is undone after each call. An expression does not see what is
	`hidden` from the consumer; a function is this site's own code.
	"""
	condition = (condition or "").strip()
	if not condition:
		return True
	if condition.startswith(COMMAND):
		try:
			return bool(_command(condition)(consumer=consumer, doc=doc, update_log=update_log))
		finally:
			# PostgreSQL refuses all that follows an error until then; and what one has written is nothing to the next
			_rollback_to(save_point=SAVEPOINT)
	# a field that the documents have no more would hold nothing, and nothing would be sent without a word
	check_expression(condition, _fieldnames(doc.doctype))
	if lookup := lookup_of(condition):
		return lookup.holds(vars(doc), hidden.secret_by_table[0] if hidden else ())
	# as globals: a local name is not seen inside a comprehension
	view = View(vars(doc), *(hidden.secret_by_table if hidden else ()))
	names = {**FUNCTIONS, **Budget().guards(), "doc": view}
	return bool(frappe.safe_eval(guarded(condition), names))


def columns_asked_for(condition: str | None, doctype: str) -> frozenset[str] | None:
	"""The columns of a document that a condition needs, where it can be looked up; None when it needs the whole document."""
	lookup = lookup_of((condition or "").strip())
	meta = frappe.get_meta(doctype)
	if not lookup or meta.issingle or not lookup.fields <= {*meta.get_valid_columns()} - {"doctype"}:
		return None
	return lookup.fields


def as_told(name: str, error: Exception, hidden: Hidden | None) -> str:
	"""What the consumer is told of a condition's error: where fields are hidden from it, not what the error says."""
	return error_as_told(f"{name}: {type(error).__name__}: {error}", hidden)[:500]


def error_as_told(error: str, hidden: Hidden | None) -> str:
	if not hidden or not hidden.secret:
		return error
	return _("the reason is on the Event Consumer and in the Error Log of {0}").format(public_url())


@contextmanager
def without_writing() -> Iterator[None]:
	"""Undoes whatever a `cmd:` function writes while it decides.

	One that commits or rolls back fails: it would take with it what the page has written so far. Nor is anything that it shows to a
	person shown to the consumer.
	"""
	database = frappe.local.db
	frappe.db.savepoint(SAVEPOINT)
	database.commit, database.rollback = _may_not_end, _rollback_to
	told = len(frappe.local.message_log or ())
	try:
		yield
	finally:
		del database.commit, database.rollback
		del (frappe.local.message_log or [])[told:]
		frappe.db.rollback(save_point=SAVEPOINT)


def _may_not_end(**_options) -> None:
	raise EventStreamingError(_("A condition may neither commit nor roll back."))


def _rollback_to(*, save_point: str | None = None, **_options) -> None:
	if not save_point:
		_may_not_end()
	frappe.db.sql(f"rollback to savepoint {save_point}")


def check(condition: str | None, doctype: str, hidden: Hidden | None = None) -> None:
	"""Refuse, with what is wrong, a condition that can't or may not be evaluated for documents of a DocType here.

	Nobody has read it yet: no module of its choice is imported. `check_function` does that when it is approved. Nor may one ask for
	what is `hidden` from the consumer: it could guess the values by what comes.
	"""
	condition = (condition or "").strip()
	if not condition:
		return
	if len(condition) > LONGEST:
		frappe.throw(_("The condition is longer than {0} characters.").format(LONGEST))
	if condition.startswith(COMMAND):
		_path(condition)
	else:
		check_expression(condition, _fieldnames(doctype))
		if hidden and (name := hidden_asked_for(condition, *hidden.secret_by_table)):
			frappe.throw(
				_(
					"The condition for {0} asks for {1}, which is not sent to the consumer: it could tell by it what the field holds. Change the condition, or have the field sent."
				).format(doctype, name)
			)


def check_function(condition: str | None) -> None:
	"""Refuse a `cmd:` condition whose function is not there or can't be called. For who approves it: its module is imported."""
	condition = (condition or "").strip()
	if condition.startswith(COMMAND):
		_command(condition)


def _fieldnames(doctype: str) -> set[str] | None:
	"""What a condition may ask a document for; None where there is no such DocType to say it."""
	if not frappe.db.exists("DocType", doctype, cache=True):
		return None
	# asked of each event of a page: found once for each state of the DocType
	if not hasattr(frappe.local, "event_streaming_conditions"):
		frappe.local.event_streaming_conditions = {}
	kept, meta = frappe.local.event_streaming_conditions, frappe.get_meta(doctype)
	if doctype not in kept or kept[doctype][0] is not meta:
		columns = meta.get_valid_columns()
		kept[doctype] = meta, {"doctype", "name", *columns, *(df.fieldname for df in meta.fields)}
	return kept[doctype][1]


def check_expression(condition: str, fieldnames: set[str] | None = None) -> None:
	"""Only comparisons and plain functions over `doc`: see expressions.py."""
	if problem := problem_in(condition, fieldnames):
		frappe.throw(_("The condition {0} is not allowed: {1}.").format(condition, problem))


def _command(condition: str) -> Callable:
	"""The function that `cmd: path` names, if it may be called. Imports its module."""
	path = _path(condition)
	try:
		function = frappe.get_attr(path)
		inspect.signature(function).bind(consumer=None, doc=None, update_log=None)
	except (ImportError, AttributeError, ValueError):
		frappe.throw(_("The condition {0} names no function that can be found here.").format(condition))
	except TypeError:
		frappe.throw(
			_("The function of the condition {0} must take consumer, doc and update_log.").format(condition)
		)
	return function


def _path(condition: str) -> str:
	"""What `cmd:` names, if it looks like a function of an app that may be asked."""
	path = condition[len(COMMAND) :].strip()
	app = path.split(".", 1)[0]
	if app in FRAMEWORK_APPS or app not in frappe.get_installed_apps():
		frappe.throw(
			_(
				"The condition {0} must name a function of an app that is installed here, other than the framework."
			).format(condition)
		)
	if not PATH.fullmatch(path):
		frappe.throw(_("The condition {0} names no function that can be found here.").format(condition))
	return path

"""What the user of a consumer may do to Event Consumers, its own and others': what a registration may say, nothing else.

This is the one place for that decision. The controllers ask it before everything else, so that no road leads around it:
forms, REST, bulk edits, imports, scripts and our own functions all save, delete or rename the document. It holds for this
user also where it is a System Manager. What is refused stands in Event Streaming Audit Log.
"""

from typing import Any

import frappe
from frappe.model import no_value_fields, table_fields
from frappe.utils import cint

from event_streaming.messages.coded import _
from event_streaming.producer.subscriptions.streamed import CONSUMER, PENDING, ROWS
from event_streaming.site import audit
from event_streaming.site.roles import ADMINISTRATOR, has_only_as_subscriber

# what this site keeps for itself: no form and no registration writes back what it has read some time ago
COUNTERS = (
	"position",
	"taken_ahead",
	"sent_between",
	"transport",
	"last_contact",
	"notify_failures",
	"notify_after",
	"last_error",
	"token_state",
	"rotate_asked_on",
	"rotated_on",
	"listens",
)
# what the consumer says of itself
ITS_OWN = ("not_reachable", "protocol", "site_id", "other_site_id", "claimed_by")
# what it may say of a row; everything else on a row is this site's, whatever is added to it
WISHES = ("condition", "when_condition_ends", "unsubscribed")
# written back as they are stored, whoever saves
KEPT_ANYWAY = frozenset((*COUNTERS, *ITS_OWN, "incoming_change", "pending_doctypes"))
# of a row, what the feed notes down
NOTED = ("from_position", "condition_error", "withheld", "withheld_position", "open_spans")
KEPT_ON_ROWS = frozenset((*NOTED, "ref_doctype"))


def is_neighbour(*users: str | None) -> bool:
	"""Whether the session's user is one in whose name another site calls: one of `users`, or the user of any consumer.

	Administrator at the terminal is the person who looks after the machine.
	"""
	me = frappe.session.user
	if me == ADMINISTRATOR and not _from_outside():
		return False
	return me.lower() in {user.lower() for user in users if user} or bool(
		frappe.db.exists(CONSUMER, {"user": me})
	)


def hold_to_wishes(doc) -> None:
	"""Called by `validate` before all else: put back, or refuse, what a neighbour may not say.

	A registration (`flags.from_consumer`) has been through register.py, which writes wishes only. The older app's consumers
	send the whole document with `incoming_change`, statuses and all: there what is not theirs is put back without a word.
	"""
	if doc.flags.from_consumer or doc.flags.from_consumer_refused:
		return
	before = doc.get_doc_before_save()
	if not is_neighbour(doc.user, before and before.user):
		return
	if before is None:
		_refuse(doc, {}, {"callback_url": doc.callback_url, "user": doc.user})
	own = before.user.lower() == frappe.session.user.lower()
	doc.flags.the_older_way = own and bool(cint(doc.incoming_change))
	old, new = _beyond_wishes(doc, before)
	if not own:
		was, now = audit.differences(before, doc, KEPT_ANYWAY, {"consumer_doctypes": "ref_doctype"})
		old, new = {**was, **old}, {**now, **new}
	if not old and not new:
		return
	if not doc.flags.the_older_way:
		_refuse(doc, old, new)
	audit.record_refused(audit.TRIED, CONSUMER, doc.name, old, new)


def refuse_decision(doc, fieldname: str, value: Any) -> None:
	"""For what is decided without saving the document."""
	if is_neighbour(doc.user):
		_refuse(doc, {fieldname: doc.get(fieldname)}, {fieldname: value})


def refuse_removal(doc) -> None:
	"""Called by `on_trash`. Its own Event Consumer it may delete: registering again makes rows that are Pending."""
	if is_neighbour(doc.user) and (doc.user or "").lower() != frappe.session.user.lower():
		_refuse(doc, {"user": doc.user}, {"user": None})


def refuse_renaming(doc, new_name: str) -> None:
	if is_neighbour(doc.user):
		_refuse(doc, {"name": doc.name}, {"name": new_name})


def refuse_row_alone(row) -> None:
	"""A row of an Event Consumer is saved and removed with it, by anybody: by itself it would go round all that is checked."""
	old = {} if row.is_new() else {"status": frappe.db.get_value(ROWS, row.name, "status")}
	audit.record_refused(audit.TRIED, CONSUMER, row.parent, old, {"status": row.status})
	frappe.throw(
		_("Change this row on its Event Consumer {0}, not by itself.").format(row.parent or ""),
		frappe.PermissionError,
	)


# ---- what Frappe asks: reading


def has_permission(doc, ptype: str | None = None, user: str | None = None) -> bool:
	"""Hook: with the role Event Subscriber alone, a user sees and saves its own Event Consumer only."""
	user = user or frappe.session.user
	if not has_only_as_subscriber(user, CONSUMER, ptype or "read"):
		return True
	# as stored: what a request says is not saved yet
	stored = doc.user if doc.is_new() else frappe.db.get_value(CONSUMER, doc.name, "user")
	return (stored or "").lower() == user.lower()


def own_consumers(user: str | None = None) -> str:
	"""Hook: the same for lists."""
	user = user or frappe.session.user
	if not has_only_as_subscriber(user, CONSUMER):
		return ""
	return f"`tab{CONSUMER}`.`user` = {frappe.db.escape(user)}"


def own_rows(user: str | None = None) -> str:
	"""Hook: and for lists of rows, of which Frappe asks nothing but whether the user may read any Event Consumer."""
	user = user or frappe.session.user
	if not has_only_as_subscriber(user, CONSUMER):
		return ""
	own = f"select `name` from `tab{CONSUMER}` where `user` = {frappe.db.escape(user)}"
	return f"`tab{ROWS}`.`parent` in ({own})"


# ----


def _from_outside() -> bool:
	return (
		getattr(frappe.local, "request", None) is not None or getattr(frappe.local, "job", None) is not None
	)


def _beyond_wishes(doc, before) -> tuple[dict[str, Any], dict[str, Any]]:
	"""Put back what is not the consumer's to say; returns what was attempted, as it was and as it should have been.

	A value that is merely left out is no attempt: the older app leaves out what it does not know.
	"""
	old: dict[str, Any] = {}
	new: dict[str, Any] = {}
	for df in _stored_fields(doc.meta, KEPT_ANYWAY):
		fieldname = df.fieldname
		was, said = before.get(fieldname), doc.get(fieldname)
		changed = audit.is_new_secret(doc, fieldname) if df.fieldtype == "Password" else not _alike(was, said)
		if changed:
			doc.set(fieldname, was)
			old[fieldname], new[fieldname] = was, said
	known = {row.ref_doctype: row for row in before.consumer_doctypes}
	for row in doc.consumer_doctypes:
		was_row = known.get(row.ref_doctype)
		for df in _stored_fields(row.meta, KEPT_ON_ROWS | set(WISHES)):
			fieldname = df.fieldname
			was = was_row.get(fieldname) if was_row else _at_first(df)
			said = row.get(fieldname)
			if _alike(was, said):
				continue
			row.set(fieldname, was)
			# a row that is sent without it has what a new one has
			if not _alike(said, _at_first(df)) or (was_row and row.name == was_row.name):
				old.setdefault(row.ref_doctype, {})[fieldname] = was
				new.setdefault(row.ref_doctype, {})[fieldname] = said
	return old, new


def _stored_fields(meta, without: frozenset[str] | set[str]) -> list:
	return [
		df
		for df in meta.fields
		if df.fieldtype not in no_value_fields
		and df.fieldtype not in table_fields
		and df.fieldname not in without
	]


def _at_first(df) -> Any:
	return PENDING if df.fieldname == "status" else df.default


def _alike(one: Any, other: Any) -> bool:
	return ("" if one in (None, 0, "0") else str(one)) == ("" if other in (None, 0, "0") else str(other))


def _refuse(doc, old: dict[str, Any], new: dict[str, Any]) -> None:
	audit.record_refused(audit.TRIED, CONSUMER, doc.name, old, new)
	frappe.throw(
		_(
			"{0} is the user in whose name another site takes documents from here, so it decides nothing about that, however it is tried. Another System Manager has to do this."
		).format(frappe.session.user),
		frappe.PermissionError,
		title=_("Not Permitted"),
	)

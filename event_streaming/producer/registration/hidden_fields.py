"""*Fields Not Sent* and *Fields Masked* on the form of an Event Consumer: who may say them, and what can't be hidden.

They are this site's to decide: no registration and no document that the consumer or its user writes changes them, nor makes a row
with them disappear. Reads DocTypes; the rows are the caller's to save.
"""

import re
from typing import Any

import frappe
from frappe.model import table_fields
from frappe.utils import cint, escape_html

from event_streaming.messages.coded import _
from event_streaming.producer.subscriptions import hidden
from event_streaming.producer.subscriptions.hidden import TEXT_TYPES, field_of
from event_streaming.producer.subscriptions.streamed import PENDING
from event_streaming.wire.left_out import masks_in, names_in

DECIDED = ("fields_not_sent", "fields_masked")
KEYS = {
	"name", "doctype", "owner", "creation", "modified", "modified_by", "docstatus", "idx", "parent", "parenttype",
	"parentfield",
}  # fmt: skip
# of the texts that Frappe checks, the one that a hash could not pass for
CHECKED_OPTIONS = {
	"Email": "nobody@example.com",
	"Phone": "000",
	"URL": "https://example.com",
	"Name": "Nobody",
	"IBAN": "GB33BUKB20201555555555",
	"Barcode": "0000",
}
# as long as a varchar
SHORT_TYPES = ("Data", "Read Only")
SHORTEST_HASH = 16


def is_by_consumer(doc) -> bool:
	"""Whether it is the other site that writes this Event Consumer, over whichever road."""
	own_user = frappe.session.user == doc.user and frappe.session.user != "Administrator"
	return bool(doc.flags.from_consumer or cint(doc.incoming_change) or own_user)


def settle_hidden(doc, rows_before: dict[str, Any]) -> None:
	"""Keep what is hidden from the consumer's own hands; check what this site's administrator has changed."""
	by_consumer = is_by_consumer(doc)
	if by_consumer:
		_keep_rows(doc, rows_before)
	for row in doc.consumer_doctypes:
		if row.ref_doctype not in rows_before and not by_consumer and not doc.is_new():
			# the consumer has not asked for it; but others of its documents may need such ones
			row.update({"not_asked": 1, "unsubscribed": 1})
		before = rows_before.get(row.ref_doctype)
		was = [(before.get(field) if before else None) or "" for field in DECIDED]
		if by_consumer and was != [row.get(field) or "" for field in DECIDED]:
			if not doc.flags.from_consumer and not cint(doc.incoming_change):
				_refuse_own_user(doc)
			row.update(dict(zip(DECIDED, was, strict=True)))
		if was != [row.get(field) or "" for field in DECIDED]:
			check_hidden(row)
			_tell(row, before, doc.user)


def _keep_rows(doc, rows_before: dict[str, Any]) -> None:
	"""A row that hides something stays though the consumer does not ask for it any more: its documents could be fetched still."""
	named = {row.ref_doctype for row in doc.consumer_doctypes}
	for doctype, before in rows_before.items():
		if doctype in named or not any(before.get(field) for field in DECIDED):
			continue
		kept = {field: before.get(field) for field in (*DECIDED, "from_position")}
		doc.append(
			"consumer_doctypes",
			{"ref_doctype": doctype, "status": PENDING, "unsubscribed": 1, "not_asked": 1, **kept},
		)


def _refuse_own_user(doc) -> None:
	frappe.throw(
		_(
			"What is not sent to {0} can't be changed by {1}, the user of this very consumer: another System Manager has to do it."
		).format(doc.name, doc.user),
		frappe.PermissionError,
	)


def refuse_removal_by_consumer(doc) -> None:
	"""Deleted and registered anew, nothing would be hidden from it."""
	if is_by_consumer(doc) and any(row.get(field) for row in doc.consumer_doctypes for field in DECIDED):
		_refuse_own_user(doc)


# ---- what can be hidden


def check_hidden(row) -> None:
	"""Refuse fields of a row that can't be hidden. It needs `ref_doctype`, `idx` and both lists, and is stored by who calls."""
	if not frappe.db.exists("DocType", row.ref_doctype):
		return
	meta = frappe.get_meta(row.ref_doctype)
	left_out, masks = names_in(row.fields_not_sent), masks_in(row.fields_masked)
	for label, problems in (
		(_("Fields Not Sent"), [_problem(meta, name, left_out) for name in left_out]),
		(_("Fields Masked"), [_problem_of_mask(meta, name, masks[name], left_out) for name in masks]),
	):
		if problem := next(filter(None, problems), ""):
			frappe.throw(_("Row {0}, {1}: {2}").format(row.idx, label, problem))


def _problem(meta, name: str, left_out: tuple[str, ...]) -> str:
	"""What keeps a field from being hidden; "" when nothing does."""
	shown = escape_html(name)
	if name.rpartition(".")[2] in KEYS:
		return _("{0} says which document it is, or in which state: it is always sent.").format(shown)
	df = field_of(meta, name)
	if not df:
		return _(
			"{0} has no field {1}. Write field, table or table.field, as Customize Form calls them."
		).format(_(meta.name), shown)
	if "." not in name and name in naming_fields(meta):
		return _("the names of {0} are made of {1}, so that it can't be hidden.").format(_(meta.name), shown)
	table = name.partition(".")[0] if "." in name else ""
	fields = frappe.get_meta(meta.get_field(table).options).fields if table else meta.fields
	for other in fields:
		full = f"{table}.{other.fieldname}" if table else other.fieldname
		if other.fieldtype == "Dynamic Link" and other.options == df.fieldname and full not in left_out:
			return _("{0} says what {1} links to: leave out both, or none.").format(shown, full)
	return ""


def _problem_of_mask(meta, name: str, text: str | None, left_out: tuple[str, ...]) -> str:
	if problem := _problem(meta, name, left_out):
		return problem
	df, shown = field_of(meta, name), escape_html(name)
	if name in left_out or name.partition(".")[0] in left_out:
		return _("{0} is among Fields Not Sent already.").format(shown)
	if df.fieldtype not in TEXT_TYPES:
		return _("{0} is not a text field ({1}) and can't be masked: use Fields Not Sent instead.").format(
			shown, _(df.fieldtype)
		)
	longest = (cint(df.length) or hidden.DATA_LENGTH) if df.fieldtype in SHORT_TYPES else None
	if text is not None:
		if cint(df.unique):
			return _("{0} is unique: a text that is the same in all documents can't stand there.").format(
				shown
			)
		if longest and len(text) > longest:
			return _("the text for {0} is longer than {1} characters.").format(shown, longest)
	elif df.fieldtype == "Data" and (df.options or "") in CHECKED_OPTIONS:
		return _("{0} has to be of the form {1}: give a fixed text, as {2}.").format(
			shown, _(df.options), f"{shown} = {CHECKED_OPTIONS[df.options]}"
		)
	elif df.fieldtype == "Read Only":
		return _(
			"{0} shows what stands in another field, which may check it: give a fixed text, as {1}."
		).format(shown, f"{shown} = 000")
	elif longest and longest < SHORTEST_HASH:
		return _("{0} is too short for a hash: give a fixed text.").format(shown)
	return ""


def naming_fields(meta) -> set[str]:
	"""Fields whose values are parts of the documents' names, as far as the DocType's naming rule says so."""
	series = meta.get_field("naming_series")
	rules = [meta.autoname or ""]
	if series and "naming_series" in rules[0]:
		rules += (series.options or "").split("\n")
	names = set()
	for rule in rules:
		rule = rule.removeprefix("field:") if rule.startswith("field:") else rule
		names.update(re.split(r"[.{}]", rule.partition(":")[2] if rule.startswith("format:") else rule))
	return {name.strip() for name in names if meta.get_field(name.strip())}


# ---- what a person should know


def notes_on(row, user: str) -> list[str]:
	"""What is to be said of what a row hides: documents that will fail, and other ways to the values."""
	if not frappe.db.exists("DocType", row.ref_doctype):
		return []
	meta = frappe.get_meta(row.ref_doctype)
	notes = []
	named = [*names_in(row.fields_not_sent), *masks_in(row.fields_masked)]
	if unknown := [name for name in named if not field_of(meta, name)]:
		notes.append(
			_("{0} has no such fields (any more), so that they are not hidden: {1}").format(
				_(meta.name), escape_html(", ".join(unknown))
			)
		)
	if demanded := [name for name in names_in(row.fields_not_sent) if is_demanded(meta, name)]:
		notes.append(
			_(
				"{0} can't be saved without these fields: {1}. Where the consumer has no default for them, new documents fail there."
			).format(_(meta.name), ", ".join(demanded))
		)
	if readable := [name for name in named if may_read(meta, name, user)]:
		notes.append(
			_(
				"{0} may read these fields of {1} over Frappe's own REST API: {2}. Give them a Perm Level that none of its roles has, as Event Streaming bounds only what it sends itself."
			).format(user, _(meta.name), escape_html(", ".join(readable)))
		)
	return notes


def is_demanded(meta, name: str) -> bool:
	df = field_of(meta, name)
	return bool(df and cint(df.reqd) and not df.default and df.fieldtype != "Check")


def may_read(meta, name: str, user: str) -> bool:
	table, _dot, fieldname = name.partition(".")
	df = field_of(meta, name)
	if not df or not frappe.has_permission(meta.name, "read", user=user):
		return False
	own = meta.get_field(table)
	if own.permlevel not in meta.get_permlevel_access("read", user=user):
		return False
	if not fieldname or own.fieldtype not in table_fields:
		return True
	child = frappe.get_meta(own.options)
	return df.permlevel in child.get_permlevel_access("read", parenttype=meta.name, user=user)


def _tell(row, before, user: str) -> None:
	"""After the row was checked: what follows from the change, to the person who is saving."""
	notes = notes_on(row, user)
	was = {*names_in(before.fields_not_sent), *masks_in(before.fields_masked)} if before else set()
	if was - {*names_in(row.fields_not_sent), *masks_in(row.fields_masked)}:
		notes.append(
			_(
				"What is sent again of {0} comes with the next change of each document. For the others, have the consumer verify and repair."
			).format(_(row.ref_doctype))
		)
	if notes:
		frappe.msgprint("<br>".join(notes), title=_("Fields Not Sent"), indicator="orange")

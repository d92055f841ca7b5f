"""Writes local documents through the ordinary document life cycle, as the current user, keeping the producer's stamps.

It knows nothing of events or subscriptions: plain data in, a local name out. It never commits.
"""

from collections.abc import Callable
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import frappe
from frappe import _
from frappe.model import default_fields, no_value_fields, table_fields
from frappe.model.document import Document
from frappe.model.rename_doc import rename_doc
from frappe.utils import cint, get_datetime

from event_streaming.exceptions import CannotApply
from event_streaming.site import time_zone

REMOTE_NAME, REMOTE_SITE = "remote_docname", "remote_site_name"
# a tree numbers its nodes by itself, for the nodes that this site has; the producer's numbers belong to its own
TREE_FIELDS = ("lft", "rgt", "old_parent")
STAMPS = ("creation", "modified", "modified_by", "owner")
ROW_KEYS = ("name", "idx")
DRAFT, SUBMITTED, CANCELLED = 0, 1, 2


class KeepStamps:
	"""Stands in for a document's `set_user_and_timestamp`, which would stamp it with this site's user and clock.

	It is called at the right moment of every insert and save on both versions of Frappe; setting the columns
	afterwards would cost one more UPDATE, and capture would log the wrong ones. A class, because hooks may pickle
	the document into a job.
	"""

	def __init__(self, doc: Document, stamps: dict[str, Any]):
		self.doc = doc
		self.stamps = stamps

	def __call__(self) -> None:
		type(self.doc).set_user_and_timestamp(self.doc)
		for fieldname, value in self.stamps.items():
			self.doc.set(fieldname, value)


def insert(
	doctype: str, data: dict, name: str | None, extra: dict | None = None, filled_later: bool = False
) -> tuple[Document, list[str]]:
	"""Make a document from the whole state `data`; returns it and the warnings.

	`name` None leaves the naming to this site. `extra` are fields that are set besides. `filled_later` says that a
	mandatory link is set once what it points to is there. A submitted document is submitted, a cancelled one submitted
	and cancelled. Child rows keep their names. Raises what Frappe raises.
	"""
	values, warnings = known_fields(doctype, data)
	docstatus = cint(data.get("docstatus"))
	values.update(extra or {})
	if name is None:
		drop_unknown_series(doctype, values)
	doc = frappe.get_doc({**values, "doctype": doctype, "docstatus": min(docstatus, SUBMITTED)})
	check_permission(doc, "create", *(["submit"] if docstatus else []))
	keep_stamps(doc, data)
	doc.flags.ignore_mandatory = filled_later
	doc.insert(set_name=name or name_for_prompt(doc, data), set_child_names=False)
	if docstatus == CANCELLED:
		doc.check_permission("cancel")
		doc.docstatus = CANCELLED
		doc.save()
	return doc, warnings


def update(doctype: str, name: str, change: dict) -> tuple[Document, bool, list[str]]:
	"""Apply a difference to a document; returns it, whether anything changed, and the warnings.

	Applying the same difference twice is harmless. docstatus never goes back. Raises what Frappe raises.
	"""
	doc = frappe.get_doc(doctype, name, for_update=True)
	changed, warnings = known_fields(doctype, change.get("changed") or {}, rows=False)
	target = cint((change.get("changed") or {}).get("docstatus"))
	dirty = set_values(doc, changed)
	for table in doc.meta.get_table_fields():
		dirty |= update_rows(doc, table, change, warnings)
	warn_of_unknown_tables(doc, change, warnings)
	if dirty or target > doc.docstatus:
		save(doc, target, change.get("changed") or {}, dirty)
		return doc, True, warnings
	return doc, False, warnings


def replace(
	doctype: str, name: str, data: dict, extra: dict | None = None
) -> tuple[Document, bool, list[str]]:
	"""Bring an existing document to the whole state `data`; rows that are not in it go. Returns as `update`."""
	doc = frappe.get_doc(doctype, name, for_update=True)
	values, warnings = known_fields(doctype, data)
	values.update(extra or {})
	dirty = set_values(doc, {key: value for key, value in values.items() if not isinstance(value, list)})
	for table in doc.meta.get_table_fields():
		if table.fieldname in values:
			dirty |= replace_rows(doc, table, values[table.fieldname])
	target = cint(data.get("docstatus"))
	if dirty or target > doc.docstatus:
		save(doc, target, data, dirty)
		return doc, True, warnings
	return doc, False, warnings


def save(doc: Document, target: int, stamps: dict, dirty: bool) -> None:
	"""Save a changed document and bring it to docstatus `target`, never backwards."""
	keep_stamps(doc, stamps)
	if doc.docstatus == CANCELLED:
		# Frappe lets nobody save a cancelled document; what changed it on the producer was a db_set, and so it is here
		check_permission(doc, "write")
		write_through(doc)
		return
	if doc.docstatus == DRAFT and target == CANCELLED:
		check_permission(doc, "write", "submit")
		doc.docstatus = SUBMITTED
		doc.save()
		dirty = False
	if target > doc.docstatus:
		check_permission(doc, "submit" if target == SUBMITTED else "cancel")
		doc.docstatus = target
		doc.flags.ignore_validate_update_after_submit = True
		doc.save()
	elif dirty:
		check_permission(doc, "write")
		# the producer may have set by db_set what a person may not change after submission
		doc.flags.ignore_validate_update_after_submit = True
		doc.save()


def write_through(doc: Document) -> None:
	"""Write a cancelled document's fields and rows as they stand, with the event that `db_set` fires."""
	doc.load_doc_before_save()
	doc.db_update()
	doc.update_children()
	doc.run_method("on_change")


def delete(doctype: str, name: str) -> None:
	"""Delete a document with the user's permissions. Raises what Frappe raises (linked, submitted, not permitted)."""
	frappe.delete_doc(doctype, name)


def rename(doctype: str, old: str, new: str, merge: bool) -> str:
	"""Rename or merge a document; `force`, because what the producer did is not for this site's DocType to forbid."""
	if not frappe.has_permission(doctype, "write", doc=old):
		raise frappe.PermissionError(_("No permission to rename {0} {1}").format(_(doctype), old))
	return rename_doc(
		doctype,
		old,
		new,
		merge=merge,
		force=True,
		ignore_permissions=True,
		show_alert=False,
		rebuild_search=False,
	)


def check_permission(doc: Document, *kinds: str) -> None:
	"""The user's permission, all or nothing.

	Afterwards Frappe's own checks are off for the document: where the user lacks a permission level, they would put
	single fields silently back to their old values.
	"""
	doc.flags.ignore_permissions = False
	for kind in kinds:
		doc.check_permission(kind)
	doc.flags.ignore_permissions = True


def keep_stamps(doc: Document, data: dict) -> None:
	stamps = {field: data[field] for field in STAMPS if data.get(field)}
	for fieldname in ("creation", "modified"):
		if fieldname in stamps:
			# as the database gives it back: Frappe compares the two as text before the next save
			stamps[fieldname] = get_datetime(stamps[fieldname])
	if not stamps.get("modified"):
		stamps.pop("modified_by", None)
	doc.set_user_and_timestamp = KeepStamps(doc, stamps)


def known_fields(doctype: str, data: dict, rows: bool = True) -> tuple[dict, list[str]]:
	"""The part of `data` that the local DocType has, and warnings that name the rest.

	Values that are equal to nothing are not worth a warning. The fields that say where a document came from, and where
	it stands in a tree, are this site's own and are never taken over.
	"""
	meta = frappe.get_meta(doctype)
	own = (REMOTE_NAME, REMOTE_SITE, *(TREE_FIELDS if meta.get("is_tree") else ()))
	known, unknown = {}, []
	for fieldname, value in data.items():
		df = meta.get_field(fieldname)
		if fieldname in own:
			continue
		if df and df.fieldtype in table_fields:
			if rows and isinstance(value, list):
				known[fieldname] = [known_row(df, row, unknown) for row in value if isinstance(row, dict)]
		elif df and is_stored(df):
			known[fieldname] = checked_value(df, value)
		elif not df and not is_framework_field(fieldname) and value not in (None, "", 0, [], {}):
			unknown.append(fieldname)
	return known, left_out(doctype, unknown)


def known_row(df, row: dict, unknown: list[str]) -> dict:
	meta = frappe.get_meta(df.options)
	known = {"doctype": df.options, **{key: row[key] for key in ROW_KEYS if row.get(key)}}
	for fieldname, value in row.items():
		field = meta.get_field(fieldname)
		if field and is_stored(field):
			known[fieldname] = checked_value(field, value)
		elif not field and not is_framework_field(fieldname) and value not in (None, "", 0, [], {}):
			unknown.append(f"{df.fieldname}.{fieldname}")
	return known


def left_out(doctype: str, unknown: list[str]) -> list[str]:
	if not unknown:
		return []
	names = ", ".join(sorted(set(unknown)))
	return [_("Left out, because {0} has no such fields here: {1}").format(_(doctype), names)]


def is_stored(df) -> bool:
	return (
		df.fieldtype not in no_value_fields and df.fieldtype != "Password" and not cint(df.get("is_virtual"))
	)


def is_framework_field(fieldname: str) -> bool:
	return (
		fieldname.startswith("_")
		or fieldname in default_fields
		or fieldname in ("doctype", "parent", "parenttype", "parentfield")
	)


def checked_value(df, value: Any) -> Any:
	"""A value from the other site, refused when a column can't hold it at all."""
	if isinstance(value, list | dict):
		if df.fieldtype == "JSON":
			return frappe.as_json(value)
		raise CannotApply(_("The value of {0} is not a single value.").format(df.fieldname))
	return value


def drop_unknown_series(doctype: str, values: dict) -> None:
	"""With local naming, a naming series that this site does not have gives way to the site's own."""
	df = frappe.get_meta(doctype).get_field("naming_series")
	if df and values.get("naming_series") not in (df.options or "").split("\n"):
		values.pop("naming_series", None)


def name_for_prompt(doc: Document, data: dict) -> str | None:
	"""A DocType whose names are typed in by people has no naming of its own: the producer's name is taken."""
	autoname = (doc.meta.autoname or "").lower()
	return data.get("name") if autoname == "prompt" else None


def set_values(doc: Document, values: dict) -> bool:
	dirty = False
	for fieldname, value in values.items():
		df = doc.meta.get_field(fieldname)
		if not same_value(df.fieldtype, doc.get(fieldname), value):
			doc.set(fieldname, value)
			dirty = True
	return dirty


def same_value(fieldtype: str, here: Any, there: Any) -> bool:
	"""Whether two values of a field mean the same, whatever their Python types."""
	if here == there or (here in (None, "") and there in (None, "")):
		return True
	if fieldtype in ("Check", "Int", "Long Int"):
		return cint(here) == cint(there)
	if fieldtype in ("Float", "Currency", "Percent", "Duration", "Rating"):
		return abs(frappe.utils.flt(here) - frappe.utils.flt(there)) < 1e-9
	if here in (None, "") or there in (None, ""):
		return False
	if fieldtype == "Time":
		return frappe.utils.to_timedelta(str(here)) == frappe.utils.to_timedelta(str(there))
	if fieldtype in ("Date", "Datetime"):
		return get_datetime(here) == get_datetime(there)
	return str(here) == str(there)


def update_rows(doc: Document, table, change: dict, warnings: list[str]) -> bool:
	"""Apply a difference's rows to one child table: removed, changed, added (one that is there already is changed)."""
	fieldname, unknown, dirty = table.fieldname, [], False
	removed = set((change.get("removed") or {}).get(fieldname) or [])
	rows = [row for row in doc.get(fieldname) if row.name not in removed]
	if len(rows) != len(doc.get(fieldname)):
		doc.set(fieldname, rows)
		dirty = True
	by_name = {row.name: row for row in rows}
	for source in ("row_changed", "added"):
		for values in (change.get(source) or {}).get(fieldname) or []:
			if not isinstance(values, dict):
				continue
			values = known_row(table, values, unknown)
			row = by_name.get(values.get("name"))
			if row:
				dirty |= set_row(row, values)
			elif source == "added":
				by_name[values.get("name")] = append_row(doc, fieldname, values)
				dirty = True
	if dirty:
		put_in_order(doc, fieldname)
	warnings.extend(left_out(table.options, unknown))
	return dirty


def replace_rows(doc: Document, table, wanted: list[dict]) -> bool:
	"""Make one child table hold just the rows `wanted`, in their order."""
	names = {row.get("name") for row in wanted}
	kept = [row for row in doc.get(table.fieldname) if row.name in names]
	dirty = len(kept) != len(doc.get(table.fieldname))
	if dirty:
		doc.set(table.fieldname, kept)
	by_name = {row.name: row for row in kept}
	for values in wanted:
		row = by_name.get(values.get("name"))
		if row:
			dirty |= set_row(row, values)
		else:
			append_row(doc, table.fieldname, values)
			dirty = True
	if dirty:
		put_in_order(doc, table.fieldname)
	return dirty


def append_row(doc: Document, fieldname: str, values: dict) -> Document:
	"""Add a row that keeps its name from the producer; Frappe inserts it because it is still marked as new."""
	idx = values.get("idx")
	row = doc.append(fieldname, {key: value for key, value in values.items() if key != "idx"})
	if values.get("name"):
		row.name = values["name"]
	row.set("__islocal", True)
	row.flags.name_set = True
	row.idx = cint(idx) or row.idx
	return row


def set_row(row: Document, values: dict) -> bool:
	dirty = False
	for fieldname, value in values.items():
		if fieldname in ("name", "doctype"):
			continue
		if fieldname == "idx":
			if cint(value) and cint(value) != row.idx:
				row.idx = cint(value)
				dirty = True
			continue
		df = row.meta.get_field(fieldname)
		if not same_value(df.fieldtype, row.get(fieldname), value):
			row.set(fieldname, value)
			dirty = True
	return dirty


def put_in_order(doc: Document, fieldname: str) -> None:
	rows = sorted(doc.get(fieldname), key=lambda row: cint(row.idx))
	for number, row in enumerate(rows, start=1):
		row.idx = number
	doc.set(fieldname, rows)


def warn_of_unknown_tables(doc: Document, change: dict, warnings: list[str]) -> None:
	tables = {df.fieldname for df in doc.meta.get_table_fields()}
	named = {name for part in ("added", "removed", "row_changed") for name in (change.get(part) or {})}
	warnings.extend(left_out(doc.doctype, sorted(named - tables)))


def convert_times(doctype: str, data: dict, remote_time_zone: str) -> dict:
	"""Datetime fields of a document or a difference, from the producer's system time zone to this site's.

	The same instant stays the same instant; Date and Time fields are left as they are. Returns new data.
	"""
	here = time_zone()
	if not remote_time_zone or remote_time_zone == here:
		return data
	try:
		zones = ZoneInfo(remote_time_zone), ZoneInfo(here)
	except (ZoneInfoNotFoundError, ValueError):
		raise CannotApply(
			_("The producer's time zone {0} is not known here.").format(remote_time_zone)
		) from None

	def convert(value: Any) -> Any:
		try:
			moment = get_datetime(value)
		except ValueError:
			return value
		return (
			str(moment.replace(tzinfo=zones[0]).astimezone(zones[1]).replace(tzinfo=None))
			if moment
			else value
		)

	return convert_fields(frappe.get_meta(doctype), data, convert)


def convert_fields(meta, data: dict, convert: Callable[[Any], Any]) -> dict:
	"""`data` (a document or a difference, nested as on the wire) with `convert` applied to its Datetime fields."""
	converted = {}
	for key, value in data.items():
		df = meta.get_field(key)
		if key == "changed" and isinstance(value, dict) and not df:
			converted[key] = convert_fields(meta, value, convert)
		elif key in ("added", "row_changed") and isinstance(value, dict) and not df:
			converted[key] = {
				table: convert_rows(meta.get_field(table), rows, convert) for table, rows in value.items()
			}
		elif df and df.fieldtype in table_fields:
			converted[key] = convert_rows(df, value, convert)
		elif (
			value
			and isinstance(value, str | datetime)
			and (key in ("creation", "modified") or (df and df.fieldtype == "Datetime"))
		):
			converted[key] = convert(value)
		else:
			converted[key] = value
	return converted


def convert_rows(df, rows: Any, convert: Callable[[Any], Any]) -> Any:
	if not df or df.fieldtype not in table_fields or not isinstance(rows, list):
		return rows
	meta = frappe.get_meta(df.options)
	return [convert_fields(meta, row, convert) if isinstance(row, dict) else row for row in rows]

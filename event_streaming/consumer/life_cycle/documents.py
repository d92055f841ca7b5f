"""Writes local documents through the ordinary document life cycle, as the current user, faithfully.

It knows nothing of events or subscriptions: plain data in, a local name out. It never commits. What stays of what came is
in kept_values.py, how in stand_ins.py.
"""

from collections.abc import Callable, Collection

import frappe
from frappe.model.document import Document
from frappe.model.rename_doc import rename_doc
from frappe.utils import cint, get_datetime

from event_streaming.adapters.calls import before_writing, is_told
from event_streaming.consumer.life_cycle import cancelled
from event_streaming.consumer.life_cycle.fields import known_fields, left_out, set_values
from event_streaming.consumer.life_cycle.kept_values import KeptValues, Place, of_change, of_whole
from event_streaming.consumer.life_cycle.naming import forget, raise_counter
from event_streaming.consumer.life_cycle.permission import as_it_will_be, authorise
from event_streaming.consumer.life_cycle.rows import insert_together, missing_rows, replace_rows, update_rows
from event_streaming.consumer.life_cycle.stand_ins import Life, faithfully, stamps_of, take_away
from event_streaming.consumer.life_cycle.state_before import keep_state
from event_streaming.consumer.life_cycle.stored import put_stored_rows_back, stored_after_hooks
from event_streaming.consumer.unit_of_work.lost_transaction import hooks_run
from event_streaming.exceptions import RowMissing
from event_streaming.identity.origin import writing
from event_streaming.messages.coded import _

DRAFT, SUBMITTED, CANCELLED = 0, 1, 2
# where Frappe 16 has what links to what by a Dynamic Link; 15 has nothing there
DYNAMIC_LINKS = "dynamic_link_map::"


def insert(
	doctype: str,
	data: dict,
	name: str | None,
	extra: dict | None = None,
	filled_later: bool = False,
	settled: Collection[str] | None = None,
) -> tuple[Document, list[str]]:
	"""Make a document from the whole state `data`; returns it and the warnings.

	`name` None leaves the naming to this site. `extra` are fields that are set besides. `filled_later` says that a
	mandatory link is set once what it points to is there. `settled` are the fields whose values are what the producer has stored,
	not what it had when the document was made: they also stay where hooks of a submission set others. None is all of them. A submitted document is
	submitted; a cancelled one is written as such, without a life cycle. Child rows keep their names. A Single is never made:
	it is changed. Raises what Frappe raises.
	"""
	if frappe.get_meta(doctype).issingle:
		doc, _changed, warnings = replace(doctype, doctype, data, extra)
		return doc, warnings
	values, warnings = known_fields(doctype, data)
	docstatus = cint(data.get("docstatus"))
	values.update(extra or {})
	if name is None:
		drop_unknown_series(doctype, values)
	doc = frappe.get_doc({**values, "doctype": doctype, "docstatus": docstatus})
	rights = ("create", "submit", "cancel")[: docstatus + 1]
	stamps = stamps_of(doc, data)
	with as_it_will_be(doc, name, stamps):
		authorise(doc, *rights)
	doc.flags.ignore_mandatory = filled_later
	clean(doc, docstatus)
	kept = of_whole(doc, values)
	warnings += before_writing(doc, data)
	seen = of_whole(doc, values) if is_told(doc) else kept
	raise_counter(doc, name)
	wanted = given_name(doc, name) or name_for_prompt(doc, data)
	if docstatus == CANCELLED:
		# no hook of an insert runs: what was set for it does not stay
		kept.put_back(doc)
		seen = kept
	with faithfully(doc, Life(stamps, kept, seen, rights)):
		if docstatus == CANCELLED:
			cancelled.insert(doc, wanted)
		else:
			insert_together(doc)
			doc.insert(set_name=wanted, set_child_names=False)
	if docstatus == SUBMITTED:
		keep_after(doc, kept, kept.values if settled is None else settled)
	keep_after_hooks(doc, stamps, kept)
	return doc, warnings + kept.warnings()


def clean(doc: Document, docstatus: int) -> None:
	"""Frappe takes the markup that could harm a reader out of drafts, and believes that what is submitted was one. Here it never
	was."""
	if docstatus == DRAFT:
		return
	everything = [doc, *doc.get_all_children()]
	states = [each.docstatus for each in everything]
	for each in everything:
		each.docstatus = DRAFT
		each._sanitize_content()
	for each, state in zip(everything, states, strict=True):
		each.docstatus = state


def keep_after(doc: Document, kept: KeptValues, names: Collection[str]) -> None:
	"""What hooks of a submission have set past the document, by `db_set` or SQL, where another value came: one query."""
	fields = [name for name in names if name in kept.values]
	stored = frappe.db.get_value(doc.doctype, doc.name, fields, as_dict=True) if fields else None
	if not stored:
		return
	now = frappe.get_doc({**stored, "doctype": doc.doctype})
	now.flags.update({key: doc.flags[key] for key in doc.flags if key.startswith("event_streaming_decided")})
	KeptValues({name: kept.values[name] for name in fields}).put_back(now)
	changed = {
		name: now.get(name)
		for name in fields
		if now.get(name) is not stored[name] and now.get(name) != stored[name]
	}
	if changed:
		doc.db_set(changed, update_modified=False)


def keep_after_hooks(doc: Document, stamps: dict, kept: KeptValues) -> None:
	"""What hooks have done to the stored document after it was written, past this object: one query.

	`db_set` has changed its stamps: they get the ones that came. Rows that were deleted are written again. A DocType without
	a controller of its own is asked in memory only, and for no rows.
	"""
	wanted = {key: stamps[key] for key in ("modified", "modified_by") if stamps.get(key)}
	stored = doc
	if type(doc).__module__ != Document.__module__:
		stored = stored_after_hooks(doc, kept) or doc
		put_stored_rows_back(doc, stored, kept)
	if doc.meta.issingle or "modified" not in wanted:
		return
	if any(str(stored.get(key)) != str(value) for key, value in wanted.items()):
		doc.run_method("on_stamped_as_there", wanted)
		doc.db_set(wanted, update_modified=False)


def locked(doctype: str, name: str) -> Document:
	"""The document as it is now, for a change: nobody else writes it before this transaction ends."""
	doc = frappe.get_doc(doctype, name, for_update=True)
	writing(doctype, doc.name)
	keep_state(doc)
	return doc


def locked_if_there(doctype: str, name: str) -> Document | None:
	try:
		return locked(doctype, name)
	except frappe.DoesNotExistError:
		frappe.clear_last_message()
		return None


def update(
	doc: Document,
	change: dict,
	settle: Callable[[Document, dict], dict] | None = None,
	decided: Collection[str] = (),
	mapped: bool = False,
	whole_rows: Callable[[], bool] | None = None,
	computed: Callable[[], Collection[Place]] = tuple,
) -> tuple[Document, bool, list[str]]:
	"""Apply a difference to a document that is `locked`; returns it, whether anything changed, and the warnings.

	`settle` may look at the document first and answer with the difference that is applied. `decided` are fields that this site
	decides; `mapped` says that the other site has other fields. Applying the same difference twice is harmless. docstatus
	never goes back. `computed` says, after `settle`, which fields of a draft this site's controller may compute anew. Raises
	RowMissing when a row that has changed is not here and `whole_rows` says that the whole document is to be brought then, and
	what Frappe raises.
	"""
	if settle:
		change = settle(doc, change)
	missing = missing_rows(doc, change)
	if missing and whole_rows and whole_rows():
		take_away(doc)
		raise RowMissing("; ".join(missing))
	changed, warnings = known_fields(doc.doctype, change.get("changed") or {}, rows=False)
	target = cint((change.get("changed") or {}).get("docstatus"))
	dirty = set_values(doc, changed)
	for table in doc.meta.get_table_fields():
		dirty |= update_rows(doc, table, change, warnings)
	warn_of_unknown_tables(doc, change, warnings)
	if missing:
		names = frappe.utils.escape_html("; ".join(missing))
		warnings.append(
			_("Rows that changed on the producer and are not in the document here: {0}").format(names)
		)
	if dirty or target > doc.docstatus:
		clean(doc, max(target, cint(doc.docstatus)))
		kept = of_change(doc, change, decided, mapped)
		warnings += before_writing(doc, change)
		seen = of_change(doc, change, decided, mapped) if is_told(doc) else kept
		if max(target, cint(doc.docstatus)) == DRAFT:
			kept.computed = frozenset(computed())
		save(doc, target, change.get("changed") or {}, dirty, kept, seen)
		return doc, True, warnings + kept.warnings()
	take_away(doc)
	# this site's life cycle has made the same change by itself
	doc.update(stamp(doc.doctype, doc.name, change.get("changed") or {}))
	return doc, False, warnings


def replace(
	doctype: str, name: str, data: dict, extra: dict | None = None
) -> tuple[Document, bool, list[str]]:
	"""Bring an existing document to the whole state `data`; rows that are not in it go. Returns as `update`."""
	doc = locked(doctype, name)
	values, warnings = known_fields(doctype, data)
	values.update(extra or {})
	dirty = set_values(doc, {key: value for key, value in values.items() if not isinstance(value, list)})
	for table in doc.meta.get_table_fields():
		if table.fieldname in values:
			dirty |= replace_rows(doc, table, values[table.fieldname])
	target = cint(data.get("docstatus"))
	if dirty or target > doc.docstatus:
		clean(doc, max(target, cint(doc.docstatus)))
		kept = of_whole(doc, values)
		warnings += before_writing(doc, data)
		seen = of_whole(doc, values) if is_told(doc) else kept
		save(doc, target, data, dirty, kept, seen)
		return doc, True, warnings + kept.warnings()
	take_away(doc)
	doc.update(stamp(doctype, doc.name, data))
	return doc, False, warnings


def save(doc: Document, target: int, stamps: dict, dirty: bool, kept: KeptValues, seen: KeptValues) -> None:
	"""Save a changed document and bring it to docstatus `target`, never backwards.

	A change that says no stamp (or only one) did not change it over there; so it stays here. When it was made, and by whom, is
	never changed: Frappe refuses that, and a document that was here before has its own.
	"""
	changed = {field: value for field, value in stamps.items() if field not in ("creation", "owner")}
	kept_stamps = stamps_of(doc, {"modified": doc.modified, "modified_by": doc.modified_by, **changed})
	was = cint(doc.docstatus)
	rights = rights_for(was, target, dirty)
	authorise(doc, *rights)
	with faithfully(doc, Life(kept_stamps, kept, seen, rights)):
		if was == CANCELLED or (was == DRAFT and target == CANCELLED):
			# no hook of a save runs: what was set for it does not stay
			kept.put_back(doc)
		if was == CANCELLED:
			# Frappe lets nobody save a cancelled document; what changed it on the producer was a db_set, and so it is here
			cancelled.write_through(doc)
		elif was == DRAFT and target == CANCELLED:
			cancelled.discard(doc)
		elif was == SUBMITTED and target <= was and not stamps.get("modified"):
			# nobody has saved it there: rows were saved by themselves, or fields set past its life cycle
			cancelled.write_through(doc)
		else:
			doc.docstatus = max(target, was)
			doc.save()
	if target > was and target == SUBMITTED:
		keep_after(doc, kept, stamps)
	keep_after_hooks(doc, kept_stamps, kept)


def rights_for(was: int, target: int, dirty: bool) -> tuple[str, ...]:
	"""What the user needs for a change: Frappe asks for `write` with every save, and for more with a change of state."""
	if was == DRAFT and target == CANCELLED:
		return ("write", "submit", "cancel")
	if target > was:
		return ("write", "submit" if target == SUBMITTED else "cancel")
	return ("write", "submit") if was == SUBMITTED else ("write",)


def delete(doctype: str, name: str) -> None:
	"""Delete a document with the user's permissions; a submitted one is cancelled first.

	Raises what Frappe raises (linked, not permitted).
	"""
	if not frappe.has_permission(doctype, "delete", doc=name):
		raise frappe.PermissionError(
			_("{0} may not delete {1} {2} on this site: give the user a role that may.").format(
				frappe.session.user, _(doctype), name
			)
		)
	hooks_run()
	forget()
	writing(doctype, name)
	if frappe.get_meta(doctype).is_submittable:
		doc = frappe.get_doc(doctype, name, for_update=True)
		if doc.docstatus == SUBMITTED:
			# not `cancel()`: a controller may leave that to a job of its own when there are many rows
			doc._cancel()
	frappe.delete_doc(doctype, name)


def cancel(doctype: str, name: str) -> None:
	"""Cancel a submitted document with the user's permissions. Raises what Frappe raises."""
	hooks_run()
	doc = locked(doctype, name)
	take_away(doc)
	# not `cancel()`: a controller may leave that to a job of its own when there are many rows
	doc._cancel()


def remove_rows_left(doctype: str, name: str) -> None:
	"""Rows of a document that is gone itself: it was deleted past its life cycle, and they would be in its way.

	Those of a document that has its name by now are that one's: a person has deleted it here and made another one.
	"""
	# as it is now: what is deleted is not only what this transaction has seen
	if frappe.db.get_value(doctype, name, "name", for_update=True):
		return
	for table in frappe.get_meta(doctype).get_table_fields():
		if cint(frappe.get_meta(table.options).get("is_virtual")):
			continue
		frappe.db.delete(table.options, {"parenttype": doctype, "parent": name})


def rename(doctype: str, old: str, new: str, merge: bool, stamps: dict | None = None) -> str:
	"""Rename or merge a document; `force`, because what the producer did is not for this site's DocType to forbid.

	A merge gives the document that stays the time of now on the way: `stamps` are those that it will have in the end (see `stamp`),
	which is what is told to who subscribes to this site. A merge deletes the old document and writes into the new one: Frappe 15
	asks for the first by itself, 16 for neither.
	"""
	permitted = frappe.has_permission(doctype, "write", doc=old)
	if merge:
		permitted = (
			permitted
			and frappe.has_permission(doctype, "delete", doc=old)
			and frappe.has_permission(doctype, "write", doc=new)
		)
	if not permitted:
		raise frappe.PermissionError(
			_("{0} may not rename {1} {2} on this site: give the user a role that may.").format(
				frappe.session.user, _(doctype), old
			)
		)
	hooks_run()
	look_for_dynamic_links_again()
	writing(doctype, old, new, stamps=stamps)
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


def look_for_dynamic_links_again() -> None:
	"""Let Frappe find out anew which DocTypes are linked to by a Dynamic Link: it renames by that.

	It does so once in a request or job, and 16 remembers it for hours beside that. On the producer each change was a request of its own;
	here one job applies many, helpers and people write meanwhile, and any of them may have brought the first such link.
	"""
	frappe.local.dynamic_link_map = None
	frappe.cache.delete_keys(DYNAMIC_LINKS)


def stamp(doctype: str, name: str, stamps: dict, told: bool = False) -> dict:
	"""Give a document the stamps that it has on the producer, where nothing else of it is to be saved; returns what it was given.

	Who subscribes to this site hears of it, unless they have been `told` with what was saved before.
	"""
	values = {field: stamps[field] for field in ("modified", "modified_by") if stamps.get(field)}
	fields = ["creation", "modified", "modified_by"]
	before = frappe.db.get_value(doctype, name, fields, as_dict=True) if values.get("modified") else None
	if not before or (
		get_datetime(before.get("modified")) == get_datetime(values["modified"])
		and before.get("modified_by") == values.get("modified_by", before.get("modified_by"))
	):
		return {}
	frappe.db.set_value(doctype, name, values, update_modified=False)
	if not told:
		writing(doctype, name)
		doc = frappe.get_doc({**before, "doctype": doctype, "name": name})
		doc.run_method("on_stamped_as_there", values, before)
	return values


def stamp_making(doctype: str, name: str, stamps: dict) -> None:
	"""Give a document that was made on both sites the maker and the time that it has on the producer."""
	values = {field: stamps[field] for field in ("creation", "owner") if stamps.get(field)}
	if values and not frappe.get_meta(doctype).issingle:
		frappe.db.set_value(doctype, name, values, update_modified=False)


def drop_unknown_series(doctype: str, values: dict) -> None:
	"""With local naming, a naming series that this site does not have gives way to the site's own."""
	df = frappe.get_meta(doctype).get_field("naming_series")
	if df and values.get("naming_series") not in (df.options or "").split("\n"):
		values.pop("naming_series", None)


def given_name(doc: Document, name: str | None) -> str | int | None:
	"""The producer's name as the DocType counts: only a number moves the counter that this site's own names come from."""
	if name and doc.meta.autoname == "autoincrement" and name.isdigit():
		return int(name)
	return name


def name_for_prompt(doc: Document, data: dict) -> str | None:
	"""A DocType whose names are typed in by people has no naming of its own: the producer's name is taken."""
	autoname = (doc.meta.autoname or "").lower()
	return data.get("name") if autoname == "prompt" else None


def warn_of_unknown_tables(doc: Document, change: dict, warnings: list[str]) -> None:
	tables = {df.fieldname for df in doc.meta.get_table_fields()}
	named = {name for part in ("added", "removed", "row_changed") for name in (change.get(part) or {})}
	warnings.extend(left_out(doc.doctype, sorted(named - tables)))

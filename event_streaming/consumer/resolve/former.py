"""Documents that the producer has renamed without telling: no events come of their DocType, so that one that is needed is called
otherwise than when it came. It only reads, in one query for a DocType and a few for each document that may be one.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

import frappe
from frappe.model.meta import Meta
from frappe.utils import cint

from event_streaming.consumer.life_cycle.fields import TREE_FIELDS, is_stored, same_value
from event_streaming.identity import registry
from event_streaming.identity.registry import REMOTE_NAME, REMOTE_SITE, Identity, RemoteKey

# documents made at the same moments that are looked at
MOST = 1_000
# what reads the same on both sites; links, addresses of files and times are each site's own
PLAIN = frozenset(
	(
		"Autocomplete",
		"Barcode",
		"Check",
		"Code",
		"Color",
		"Currency",
		"Data",
		"Date",
		"Float",
		"Icon",
		"Int",
		"Long Text",
		"Percent",
		"Phone",
		"Rating",
		"Read Only",
		"Select",
		"Small Text",
		"Text",
		"Time",
	)
)
# a document with such a name has no other one
NEVER_RENAMED = ("autoincrement", "uuid")


@dataclass(frozen=True)
class Whole:
	"""A remote document that is needed: when it was made and by whom, and its values in this site's fields."""

	moment: datetime
	owner: str
	values: dict

	@property
	def stamp(self) -> tuple[datetime, str]:
		return self.moment, self.owner


def may_be_former(
	event_producer: str, local_doctype: str, documents: dict[RemoteKey, Whole]
) -> dict[RemoteKey, Identity]:
	"""Those of the remote documents of one DocType here that may be one which came from the producer under another name: it was made
	at the same moment, to the microsecond, by the same person, is the only such one, and has the same content. Of what is imported
	together, many are made at one moment.

	Whether the producer has that other name no more is for the caller to ask.
	"""
	stamps = [each.stamp for each in documents.values()]
	alone = {
		key: each
		for key, each in documents.items()
		# a moment without a fraction is one that somebody has written
		if each.moment.microsecond and stamps.count(each.stamp) == 1
	}
	meta = frappe.get_meta(local_doctype)
	if not alone or cint(meta.get("is_virtual")) or (meta.autoname or "").lower() in NEVER_RENAMED:
		return {}
	came = _came(event_producer, local_doctype, alone)
	found = {}
	for key, each in alone.items():
		formers = came.get(each.stamp, [])
		if len(formers) != 1 or formers[0].remote_doctype != key[0]:
			continue
		if _has_the_same_content(meta, formers[0].local_name, each.values):
			found[key] = formers[0]
	return found


def _came(
	event_producer: str, local_doctype: str, documents: dict[RemoteKey, Whole]
) -> dict[tuple[datetime, str], list[Identity]]:
	"""What was made at the same moments on the producer and is here, by when and by whom it was made. One that was first made elsewhere
	is recognised by its root."""
	rows = registry.made_at(
		event_producer,
		local_doctype,
		{key[0] for key in documents},
		{each.moment for each in documents.values()},
		MOST,
	)
	if len(rows) == MOST:
		return {}
	stamps = {name: (moment, owner) for name, moment, owner in rows}
	found: dict[tuple[datetime, str], list[Identity]] = {}
	for name, identities in registry.find_for_local(local_doctype, stamps).items():
		mine = [each for each in identities if each.event_producer == event_producer]
		found.setdefault(stamps[name], []).extend(mine)
	return found


def _has_the_same_content(meta: Meta, name: str, values: dict) -> bool:
	"""Whether a document here and a remote one, given with its `values`, are one: by the names of their rows, which no two documents
	share; where neither has rows, by the title and what never changes, or by all that can be compared.
	"""
	with_rows, shared = _compare_rows(meta, name, values)
	if with_rows:
		return shared
	plain = _plain_fields(meta, values)
	here = frappe.db.get_value(meta.name, name, ["name", *plain], as_dict=True)
	if not here:
		return False
	told = [fieldname for fieldname in plain if here[fieldname] or values[fieldname]]
	title = [fieldname for fieldname in told if fieldname == meta.title_field]
	compared = [*title, *(each for each in told if cint(plain[each].set_only_once))] if title else told
	# where all that a document has is its name and defaults, nothing says that it is the same one
	return any(_says_something(plain[each], here[each]) for each in compared) and all(
		_is_same(plain[each], here[each], values[each]) for each in compared
	)


def _plain_fields(meta: Meta, values: dict) -> dict[str, Any]:
	"""The fields that can be compared: not what the name is made of, as a rename writes the name into it."""
	left_out = {(meta.autoname or "").removeprefix("field:"), REMOTE_NAME, REMOTE_SITE, *TREE_FIELDS}
	return {
		df.fieldname: df
		for df in meta.fields
		if df.fieldtype in PLAIN and is_stored(df) and df.fieldname in values and df.fieldname not in left_out
	}


def _says_something(df: Any, value: Any) -> bool:
	return df.fieldtype not in ("Check", "Select") and not _is_same(df, value, df.default)


def _is_same(df: Any, here: Any, there: Any) -> bool:
	try:
		return same_value(df.fieldtype, here, there)
	except (ValueError, TypeError, OverflowError, frappe.ValidationError):
		# no date, as the other site has it
		return False


def _compare_rows(meta: Meta, name: str, values: dict) -> tuple[bool, bool]:
	"""Whether any of the two has rows, and whether they share one."""
	with_rows = False
	for df in meta.get_table_fields():
		rows = values.get(df.fieldname)
		if not isinstance(rows, list) or cint(frappe.get_meta(df.options).get("is_virtual")):
			continue
		names = [str(row["name"]) for row in rows if isinstance(row, dict) and row.get("name")]
		owner = {"parenttype": meta.name, "parent": name, "parentfield": df.fieldname}
		if names and frappe.db.exists(df.options, {**owner, "name": ["in", names]}):
			return True, True
		with_rows = with_rows or bool(rows) or bool(frappe.db.exists(df.options, owner))
	return with_rows, False

"""Which documents may come only because another one links to them: a list of DocTypes that follows from the subscriptions.

On it is what their Link fields lead to, and the Link fields of that in turn: outside of Frappe's own modules (but for named ones),
and nothing that holds code. The form shows it; a person can add to it and take out. A Dynamic Link names any DocType: it opens
none that is not on it, but where an adapter or an app says what it leads to. It only reads.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field

import frappe

from event_streaming.adapters.doctypes import fields_decided_here, leads_to, may_stay_empty
from event_streaming.consumer.subscriptions.subscription import Subscription, names_in, subscriptions_of
from event_streaming.exceptions import RefusedDocType
from event_streaming.messages.coded import _
from event_streaming.site.refused import TEMPLATES, holds_code, why_not_unasked, why_refused

# users are made disabled; a DocType is only named, as what a Dynamic Link is of
NO_DOCUMENTS = ("User", "DocType")
LINKS = "event_streaming:links"
REMEMBERED_SECONDS = 3_600
# where a DocType is linked from, and by which field
Way = tuple[str, str]


@dataclass(frozen=True)
class Entry:
	"""One DocType that something leads to: from where, and why its documents do not come; "" when they do. `empty`: a link to
	what is not here stays empty then, and nothing waits for it."""

	doctype: str
	way: Way
	refused: str
	empty: bool = False


@dataclass
class Unasked:
	"""What may come unasked from one producer."""

	event_producer: str
	subscriptions: dict[str, Subscription]
	added: tuple[str, ...] = ()
	taken_out: tuple[str, ...] = ()
	_entries: dict[str, Entry] = field(default_factory=dict)

	def why_not(self, doctype: str, mapped: bool = False) -> str:
		"""Why a document of this DocType is not brought; "" when it may be. `mapped`: a mapping names it."""
		if reason := why_refused(doctype):
			return reason
		if mapped or doctype in self._subscribed():
			return ""
		if doctype in self.taken_out:
			reason = _("it is named in Never Bring These")
		elif doctype in self.added:
			return ""
		elif reason := why_not_unasked(doctype):
			pass
		elif doctype in self.reached():
			return ""
		else:
			reason = _("no Link field of what is subscribed leads to it; name it in Also Bring These")
		return self.explain(doctype, reason)

	def explain(self, doctype: str, reason: str) -> str:
		return _(
			"{0}: {1}. On the Event Producer {2} either add a row for {3}, or put the field into Fields This Site Decides; or"
			" make the document here under this name"
		).format(not_brought(doctype), reason, self.event_producer, _(doctype))

	def reached(self) -> dict[str, Entry]:
		"""DocType -> how Link fields lead to it from what is subscribed, those whose documents do not come among them."""
		if not self._entries:
			links = links_of_site()
			known = self._subscribed()
			waiting = list(dict.fromkeys((*known, *self._mapped(), *self.added)))
			for doctype in waiting:
				left = self._left_to_this_site(doctype)
				for fieldname, target in [*links.get(doctype, ()), *leads_to(doctype)]:
					if target in known or target in self._entries or target in NO_DOCUMENTS:
						continue
					if fieldname in left or fieldname.partition(".")[0] in left or is_row(target):
						continue
					refused = self._refused(target)
					empty = bool(refused) and may_stay_empty(target)
					self._entries[target] = Entry(target, (doctype, fieldname), refused, empty)
					if not refused:
						waiting.append(target)
		return self._entries

	def _left_to_this_site(self, doctype: str) -> set[str]:
		"""Fields of a DocType that are never taken over, so that no link in them leads anywhere."""
		rows = [each for each in self.subscriptions.values() if each.local_doctype == doctype]
		if not rows:
			return set(fields_decided_here(doctype))
		return set.intersection(*(set(each.fields_this_site_decides) for each in rows))

	def _refused(self, doctype: str) -> str:
		if doctype in self.taken_out:
			return _("it is named in Never Bring These")
		return why_refused(doctype) or ("" if doctype in self.added else why_not_unasked(doctype))

	def _mapped(self) -> set[str]:
		"""The DocTypes here to which fields of the mappings lead: a person has named them."""
		found: set[str] = set()
		names = {each.mapping for each in self.subscriptions.values() if each.mapping}
		while new := names - found:
			found |= new
			rows = {"parent": ["in", sorted(new)], "mapping": ["is", "set"]}
			names = set(frappe.get_all("Document Type Field Mapping", rows, pluck="mapping"))
		mappings = {"name": ["in", sorted(found)]}
		return (
			set(frappe.get_all("Document Type Mapping", mappings, pluck="local_doctype")) if found else set()
		)

	def _subscribed(self) -> set[str]:
		return {each.local_doctype for each in self.subscriptions.values()}


def unasked_of(event_producer, subscriptions: dict[str, Subscription]) -> Unasked:
	"""For an Event Producer document."""
	return Unasked(
		event_producer.name,
		subscriptions,
		names_in(event_producer.get("also_bring")),
		names_in(event_producer.get("never_bring")),
	)


def validate(event_producer) -> None:
	"""What a person adds or takes out has to be DocTypes, and none that holds code: those are subscribed to, or not taken."""
	if event_producer.flags.from_producer:
		return
	for label, text in ((_("Also Bring These"), "also_bring"), (_("Never Bring These"), "never_bring")):
		for doctype in names_in(event_producer.get(text)):
			if not frappe.db.exists("DocType", doctype):
				problem = _("{0} is no Document Type of this site.").format(frappe.utils.escape_html(doctype))
				frappe.throw(f"{label}: {problem}", RefusedDocType)
	for doctype in names_in(event_producer.get("also_bring")):
		problem = why_refused(doctype)
		if not problem and (doctype in TEMPLATES or holds_code(frappe.get_meta(doctype))):
			problem = _(
				"{0} can hold code or templates. Add a row for it, if you trust the producer with that."
			).format(_(doctype))
		if problem:
			frappe.throw(f"{_('Also Bring These')}: {problem}", RefusedDocType)


def shown(event_producer) -> list[dict[str, str]]:
	"""The list, for the form, each with the field that leads there. First what events may wait for: a hundred others may come."""
	entries = unasked_of(event_producer, subscriptions_of(event_producer)).reached().values()
	return [
		{
			"doctype": entry.doctype,
			"from": entry.way[0],
			"field": entry.way[1],
			"refused": frappe.utils.strip_html(entry.refused),
			"empty": entry.empty,
		}
		for entry in sorted(entries, key=lambda entry: (not entry.refused, entry.empty, entry.doctype))
	]


def is_row(doctype: str) -> bool:
	"""Whether a link to this DocType names a row of another document: it comes with that, under the name that it has there."""
	return bool(frappe.db.exists("DocType", doctype, cache=True)) and bool(frappe.get_meta(doctype).istable)


def not_brought(doctype: str) -> str:
	"""With this begins what an event says that waits for such a document."""
	return _("{0} is not brought unasked").format(_(doctype))


def links_of_site() -> dict[str, list[Way]]:
	"""DocType -> (field, DocType that it links to), those of its rows included. Remembered until a DocType changes."""
	stamp = _stamp()
	kept = frappe.cache.get_value(LINKS)
	if not kept or kept["stamp"] != stamp:
		kept = {"stamp": stamp, "links": _read_links()}
		frappe.cache.set_value(LINKS, kept, expires_in_sec=REMEMBERED_SECONDS)
	return kept["links"]


def _stamp() -> str:
	return str(
		frappe.db.sql(
			"""SELECT (SELECT MAX(modified) FROM `tabDocType`), (SELECT COUNT(*) FROM `tabDocType`),
			(SELECT MAX(modified) FROM `tabCustom Field`), (SELECT COUNT(*) FROM `tabCustom Field`)"""
		)
	)


def _read_links() -> dict[str, list[Way]]:
	fields = [*_fields("DocField", "parent"), *_fields("Custom Field", "dt")]
	rows: dict[str, list[Way]] = {}
	for doctype, fieldname, fieldtype, options in fields:
		if fieldtype == "Link":
			rows.setdefault(doctype, []).append((fieldname, options))
	links = {doctype: list(own) for doctype, own in rows.items()}
	for doctype, fieldname, fieldtype, options in fields:
		if fieldtype != "Link" and options in rows:
			links.setdefault(doctype, []).extend(
				(f"{fieldname}.{inner}", target) for inner, target in rows[options]
			)
	return links


def _fields(table: str, of: str) -> Iterable[tuple[str, str, str, str]]:
	kinds = ("Link", "Table", "Table MultiSelect")
	field = frappe.qb.DocType(table)
	return (
		frappe.qb.from_(field)
		.select(field[of], field.fieldname, field.fieldtype, field.options)
		.where(field.fieldtype.isin(kinds) & (field.options != "") & (field.options != "[Select]"))
		.orderby(field[of])
		.orderby(field.idx)
		.run()
	)

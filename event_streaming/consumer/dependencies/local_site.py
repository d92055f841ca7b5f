"""What this site has: the links of its DocTypes, and which remote documents have a local one. It only reads.

A document that is here by the same name stands for a remote one only where that is sure: not where this site names the
documents itself, and not where the name belongs to a document from another producer.
"""

from collections.abc import Iterable

import frappe
from frappe import _
from frappe.model import table_fields
from frappe.utils import cint

from event_streaming.consumer.dependencies.links import Link, LinkField, Shape, links_in_change, needs_current
from event_streaming.consumer.life_cycle.fields import TREE_FIELDS
from event_streaming.consumer.subscriptions.subscription import Subscription, doctypes_given
from event_streaming.identity import registry
from event_streaming.identity.registry import REMOTE_NAME, REMOTE_SITE, LocalKey, RemoteKey
from event_streaming.wire.events import Root

NAMES_PER_QUERY = 1_000
USER = "User"


class LocalSite:
	"""This site as one producer's documents find it."""

	def __init__(self, event_producer: str, here: str, subscriptions: dict[str, Subscription]):
		self.event_producer = event_producer
		self.here = here
		self.subscriptions = subscriptions
		self._remote_doctypes = {each.local_doctype: remote for remote, each in subscriptions.items()}
		self._shapes: dict[str, Shape] = {}

	# DocTypes

	def shape(self, doctype: str) -> Shape:
		if doctype not in self._shapes:
			self._shapes[doctype] = shape_of(doctype)
		return self._shapes[doctype]

	def needs_current(self, doctype: str, change: dict) -> bool:
		return needs_current(self.shape(doctype), change)

	def links_in_change(self, doctype: str, change: dict, current: dict | None) -> list[Link]:
		return links_in_change(self.shape(doctype), change, current)

	def remote_key(self, link: Link) -> RemoteKey:
		"""What the producer calls the document that a link names."""
		if link.from_remote or link.doctype in self.subscriptions:
			return link.doctype, link.name
		return self._remote_doctypes.get(link.doctype, link.doctype), link.name

	# documents

	def look_up(
		self, local_doctypes: dict[RemoteKey, str]
	) -> tuple[dict[RemoteKey, LocalKey], dict[RemoteKey, str]]:
		"""Those of the remote documents that have a local one, and those that can't have one, with the reason.

		`local_doctypes` says for each which DocType it has here. One query for the identities, and a fixed number for
		each DocType.
		"""
		known = registry.find_many(self.event_producer, local_doctypes)
		impossible: dict[RemoteKey, str] = {}
		wanted: dict[str, set[str]] = {}
		namesakes: dict[RemoteKey, LocalKey] = {}
		for key, doctype in local_doctypes.items():
			subscription = self.subscriptions.get(key[0])
			if key in known:
				wanted.setdefault(known[key][0], set()).add(known[key][1])
			elif not doctype_exists(doctype):
				impossible[key] = _("the DocType {0} does not exist on this site").format(doctype)
			elif not subscription or subscription.use_same_name:
				namesakes[key] = (doctype, key[1])
				wanted.setdefault(doctype, set()).add(key[1])
		there = {doctype: existing_names(doctype, names) for doctype, names in wanted.items()}
		found = {
			key: (doctype, there[doctype][name])
			for key, (doctype, name) in known.items()
			if name in there[doctype]
		}
		found.update(self._own_namesakes(namesakes, there))
		found.update(
			self._with_remote_name(
				[key for key in local_doctypes if key not in found and key not in impossible]
			)
		)
		return found, impossible

	def _own_namesakes(
		self, namesakes: dict[RemoteKey, LocalKey], there: dict[str, dict[str, str]]
	) -> dict[RemoteKey, LocalKey]:
		"""Local documents with the remote one's name that did not come from anywhere else."""
		here: dict[str, dict[str, RemoteKey]] = {}
		for key, (doctype, name) in namesakes.items():
			if name in there[doctype]:
				here.setdefault(doctype, {})[there[doctype][name]] = key
		found = {}
		for doctype, names in here.items():
			from_elsewhere = {} if doctype == USER else registry.find_for_local(doctype, list(names))
			found.update({key: (doctype, name) for name, key in names.items() if name not in from_elsewhere})
		return found

	def _with_remote_name(self, keys: list[RemoteKey]) -> dict[RemoteKey, LocalKey]:
		"""Documents from before there were identities carry where they came from in two custom fields."""
		names: dict[str, dict[str, RemoteKey]] = {}
		for key in keys:
			subscription = self.subscriptions.get(key[0])
			if subscription and doctype_exists(subscription.local_doctype):
				names.setdefault(subscription.local_doctype, {})[key[1]] = key
		found = {}
		for doctype, by_name in names.items():
			if not frappe.get_meta(doctype).has_field(REMOTE_NAME):
				continue
			rows = frappe.get_all(
				doctype,
				filters={
					REMOTE_NAME: ["in", sorted(by_name)],
					REMOTE_SITE: self.event_producer,
				},
				fields=["name", REMOTE_NAME],
				order_by=None,
			)
			found.update({by_name[row[REMOTE_NAME]]: (doctype, str(row.name)) for row in rows})
		return found

	def find_by_roots(self, roots: dict[RemoteKey, Root]) -> dict[RemoteKey, LocalKey]:
		"""Documents that are here already because they were first made here, or came by another way.

		Events of what is subscribed to change what is found here: that has to be of a DocType that can have left this site.
		"""
		known = registry.find_by_roots(roots.values())
		mine = {root["doctype"] for root in roots.values() if root["site"] == self.here}
		given = doctypes_given(None, mine) if mine else set()
		found = {}
		for key, root in roots.items():
			local = known.get((root["site"], root["doctype"], root["name"]))
			if root["site"] == self.here:
				may_be = key[0] not in self.subscriptions or root["doctype"] in given
				local = (root["doctype"], root["name"]) if may_be else None
			if local and doctype_exists(local[0]) and frappe.db.exists(*local):
				found[key] = local
		return found


def shape_of(doctype: str) -> Shape:
	"""The links of a DocType and of its child tables, as Frappe checks them on save."""
	meta = frappe.get_meta(doctype)
	own = TREE_FIELDS if meta.get("is_tree") else ()
	fields = []
	for df in meta.fields:
		if cint(df.get("is_virtual")) or not df.options or df.fieldname in own:
			continue
		if df.fieldtype == "Link" and df.options != "[Select]":
			fields.append(LinkField(df.fieldname, doctype=df.options, required=bool(df.reqd)))
		elif df.fieldtype == "Dynamic Link":
			fields.append(LinkField(df.fieldname, doctype_field=df.options, required=bool(df.reqd)))
	tables = {
		df.fieldname: shape_of(df.options)
		for df in meta.fields
		if df.fieldtype in table_fields and not cint(df.get("is_virtual"))
	}
	return Shape(tuple(fields), {fieldname: shape for fieldname, shape in tables.items() if shape != Shape()})


def doctype_exists(doctype: str) -> bool:
	return bool(frappe.db.exists("DocType", doctype, cache=True))


def existing_names(doctype: str, names: Iterable[str]) -> dict[str, str]:
	"""Those of `names` that are names of documents here, each with the name as it is written here.

	Databases that take "a" and "A" for the same do so for names; what Frappe accepts as a link is accepted here.
	"""
	names = sorted(names)
	if not doctype_exists(doctype):
		return {}
	meta = frappe.get_meta(doctype)
	if cint(meta.issingle):
		return {name: doctype for name in names}
	if cint(meta.get("is_virtual")):
		# only the DocType's own code knows; Frappe asks it when the document is saved
		return {name: name for name in names}
	table = frappe.qb.DocType(doctype)
	found: dict[str, str] = {}
	for start in range(0, len(names), NAMES_PER_QUERY):
		part = names[start : start + NAMES_PER_QUERY]
		rows = frappe.qb.from_(table).select(table.name).where(table.name.isin(part)).run()
		written = {str(name).casefold(): str(name) for (name,) in rows}
		exact = set(map(str, (name for (name,) in rows)))
		for name in part:
			if name in exact:
				found[name] = name
			elif name.casefold() in written:
				found[name] = written[name.casefold()]
	return found

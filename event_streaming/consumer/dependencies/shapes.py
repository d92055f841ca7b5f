"""The links of this site's DocTypes, and what the producer calls the documents that they name. It only reads."""

import frappe
from frappe.model import table_fields
from frappe.utils import cint

from event_streaming.consumer.dependencies.places import (
	Link,
	LinkField,
	Shape,
	links_in_change,
	needs_current,
)
from event_streaming.consumer.life_cycle.fields import TREE_FIELDS
from event_streaming.consumer.subscriptions.subscription import Subscription
from event_streaming.identity.registry import RemoteKey


class Shapes:
	"""The DocTypes that one producer's documents become here."""

	def __init__(self, subscriptions: dict[str, Subscription]):
		self.subscriptions = subscriptions
		self._remote_doctypes = {each.local_doctype: remote for remote, each in subscriptions.items()}
		self._shapes: dict[str, Shape] = {}

	def of(self, doctype: str) -> Shape:
		if doctype not in self._shapes:
			self._shapes[doctype] = shape_of(doctype)
		return self._shapes[doctype]

	def needs_current(self, doctype: str, change: dict) -> bool:
		return needs_current(self.of(doctype), change)

	def links_in_change(self, doctype: str, change: dict, current: dict | None) -> list[Link]:
		return links_in_change(self.of(doctype), change, current)

	def remote_key(self, link: Link) -> RemoteKey:
		"""What the producer calls the document that a link names."""
		if link.from_remote or link.doctype in self.subscriptions:
			return link.doctype, link.name
		return self._remote_doctypes.get(link.doctype, link.doctype), link.name


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

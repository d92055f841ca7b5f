"""What of a subscription's documents is compared on the two sites: the fields of this site's DocType, or of its mapping.

Not compared, because the sites need not agree on it: who made and changed a document and when; what says where it came from
or where it stands in a tree; fields that only one site has; fields of a mapping that have no remote field, or that find
their document by filters; Fields This Site Decides; numbers that are added up; what the producer does not send; fields that name a file. Rows are compared in their order, by name and values; attached files by
their contents, as far as both sites know the hash of it.

It reads DocTypes and mappings only.
"""

from collections.abc import Collection
from dataclasses import dataclass, replace

import frappe
from frappe.model import table_fields
from frappe.utils import cint

from event_streaming.consumer.files.attached import ATTACH_FIELDS
from event_streaming.consumer.life_cycle.fields import TREE_FIELDS, is_stored
from event_streaming.consumer.mapping.records import CHILD_TABLE, DOCUMENT, FieldMapping
from event_streaming.consumer.mapping.store import MappingStore
from event_streaming.consumer.subscriptions.subscription import Subscription
from event_streaming.database.bulk_reading import Columns
from event_streaming.identity.registry import REMOTE_NAME, REMOTE_SITE
from event_streaming.wire.digests import ATTACHED_FILES, FieldShape, Shape, form_of


@dataclass(frozen=True)
class ComparedField:
	"""A field here and what it is compared with. `target` is the DocType here that it links to, or `target_field` says it."""

	local: str
	label: str
	fieldtype: str
	shape: FieldShape
	target: str = ""
	target_field: str = ""


@dataclass(frozen=True)
class ComparedTable:
	local: str
	remote: str
	label: str
	fields: tuple[ComparedField, ...]


@dataclass(frozen=True)
class Compared:
	"""What is compared of one subscription; `left_out` are labels of fields here that might be expected, and are not."""

	subscription: Subscription
	fields: tuple[ComparedField, ...]
	tables: tuple[ComparedTable, ...]
	left_out: tuple[str, ...]
	# the contents of the attached files as well
	files: bool = True

	@property
	def shape(self) -> Shape:
		files = (FieldShape(ATTACHED_FILES, "text"),) if self.files else ()
		return Shape(
			(*(each.shape for each in self.fields), *files),
			tuple((table.remote, Shape(tuple(each.shape for each in table.fields))) for table in self.tables),
		)

	@property
	def columns(self) -> Columns:
		return Columns(
			self.subscription.local_doctype,
			tuple(each.local for each in self.fields),
			{table.local: tuple(each.local for each in table.fields) for table in self.tables},
		)

	def without(self, lacking: Collection[str]) -> "Compared":
		"""Without what the producer has not got; fields of rows are called table.field."""
		if not lacking:
			return self
		tables = tuple(
			replace(
				table,
				fields=tuple(
					each for each in table.fields if f"{table.remote}.{each.shape.name}" not in lacking
				),
			)
			for table in self.tables
			if table.remote not in lacking
		)
		fields = tuple(each for each in self.fields if each.shape.name not in lacking)
		files = self.files and ATTACHED_FILES not in lacking
		return replace(self, fields=fields, tables=tables, files=files)


def compared_fields(subscription: Subscription, mappings: MappingStore) -> Compared:
	"""What is compared of the documents of a subscription. Raises CannotApply for a mapping that can't be used."""
	meta = frappe.get_meta(subscription.local_doctype)
	left_out: list[str] = []
	status = ComparedField("docstatus", "Docstatus", "Int", FieldShape("docstatus", "whole"))
	if subscription.mapping:
		entries = mappings.get(subscription.mapping).fields
		fields = mapped_fields(meta, entries, left_out)
		tables = tuple(
			mapped_table(meta, entry, left_out)
			for entry in entries
			if is_table_of(meta, entry.local_fieldname)
		)
		return without_decided(Compared(subscription, (status, *fields), tables, tuple(left_out)))
	own = {REMOTE_NAME, REMOTE_SITE, *(TREE_FIELDS if meta.get("is_tree") else ())}
	if not subscription.use_same_name:
		# a series that this site has not got gives way to its own
		own.add("naming_series")
	tables = tuple(
		ComparedTable(
			df.fieldname,
			df.fieldname,
			df.label or df.fieldname,
			own_fields(frappe.get_meta(df.options), set(), left_out, f"{df.label or df.fieldname}: "),
		)
		for df in meta.fields
		if is_table_of(meta, df.fieldname)
	)
	fields = (status, *own_fields(meta, own, left_out))
	return without_decided(Compared(subscription, fields, tables, tuple(left_out)))


def without_decided(compared: Compared) -> Compared:
	"""Without the fields and tables that this site decides, or does not get."""
	decided = compared.subscription.not_compared
	if not decided:
		return compared
	left_out = [each.label for each in compared.fields if each.local in decided]
	tables = []
	for table in compared.tables:
		if table.local in decided:
			left_out.append(table.label)
			continue
		own = [each for each in table.fields if f"{table.local}.{each.local}" in decided]
		left_out += [f"{table.label}: {each.label}" for each in own]
		tables.append(replace(table, fields=tuple(each for each in table.fields if each not in own)))
	return replace(
		compared,
		fields=tuple(each for each in compared.fields if each.local not in decided),
		tables=tuple(tables),
		left_out=(*compared.left_out, *left_out),
	)


def is_table_of(meta, fieldname: str) -> bool:
	df = meta.get_field(fieldname)
	return bool(
		df
		and df.fieldtype in table_fields
		and not cint(df.get("is_virtual"))
		and not cint(frappe.get_meta(df.options).get("is_virtual"))
	)


def own_fields(meta, own: set[str], left_out: list[str], prefix: str = "") -> tuple[ComparedField, ...]:
	"""The stored fields of a DocType, without those that are this site's `own`."""
	found = []
	for df in meta.fields:
		if df.fieldname in own or df.fieldname == "docstatus" or not is_stored(df):
			continue
		if df.fieldtype in ATTACH_FIELDS:
			left_out.append(prefix + (df.label or df.fieldname))
		else:
			found.append(compared_field(df, FieldShape(df.fieldname, form_of(df.fieldtype))))
	return tuple(found)


def compared_field(df, shape: FieldShape) -> ComparedField:
	link = df.options if df.fieldtype == "Link" and df.options != "[Select]" else ""
	dynamic = df.options if df.fieldtype == "Dynamic Link" else ""
	return ComparedField(
		df.fieldname, df.label or df.fieldname, df.fieldtype, shape, link or "", dynamic or ""
	)


def mapped_fields(
	meta, entries: tuple[FieldMapping, ...], left_out: list[str], prefix: str = ""
) -> tuple[ComparedField, ...]:
	"""The fields of a mapping that can be compared."""
	found = []
	for entry in entries:
		df = meta.get_field(entry.local_fieldname)
		if entry.mapping_type == CHILD_TABLE or not df or not is_stored(df):
			continue
		label = prefix + (df.label or df.fieldname)
		if not entry.remote_fieldname or df.fieldtype in ATTACH_FIELDS:
			left_out.append(label)
		elif entry.mapping_type == DOCUMENT:
			if entry.remote_value_filters:
				left_out.append(label)
			else:
				shape = FieldShape(entry.remote_fieldname, "text")
				found.append(
					ComparedField(
						df.fieldname,
						df.label or df.fieldname,
						df.fieldtype,
						shape,
						entry.inner.local_doctype,
					)
				)
		else:
			found.append(compared_field(df, mapped_shape(entry, df.fieldtype)))
	return tuple(found)


def mapped_shape(entry: FieldMapping, fieldtype: str) -> FieldShape:
	value_map = entry.value_map
	return FieldShape(
		entry.remote_fieldname,
		form_of(fieldtype),
		pairs=value_map.pairs if value_map else None,
		otherwise=value_map.otherwise if value_map else FieldShape.otherwise,
		default=entry.default_value,
	)


def mapped_table(meta, entry: FieldMapping, left_out: list[str]) -> ComparedTable:
	df = meta.get_field(entry.local_fieldname)
	label = df.label or df.fieldname
	fields = mapped_fields(frappe.get_meta(df.options), entry.inner.fields, left_out, f"{label}: ")
	return ComparedTable(df.fieldname, entry.remote_fieldname, label, fields)

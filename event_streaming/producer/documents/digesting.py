"""Digests of this site's documents for one consumer, by the shape that it has sent: of what it is sent anyhow, and of nothing else.

Fields that are not sent count as not there, masked ones by what is sent of them. Which documents the consumer may have is the caller's to
know. Reads in bulk, and writes nothing.
"""

from collections.abc import Iterator, Mapping
from typing import Any

import frappe

from event_streaming.database import bulk_reading
from event_streaming.database.bulk_reading import Columns
from event_streaming.producer.documents.file_rows import contents_of
from event_streaming.producer.subscriptions.hiding import Mask
from event_streaming.producer.subscriptions.reader import Reader
from event_streaming.wire import digests
from event_streaming.wire.difference import TABLES, shape_of
from event_streaming.wire.digests import ATTACHED_FILES, FieldShape, Shape, names_of
from event_streaming.wire.values import CONVERT, as_text


def what_counts(reader: Reader, doctype: str, shape: Shape) -> tuple[Shape, list[str]]:
	"""What of a shape documents here have and the consumer is sent, and what of it they lack."""
	lacking = fields_lacking(doctype, shape.without([ATTACHED_FILES]))
	if hidden := reader.hidden.get(doctype):
		if hidden.secret and ATTACHED_FILES in names_of(shape):
			# which files are not sent is seen in whole documents only
			lacking.append(ATTACHED_FILES)
		lacking += [name for name in names_of(shape) if name in hidden.left_out and name not in lacking]
	return shape.without(lacking), lacking


def fields_lacking(doctype: str, shape: Shape, prefix: str = "") -> list[str]:
	"""Fields of the shape that documents here have not got, or that are never sent."""
	meta = frappe.get_meta(doctype)
	own = shape_of(meta)
	stored = {name for name, *_how in own.fields}
	lacking = [f"{prefix}{each.name}" for each in shape.fields if each.name not in stored]
	for table, rows in shape.tables:
		df = meta.get_field(table) if table in own.tables else None
		if not df or df.fieldtype not in TABLES or frappe.get_meta(df.options).get("is_virtual"):
			lacking.append(f"{prefix}{table}")
		else:
			lacking += fields_lacking(df.options, rows, f"{prefix}{table}.")
	return lacking


class Digester:
	"""Digests documents of one DocType by a shape of which `what_counts` has seen."""

	def __init__(self, reader: Reader, doctype: str, shape: Shape):
		self.reader, self.doctype = reader, doctype
		self.with_files = any(each.name == ATTACHED_FILES for each in shape.fields)
		shape = shape.without([ATTACHED_FILES])
		self.columns = Columns(
			doctype,
			tuple(each.name for each in shape.fields),
			{table: tuple(each.name for each in rows.fields) for table, rows in shape.tables},
		)
		meta = frappe.get_meta(doctype)
		hidden = reader.hidden.get(doctype)
		masks = hidden.masks if hidden else {}
		self.fields = readers_of(meta, shape.fields, masks)
		self.tables = [
			readers_of(frappe.get_meta(meta.get_field(table).options), rows.fields, masks, f"{table}.")
			for table, rows in shape.tables
		]

	def of(self, names: list[str]) -> Iterator[tuple[str, int]]:
		"""(name, digest) of those of the documents that are there."""
		read = bulk_reading.read_values(self.columns, names)
		files = contents_of(self.doctype, names, self.reader.consumer.name) if self.with_files else None
		for name in names:
			if name not in read:
				continue
			values, tables = read[name]
			yield (
				name,
				digests.digest_of(
					name,
					[
						*(one(value) for one, value in zip(self.fields, values, strict=True)),
						*([] if files is None else [digests.digest_of_files(files.get(name, ()))]),
					],
					[
						[
							[row, *(one(value) for one, value in zip(readers, row_values, strict=True))]
							for row, row_values in rows
						]
						for readers, rows in zip(self.tables, tables, strict=True)
					],
				),
			)


def readers_of(
	meta: Any, fields: tuple[FieldShape, ...], masks: Mapping[str, Mask], prefix: str = ""
) -> list:
	"""For each field what makes of a value in the database the one that counts."""
	readers = []
	for each in fields:
		df = meta.get_field(each.name)
		if each.pairs is None and each.default is None:
			readers.append(digests.FORMS[each.form])
		else:
			# a mapping is told of values in the form that they have on the wire
			convert = CONVERT.get(df.fieldtype, as_text) if df else as_text
			readers.append(lambda value, each=each, convert=convert: each.of_remote(convert(value)))
		if mask := masks.get(prefix + each.name):
			readers[-1] = lambda value, mask=mask, read=readers[-1]: read(mask.of(value))
	return readers

"""Digests by which two sites tell, without moving documents, which of them are not the same on both.

Pure: needs no site. A *shape* says what of a document counts, in the producer's field names and in one form of value for
each: the consumer makes it from its own DocType and mapping, and the producer digests by it. So a renamed field, a
value map and a default are taken into account on both sides, and fields that only one site has count for nothing.
Documents are put into buckets by their names; a bucket's sum does not depend on the order in which it was added up.

Equal digests mean equal documents. Different ones mean no more than that somebody has to look: what a digest can't
take into account (a value that two remote values lead to, a name written otherwise) costs a look, and is no error.
"""

import base64
import json
import struct
import zlib
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from typing import Any

from event_streaming.wire.checks import MAX_NAME, InvalidPage, text, whole_number
from event_streaming.wire.values import as_check, as_date, as_datetime, as_decimal, as_text, as_time, as_whole

MODULUS = 2**64
# stands in a shape, after all fields, for the contents of the files that are attached; a site that does not know it lacks it
ATTACHED_FILES = "_attached_files"
MOST_BUCKETS = 4_096
LEAST_BUCKETS = 16
DOCUMENTS_PER_BUCKET = 100
# of one shape
MOST_FIELDS, MOST_TABLES, MOST_PAIRS = 2_000, 100, 2_000
# what becomes of values that are not in a value map; in the mapping's own words
KEEP, USE_DEFAULT = "Keep the Value", "Use the Default Value"


def as_words(value: Any) -> str:
	"""Text; nothing and empty text are the same."""
	return "" if value is None else as_text(value)


def as_json_value(value: Any) -> str:
	"""JSON by what it says, however it is written."""
	if value in (None, ""):
		return ""
	try:
		parsed = json.loads(value) if isinstance(value, str) else value
		return json.dumps(parsed, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
	except (TypeError, ValueError, RecursionError):
		return str(value)


FORMS: dict[str, Callable[[Any], Any]] = {
	"text": as_words,
	"whole": as_whole,
	"check": as_check,
	"decimal": as_decimal,
	"moment": as_datetime,
	"date": as_date,
	"time": as_time,
	"json": as_json_value,
}
FORM_OF_FIELDTYPE = {
	"Check": "check",
	"Int": "whole",
	"Long Int": "whole",
	"Float": "decimal",
	"Currency": "decimal",
	"Percent": "decimal",
	"Rating": "decimal",
	"Duration": "decimal",
	"Datetime": "moment",
	"Date": "date",
	"Time": "time",
	"JSON": "json",
}


def form_of(fieldtype: str) -> str:
	return FORM_OF_FIELDTYPE.get(fieldtype, "text")


@dataclass(frozen=True)
class FieldShape:
	"""One field, as the producer calls it. `pairs`, `otherwise` and `default` are what a mapping does to its value."""

	name: str
	form: str
	pairs: dict[str, Any] | None = None
	otherwise: str = KEEP
	default: Any = None

	def mapped(self, value: Any) -> Any:
		"""The local value that a remote one becomes."""
		if self.pairs is not None and value not in (None, ""):
			if str(value) in self.pairs:
				value = self.pairs[str(value)]
			elif self.otherwise == USE_DEFAULT:
				value = self.default
		return self.default if value in (None, "") and self.default is not None else value

	def of_remote(self, value: Any) -> Any:
		return FORMS[self.form](self.mapped(value))

	def of_local(self, value: Any) -> Any:
		"""An empty local value counts as the default: a mapping gives it only to documents that are new."""
		return FORMS[self.form](self.default if value in (None, "") and self.default is not None else value)


@dataclass(frozen=True)
class Shape:
	"""What of a document counts: its fields, and the shapes of its tables by the producer's field names."""

	fields: tuple[FieldShape, ...]
	tables: tuple[tuple[str, "Shape"], ...] = ()

	def without(self, names: Iterable[str]) -> "Shape":
		"""The shape without some fields; those of rows are called table.field."""
		left_out = set(names)
		tables = []
		for table, rows in self.tables:
			if table not in left_out:
				prefix = f"{table}."
				tables.append(
					(
						table,
						rows.without(
							name.removeprefix(prefix) for name in left_out if name.startswith(prefix)
						),
					)
				)
		return Shape(tuple(each for each in self.fields if each.name not in left_out), tuple(tables))

	def as_wire(self) -> dict[str, Any]:
		return {
			"fields": [
				[each.name, each.form]
				if each.pairs is None and each.default is None
				else [
					each.name,
					each.form,
					{"pairs": each.pairs, "otherwise": each.otherwise, "default": each.default},
				]
				for each in self.fields
			],
			"tables": [[table, rows.as_wire()] for table, rows in self.tables],
		}


def names_of(shape: Shape) -> list[str]:
	"""Everything that a shape names: its fields, its tables, and the fields of their rows."""
	names = [each.name for each in shape.fields]
	for table, rows in shape.tables:
		names += [table, *(f"{table}.{each.name}" for each in rows.fields)]
	return names


def parse_shape(value: Any, depth: int = 0) -> Shape:
	"""A shape that another site has sent, checked. Raises InvalidPage."""
	if not isinstance(value, dict) or depth > 1:
		raise InvalidPage("A shape is not an object of fields and tables.")
	fields, tables = value.get("fields"), value.get("tables") or []
	if not isinstance(fields, list) or len(fields) > MOST_FIELDS:
		raise InvalidPage(f"A shape's fields are not a list of at most {MOST_FIELDS}.")
	if not isinstance(tables, list) or len(tables) > MOST_TABLES:
		raise InvalidPage(f"A shape's tables are not a list of at most {MOST_TABLES}.")
	parsed = []
	for entry in tables:
		if not isinstance(entry, list) or len(entry) != 2:
			raise InvalidPage("A table of a shape is not a name and a shape.")
		parsed.append((text(entry[0], "table", MAX_NAME, required=True), parse_shape(entry[1], depth + 1)))
	return Shape(tuple(parse_field(entry) for entry in fields), tuple(parsed))


def parse_field(entry: Any) -> FieldShape:
	if not isinstance(entry, list) or len(entry) not in (2, 3) or entry[1] not in tuple(FORMS):
		raise InvalidPage("A field of a shape is not a name and a known form.")
	name = text(entry[0], "field", MAX_NAME, required=True)
	if len(entry) == 2:
		return FieldShape(name, entry[1])
	options = entry[2]
	if not isinstance(options, dict):
		raise InvalidPage("What is mapped of a field is not an object.")
	pairs, default = options.get("pairs"), options.get("default")
	if pairs is not None:
		if not isinstance(pairs, dict) or len(pairs) > MOST_PAIRS or not all(map(is_plain, pairs.values())):
			raise InvalidPage("The value map of a field is not one.")
	if not is_plain(default):
		raise InvalidPage("The default of a field is not a single value.")
	otherwise = options.get("otherwise")
	return FieldShape(name, entry[1], pairs, otherwise if isinstance(otherwise, str) else KEEP, default)


def is_plain(value: Any) -> bool:
	return value is None or isinstance(value, str | int | float)


# ---- digests and buckets


def digest_of(name: str, values: Sequence[Any], tables: Sequence[Sequence[Any]]) -> int:
	"""The digest of a document: the producer's name of it, its values, and for each table the rows in their order."""
	content = json.dumps([name, values, tables], ensure_ascii=False, separators=(",", ":"))
	return int.from_bytes(blake2b(content.encode("utf-8", "surrogatepass"), digest_size=8).digest(), "big")


def digest_of_files(hashes: Iterable[str]) -> str:
	"""What counts of a document's files: their contents, whatever their order and names. "" without any."""
	known = sorted(filter(None, hashes))
	return blake2b("\n".join(known).encode(), digest_size=8).hexdigest() if known else ""


def bucket_of(name: str, buckets: int) -> int:
	return zlib.crc32(name.encode("utf-8", "surrogatepass")) % buckets


def buckets_for(documents: int) -> int:
	"""How many buckets are worth their bytes: a power of two, with about DOCUMENTS_PER_BUCKET in each."""
	buckets = LEAST_BUCKETS
	while buckets < MOST_BUCKETS and buckets * DOCUMENTS_PER_BUCKET < documents:
		buckets *= 2
	return buckets


def add(sums: list[int], name: str, digest: int) -> None:
	number = bucket_of(name, len(sums))
	sums[number] = (sums[number] + digest) % MODULUS


def add_up(first: list[int], second: list[int]) -> list[int]:
	return [(a + b) % MODULUS for a, b in zip(first, second, strict=True)]


def pack(numbers: Sequence[int]) -> str:
	return base64.b64encode(struct.pack(f">{len(numbers)}Q", *numbers)).decode()


def unpack(packed: Any, count: int) -> list[int]:
	"""The numbers of `pack`, which must be `count`. Raises InvalidPage."""
	try:
		content = base64.b64decode(packed, validate=True)
	except (TypeError, ValueError):
		raise InvalidPage("The digests are not base64.") from None
	if len(content) != count * 8:
		raise InvalidPage(f"The digests are not {count}.")
	return list(struct.unpack(f">{count}Q", content))


# ---- answers of the producer


@dataclass(frozen=True)
class DigestPage:
	"""What a producer says of the documents after one name up to another: sums of buckets, or single digests."""

	after: str
	has_more: bool
	looked_at: int
	sums: list[int]
	digests: dict[str, int]
	without: tuple[str, ...]
	time_zone: str
	paused: bool


def parse_digest_page(answer: Any, after: str, buckets: int, listed: bool) -> DigestPage:
	"""The answer of the endpoint `get_digests`, checked. Raises InvalidPage with what is wrong."""
	if not isinstance(answer, dict):
		raise InvalidPage("The answer to a request for digests is not an object.")
	new_after = text(answer.get("after") or "", "after", MAX_NAME)
	if answer.get("has_more") and (not new_after or new_after == after):
		raise InvalidPage("The producer's digests do not go on.")
	without = answer.get("without") or []
	if not isinstance(without, list) or len(without) > MOST_FIELDS:
		raise InvalidPage("The producer's list of fields that it lacks is not one.")
	names: list[str] = []
	if listed:
		given = answer.get("names")
		if not isinstance(given, list) or len(given) > MOST_LISTED:
			raise InvalidPage(f"The names of the digests are not a list of at most {MOST_LISTED}.")
		names = [text(name, "name", MAX_NAME, required=True) for name in given]
	numbers = unpack(answer.get("digests"), len(names) if listed else buckets)
	return DigestPage(
		after=new_after,
		has_more=bool(answer.get("has_more")),
		looked_at=whole_number(answer.get("looked_at") or 0, "looked_at"),
		sums=[] if listed else numbers,
		digests=dict(zip(names, numbers, strict=True)) if listed else {},
		without=tuple(text(name, "field", 2 * MAX_NAME, required=True) for name in without),
		time_zone=text(answer.get("time_zone") or "", "time_zone", MAX_NAME),
		paused=bool(answer.get("paused")),
	)


# single digests in one answer
MOST_LISTED = 20_000

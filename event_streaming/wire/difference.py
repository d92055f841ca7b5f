"""Two states of a document -> the difference; and back.

Pure: needs no site and no database. A *state* is a plain dict that can go into JSON: the standard fields, every field that is
stored, and for each table a list of rows in the order of their `idx`. What never enters a state: passwords, virtual
fields, what Frappe keeps about a document rather than in it (tags, comments, assignments, likes, who saw it), the
parent's own `idx` (Frappe counts links in it) and the bookkeeping of child rows.
"""

from collections.abc import Callable
from typing import Any, NamedTuple, TypedDict
from weakref import WeakKeyDictionary

from event_streaming.wire.values import CONVERT, PLAIN, as_datetime, as_text, as_whole

State = dict[str, Any]

NO_VALUE = frozenset(
	(
		"Section Break",
		"Column Break",
		"Tab Break",
		"HTML",
		"Table",
		"Table MultiSelect",
		"Button",
		"Image",
		"Fold",
		"Heading",
		"Password",
	)
)
TABLES = ("Table", "Table MultiSelect")
IDENTITY = ("doctype", "name")
# they go along with a change, but are none by themselves
STAMPS = ("modified", "modified_by")


class Change(TypedDict, total=False):
	"""What became of a document, in the wire format of an Update event."""

	changed: dict[str, Any]
	added: dict[str, list[State]]
	removed: dict[str, list[str]]
	row_changed: dict[str, list[State]]


class Shape(NamedTuple):
	"""What of a DocType is streamed: its stored fields, each with what brings a value into one form and the types of the values
	that are in it already; its tables."""

	fields: tuple[tuple[str, Callable[[Any], Any], frozenset[type]], ...]
	tables: tuple[str, ...]
	# what two looks at a document compare; a row by its name too, for another one may have taken its place
	names: tuple[str, ...]


DOCUMENT_FIELDS = (
	("owner", as_text),
	("creation", as_datetime),
	("modified", as_datetime),
	("modified_by", as_text),
	("docstatus", as_whole),
)
ROW_FIELDS = (("idx", as_whole),)

# ---------------------------------------------------------------- the state of a document

_shapes: WeakKeyDictionary = WeakKeyDictionary()


def shape_of(meta: Any) -> Shape:
	"""The shape of a DocType, made once for each Meta object."""
	shape = _shapes.get(meta)
	if shape is None:
		shape = _shapes[meta] = _make_shape(meta)
	return shape


def _make_shape(meta: Any) -> Shape:
	is_row = getattr(meta, "istable", 0)
	standard = ROW_FIELDS if is_row else DOCUMENT_FIELDS
	taken = {fieldname for fieldname, _convert in standard}
	fields, tables = list(standard), []
	for df in meta.fields:
		if getattr(df, "is_virtual", 0):
			continue
		if df.fieldtype in TABLES:
			tables.append(df.fieldname)
		elif df.fieldtype not in NO_VALUE and df.fieldname not in taken:
			fields.append((df.fieldname, CONVERT.get(df.fieldtype, as_text)))
	names = tuple(fieldname for fieldname, _convert in fields)
	return Shape(
		tuple((fieldname, convert, PLAIN.get(convert, frozenset())) for fieldname, convert in fields),
		tuple(tables),
		("name", *names) if is_row else names,
	)


def snapshot(doc: Any) -> State:
	"""The state of a document (anything with `meta`, `doctype`, `name` and its fields as attributes)."""
	shape = shape_of(doc.meta)
	state = _values(doc, shape)
	for fieldname in shape.tables:
		rows = rows_of(doc, fieldname)
		if not rows:
			state[fieldname] = []
			continue
		row_meta = rows[0].meta
		if getattr(row_meta, "is_virtual", 0):
			continue
		row_shape = shape_of(row_meta)
		state[fieldname] = _in_order([_values(row, row_shape) for row in rows])
	return state


def convert_values(meta: Any, values: dict[str, Any]) -> dict[str, Any]:
	"""Values as they come from the database, in the form that a state has them."""
	convert = {fieldname: convert for fieldname, convert, _plain in shape_of(meta).fields}
	return {
		fieldname: convert[fieldname](value) for fieldname, value in values.items() if fieldname in convert
	}


def rows_of(doc: Any, fieldname: str) -> list:
	"""The rows of a table, in the order in which the document has them."""
	rows = vars(doc).get(fieldname)
	if rows is None:
		# a table that is only loaded when it is asked for (Frappe 16)
		rows = getattr(doc, fieldname, None)
	return rows if isinstance(rows, list) else []


def _values(doc: Any, shape: Shape) -> State:
	values = vars(doc)
	state: State = {"doctype": doc.doctype, "name": as_text(doc.name)}
	for fieldname, convert, plain in shape.fields:
		value = values.get(fieldname)
		# with every save, for each field: a call costs more than looking whether it is needed
		state[fieldname] = value if type(value) in plain else convert(value)
	return state


def _in_order(rows: list[State]) -> list[State]:
	return sorted(rows, key=lambda row: row.get("idx") or 0)


# ---------------------------------------------------------------- what was about to be written


class Written:
	"""What a document held when Frappe was about to write it: tells whether anything was set in memory since.

	Shallow copies only: a value that is the same object, or equal, has not been touched.
	"""

	def __init__(self, doc: Any):
		self.shape = shape = shape_of(doc.meta)
		self.values = _held(doc, shape)
		self.rows = {}
		for fieldname in shape.tables:
			if rows := rows_of(doc, fieldname):
				self.rows[fieldname] = _held_by_rows(rows)

	def is_still(self, doc: Any) -> bool:
		"""Whether the document in memory is still what was written."""
		shape = self.shape
		if _held(doc, shape) != self.values:
			return False
		for fieldname in shape.tables:
			rows, then = rows_of(doc, fieldname), self.rows.get(fieldname, ())
			if len(rows) != len(then):
				return False
			if rows and _held_by_rows(rows) != then:
				return False
		return True


def _held(doc: Any, shape: Shape) -> list:
	return list(map(vars(doc).get, shape.names))


def _held_by_rows(rows: list) -> list[list]:
	shape = shape_of(rows[0].meta)
	return [_held(row, shape) for row in rows]


# ---------------------------------------------------------------- the difference of two states


def difference(old: State, new: State) -> Change | None:
	"""What leads from `old` to `new`; None when nothing but the time stamps differs."""
	change: Change = {}
	changed = {}
	for fieldname, value in new.items():
		before = old.get(fieldname)
		if value == before or fieldname in IDENTITY or fieldname in STAMPS:
			continue
		if type(value) is list:
			_compare_rows(change, fieldname, before or [], value)
		elif not same(before, value):
			changed[fieldname] = value
	if not changed and not change:
		return None
	if any(not same(old.get(fieldname), new.get(fieldname)) for fieldname in STAMPS):
		# both: who saved it last on another site may be another user although here it is the same as before
		changed.update({fieldname: new.get(fieldname) for fieldname in STAMPS})
	if changed:
		change["changed"] = changed
	return change


def values_before(old: State, change: Change) -> Change:
	"""What the fields and rows that `change` sets or removes held in `old`: by this a consumer tells a conflict."""
	before: Change = {"changed": {fieldname: old.get(fieldname) for fieldname in change.get("changed", {})}}
	# says which state it was, also where the change leaves the stamp as it is
	before["changed"]["modified"] = old.get("modified")
	if old.get("creation"):
		# and which document: the other site may have another one of the name by the time this comes
		before["changed"]["creation"] = old["creation"]
	for fieldname, rows in change.get("row_changed", {}).items():
		was = {row["name"]: row for row in old.get(fieldname) or []}
		before.setdefault("row_changed", {})[fieldname] = [
			{key: was.get(row["name"], {}).get(key) if key != "name" else row["name"] for key in row}
			for row in rows
		]
	return before


def same(a: Any, b: Any) -> bool:
	"""Equal by value; nothing and an empty text are the same."""
	return a == b or (a is None and b == "") or (b is None and a == "")


def _compare_rows(change: Change, fieldname: str, old: list[State], new: list[State]) -> None:
	before = {row["name"]: row for row in old}
	now = {row["name"] for row in new}
	added = [row for row in new if row["name"] not in before]
	removed = [name for name in before if name not in now]
	row_changed = []
	for row in new:
		was = before.get(row["name"])
		if was is None or was == row:
			continue
		values = {
			key: value for key, value in row.items() if not same(was.get(key), value) and key not in IDENTITY
		}
		if values:
			row_changed.append({"name": row["name"], **values})
	for key, rows in (("added", added), ("removed", removed), ("row_changed", row_changed)):
		if rows:
			change.setdefault(key, {})[fieldname] = rows


def apply_change(state: State, change: Change | None) -> State:
	"""The state after the change: what `difference` took apart, put together."""
	new = {key: list(value) if isinstance(value, list) else value for key, value in state.items()}
	if not change:
		return new
	new.update(change.get("changed", {}))
	for fieldname, names in change.get("removed", {}).items():
		gone = set(names)
		new[fieldname] = [row for row in new.get(fieldname) or [] if row["name"] not in gone]
	for fieldname, rows in change.get("row_changed", {}).items():
		values = {row["name"]: row for row in rows}
		new[fieldname] = [{**row, **values.get(row["name"], {})} for row in new.get(fieldname) or []]
	for fieldname, rows in change.get("added", {}).items():
		new[fieldname] = [*(new.get(fieldname) or []), *rows]
	for key in ("added", "removed", "row_changed"):
		for fieldname in change.get(key, {}):
			new[fieldname] = _in_order(new[fieldname])
	return new

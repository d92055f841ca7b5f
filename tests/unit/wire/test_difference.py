"""apply_change(old, difference(old, new)) is new; equal values of different types are no difference."""

from datetime import date, datetime, time, timedelta
from decimal import Decimal
from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from event_streaming.wire.difference import Written, apply_change, convert_values, difference, same, snapshot

FIELDS = (
	("title", "Data"),
	("note", "Small Text"),
	("urgent", "Check"),
	("count", "Int"),
	("total", "Currency"),
	("due", "Datetime"),
	("day", "Date"),
	("at", "Time"),
	("stars", "Rating"),
	("extra", "JSON"),
	("secret", "Password"),
	("section", "Section Break"),
	("rows", "Table"),
	("tags", "Table MultiSelect"),
)
ROW_FIELDS = (("item", "Data"), ("qty", "Float"), ("gift", "Check"))


class Meta:
	def __init__(self, fields, istable=0, is_virtual=0):
		self.fields = [SimpleNamespace(fieldname=name, fieldtype=kind, is_virtual=0) for name, kind in fields]
		self.istable, self.is_virtual = istable, is_virtual


META, ROW_META = Meta(FIELDS), Meta(ROW_FIELDS, istable=1)


class Doc:
	def __init__(self, doctype, meta, **values):
		self.doctype, self.meta = doctype, meta
		vars(self).update(values)


def row(name, **values):
	return Doc("Row", ROW_META, name=name, **values)


def order(**values):
	return Doc("Order", META, **{"name": "O1", "docstatus": 0, "rows": [], "tags": [], **values})


# ---------------------------------------------------------------- the state


def test_a_state_has_no_passwords_and_no_layout():
	state = snapshot(order(secret="hush", section="x"))

	assert "secret" not in state and "section" not in state


def test_a_virtual_field_is_not_in_the_state():
	meta = Meta(FIELDS)
	meta.fields[0].is_virtual = 1

	assert "title" not in snapshot(Doc("Order", meta, name="O1", title="x"))


def test_a_table_of_a_virtual_doctype_is_not_in_the_state():
	virtual = Doc("Row", Meta(ROW_FIELDS, istable=1, is_virtual=1), name="r")

	assert "rows" not in snapshot(order(rows=[virtual]))


def test_rows_are_in_the_order_of_their_idx():
	state = snapshot(order(rows=[row("b", idx=2), row("a", idx=1)]))

	assert [each["name"] for each in state["rows"]] == ["a", "b"]


def test_names_are_text_also_where_they_are_numbers():
	state = snapshot(order(name=7, rows=[row(12, idx=1)]))

	assert (state["name"], state["rows"][0]["name"]) == ("7", "12")


@pytest.mark.parametrize(
	("fieldname", "one", "other"),
	[
		("urgent", "1", 1),
		("urgent", None, 0),
		("urgent", True, 1),
		("count", "12", 12),
		("count", "", 0),
		("count", 12.0, 12),
		("total", "1,250.50", 1250.5),
		("total", Decimal("1.10"), 1.1),
		("total", None, 0.0),
		("total", 0.1 + 0.2, 0.3),
		("total", -0.0, 0.0),
		("due", "2026-01-02 03:04:05", datetime(2026, 1, 2, 3, 4, 5)),
		("due", "2026-01-02 03:04:05.000000", datetime(2026, 1, 2, 3, 4, 5)),
		("due", "2026-01-02T03:04:05", datetime(2026, 1, 2, 3, 4, 5)),
		("due", "", None),
		("day", "2026-01-02", date(2026, 1, 2)),
		("day", datetime(2026, 1, 2, 3, 4), date(2026, 1, 2)),
		("day", "2026-01-02 00:00:00", date(2026, 1, 2)),
		("at", "9:05:00", timedelta(hours=9, minutes=5)),
		("at", "09:05:00.5", timedelta(hours=9, minutes=5, milliseconds=500)),
		("at", time(9, 5), timedelta(hours=9, minutes=5)),
		("stars", "0.6", 0.6),
		("extra", {"a": [1]}, '{"a":[1]}'),
		("note", None, ""),
		("title", 5, "5"),
	],
)
def test_equal_values_of_different_types_are_no_difference(fieldname, one, other):
	old, new = snapshot(order(**{fieldname: one})), snapshot(order(**{fieldname: other}))

	assert difference(old, new) is None
	assert difference(new, old) is None


@pytest.mark.parametrize(
	("fieldname", "one", "other"),
	[
		("urgent", 0, 1),
		("count", 1, 2),
		("total", 1.1, 1.2),
		("due", "2026-01-02 03:04:05", "2026-01-02 03:04:06"),
		("due", "2026-01-02 03:04:05", None),
		("day", "2026-01-02", "2026-01-03"),
		("at", "09:05:00", "09:05:01"),
		("note", "a", "A"),
		("note", "a", ""),
		("note", "0", ""),
		("title", "a", "a "),
	],
)
def test_different_values_are_a_difference(fieldname, one, other):
	old, new = snapshot(order(**{fieldname: one})), snapshot(order(**{fieldname: other}))

	assert difference(old, new)["changed"] == {fieldname: new[fieldname]}


def test_values_from_the_database_have_the_form_of_the_state():
	values = {"total": Decimal("1.50"), "due": datetime(2026, 1, 2), "unknown": 1, "secret": "hush"}

	assert convert_values(META, values) == {"total": 1.5, "due": "2026-01-02 00:00:00"}


# ---------------------------------------------------------------- the difference


def test_time_stamps_alone_are_no_difference_but_go_along_with_one():
	old = snapshot(order(title="a", modified="2026-01-01 00:00:00", modified_by="a@example.com"))
	later = {**old, "modified": "2026-01-02 00:00:00", "modified_by": "b@example.com"}

	assert difference(old, later) is None
	assert difference(old, {**later, "title": "b"})["changed"] == {
		"title": "b",
		"modified": "2026-01-02 00:00:00",
		"modified_by": "b@example.com",
	}


def test_a_pure_reorder_of_rows_says_the_new_places_only():
	old = snapshot(order(rows=[row("a", idx=1), row("b", idx=2)]))
	new = snapshot(order(rows=[row("b", idx=1), row("a", idx=2)]))

	assert difference(old, new) == {
		"row_changed": {"rows": [{"name": "b", "idx": 1}, {"name": "a", "idx": 2}]}
	}


def test_the_status_is_a_field_like_any_other():
	assert difference(snapshot(order()), snapshot(order(docstatus=1))) == {"changed": {"docstatus": 1}}


def test_applying_a_change_leaves_the_state_it_was_applied_to_as_it_was():
	old = snapshot(order(rows=[row("a", idx=1, qty=1)]))
	new = snapshot(order(title="x", rows=[row("b", idx=1, qty=1)]))
	kept = snapshot(order(rows=[row("a", idx=1, qty=1)]))

	apply_change(old, difference(old, new))

	assert old == kept


texts = st.one_of(st.none(), st.text(max_size=5))
values = st.fixed_dictionaries(
	{
		"title": texts,
		"note": texts,
		"urgent": st.one_of(st.none(), st.booleans(), st.sampled_from(["0", "1"])),
		"count": st.one_of(st.none(), st.integers(-5, 5), st.integers(-5, 5).map(str)),
		"total": st.one_of(st.none(), st.floats(-1e6, 1e6), st.decimals(-10, 10, places=3)),
		"due": st.one_of(st.none(), st.datetimes(), st.datetimes().map(str)),
		"day": st.one_of(st.none(), st.dates(), st.dates().map(str)),
		"at": st.one_of(st.none(), st.times().map(str), st.timedeltas(timedelta(0), timedelta(hours=23))),
		"docstatus": st.integers(0, 2),
	}
)
row_values = st.fixed_dictionaries({"item": texts, "qty": st.floats(-10, 10), "gift": st.booleans()})


@st.composite
def rows(draw):
	names = draw(st.lists(st.sampled_from("abcdefg"), unique=True))
	return [row(name, idx=place, **draw(row_values)) for place, name in enumerate(names, start=1)]


@st.composite
def states(draw):
	return snapshot(order(rows=draw(rows()), tags=draw(rows()), **draw(values)))


def plain(state):
	"""As the database would show it: nothing and an empty text are one."""
	return {
		key: [plain(each) for each in value]
		if isinstance(value, list)
		else (value or None if value == "" else value)
		for key, value in state.items()
	}


@given(states(), states())
def test_the_difference_applied_to_the_old_state_gives_the_new(old, new):
	assert plain(apply_change(old, difference(old, new))) == plain(new)


@given(states())
def test_a_state_does_not_differ_from_itself(state):
	assert difference(state, state) is None


@given(states(), states())
def test_an_applied_difference_leaves_none(old, new):
	assert difference(apply_change(old, difference(old, new)), new) is None


@given(st.one_of(texts, st.integers()), st.one_of(texts, st.integers()))
def test_sameness_has_no_direction(one, other):
	assert same(one, other) == same(other, one)


# ---------------------------------------------------------------- what was about to be written


def test_an_untouched_document_is_still_what_was_written():
	doc = order(title="x", rows=[row("a", idx=1, qty=1)])
	written = Written(doc)
	doc.flags = "anything"

	assert written.is_still(doc)


@pytest.mark.parametrize("touch", ["field", "row", "more rows", "fewer rows"])
def test_a_touched_document_is_not_what_was_written(touch):
	doc = order(title="x", rows=[row("a", idx=1, qty=1)])
	written = Written(doc)

	if touch == "field":
		doc.title = "y"
	elif touch == "row":
		doc.rows[0].qty = 2
	elif touch == "more rows":
		doc.rows.append(row("b", idx=2))
	else:
		doc.rows.clear()

	assert not written.is_still(doc)

"""A condition sees the document's values and nothing else; what it may not be is refused with the reason."""

from types import SimpleNamespace

import pytest

from event_streaming.producer.subscriptions.bounds import Budget, TooCostly, guarded
from event_streaming.producer.subscriptions.expressions import FUNCTIONS, View, problem_in


@pytest.mark.parametrize(
	"expression",
	[
		"doc.public == 1",
		"doc.docstatus == 1",
		"doc.status in ('Open', 'Closed') and not doc.disabled",
		"doc.get('total', 0) > 100 or doc['total'] < -1",
		"any(row.qty > 1 for row in doc.rows)",
		"sum([row.qty for row in doc.rows]) / len(doc.rows) >= 2",
		"(doc.title or '').lower().startswith('a')",
		"1 if doc.a else 0",
	],
)
def test_what_a_condition_is_for_is_allowed(expression):
	assert problem_in(expression) == ""


@pytest.mark.parametrize(
	("expression", "reason"),
	[
		("doc.public = 1", "not a Python expression"),
		("doc.", "not a Python expression"),
		("import os", "not a Python expression"),
		("frappe.db.sql('delete from tabUser')", "frappe"),
		("doc.save()", "can't be called"),
		("doc.db_set('a', 1)", "can't be called"),
		("doc.get.__globals__", "underscore"),
		("doc.__class__", "underscore"),
		("open('x')", "open"),
		("(lambda: 1)()", "can't be called"),
		("9 ** 9 ** 9", "Pow"),
		("1 << 99999999", "LShift"),
		("(x := doc)", "NamedExpr"),
		("f'{doc.x}'", "JoinedStr"),
		("[y for y in __builtins__]", "__builtins__"),
		("getattr(doc, 'x')", "getattr"),
	],
)
def test_what_could_reach_beyond_the_document_is_refused_with_the_reason(expression, reason):
	assert reason in problem_in(expression)


def test_a_field_is_read_whatever_its_name():
	view = View({"items": [1], "keys": "k", "name": "n"})

	assert (view.items, view.keys, view["name"], view.missing, view.get("missing", 3)) == (
		[1],
		"k",
		"n",
		None,
		3,
	)


def test_rows_are_views_too():
	view = View({"rows": [SimpleNamespace(doctype="Row", qty=2)]})

	assert [row.qty for row in view.rows] == [2]


def test_a_view_cannot_be_changed():
	with pytest.raises(AttributeError):
		View({}).title = "x"


@pytest.mark.parametrize(
	"expression",
	["doc.publik == 1", "doc['publik']", "doc.get('publik', 0) == 1", "doc.public and doc.publik"],
)
def test_a_field_that_documents_have_not_got_is_named(expression):
	assert "publik" in problem_in(expression, {"public", "rows"})


@pytest.mark.parametrize(
	"expression",
	["doc.public == 1", "doc.get('public')", "doc['public']", "any(row.qty > 1 for row in doc.rows)"],
)
def test_fields_that_documents_have_are_let_through(expression):
	assert problem_in(expression, {"public", "rows"}) == ""


def evaluate(expression: str, budget: Budget | None = None, **values) -> object:
	"""As conditions.py has it evaluated, without Frappe's part."""
	assert problem_in(expression) == ""
	names = {**FUNCTIONS, **(budget or Budget()).guards(), "doc": View(values), "__builtins__": {}}
	return eval(guarded(expression), names)


ROWS = [SimpleNamespace(doctype="Row", qty=number) for number in range(2_000)]


@pytest.mark.parametrize(
	("expression", "reason"),
	[
		("'a' * 9999999999", "only numbers"),
		("9999999999 * [1]", "only numbers"),
		("str(doc.a) * 9999999999", "only numbers"),
		("[x for x in doc.rows] * 9999999999", "only numbers"),
		("'%9999999999d' % 1", "for numbers only"),
		("[1 for a in doc.rows for b in doc.rows for c in doc.rows]", "2 loops"),
		("any(any(any(c for c in b) for b in a) for a in doc.rows)", "2 loops"),
		(" or ".join(["doc.a == 1"] * 190), "more than 500 parts"),
		("all(guarded_each for guarded_each in doc.rows)", "guarded_each"),
		("doc.ｆield == 1 or ｆ == 1", "not known"),
		("b'x' in doc.a", "neither a text"),
	],
)
def test_what_costs_without_end_is_refused_when_it_is_read(expression, reason):
	assert reason in problem_in(expression)


@pytest.mark.parametrize(
	"expression",
	[
		"doc.text * doc.large",
		"doc.large * doc.text",
		"(doc.text or '') % 1",
		"doc.text.lower() * 999999999",
		"round(5, -999999999)",
		"sum([doc.rows, doc.rows], [])",
		"len([row for row in doc.rows for other in doc.rows])",
		"any(row.qty < 0 for row in doc.rows for other in doc.rows)",
		"len([doc.rows for row in doc.rows])",
		"len(doc.text + doc.text)",
		" * ".join(["doc.large"] * 80),
	],
)
def test_what_only_the_values_make_endless_ends(expression):
	with pytest.raises(TooCostly):
		evaluate(expression, text="%99999d" + "x" * 600_000, large=2**62, rows=ROWS)


def test_time_ends_it_too():
	budget = Budget(seconds=0.05)

	with pytest.raises(TooCostly):
		evaluate("any(doc.text.upper() == 'b' for row in doc.rows)", budget, text="a" * 1_000_000, rows=ROWS)
	assert budget.left > 0


@pytest.mark.parametrize(
	("expression", "value"),
	[
		("sum([row.qty * 2 for row in doc.rows]) + 1", 2000 * 1999 + 1),
		("doc.a + ' ' + doc.b", "x y"),
		("doc.n % 3 == 1 and round(doc.n / 3, 1) == 2.3", True),
		("len({row.qty % 2 for row in doc.rows})", 2),
		("sum(1 for row in doc.rows if any(each == str(row.qty) for each in doc.list.split(',')))", 2),
	],
)
def test_what_conditions_compute_comes_out_as_ever(expression, value):
	assert evaluate(expression, a="x", b="y", n=7, rows=ROWS, list="1,2,x") == value


def test_a_text_is_compared_as_it_is_written_and_can_not_end_early():
	"""Frappe normalises what it evaluates: this Thai vowel would become two, and the wide quotation mark one that ends the text."""
	expression = "doc.title == 'น้ำ' or doc.title == '＇ or 1 == 1 or ＇'"

	assert guarded(expression).isascii()
	assert evaluate(expression, title="น้ำ") is True
	assert evaluate(expression, title="x") is False

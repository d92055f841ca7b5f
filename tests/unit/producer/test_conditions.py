"""A condition sees the document's values and nothing else; what it may not be is refused with the reason."""

from types import SimpleNamespace

import pytest

from event_streaming.producer.subscriptions.expressions import View, problem_in


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

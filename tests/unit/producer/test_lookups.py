"""What is looked up agrees with what would be evaluated, of every document."""

import random
from datetime import date, datetime, timedelta
from decimal import Decimal

import pytest

from event_streaming.producer.subscriptions.bounds import Budget, guarded
from event_streaming.producer.subscriptions.expressions import FUNCTIONS, View, problem_in
from event_streaming.producer.subscriptions.lookups import MOST_WAYS, Index, lookup_of

FIELDS = ("branch", "public", "total", "docstatus", "name", "rows", "missing")
VALUES = (
	*(
		None,
		"",
		"0",
		"1",
		"A",
		"a",
		"A ",
		"Ä",
		"ก",
		"x" * 40,
		"it's",
		'a "b"',
		"\\x41",
		"line\nline",
		"\U0001f600",
	),
	*(0, 1, -1, 2, 1.0, 0.0, -0.0, 0.5, 10**20, 2**53, 2**53 + 1, float(2**53), True, False),
)
# what a document may hold besides
ONLY_HELD = (
	Decimal("1"),
	Decimal("0.5"),
	date(2026, 1, 1),
	datetime(2026, 1, 1),
	timedelta(0),
	float("nan"),
	[],
	[{"item": "A"}],
)


def evaluated(condition: str, values: dict, hidden: tuple = ()) -> bool:
	"""As conditions.py has it evaluated, but for Frappe's own wrapping."""
	names = {**FUNCTIONS, **Budget().guards(), "doc": View(values, hidden)}
	return bool(eval(guarded(condition), {"__builtins__": {}, **names}))


class Maker:
	def __init__(self, seed: int):
		self.random = random.Random(seed)

	def document(self) -> dict:
		return {
			field: self.random.choice(VALUES if self.random.random() < 0.8 else ONLY_HELD)
			for field in FIELDS
			if field != "missing"
		}

	def condition(self, depth: int = 3) -> str:
		kind = self.random.random()
		if depth and kind < 0.5:
			parts = [self.condition(depth - 1) for _part in range(self.random.randint(2, 3))]
			return f"({self.random.choice((' and ', ' or ')).join(parts)})"
		field = self.field()
		if kind < 0.7:
			return " == ".join(self.random.sample([field, self.constant()], 2))
		constants = ", ".join(self.constant() for _each in range(self.random.randint(1, 4)))
		left, right = self.random.choice(["()", "[]"])
		return f"{field} in {left}{constants},{right}"

	def field(self) -> str:
		name = self.random.choice(FIELDS)
		return self.random.choice([f"doc.{name}", f'doc["{name}"]', f"doc.get({name!r})"])

	def constant(self) -> str:
		return repr(self.random.choice(VALUES))


@pytest.mark.parametrize("seed", range(60))
def test_a_lookup_says_of_every_document_what_the_evaluator_says(seed):
	maker = Maker(seed)
	conditions = [maker.condition() for _each in range(20)]
	for condition in conditions:
		assert problem_in(condition) == ""
	lookups = {condition: lookup for condition in conditions if (lookup := lookup_of(condition))}
	assert len(lookups) >= 10
	index = Index(lookups.items())
	hidden = tuple(maker.random.sample(FIELDS, 2))
	for _each in range(30):
		document = maker.document()
		expected = {condition for condition in lookups if evaluated(condition, document)}
		assert {condition for condition in lookups if lookups[condition].holds(document)} == expected
		assert index.find(document) == expected
		assert index.find({name: document.get(name) for name in index.fields}) == expected
		for condition, lookup in lookups.items():
			assert lookup.holds(document, hidden) == evaluated(condition, document, hidden)


@pytest.mark.parametrize(
	"condition",
	[
		"doc.public",
		"not doc.public == 1",
		"doc.public != 1",
		"doc.total > 1",
		"doc.a == doc.b",
		"doc.a == 1 == 1",
		"doc.a in 'abc'",
		"doc.a in doc.b",
		"doc.a in ('x', doc.b)",
		"'x' in doc.a",
		"doc.a not in ('x',)",
		"doc.get('a', 1) == 1",
		"doc.get == 1",
		"doc.a.lower() == 'x'",
		"doc.a == 1 or doc.b > 1",
		"doc.rows[0] == 1",
		"1 == 1",
		"doc.a in ()",
		"doc.a is None",
		# raises for a table
		"doc.a in {1, 2}",
		"cmd: my_app.module.function",
		"doc.",
		" and ".join(f"(doc.f{number} == 1 or doc.g{number} == 1)" for number in range(8)),
	],
)
def test_what_is_more_than_that_is_left_to_the_evaluator(condition):
	assert lookup_of(condition) is None


def test_what_can_never_be_met_finds_nothing():
	lookup = lookup_of("doc.a == 1 and doc.a == 2")

	assert lookup.ways == () and not lookup.holds({"a": 1})
	assert Index([("never", lookup)]).find({"a": 1}) == set()


def test_many_ways_are_bounded():
	most = " and ".join(f"(doc.f{number} == 1 or doc.g{number} == 1)" for number in range(6))

	assert len(lookup_of(most).ways) == MOST_WAYS


def test_to_find_one_of_many_nothing_is_asked_of_the_others():
	asked = []

	class Value(str):
		def __eq__(self, other):
			asked.append(other)
			return str.__eq__(self, other)

		__hash__ = str.__hash__

	index = Index((number, lookup_of(f"doc.branch == 'B{number}'")) for number in range(1_000))

	assert index.find({"branch": Value("B7")}) == {7}
	assert len(asked) <= 5

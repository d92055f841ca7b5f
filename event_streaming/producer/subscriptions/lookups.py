"""Conditions that compare fields with constants, as what can be looked up: a document finds the conditions that it meets.

Pure: needs no site. `==` and `in` of fields and constants, with `and` and `or`, are understood; everything else is left to the
evaluator, with which this agrees on every document.
"""

import ast
from collections.abc import Collection, Hashable, Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Generic, TypeVar

from event_streaming.producer.subscriptions.expressions import field_named

# an `and` of many `or` has the product of them
MOST_WAYS = 64

# field -> the values of which it must have one
Way = Mapping[str, frozenset]
Key = TypeVar("Key", bound=Hashable)


@dataclass(frozen=True)
class Lookup:
	"""A condition: met in any of the ways, each of which asks something of some fields."""

	ways: tuple[Way, ...]

	@property
	def fields(self) -> frozenset[str]:
		return frozenset(name for way in self.ways for name in way)

	def holds(self, values: Mapping[str, Any], hidden: Collection[str] = ()) -> bool:
		"""Whether a document of these values meets it; `hidden` fields hold nothing."""
		return any(_is_met(way, values, hidden) for way in self.ways)


def _is_met(way: Way, values: Mapping[str, Any], hidden: Collection[str] = ()) -> bool:
	return all(
		is_one_of(None if name in hidden else values.get(name), wanted) for name, wanted in way.items()
	)


def is_one_of(value: Any, wanted: Collection) -> bool:
	try:
		return value in wanted
	except TypeError:
		# a table: no constant is the same
		return False


class Index(Generic[Key]):
	"""Many conditions, each under a key; what it costs to find those that are met grows with these, not with all."""

	def __init__(self, conditions: Iterable[tuple[Key, Lookup]] = ()):
		self._by_field: dict[str, dict[Any, list[tuple[Key, Way]]]] = {}
		# what has to be known of a document
		self.fields: frozenset[str] = frozenset()
		for key, lookup in conditions:
			self.fields |= lookup.fields
			for way in lookup.ways:
				name, wanted = min(way.items(), key=lambda item: (len(item[1]), item[0]))
				rest = {other: values for other, values in way.items() if other != name}
				for value in wanted:
					self._by_field.setdefault(name, {}).setdefault(value, []).append((key, rest))

	def find(self, values: Mapping[str, Any]) -> set[Key]:
		"""The keys of the conditions that a document of these values meets."""
		found: set[Key] = set()
		for name, by_value in self._by_field.items():
			try:
				some = by_value.get(values.get(name), ())
			except TypeError:
				continue
			found.update(key for key, rest in some if _is_met(rest, values))
		return found


@lru_cache(maxsize=2048)
def lookup_of(condition: str) -> Lookup | None:
	"""The condition as a lookup; None when it has to be evaluated. That it is allowed at all is not asked here."""
	try:
		tree = ast.parse(condition.strip(), mode="eval")
	except (SyntaxError, ValueError, RecursionError, MemoryError):
		return None
	ways = _ways(tree.body)
	return None if ways is None else Lookup(tuple(ways))


def _ways(node: ast.AST) -> list[Way] | None:
	if isinstance(node, ast.BoolOp):
		parts = [_ways(value) for value in node.values]
		if any(part is None for part in parts):
			return None
		return _any_of(parts) if isinstance(node.op, ast.Or) else _all_of(parts)
	way = _comparison(node)
	return None if way is None else [way]


def _any_of(parts: list[list[Way]]) -> list[Way] | None:
	ways = [way for part in parts for way in part]
	return ways if len(ways) <= MOST_WAYS else None


def _all_of(parts: list[list[Way]]) -> list[Way] | None:
	ways: list[Way] = [{}]
	for part in parts:
		if len(ways) * len(part) > MOST_WAYS:
			return None
		ways = [both for one in ways for other in part if (both := _both(one, other)) is not None]
	return ways


def _both(one: Way, other: Way) -> Way | None:
	"""The two ways in one; None when no document can be both."""
	together = dict(one)
	for name, wanted in other.items():
		together[name] = together[name] & wanted if name in together else wanted
		if not together[name]:
			return None
	return together


def _comparison(node: ast.AST) -> Way | None:
	if not isinstance(node, ast.Compare) or len(node.ops) != 1:
		return None
	left, right, operator = node.left, node.comparators[0], node.ops[0]
	if isinstance(operator, ast.In) and isinstance(right, ast.Tuple | ast.List):
		name, constants = _field(left), [_constant(each) for each in right.elts]
	elif isinstance(operator, ast.Eq):
		name, other = (_field(left), right) if _field(left) else (_field(right), left)
		constants = [_constant(other)]
	else:
		return None
	if not name or not constants or None in constants:
		return None
	return {name: frozenset(value for (value,) in constants)}


def _field(node: ast.AST) -> str:
	"""The field whose value a part of the condition is; "" when it is something else, or another value where it has none."""
	if isinstance(node, ast.Call) and (len(node.args) != 1 or node.keywords):
		return ""
	return field_named(node)


def _constant(node: ast.AST) -> tuple[Any] | None:
	"""What a constant says, as it is compared."""
	if (
		isinstance(node, ast.UnaryOp)
		and isinstance(node.op, ast.USub)
		and isinstance(node.operand, ast.Constant)
	):
		value = node.operand.value
		return (-value,) if isinstance(value, int | float) else None
	if isinstance(node, ast.Constant) and isinstance(node.value, str | int | float | None):
		return (node.value,)
	return None

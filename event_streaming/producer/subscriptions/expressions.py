"""What an expression of a condition may be made of, and the read-only view of a document that it sees.

Pure: needs no site. An expression compares values of `doc`, with a handful of plain functions; whatever could reach
beyond that, or take long, is not in the list of what is allowed.
"""

import ast
from collections.abc import Callable, Collection, Mapping
from functools import lru_cache
from typing import Any

from event_streaming.producer.subscriptions.bounds import too_costly

FUNCTIONS: dict[str, Callable] = {
	function.__name__: function
	for function in (abs, all, any, bool, float, int, len, max, min, round, str, sum)
}
ALLOWED_NODES = (
	ast.Expression,
	ast.BoolOp,
	ast.And,
	ast.Or,
	ast.UnaryOp,
	ast.Not,
	ast.USub,
	ast.UAdd,
	ast.BinOp,
	ast.Add,
	ast.Sub,
	ast.Mult,
	ast.Div,
	ast.FloorDiv,
	ast.Mod,
	ast.Compare,
	ast.Eq,
	ast.NotEq,
	ast.Lt,
	ast.LtE,
	ast.Gt,
	ast.GtE,
	ast.In,
	ast.NotIn,
	ast.Is,
	ast.IsNot,
	ast.IfExp,
	ast.Call,
	ast.keyword,
	ast.Attribute,
	ast.Subscript,
	ast.Slice,
	ast.Name,
	ast.Load,
	ast.Store,
	ast.Constant,
	ast.List,
	ast.Tuple,
	ast.Set,
	ast.Dict,
	ast.GeneratorExp,
	ast.ListComp,
	ast.SetComp,
	ast.comprehension,
)
METHODS = frozenset(("get", "lower", "upper", "strip", "startswith", "endswith", "split"))


class View:
	"""A document's values, to be read only: `doc.fieldname`, `doc["fieldname"]`, `doc.get("fieldname")`.

	`hidden` fields, and those of its rows, hold nothing: whoever gets the documents could guess by a condition what they hold.
	"""

	__slots__ = ("_hidden", "_hidden_in_rows", "_values")

	def __init__(
		self,
		values: dict[str, Any],
		hidden: Collection[str] = (),
		hidden_in_rows: Mapping[str, Collection[str]] | None = None,
	):
		object.__setattr__(self, "_values", values)
		object.__setattr__(self, "_hidden", hidden)
		object.__setattr__(self, "_hidden_in_rows", hidden_in_rows or {})

	def __getattr__(self, fieldname: str) -> Any:
		return self.get(fieldname)

	def __getitem__(self, fieldname: str) -> Any:
		return self.get(fieldname)

	def __setattr__(self, fieldname: str, value: Any) -> None:
		raise AttributeError("A condition can't change the document.")

	def get(self, fieldname: str, default: Any = None) -> Any:
		if fieldname in self._hidden:
			return None
		value = self._values.get(fieldname, default)
		if isinstance(value, list):
			hidden = self._hidden_in_rows.get(fieldname, ())
			return [View(vars(row), hidden) if hasattr(row, "doctype") else row for row in value]
		return value


def problem_in(expression: str, fieldnames: Collection[str] | None = None) -> str:
	"""What is wrong with the expression; "" when it may be evaluated. With `fieldnames`, `doc` may be asked for these only."""
	problem, named = _read(expression)
	if problem or fieldnames is None:
		return problem
	unknown = [name for name in named if name not in fieldnames]
	return f"the documents have no field {unknown[0]}" if unknown else ""


# asked of each event of a page, for each consumer
@lru_cache(maxsize=512)
def _read(expression: str) -> tuple[str, tuple[str, ...]]:
	"""What is wrong with the expression by itself, and the fields of `doc` that it names."""
	try:
		tree = ast.parse(expression, mode="eval")
	except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
		return f"it is not a Python expression ({error})", ()
	names = {"doc", *FUNCTIONS}
	names.update(
		node.id for node in ast.walk(tree) if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)
	)
	problem = next((problem for node in ast.walk(tree) if (problem := _problem(node, names))), "")
	return problem or too_costly(tree), tuple(filter(None, map(field_named, ast.walk(tree))))


def hidden_asked_for(
	expression: str, hidden: Collection[str], hidden_in_rows: Mapping[str, Collection[str]]
) -> str:
	"""A field that the expression asks for though it is hidden; "" when there is none. What is named in a roundabout way holds nothing."""
	of_rows = {name: f"{table}.{name}" for table, names in hidden_in_rows.items() for name in names}
	for node in ast.walk(ast.parse(expression, mode="eval")):
		if (name := field_named(node)) in hidden and name:
			return name
		if isinstance(node, ast.Attribute) and not _is_doc(node.value) and node.attr in of_rows:
			return of_rows[node.attr]
		if isinstance(node, ast.Constant) and isinstance(node.value, str) and node.value in of_rows:
			return of_rows[node.value]
	return ""


def field_named(node: ast.AST) -> str:
	"""The field of `doc` that a part of an expression names: `doc.field`, `doc["field"]`, `doc.get("field")`; or ""."""
	if isinstance(node, ast.Attribute) and _is_doc(node.value):
		return "" if node.attr == "get" else node.attr
	named: ast.AST | None = None
	if isinstance(node, ast.Subscript) and _is_doc(node.value):
		named = node.slice
	elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.args:
		named = node.args[0] if node.func.attr == "get" and _is_doc(node.func.value) else None
	return named.value if isinstance(named, ast.Constant) and isinstance(named.value, str) else ""


def _is_doc(node: ast.AST) -> bool:
	return isinstance(node, ast.Name) and node.id == "doc"


def _problem(node: ast.AST, names: set[str]) -> str:
	if not isinstance(node, ALLOWED_NODES):
		return f"{type(node).__name__} can't be used"
	if isinstance(node, ast.Name) and node.id not in names:
		return f"{node.id} is not known, a condition is about doc"
	if isinstance(node, ast.Attribute) and node.attr.startswith("_"):
		return f"{node.attr} begins with an underscore"
	if isinstance(node, ast.Call):
		called = node.func
		by_name = isinstance(called, ast.Name) and called.id in FUNCTIONS
		by_method = isinstance(called, ast.Attribute) and called.attr in METHODS
		if not by_name and not by_method:
			return f"{ast.unparse(called)} can't be called"
	return ""

"""What evaluating an expression may cost: bounded when it is read, and while it runs.

Pure: needs no site. A condition comes from another site; a short text can ask for endless work or memory. What can be
seen in the text is refused before anybody approves it (`too_costly`); the rest is counted as it is done (`Budget`), in an
expression whose loops and operators go through the budget's functions (`guarded`).
"""

import ast
from collections.abc import Callable, Iterable, Iterator
from functools import lru_cache
from time import monotonic
from typing import Any

# one loop, or one inside of another
DEEPEST_LOOPS = 2
MOST_NODES = 500
# steps of loops, and elements of lists and characters of texts that are made
MOST_WORK = 1_000_000
MOST_SECONDS = 1.0
LONGEST_MADE = 1_000_000
MOST_BITS = 4_096
MOST_DIGITS = 100
PREFIX = "guarded_"
LOOPS = (ast.GeneratorExp, ast.ListComp, ast.SetComp)
MADE_OF_PARTS = (str, bytes, list, tuple, set, frozenset, dict)
SEQUENCES = (*LOOPS, ast.List, ast.Tuple, ast.Set, ast.Dict)


class TooCostly(ValueError):
	"""An expression asks for more work or memory than a condition may cost."""


def too_costly(tree: ast.AST) -> str:
	"""What in an expression can be seen to cost too much; "" when nothing can."""
	nodes = list(ast.walk(tree))
	if len(nodes) > MOST_NODES:
		return f"it has more than {MOST_NODES} parts"
	if _depth(tree) > DEEPEST_LOOPS:
		return f"more than {DEEPEST_LOOPS} loops stand inside of each other"
	for node in nodes:
		if isinstance(node, ast.BinOp):
			if isinstance(node.op, ast.Mult) and (_is_sequence(node.left) or _is_sequence(node.right)):
				return "only numbers can be multiplied"
			if isinstance(node.op, ast.Mod) and _is_sequence(node.left):
				return "% is for numbers only"
		if isinstance(node, ast.Name) and (not node.id.isascii() or node.id.startswith(PREFIX)):
			return f"{node.id} can't be used as a name"
		if isinstance(node, ast.Attribute) and not node.attr.isascii():
			return f"{node.attr} can't be used as a name"
		if isinstance(node, ast.Constant) and isinstance(node.value, bytes | complex):
			return f"{node.value} is neither a text nor a plain number"
	return ""


def _depth(node: ast.AST) -> int:
	own = len(node.generators) if isinstance(node, LOOPS) else 0
	return own + max((_depth(child) for child in ast.iter_child_nodes(node)), default=0)


def _is_sequence(node: ast.AST) -> bool:
	if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "str":
		return True
	return isinstance(node, SEQUENCES) or (isinstance(node, ast.Constant) and isinstance(node.value, str))


@lru_cache(maxsize=512)
def guarded(expression: str) -> str:
	"""The expression with its loops and operators going through `Budget.guards`, in ASCII alone.

	Frappe normalises what it evaluates: letters of some languages would become others, and quotation marks that are none
	would end a text.
	"""
	tree = _Guards().visit(ast.parse(expression, mode="eval"))
	return ast.unparse(ast.fix_missing_locations(tree)).encode("ascii", "backslashreplace").decode()


class _Guards(ast.NodeTransformer):
	def visit_BinOp(self, node: ast.BinOp) -> ast.AST:
		self.generic_visit(node)
		for operator, name in ((ast.Mult, "times"), (ast.Add, "plus"), (ast.Mod, "rest")):
			if isinstance(node.op, operator):
				return _call(name, node.left, node.right)
		return node

	def visit_Call(self, node: ast.Call) -> ast.AST:
		self.generic_visit(node)
		if isinstance(node.func, ast.Name) and node.func.id in ("round", "sum"):
			node.func = ast.Name(PREFIX + node.func.id, ast.Load())
		return node

	def visit_comprehension(self, node: ast.comprehension) -> ast.AST:
		self.generic_visit(node)
		node.iter = _call("each", node.iter)
		return node

	def visit_ListComp(self, node: ast.ListComp) -> ast.AST:
		self.generic_visit(node)
		node.elt = _call("kept", node.elt)
		return node

	def visit_SetComp(self, node: ast.SetComp) -> ast.AST:
		self.generic_visit(node)
		node.elt = _call("kept", node.elt)
		return node


def _call(name: str, *arguments: ast.expr) -> ast.Call:
	return ast.Call(ast.Name(PREFIX + name, ast.Load()), list(arguments), [])


class Budget:
	"""What one evaluation may still cost. Its functions raise TooCostly when that is spent."""

	def __init__(self, work: int = MOST_WORK, seconds: float = MOST_SECONDS):
		self.left = work
		self.until = monotonic() + seconds

	def guards(self) -> dict[str, Callable]:
		"""By the names that `guarded` gives them."""
		functions = (self.times, self.plus, self.rest, self.round, self.sum, self.each, self.kept)
		return {PREFIX + function.__name__: function for function in functions}

	def spend(self, work: int) -> None:
		self.left -= work
		if self.left < 0 or monotonic() > self.until:
			raise TooCostly("The condition takes too long, or makes too much, for this document.")

	def each(self, values: Iterable) -> Iterator:
		for value in values:
			self.spend(1)
			yield value

	def kept(self, value: Any) -> Any:
		self.spend(_size(value))
		return value

	def plus(self, left: Any, right: Any) -> Any:
		size = _size(left) + _size(right)
		if size > LONGEST_MADE:
			raise TooCostly("The condition makes a text or list that is too long.")
		self.spend(size)
		return left + right

	def times(self, left: Any, right: Any) -> Any:
		_only_numbers(left, right)
		if sum(each.bit_length() for each in (left, right) if isinstance(each, int)) > MOST_BITS:
			raise TooCostly("The condition makes a number that is too large.")
		return left * right

	def rest(self, left: Any, right: Any) -> Any:
		_only_numbers(left, right)
		return left % right

	def round(self, number: Any, digits: int | None = None) -> Any:
		if digits is not None and abs(digits) > MOST_DIGITS:
			raise TooCostly("The condition rounds to too many digits.")
		return round(number, digits)

	def sum(self, values: Iterable, start: Any = 0) -> Any:
		_only_numbers(start)
		return sum(values, start)


def _only_numbers(*values: Any) -> None:
	if any(isinstance(value, MADE_OF_PARTS) for value in values):
		raise TooCostly("Only numbers can be multiplied, divided with % and summed up.")


def _size(value: Any) -> int:
	return len(value) if isinstance(value, MADE_OF_PARTS) else 1

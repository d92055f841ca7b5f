"""Evaluates a subscription's condition, and checks one before it is accepted.

A condition comes from another site and is not trusted. An expression sees `doc`, a read-only view of the document's
values, and a handful of plain functions; it is looked at node by node before it is accepted. `cmd: path.to.function`
calls a function of an app that is installed here, with `consumer`, `doc` and `update_log`; whatever it writes is
undone. Nothing here decides what happens to an event whose condition fails: see feed.py.
"""

import ast
import inspect
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import frappe
from frappe import _

COMMAND = "cmd:"
LONGEST = 2_000
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
FRAMEWORK_APPS = ("frappe", "monoframe")


class View:
	"""A document's values, to be read only: `doc.fieldname`, `doc["fieldname"]`, `doc.get("fieldname")`."""

	__slots__ = ("_values",)

	def __init__(self, values: dict[str, Any]):
		object.__setattr__(self, "_values", values)

	def __getattr__(self, fieldname: str) -> Any:
		return self.get(fieldname)

	def __getitem__(self, fieldname: str) -> Any:
		return self.get(fieldname)

	def __setattr__(self, fieldname: str, value: Any) -> None:
		raise AttributeError(_("A condition can't change the document."))

	def get(self, fieldname: str, default: Any = None) -> Any:
		value = self._values.get(fieldname, default)
		if isinstance(value, list):
			return [View(vars(row)) if hasattr(row, "doctype") else row for row in value]
		return value


def meets(condition: str | None, doc: Any, consumer: Any = None, update_log: Any = None) -> bool:
	"""Whether the document meets the condition; none is always met. Raises what the condition raises."""
	condition = (condition or "").strip()
	if not condition:
		return True
	if condition.startswith(COMMAND):
		return bool(_command(condition)(consumer=consumer, doc=doc, update_log=update_log))
	check_expression(condition)
	return bool(frappe.safe_eval(condition, dict(FUNCTIONS), {"doc": View(vars(doc))}))


@contextmanager
def without_writing() -> Iterator[None]:
	"""Undoes whatever a `cmd:` function writes while it decides."""
	frappe.db.savepoint("event_streaming_condition")
	try:
		yield
	finally:
		frappe.db.rollback(save_point="event_streaming_condition")


def check(condition: str | None) -> None:
	"""Refuse, with what is wrong, a condition that can't or may not be evaluated here."""
	condition = (condition or "").strip()
	if not condition:
		return
	if len(condition) > LONGEST:
		frappe.throw(_("The condition is longer than {0} characters.").format(LONGEST))
	if condition.startswith(COMMAND):
		_command(condition)
	else:
		check_expression(condition)


def check_expression(condition: str) -> None:
	"""Only comparisons and plain functions over `doc`: no other names, no powers, nothing that begins with _."""
	try:
		tree = ast.parse(condition, mode="eval")
	except (SyntaxError, ValueError, RecursionError) as error:
		frappe.throw(_("The condition {0} is not a Python expression: {1}").format(condition, str(error)))
	names = {"doc", *FUNCTIONS}
	names.update(
		node.id for node in ast.walk(tree) if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)
	)
	for node in ast.walk(tree):
		if problem := _problem(node, names):
			frappe.throw(_("The condition {0} is not allowed: {1}").format(condition, problem))


def _problem(node: ast.AST, names: set[str]) -> str:
	if not isinstance(node, ALLOWED_NODES):
		return _("{0} can't be used in a condition.").format(type(node).__name__)
	if isinstance(node, ast.Name) and node.id not in names:
		return _("{0} is not known; a condition is about doc.").format(node.id)
	if isinstance(node, ast.Attribute) and node.attr.startswith("_"):
		return _("{0} begins with an underscore.").format(node.attr)
	if isinstance(node, ast.Call):
		called = node.func
		if isinstance(called, ast.Name) and called.id in FUNCTIONS:
			return ""
		if isinstance(called, ast.Attribute) and called.attr in METHODS:
			return ""
		return _("{0} can't be called in a condition.").format(ast.unparse(called))
	return ""


def _command(condition: str) -> Callable:
	"""The function that `cmd: path` names, if it may be called."""
	path = condition[len(COMMAND) :].strip()
	app = path.split(".", 1)[0]
	if app in FRAMEWORK_APPS or app not in frappe.get_installed_apps():
		frappe.throw(
			_(
				"The condition {0} must name a function of an app that is installed here, other than the framework."
			).format(condition)
		)
	try:
		function = frappe.get_attr(path)
		inspect.signature(function).bind(consumer=None, doc=None, update_log=None)
	except (ImportError, AttributeError, ValueError):
		frappe.throw(_("The condition {0} names no function that can be found here.").format(condition))
	except TypeError:
		frappe.throw(
			_("The function of the condition {0} must take consumer, doc and update_log.").format(condition)
		)
	return function

"""What each request of a consumer writes on its Event Consumer is written back by no form, and by no registration."""

import ast
from pathlib import Path

import event_streaming

APP = Path(event_streaming.__file__).parent


def test_all_that_a_contact_writes_is_kept_anyway():
	written, kept = written_by_contacts(), kept_anyway()

	assert {"position", "taken_ahead", "last_contact", "notify_failures"} <= written
	# what the feed notes of its answers
	assert (written | {"sent_between"}) - kept == set()


def written_by_contacts() -> set[str]:
	"""The fields that `contacted` writes: what it sets in `values`."""
	found = set()
	for node in ast.walk(function_in(parsed("producer/subscriptions/reader.py"), "contacted")):
		if isinstance(node, ast.Dict):
			found |= {key.value for key in node.keys}
		elif isinstance(node, ast.Subscript) and getattr(node.value, "id", "") == "values":
			found.add(node.slice.value)
		elif isinstance(node, ast.Call) and getattr(node.func, "attr", "") == "update":
			found |= {each.arg for each in node.keywords}
	return found


def kept_anyway() -> set[str]:
	found = set()
	for node in parsed("producer/registration/neighbours.py").body:
		if isinstance(node, ast.Assign) and node.targets[0].id in ("COUNTERS", "ITS_OWN"):
			found |= set(ast.literal_eval(node.value))
	return found


def parsed(path: str) -> ast.Module:
	return ast.parse((APP / path).read_text())


def function_in(module: ast.Module, name: str) -> ast.FunctionDef:
	return next(node for node in module.body if isinstance(node, ast.FunctionDef) and node.name == name)

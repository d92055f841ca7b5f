"""docs/openapi.json is what the sources say, and no method of the app is forgotten."""

import ast
import json

import pytest

from tools.docs import openapi


def test_the_file_is_up_to_date():
	assert openapi.FILE.read_text(encoding="utf-8") == openapi.as_text(), "make openapi"


def test_every_whitelisted_method_is_in_it_or_internal_with_a_reason():
	paths = json.loads(openapi.FILE.read_text())["paths"]
	methods = list(openapi.methods())

	assert not openapi.neither_public_nor_internal()
	assert len(methods) > 100
	assert {f"/api/method/{each.path}" for each in methods if openapi.group_of(each)} == set(paths)
	assert set(openapi.INTERNAL) <= {each.module for each in methods}
	assert all(len(reason.split()) > 4 for reason in openapi.INTERNAL.values())


def test_what_is_called_as_apis_own_can_be_called_there():
	"""Its methods stand in modules of their own: a name that api/__init__.py does not bring in is nowhere."""
	brought = ast.parse((openapi.APP / "api" / "__init__.py").read_text(encoding="utf-8")).body
	names = {alias.name for each in brought if isinstance(each, ast.ImportFrom) for alias in each.names}
	public = {each.function.name for each in openapi.methods() if each.module == openapi.COMMANDS_PATH}
	modules = {path.stem for path in (openapi.APP / "api").glob("*.py")}

	assert names == public == set(ast.literal_eval(brought[-1].value))
	assert not names & modules, "the module would stand in the method's place"


def test_every_public_method_says_what_it_does_and_of_which_type_its_arguments_are():
	silent = []
	for method in filter(openapi.group_of, openapi.methods()):
		if not ast.get_docstring(method.function):
			silent.append(method.path)
		silent += [
			f"{method.path}: {argument.arg}"
			for argument in method.function.args.args
			if argument.annotation is None
		]
	assert not silent


@pytest.mark.parametrize(
	("hint", "schema"),
	[
		("str", {"type": "string"}),
		("int | None", {"anyOf": [{"type": "integer"}, {"type": "null"}]}),
		(
			"list[dict[str, Any]]",
			{"type": "array", "items": {"type": "object", "additionalProperties": True}},
		),
		("dict[str, int]", {"type": "object", "additionalProperties": {"type": "integer"}}),
		("str | Response", {}),
		("Any", {}),
	],
)
def test_type_hints_become_schemas(hint, schema):
	assert openapi.schema_of(ast.parse(hint, mode="eval").body) == schema


def test_who_may_ask_is_said_of_each():
	paths = openapi.document()["paths"]

	def security(name: str) -> list[set]:
		operation = next(iter(paths[f"/api/method/event_streaming.{name}"].values()))
		return [set(each) for each in operation["security"]]

	assert security("api.status") == [{"apiKeys"}, {"session"}]
	assert security("api.health") == [set()]
	assert security("endpoints.trace_arrival") == [{"token"}]
	assert security("endpoints.redeem_invitation") == [{"token"}]
	assert security("endpoints.complete_invitation") == [{"apiKeys", "token"}]

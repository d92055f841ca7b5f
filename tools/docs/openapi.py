"""docs/openapi.json, made from the sources: `python -m tools.docs.openapi` writes it, a unit test says when it is out of date.

Reads type hints and docstrings, without Frappe. What a method answers is Frappe's to wrap: {"message": …}.
"""

import ast
import json
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

PROJECT = Path(__file__).resolve().parents[2]
APP = PROJECT / "event_streaming"
FILE = PROJECT / "docs" / "openapi.json"
DOCTYPES = "event_streaming.event_streaming.doctype"

COMMANDS_PATH = "event_streaming.api"
BETWEEN_SITES, COMMANDS, OLDER_APP = "Between sites", "Commands", "Older app"
# method path, or the module that has it -> its group
PUBLIC = {
	"event_streaming.endpoints": BETWEEN_SITES,
	COMMANDS_PATH: COMMANDS,
	f"{DOCTYPES}.event_consumer.event_consumer.register_consumer": OLDER_APP,
	f"{DOCTYPES}.event_update_log.event_update_log.get_update_logs_for_consumer": OLDER_APP,
	f"{DOCTYPES}.event_producer.event_producer.new_event_notification": OLDER_APP,
}
# modules whose other whitelisted methods may change with any version, and why nobody else needs them
INTERNAL = {
	"event_streaming.admin.charts": "numbers of the workspace's cards and charts; status and metrics have them for programs",
	"event_streaming.admin.document": "asked by the forms of streamed documents; where_is has it for programs",
	"event_streaming.event_streaming.page.event_streaming_guide.event_streaming_guide": "gives the guides to their page in the Desk",
	f"{DOCTYPES}.document_type_mapping.document_type_mapping": "helpers of the form of a mapping",
	f"{DOCTYPES}.document_type_value_map.document_type_value_map": "the button Import CSV of the form",
	f"{DOCTYPES}.event_consumer.event_consumer": "asked by the open form, whether it is still up to date; status has it for programs",
	f"{DOCTYPES}.event_producer.event_producer": "buttons of the form; the commands in event_streaming.api do the same",
	f"{DOCTYPES}.event_streaming_settings.event_streaming_settings": "the hint of the form that says which address this site has",
	f"{DOCTYPES}.event_sync_log.event_sync_log": "buttons of the form and the list; resync, adopt and causes do it for programs",
}
GROUPS = {
	BETWEEN_SITES: "What one site calls on another. The wire format of docs/architecture.md; called by this app only.",
	COMMANDS: "The commands of bench event-streaming, for programs. Most are for System Managers.",
	OLDER_APP: "Three methods of the older Event Streaming app, kept as they were for sites that still run it.",
}
# what is not JSON in Frappe's wrapping
OTHER_ANSWERS = {
	"event_streaming.api.metrics": ("text/plain", {"type": "string"}),
	"event_streaming.api.health": (
		"application/json",
		{"type": "object", "properties": {"ok": {"type": "boolean"}}, "required": ["ok"]},
	),
}
WITH_TOKEN = ("confirm", "update_status", "new_event_notification", "trace_arrival")
WITH_CODE = ("meet_invitation", "redeem_invitation", "complete_invitation")
PLAIN = {"str": "string", "int": "integer", "float": "number", "bool": "boolean", "None": "null"}


@dataclass(frozen=True)
class Method:
	"""A whitelisted method of the app."""

	path: str
	module: str
	function: ast.FunctionDef
	verbs: tuple[str, ...]
	for_guests: bool


def methods() -> Iterator[Method]:
	"""All whitelisted methods of the app, in the order of modules and of their lines."""
	for file in sorted(APP.rglob("*.py")):
		module = _called_by(".".join(file.relative_to(PROJECT).with_suffix("").parts))
		for node in ast.parse(file.read_text(encoding="utf-8")).body:
			if not isinstance(node, ast.FunctionDef):
				continue
			for decorator in node.decorator_list:
				if ast.unparse(decorator).startswith("frappe.whitelist("):
					said = {each.arg: ast.literal_eval(each.value) for each in decorator.keywords}
					verbs = tuple(said.get("methods") or ("GET", "POST"))
					yield Method(f"{module}.{node.name}", module, node, verbs, bool(said.get("allow_guest")))


def _called_by(module: str) -> str:
	"""The module in whose name methods are called: those of the modules in api/ are called as api's own."""
	return COMMANDS_PATH if module.startswith(f"{COMMANDS_PATH}.") else module


def group_of(method: Method) -> str | None:
	"""The group of a method that others may call, None for one of our own forms."""
	return PUBLIC.get(method.path) or PUBLIC.get(method.module)


def neither_public_nor_internal() -> list[str]:
	"""Methods that somebody has to put into PUBLIC or INTERNAL."""
	return [each.path for each in methods() if not group_of(each) and each.module not in INTERNAL]


def schema_of(hint: ast.expr | None) -> dict[str, Any]:
	"""The JSON schema of a type hint; {} allows anything."""
	if hint is None:
		return {}
	if isinstance(hint, ast.BinOp):
		found = [schema_of(hint.left), schema_of(hint.right)]
		return _any_of(found)
	if isinstance(hint, ast.Subscript):
		inner = hint.slice.elts if isinstance(hint.slice, ast.Tuple) else [hint.slice]
		outer = ast.unparse(hint.value)
		if outer in ("list", "tuple"):
			return {"type": "array", "items": schema_of(inner[0])}
		if outer == "dict":
			return {"type": "object", "additionalProperties": schema_of(inner[1]) or True}
		return {}
	name = ast.unparse(hint)
	if name in PLAIN:
		return {"type": PLAIN[name]}
	return {"list": {"type": "array"}, "dict": {"type": "object"}}.get(name, {})


def _any_of(found: list[dict]) -> dict[str, Any]:
	if not all(found):
		return {}
	flat = [part for each in found for part in each.get("anyOf", [each])]
	return {"anyOf": flat}


def arguments(function: ast.FunctionDef) -> Iterator[tuple[str, dict, bool]]:
	"""Name, schema and whether it must be given, of each argument."""
	given = function.args.args
	defaults = [None] * (len(given) - len(function.args.defaults)) + list(function.args.defaults)
	for argument, default in zip(given, defaults, strict=True):
		schema = schema_of(argument.annotation)
		if isinstance(default, ast.Constant) and default.value is not None:
			schema = {**schema, "default": default.value}
		yield argument.arg, schema, default is None


def operation(method: Method, verb: str) -> dict[str, Any]:
	"""The operation object of one method and HTTP verb."""
	text = ast.get_docstring(method.function) or ""
	first, _, rest = text.partition("\n")
	asked = list(arguments(method.function))
	made: dict[str, Any] = {
		"operationId": f"{method.path}.{verb.lower()}".replace(".", "_"),
		"tags": [group_of(method)],
		"summary": first.strip(),
	}
	if rest.strip():
		made["description"] = " ".join(rest.split())
	if verb == "GET":
		made["parameters"] = [
			{"name": name, "in": "query", "required": needed, "schema": schema}
			for name, schema, needed in asked
		]
	elif asked:
		body: dict[str, Any] = {
			"type": "object",
			"properties": {name: schema for name, schema, _needed in asked},
		}
		if needed := [name for name, _schema, is_needed in asked if is_needed]:
			body["required"] = needed
		made["requestBody"] = {
			"required": bool(needed),
			"content": {"application/json": {"schema": body}},
		}
	made["responses"] = _responses(method)
	made["security"] = _security(method)
	return made


def _responses(method: Method) -> dict[str, Any]:
	kind, schema = OTHER_ANSWERS.get(
		method.path,
		(
			"application/json",
			{"type": "object", "properties": {"message": schema_of(method.function.returns)}},
		),
	)
	answers: dict[str, Any] = {
		"200": {"description": "Done", "content": {kind: {"schema": schema}}},
	}
	if method.path.endswith("api.health"):
		return {
			**answers,
			"503": {"description": "The site can't answer", "content": {kind: {"schema": schema}}},
		}
	refused = {"$ref": "#/components/responses/Refused"}
	return {**answers, **{status: refused for status in ("401", "403", "404", "417")}}


def _security(method: Method) -> list[dict]:
	name = method.path.rpartition(".")[2]
	keys = [{"apiKeys": []}, {"session": []}]
	if not method.path.startswith("event_streaming.endpoints."):
		return [{}] if method.for_guests else keys
	if name in WITH_TOKEN:
		return [{"token": []}, *([] if name in ("new_event_notification", "trace_arrival") else keys)]
	if name in WITH_CODE:
		return [{"token": []}] if method.for_guests else [{"apiKeys": [], "token": []}]
	return keys


def document() -> dict[str, Any]:
	"""The whole OpenAPI document."""
	paths: dict[str, Any] = {}
	for method in methods():
		if group_of(method):
			paths[f"/api/method/{method.path}"] = {
				verb.lower(): operation(method, verb) for verb in method.verbs
			}
	return {
		"openapi": "3.1.0",
		"info": {
			"title": "Event Streaming",
			"version": _version(),
			"summary": "Keeps documents the same on two or more Frappe sites",
			"description": (
				'Frappe answers {"message": …}. A refusal has an HTTP status of 400 or more, and the message in'
				" _server_messages; its code (ES-…) is explained in the error catalogue. Values of arguments that are lists or"
				" objects may be given as JSON text."
			),
			"license": {"name": "MIT", "identifier": "MIT"},
		},
		"servers": [{"url": "https://{site}", "variables": {"site": {"default": "erp.example.com"}}}],
		"tags": [{"name": name, "description": text} for name, text in GROUPS.items()],
		"paths": paths,
		"components": {
			"securitySchemes": {
				"apiKeys": {
					"type": "apiKey",
					"in": "header",
					"name": "Authorization",
					"description": "token API_KEY:API_SECRET of a user (User, Settings, API Access)",
				},
				"session": {
					"type": "apiKey",
					"in": "cookie",
					"name": "sid",
					"description": "a log-in of the Desk",
				},
				"token": {
					"type": "apiKey",
					"in": "header",
					"name": "X-Event-Streaming-Token",
					"description": "the token of an Event Producer, or the secret of an invitation's code",
				},
			},
			"responses": {
				"Refused": {
					"description": "Refused: the message says what to do",
					"content": {"application/json": {"schema": {"$ref": "#/components/schemas/Refusal"}}},
				}
			},
			"schemas": {
				"Refusal": {
					"type": "object",
					"properties": {
						"exc_type": {"type": "string", "description": "the kind of error"},
						"_server_messages": {
							"type": "string",
							"description": "JSON list of JSON objects with message and title",
						},
					},
				}
			},
		},
	}


def _version() -> str:
	tree = ast.parse((APP / "__init__.py").read_text(encoding="utf-8"))
	return next(
		ast.literal_eval(node.value)
		for node in tree.body
		if isinstance(node, ast.Assign) and getattr(node.targets[0], "id", "") == "__version__"
	)


def as_text() -> str:
	"""What docs/openapi.json has to hold."""
	return json.dumps(document(), indent="\t", ensure_ascii=False) + "\n"


if __name__ == "__main__":
	if unknown := neither_public_nor_internal():
		sys.exit(f"Neither public nor internal (tools/docs/openapi.py): {', '.join(unknown)}")
	FILE.write_text(as_text(), encoding="utf-8")

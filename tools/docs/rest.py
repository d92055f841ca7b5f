"""Pure: the page about the REST endpoints, made from the OpenAPI document."""

from typing import Any

HEAD = """# REST API

Paths are below the address of the site. Give a user's API keys in the header `Authorization: token KEY:SECRET`; who may call what is
in [Security](../security.md#who-may-call-what). An answer is JSON, `{"message": …}`; a refusal has an HTTP status of 400 or more
and says what to do, with a code that the [error catalogue](../errors.md) explains. Arguments that are lists or objects may be given as JSON text.

The same as an [OpenAPI 3.1 file](openapi.json), for clients and for API tools.
"""


def as_markdown(document: dict[str, Any]) -> str:
	"""One section for each group, one below it for each method."""
	lines = [HEAD]
	for tag in document["tags"]:
		lines += [f"## {tag['name']}", "", tag["description"], ""]
		for path, verbs in document["paths"].items():
			asked = [each for each in verbs.values() if tag["name"] in each["tags"]]
			if asked:
				lines += _method(path, [verb.upper() for verb in verbs], asked[-1])
	return "\n".join(lines) + "\n"


def _method(path: str, verbs: list[str], operation: dict[str, Any]) -> list[str]:
	lines = [
		f"### {path.rpartition('.')[2]} {{ #{path.removeprefix('/api/method/').replace('.', '-')} }}",
		"",
	]
	lines += [f"`{' '.join(verbs)} {path}`", "", operation["summary"], ""]
	if "description" in operation:
		lines += [operation["description"], ""]
	rows = _arguments(operation)
	if rows:
		lines += ["| argument | type | default |", "| --- | --- | --- |", *rows, ""]
	return lines


def _arguments(operation: dict[str, Any]) -> list[str]:
	body = operation.get("requestBody", {}).get("content", {}).get("application/json", {}).get("schema", {})
	needed = body.get("required", [])
	asked = [(name, schema, name in needed) for name, schema in body.get("properties", {}).items()]
	asked += [(each["name"], each["schema"], each["required"]) for each in operation.get("parameters", [])]
	return [
		f"| `{name}` | {_type(schema)} | {'must be given' if must else _default(schema)} |"
		for name, schema, must in asked
	]


def _type(schema: dict[str, Any]) -> str:
	kinds = [each.get("type", "anything") for each in schema.get("anyOf", [schema])]
	return " or ".join(kind for kind in kinds if kind != "null") or "anything"


def _default(schema: dict[str, Any]) -> str:
	return f"`{schema['default']!r}`" if "default" in schema else "none"

"""A small client of a site's REST API, for tests and the demo. The app has its own (`consumer/remote.py`)."""

import json
import re
from typing import Any

import requests

from sandbox.errors import RestError

SECONDS = 60


class RestClient:
	"""Calls one site as one user."""

	def __init__(self, url: str, api_key: str, api_secret: str):
		self.url = url
		self.api_key = api_key
		self.api_secret = api_secret
		self.session = requests.Session()
		self.session.headers.update(
			{"Authorization": f"token {api_key}:{api_secret}", "Accept": "application/json"}
		)

	def get_doc(self, doctype: str, name: str) -> dict:
		return self._call("GET", f"resource/{_quoted(doctype)}/{_quoted(name)}")["data"]

	def insert(self, doc: dict) -> dict:
		return self._call("POST", f"resource/{_quoted(doc['doctype'])}", body=doc)["data"]

	def update(self, doctype: str, name: str, values: dict) -> dict:
		return self._call("PUT", f"resource/{_quoted(doctype)}/{_quoted(name)}", body=values)["data"]

	def delete(self, doctype: str, name: str) -> None:
		self._call("DELETE", f"resource/{_quoted(doctype)}/{_quoted(name)}")

	def list(
		self, doctype: str, fields: Any = ("name",), filters: Any = None, order_by: str = "", limit: int = 0
	) -> list[dict]:
		params = {"fields": json.dumps(list(fields)), "limit_page_length": limit or 1000}
		if filters:
			params["filters"] = json.dumps(filters)
		if order_by:
			params["order_by"] = order_by
		return self._call("GET", f"resource/{_quoted(doctype)}", params=params)["data"]

	def method(self, path: str, **arguments: Any) -> Any:
		"""Calls a whitelisted function and gives what it answers."""
		return self._call("POST", f"method/{path}", body=arguments).get("message")

	def _call(self, verb: str, path: str, params: dict | None = None, body: dict | None = None) -> dict:
		answer = self.session.request(
			verb,
			f"{self.url}/api/{path}",
			params=params,
			data=None if body is None else json.dumps(body, default=str),
			headers={"Content-Type": "application/json"} if body is not None else {},
			timeout=SECONDS,
		)
		try:
			content = answer.json()
		except ValueError:
			content = {}
		if not answer.ok:
			raise RestError(
				answer.status_code, content.get("exc_type"), _message(content) or answer.text[:500]
			)
		return content


def _quoted(part: str) -> str:
	return requests.utils.quote(str(part), safe="")


def _message(content: dict) -> str:
	"""What the site would show to a person, or else the exception's last line."""
	messages = []
	for message in json.loads(content.get("_server_messages") or "[]"):
		text = json.loads(message).get("message", "") if isinstance(message, str) else str(message)
		messages.append(re.sub(r"<[^>]+>", "", text))
	return "; ".join(messages) or content.get("exception") or ""

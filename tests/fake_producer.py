"""A producer that is not one: it registers whoever asks, and its feed and documents are whatever a test makes up."""

import json

from fake_site import FakeSite, Request

EVENT = {
	"update_type": "Create",
	"data_before": None,
	"creation": "2026-01-01 00:00:00.000000",
	"modified_by": "Administrator",
	"root": None,
}


class FakeProducer(FakeSite):
	"""`pages` are answered one a request, then empty ones; `brings` are the documents that it has: (DocType, name) -> data.

	A page may be a dict that is laid over an ordinary one, or bytes that are sent as they are.
	"""

	def __init__(self, *doctypes: str):
		super().__init__()
		self.doctypes = doctypes
		self.pages: list = []
		self.brings: dict[tuple[str, str], dict] = {}
		self.documents_answer: object = None
		self.position = 0

	def event(self, doctype: str, name: str, document: dict | None = None, **values) -> dict:
		"""The next event of the log."""
		self.position += 1
		return {
			**EVENT,
			"id": str(self.position),
			"position": self.position,
			"ref_doctype": doctype,
			"docname": name,
			"data": json.dumps({"doctype": doctype, "name": name, **(document or {})}),
			"origin": self.url,
			**values,
		}

	def subscriptions(self) -> dict:
		return {name: {"status": "Approved", "unsubscribed": 0, "condition": None} for name in self.doctypes}

	def page(self, cursor: int) -> object:
		made = self.pages.pop(0) if self.pages else {}
		if not isinstance(made, dict):
			return made
		events = made.get("events", [])
		places = [each["position"] for each in events if isinstance(each, dict)] if events else []
		last = max([cursor, *(place for place in places if type(place) is int)])
		return {
			"protocol": 2,
			"events": [],
			"cursor": last,
			"has_more": False,
			"behind": 0,
			"time_zone": "Asia/Bangkok",
			"site": self.url,
			"subscriptions": self.subscriptions(),
			"warnings": [],
			"paused": 0,
			**made,
		}

	def content_for(self, request: Request) -> tuple[int, bytes]:
		if request.path.endswith("register_consumer"):
			return answered(
				json.dumps(
					{
						"last_update": "2026-01-01 00:00:00",
						"protocol": 2,
						"position": 0,
						"site": self.url,
						"time_zone": "Asia/Bangkok",
						"subscriptions": self.subscriptions(),
					}
				)
			)
		if request.path.endswith("get_page"):
			return answered(self.page(request.body["cursor"]))
		if request.path.endswith("get_documents"):
			return answered(self.documents_answer or self.found(json.loads(request.body["documents"])))
		return super().content_for(request)

	def found(self, asked: list) -> dict:
		there = [(doctype, name) for doctype, name in asked if (doctype, name) in self.brings]
		return {
			"documents": [
				{"doctype": key[0], "name": key[1], "data": self.brings[key], "root": None} for key in there
			],
			"missing": [[*key, "not found"] for key in map(tuple, asked) if key not in there],
			"position": self.position,
		}


def answered(message: object) -> tuple[int, bytes]:
	return 200, message if isinstance(message, bytes) else json.dumps({"message": message}).encode()

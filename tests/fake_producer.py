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

	`site_id` is what it calls itself in its answers; "" is a site of an older version. A page may be a dict that is laid over an ordinary one, or bytes that are sent as they are.
	"""

	def __init__(self, *doctypes: str):
		super().__init__()
		self.doctypes = doctypes
		self.pages: list = []
		self.brings: dict[tuple[str, str], dict] = {}
		# documents of its events: they are there, though it gives none that is not in `brings`
		self.told: set[tuple] = set()
		self.documents_answer: object = None
		self.position = 0
		self.site_id = ""

	def event(self, doctype: str, name: str, document: dict | None = None, **values) -> dict:
		"""The next event of the log."""
		self.position += 1
		if isinstance(name, str):
			self.told.add((doctype, name))
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
			**self.identity(),
			"token": 1,
			**made,
		}

	def content_for(self, request: Request) -> tuple[int, bytes]:
		if self.status != 200:
			return super().content_for(request)
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
						**self.identity(),
					}
				)
			)
		if request.path.endswith("get_site_id") and self.site_id:
			return answered(self.identity())
		if request.path.endswith("get_page"):
			return answered(self.page(request.body["cursor"]))
		if request.path.endswith("get_documents"):
			return answered(self.documents_answer or self.found(json.loads(request.body["documents"])))
		if request.path.endswith("find_files"):
			return answered({"files": [], "missing": []})
		return super().content_for(request)

	def identity(self) -> dict:
		return {"site_id": self.site_id} if self.site_id else {}

	def found(self, asked: list) -> dict:
		there = [(doctype, name) for doctype, name in asked if (doctype, name) in self.brings]
		return {
			"documents": [
				{"doctype": key[0], "name": key[1], "data": self.brings[key], "root": None} for key in there
			],
			"missing": [
				[*key, "not given" if key in self.told else "not found"]
				for key in map(tuple, asked)
				if key not in there
			],
			"position": self.position,
		}


def answered(message: object) -> tuple[int, bytes]:
	return 200, message if isinstance(message, bytes) else json.dumps({"message": message}).encode()


def at(number: int) -> str:
	"""The time of the older producer's n-th event."""
	return f"2024-05-06 07:08:{10 + number}.123456"


class OlderProducer(FakeProducer):
	"""A site with Frappe 14's module, which knows this consumer; from `upgraded` on one with this app.

	`log` is what its log holds; what it has renumbered when it is upgraded goes into `pages`.
	"""

	def __init__(self, consumer_url: str, *doctypes: str):
		super().__init__(*doctypes)
		self.upgraded, self.down = False, False
		self.position_then = 0
		self.log: list[dict] = []
		rows = [{"ref_doctype": doctype, "status": "Approved"} for doctype in doctypes]
		self.documents[f"Event Consumer/{consumer_url}"] = {"consumer_doctypes": rows}

	def older_event(self, number: int, doctype: str, name: str, update_type: str, data: dict | None) -> dict:
		event = {"update_type": update_type, "ref_doctype": doctype, "docname": name, "creation": at(number)}
		self.log.append({"name": str(100 + number), "data": data and json.dumps(data), **event})
		return event

	def content_for(self, request: Request) -> tuple[int, bytes]:
		method = request.path.removeprefix("/api/method/")
		if self.down:
			return 503, b""
		if method == request.path:
			return super().content_for(request)
		if self.upgraded:
			status, content = super().content_for(request)
			if method.endswith("register_consumer"):
				registered = json.loads(json.loads(content)["message"])
				return answered(json.dumps({**registered, "position_then": self.position_then}))
			return status, content
		if method.startswith("frappe.event_streaming.doctype.") and method.endswith("register_consumer"):
			return answered(None)
		if method.startswith("frappe.event_streaming.doctype.") and method.endswith(
			"get_update_logs_for_consumer"
		):
			since = request.body["last_update"]
			return answered([event for event in self.log if event["creation"] > since])
		said = {"message": f"ไม่พบ {method}"}
		return 417, json.dumps(
			{"exc_type": "ValidationError", "_server_messages": json.dumps([json.dumps(said)])}
		).encode()

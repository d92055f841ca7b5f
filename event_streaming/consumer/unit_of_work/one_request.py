"""What Frappe does after a commit for each document with a request to Redis: done for all documents of a group with one.

Messages to open forms and lists, and the documents' entries in the cache. A function that is not Frappe's own is left where it is.
"""

import json
from contextlib import suppress
from types import FunctionType
from typing import Any

import frappe
import redis
from frappe.utils.background_jobs import get_redis_connection_without_auth
from frappe.utils.response import json_handler

from event_streaming.consumer.unit_of_work.after_commit import MESSAGES

# where Frappe's realtime messages go
CHANNEL = "events"
CLEARS_ONE = "clear_document_cache.<locals>.clear_in_redis"


class OneRequest:
	"""Taken out of Frappe's queues just before the commit. If that fails it is gone, as after a rollback."""

	def __init__(self):
		self.messages = _take_messages()
		if keys := _take_cache_keys():
			# before all others: they may read documents
			frappe.db.after_commit._functions.appendleft(lambda: frappe.cache.delete_value(keys))

	def send(self) -> None:
		"""After the commit."""
		if not self.messages:
			return
		with suppress(redis.exceptions.ConnectionError):
			pipe = get_redis_connection_without_auth().pipeline(transaction=False)
			for event, message, room in self.messages:
				pipe.publish(CHANNEL, as_sent(event, message, room))
			pipe.execute()


def as_sent(event: str, message: Any, room: str) -> str:
	"""The message as Frappe's `emit_via_redis` writes it, but for blanks."""
	sent = {"event": event, "message": message, "room": room, "namespace": frappe.local.site}
	return json.dumps(sent, default=json_handler)


def _take_messages() -> list[list]:
	waiting = getattr(frappe.local, MESSAGES, None) or []
	taken = list(waiting)
	waiting.clear()
	return taken


def _take_cache_keys() -> list[str]:
	functions = frappe.db.after_commit._functions
	kept, keys = [], []
	for each in functions:
		if key := _cache_key(each):
			keys.append(key)
		else:
			kept.append(each)
	if len(keys) < 2:
		return []
	functions.clear()
	functions.extend(kept)
	return list(dict.fromkeys(keys))


def _cache_key(function: Any) -> str:
	"""The entry that a function of Frappe's would delete, "" for every other function."""
	if not isinstance(function, FunctionType) or function.__qualname__ != CLEARS_ONE:
		return ""
	cells = zip(function.__code__.co_freevars, function.__closure__ or (), strict=True)
	values = {name: cell.cell_contents for name, cell in cells}
	key_of = function.__globals__.get("get_document_cache_key")
	if not key_of or values.get("name") is None or not values.get("doctype"):
		return ""
	return key_of(values["doctype"], values["name"])

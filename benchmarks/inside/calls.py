"""What a save calls, counted: it says the same on a machine that does other things."""

import sys
from collections import Counter

import frappe

from benchmarks.inside.peers import no_collection, with_app, without_app
from benchmarks.inside.saves import documents_to_save

SAVES = 40
# so long, what a process remembers for a moment stays: how often that is asked for anew depends on the time
LONG = 1_000_000


def added_calls(doctype: str, rows: int, work: str) -> dict[str, float]:
	"""What the app adds to one save with its commit: calls of functions (of Python, and built in), statements, requests to Redis."""
	from event_streaming.database import kept
	from event_streaming.producer.notify import notifications

	memory, asked = kept.MEMO_SECONDS, notifications.ASKED_SECONDS
	kept.MEMO_SECONDS = notifications.ASKED_SECONDS = LONG
	kept.changes += 1
	found = {}
	try:
		for peer, surroundings in (("warm", with_app), ("ours", with_app), ("bare", without_app)):
			documents = documents_to_save(doctype, rows, 1, work, SAVES)
			with surroundings(), no_collection():
				found[peer] = calls_of(documents, work)
	finally:
		kept.MEMO_SECONDS, notifications.ASKED_SECONDS = memory, asked
		kept.changes += 1
	return {kind: (found["ours"][kind] - found["bare"][kind]) / SAVES for kind in KINDS}


KINDS = ("calls", "statements", "requests to Redis")


def calls_of(documents: list, work: str) -> Counter:
	counted: Counter = Counter()

	def note(frame, event: str, _argument) -> None:
		if event in ("call", "c_call"):
			counted["calls"] += 1
		if event == "call":
			name = frame.f_code.co_name
			counted["statements"] += name == "execute_query"
			counted["requests to Redis"] += name == "execute_command" and "redis" in frame.f_code.co_filename

	sys.setprofile(note)
	try:
		for doc in documents:
			doc.insert() if work == "insert" else doc.save()
			frappe.db.commit()
	finally:
		sys.setprofile(None)
	return counted

"""Saves, peer by peer."""

from random import shuffle
from statistics import median
from time import perf_counter

import frappe

from benchmarks.inside.documents import change, values_of
from benchmarks.inside.peers import FLOORS, PEERS, no_collection, with_app, without_app

SAMPLE = 20  # saves of each peer in one sample
# inserts in one transaction, without what they log, with one INSERT for each row of the log, and with one for all of them
TOGETHER = {"ours": with_app, "bare": without_app, "row": without_app, "rows": without_app}


def measure_saves(
	doctype: str, rows: int, samples: int, work: str, floors: bool = False
) -> dict[str, list[float]]:
	"""Milliseconds a save (insert or update, with its commit) for each peer, sample by sample.

	Peers take turns with every save, and a sample is the median of SAMPLE saves of each: what the machine does besides
	hits single saves, of either.
	"""
	peers = FLOORS if floors else PEERS
	found: dict[str, list[float]] = {peer: [] for peer in peers}
	for number in range(samples + 1):
		documents = documents_to_save(doctype, rows, number, work, SAMPLE * len(peers))
		sample = saves_in_turns(documents, work, peers, log_row_like(documents[0]) if floors else None)
		if number:
			# the first of each only warms up
			for peer, milliseconds in sample.items():
				found[peer].append(median(milliseconds))
	return found


def measure_transactions(doctype: str, rows: int, samples: int, count: int) -> dict[str, list[float]]:
	"""Milliseconds an insert for each peer, sample by sample: a sample is one transaction of `count` inserts, with its commit."""
	found: dict[str, list[float]] = {peer: [] for peer in TOGETHER}
	for number in range(samples + 1):
		turns = list(TOGETHER)
		shuffle(turns)
		for peer in turns:
			documents = documents_to_save(doctype, rows, number, "insert", count)
			taken = one_transaction(documents, peer, log_row_like(documents[0]))
			if number:
				found[peer].append(taken / count)
	return found


def one_transaction(documents: list, peer: str, row: tuple) -> float:
	with no_collection(), TOGETHER[peer]():
		began = perf_counter()
		for doc in documents:
			doc.insert()
			if peer == "row":
				log_rows([row])
		if peer == "rows":
			log_rows([row] * len(documents))
		frappe.db.commit()
		return (perf_counter() - began) * 1000


def log_rows(rows: list[tuple]) -> None:
	from event_streaming.database import bulk_inserting
	from event_streaming.producer.capture.log import BEFORE, COLUMNS, FIXED, LOG

	bulk_inserting.insert_numbered(LOG, (BEFORE, *COLUMNS), rows, FIXED)


def documents_to_save(doctype: str, rows: int, number: int, work: str, count: int) -> list:
	documents = [frappe.get_doc(values_of(doctype, number, rows)) for _each in range(count)]
	if work == "update":
		for doc in documents:
			doc.insert()
		frappe.db.commit()
		documents = [frappe.get_doc(doctype, doc.name) for doc in documents]
		for doc in documents:
			change(doc, number)
	return documents


def log_row_like(doc) -> tuple:
	"""What `capture` would log of the document, as far as its size goes."""
	from event_streaming.producer.log.rows import dump
	from event_streaming.wire.difference import snapshot

	state = snapshot(doc)
	data = (
		state
		if doc.is_new()
		else {"changed": {"description": "changed 1 12345.6789", "modified": doc.modified}}
	)
	before = None if doc.is_new() else dump(data)
	now = str(frappe.utils.now_datetime())
	user, name = frappe.session.user, str(doc.name or "0123456789")
	return (before, now, now, user, user, "Create", doc.doctype, name, dump(data), "", "0123456789abcdef")


def saves_in_turns(documents: list, work: str, peers: dict, row: tuple | None) -> dict[str, list[float]]:
	taken: dict[str, list[float]] = {peer: [] for peer in peers}
	with no_collection():
		while documents:
			turns = list(peers)
			shuffle(turns)
			for peer in turns:
				doc = documents.pop()
				with peers[peer]():
					began = perf_counter()
					doc.insert() if work == "insert" else doc.save()
					if peer == "row":
						log_rows([row])
					frappe.db.commit()
					taken[peer].append((perf_counter() - began) * 1000)
	return taken

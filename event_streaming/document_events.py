"""What every document of this site fires, one handler for each event: it asks whom the document concerns, and calls them.

Frappe calls a handler for "*" with each event of each document of the site, and that takes it some thirty calls, more than all that is
done here for a document that concerns nobody. So no event has two, and what another can do has none: what a document holds when it is
written is noted where it is written, if it is streamed, see `producer/capture/writing.py`.

A document concerns us when its DocType, or that of the document whose row it is, is streamed or managed: one look-up (`_concerned`).
Nothing is decided here of what is logged (`producer/capture/`) or refused (`consumer/managed/guard.py`).
"""

from dataclasses import dataclass
from time import monotonic
from typing import Any

import frappe

from event_streaming.consumer.managed import guard
from event_streaming.consumer.managed.rows import KEPT as MANAGED
from event_streaming.consumer.managed.rows import Managed
from event_streaming.database import kept
from event_streaming.identity import made, moved, registry
from event_streaming.producer.capture import hooks as capture
from event_streaming.producer.capture import rows
from event_streaming.producer.capture.writing import note_before_the_write
from event_streaming.producer.documents import given
from event_streaming.producer.subscriptions.streamed import KEPT as STREAMED


@dataclass(slots=True)
class Concerned:
	"""The DocTypes that concern this app, as one process knows them for a moment: until then, or until another value is decided."""

	streamed: frozenset[str]
	managed: Managed
	doctypes: frozenset[str]
	until: float
	changes: int


_memo: dict[str, Concerned] = {}


def _concerned(doc: Any) -> Concerned | None:
	"""Whose DocTypes are whose, where the document is one of theirs. Asked with every event of every document on the site."""
	site = frappe.local.site
	known = _memo.get(site)
	if known is None or known.changes != kept.changes or monotonic() >= known.until:
		known = _memo[site] = _look_up(known)
	values = doc.__dict__
	if doc.doctype in known.doctypes or ("parenttype" in values and values["parenttype"] in known.doctypes):
		return known
	return None


def _look_up(known: Concerned | None) -> Concerned:
	# from before they are asked
	until, changes = monotonic() + kept.MEMO_SECONDS, kept.changes
	streamed, managed = kept.look_up(STREAMED, MANAGED)
	if known and known.streamed is streamed and known.managed is managed:
		known.until, known.changes = until, changes
		return known
	return Concerned(streamed, managed, streamed | managed.keys(), until, changes)


# ---------------------------------------------------------------- before


def before_write(doc: Any, method: str | None = None) -> None:
	"""before_validate: of each insert, save and submission the first, the document is as whoever saves it wants it; and
	before_cancel and before_update_after_submit, which come without that."""
	if concerned := _concerned(doc):
		if concerned.managed:
			guard.before_write(doc, method)
		if doc.doctype in concerned.streamed:
			note_before_the_write(doc)
		elif rows.is_row(doc, concerned.streamed):
			rows.about_to_write(doc)


def before_change(doc: Any, method: str | None = None) -> None:
	"""before_change: `db_set`."""
	if concerned := _concerned(doc):
		if concerned.managed:
			guard.before_write(doc, method)
		# Frappe keeps of a document what it was before, and not of a row
		if rows.is_row(doc, concerned.streamed):
			rows.about_to_set(doc)


def before_delete(doc: Any, method: str | None = None) -> None:
	"""on_trash, and before_discard: a draft is given up, in Frappe 16."""
	if (concerned := _concerned(doc)) and concerned.managed:
		guard.before_delete(doc)


def before_rename(doc: Any, method: str | None, old: str, new: str, merge: bool = False) -> None:
	if _concerned(doc):
		guard.before_rename(doc, method, old, new, merge)


# ---------------------------------------------------------------- after


def after_insert(doc: Any, method: str | None = None) -> None:
	if made.watching:
		made.document_inserted(doc)
	if concerned := _concerned(doc):
		if doc.doctype in concerned.streamed:
			capture.capture_insert(doc)
		elif rows.is_row(doc, concerned.streamed):
			rows.changed(doc)


def on_change(doc: Any, method: str | None = None) -> None:
	"""on_change (save, submit, cancel, update after submit, db_set) and on_discard."""
	if concerned := _concerned(doc):
		if doc.doctype in concerned.streamed:
			capture.capture_change(doc)
		elif rows.is_row(doc, concerned.streamed):
			rows.changed(doc)


def after_delete(doc: Any, method: str | None = None) -> None:
	if concerned := _concerned(doc):
		if doc.doctype in concerned.streamed:
			capture.capture_delete(doc)
		elif rows.is_row(doc, concerned.streamed):
			rows.deleted(doc)
	registry.local_document_deleted(doc)
	moved.local_document_deleted(doc)


def after_rename(doc: Any, method: str | None, old: str, new: str, merge: bool = False) -> None:
	if (concerned := _concerned(doc)) and doc.doctype in concerned.streamed:
		capture.capture_rename(doc, method, old, new, merge)
		given.document_renamed(doc, method, old, new, merge)
	registry.local_document_renamed(doc, method, old, new, merge)
	moved.local_document_renamed(doc, method, old, new, merge)


# ---------------------------------------------------------------- events of this app's own


def on_written_as_cancelled(doc: Any, method: str | None = None) -> None:
	"""A cancelled document of another site was written without a life cycle."""
	if (concerned := _concerned(doc)) and doc.doctype in concerned.streamed:
		capture.capture_written(doc)


def on_stamped_as_there(doc: Any, method: str | None, stamps: dict, before: dict | None = None) -> None:
	"""Nothing of a document but its time stamp, and who saved it, has become what it is on the other site."""
	if (concerned := _concerned(doc)) and doc.doctype in concerned.streamed:
		capture.capture_stamps(doc, stamps, before)


def on_merged_with_other_site(doc: Any, method: str | None = None) -> None:
	"""This site has the last word on a document that both had changed."""
	if (concerned := _concerned(doc)) and doc.doctype in concerned.streamed:
		capture.capture_merged(doc)

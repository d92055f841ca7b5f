"""How one document of this site stands with one consumer: the reasons why it, or its last change, is not there, and its events.

`reasons.py` decides, `history.py` reads. Asked in the name of the consumer's user: of a document that this user may not read nothing
is said but that. It writes nothing.
"""

import json
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from frappe.utils import cint

from event_streaming.producer.documents.given import given_documents
from event_streaming.producer.documents.names import roots_of_documents
from event_streaming.producer.documents.reading import may_read_all
from event_streaming.producer.log.rows import Candidate, read_data
from event_streaming.producer.reach import reasons
from event_streaming.producer.reach.history import History
from event_streaming.producer.reach.reasons import Reason
from event_streaming.producer.subscriptions.hiding import Hidden
from event_streaming.producer.subscriptions.reader import Reader, reader_for
from event_streaming.site.acting import acting_as
from event_streaming.wire.events import DELETE, OF_FILES, UPDATE
from event_streaming.wire.tracing import (
	BEHIND,
	CONDITION,
	CONDITION_FAILS,
	MADE_THERE,
	MAY_NOT_READ,
	MISSED,
	NOT_LOGGED,
	NOT_THERE,
)
from event_streaming.wire.wishes.priorities import read_taken


@dataclass(frozen=True)
class Passage:
	"""One event on its way. `taken` when the consumer's own cursor says so; `why` is a code for why it is never sent."""

	event: Candidate
	sent: datetime | None
	taken: bool
	why: str


@dataclass
class Standing:
	"""`reasons`: the gravest first, none when there is nothing against it; `events`: the newest first.

	`given` when the consumer has got the document whole, as far as that is kept.
	"""

	reasons: list[Reason] = field(default_factory=list)
	there: bool = False
	given: bool = False
	events: list[Passage] = field(default_factory=list)

	@property
	def codes(self) -> list[str]:
		return [reason.code for reason in self.reasons]


def standing(consumer: Any, doctype: str, name: str, history: History) -> Standing:
	"""How a document stands with an Event Consumer; `history` is the document's."""
	if why := reasons.of_subscription(consumer, doctype):
		return Standing([why])
	held = reasons.of_site(consumer)
	if why := reasons.of_user(consumer):
		return Standing([why, *held])
	reader = reader_for(consumer, cint(consumer.position), None, None)
	reader.taken = read_taken(consumer.get("taken_ahead"))
	with acting_as(consumer.user):
		why = reasons.of_document(reader, doctype, name)
		code = why.code if why else ""
		found = Standing([why] if why else [], there=code not in (MAY_NOT_READ, NOT_THERE))
		if code not in (MAY_NOT_READ, CONDITION, CONDITION_FAILS):
			_follow_events(reader, doctype, name, history, found)
	behind = any(not each.taken and not each.why for each in found.events)
	found.reasons += [*held, *([Reason(BEHIND)] if behind else [])]
	return found


def _follow_events(reader: Reader, doctype: str, name: str, history: History, found: Standing) -> None:
	given = given_documents(reader, doctype, [name]).get(name)
	found.given = bool(given)
	events = history.events
	if not found.there and not may_read_all(doctype):
		# of one that is gone nobody can say any more who might have read it
		events = [event for event in events if event.update_type == DELETE]
	found.events = _passages(reader, events, history, given.position if given else 0, found.there)
	if not found.there:
		return
	newest = found.events[0].why if found.events else ""
	row, user = reader.rows[doctype], reader.consumer.user
	if newest == MISSED:
		found.reasons.append(Reason(MISSED, user=user, condition=(row.condition or "").strip()))
	elif not given and not any(each.sent or each.why in ("", MISSED) for each in found.events):
		root = None if newest else roots_of_documents(doctype, [name]).get(name)
		made_there = newest == MADE_THERE or (root and root["site"] == reader.consumer.name)
		found.reasons.append(Reason(MADE_THERE if made_there else NOT_LOGGED))


def _passages(
	reader: Reader, events: list[Candidate], history: History, given: int, there: bool
) -> list[Passage]:
	"""Without those that are none for the consumer: of hidden fields alone, or of files, which may be in one.

	What was sent has in it all that came before; what it was passed over with since, it has missed.
	"""
	site, passages, sent_since = reader.consumer.name, [], False
	for event in _for_it(reader, events, history):
		sent, why, position = history.sent.get((site, event.name)), "", cint(event.position)
		was_sent = (site, event.name) in history.sent
		passed = 0 < position <= reader.cursor_of(event.ref_doctype)
		sent_since = sent_since or was_sent
		if not was_sent:
			why = reasons.of_event(reader, event)
		if not why and there and passed and not sent_since and position > given:
			why = MISSED
		passages.append(Passage(event, sent, taken=passed and not why, why=why))
	return passages


def _for_it(reader: Reader, events: list[Candidate], history: History) -> list[Candidate]:
	hidden = reader.hidden.get(events[0].ref_doctype) if events else None
	# the older app has no word for files
	without = () if reader.consumer.get("token_state") and not hidden else OF_FILES
	unsent = {event.name for event in events if (reader.consumer.name, event.name) not in history.sent}
	if hidden:
		read_data([event for event in events if event.name in unsent and event.update_type == UPDATE])
	return [
		event
		for event in events
		if event.name not in unsent or not (event.update_type in without or _is_hidden(event, hidden))
	]


def _is_hidden(event: Candidate, hidden: Hidden | None) -> bool:
	"""Whether nothing is left of an event that was not sent."""
	if not hidden or event.update_type != UPDATE or not event.data:
		return False
	return hidden.change_to_send(json.loads(event.data)) is None

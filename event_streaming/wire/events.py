"""What goes over the wire between two sites, and the check of what comes in.

Nothing here needs a site. What the other side sends is untrusted: types, sizes and names are checked before use.
"""

import json
from collections.abc import Iterator, Sequence
from typing import Any, TypedDict

from event_streaming.wire.checks import (
	MAX_NAME,
	InvalidPage,
	check_shape,
	data_text,
	has_nothing_to_refuse,
	holds_no_halves,
	moment,
	printable,
	text,
	whole_number,
)

CREATE, UPDATE, DELETE, RENAME = "Create", "Update", "Delete", "Rename"
# a file of the document came or has changed, or is gone
ATTACH, DETACH = "Attach", "Detach"
OF_FILES = (ATTACH, DETACH)
UPDATE_TYPES = (CREATE, UPDATE, DELETE, RENAME, *OF_FILES)
# in the data of a Create that the feed makes up from a document's present state: its files
FILES_KEY = "_files"
# in the data of a merge: the document that is left need not come for it, unless something there links to the one that is merged
IF_NEEDED = "if_needed"
# who wrote a document and when, the DocTypes in it and the place of a row: they say nothing of what it needs
SAYS_NOTHING = frozenset(
	(
		"doctype",
		"parenttype",
		"parentfield",
		"owner",
		"modified_by",
		"creation",
		"modified",
		"docstatus",
		"idx",
	)
)


class Root(TypedDict):
	"""Where a document was first made."""

	site: str
	doctype: str
	name: str


class Called(TypedDict):
	"""The name that a document has by now, or had last, and where in the log it got it.

	`given_up`: where it lost the name that it has by the event, by another rename or its deletion; 0 if it still has that. From there on
	the name may be another document's. `again`: of a rename, whether the name that it had before is another document's by now.
	"""

	name: str
	since: int
	given_up: int
	again: bool


class Event(TypedDict):
	"""One change of one document, as the feed gives it."""

	id: str
	position: int
	at_position: int
	update_type: str
	ref_doctype: str
	docname: str
	data: str | None
	data_before: str | None
	creation: str
	modified_by: str
	origin: str
	root: Root | None
	# of one that makes or renames a document which was renamed since then
	now: Called | None
	# the same for what one transaction of the producer has made; "" from one that does not say
	transaction_id: str
	# that transaction is too large to be sent, and applied, in one piece
	divided: bool
	# what so many changes of the document have made together, of which this is the last; 0 for one change
	changes: int
	# the position of the first of them; 0 for one change
	changes_from: int
	# why it can't be applied whatever is done; its place in the log was all that could be read
	problem: str


def read_event(event: Any, producer: str) -> Event:
	"""One event of a page. One of a wrong shape keeps its place, so that it fails alone.

	Raises InvalidPage when not even its place can be read.
	"""
	try:
		return parse_event(event, producer)
	except InvalidPage as error:
		if not isinstance(event, dict):
			raise
		position = whole_number(event.get("position"), "position")
		key = printable(event.get("ref_doctype")), printable(event.get("docname"))
		return {
			**empty_event(*key, position, producer),
			"id": printable(event.get("id")),
			"at_position": whole_number(event.get("at_position", position), "at_position"),
			"transaction_id": printable(event["transaction_id"]) if event.get("transaction_id") else "",
			"divided": bool(event.get("divided")),
			"problem": str(error),
		}


def empty_event(doctype: str, name: str, position: int, producer: str) -> Event:
	"""An event of a document that says nothing of it."""
	return {
		"id": "",
		"position": position,
		"at_position": position,
		"update_type": "",
		"ref_doctype": doctype,
		"docname": name,
		"data": None,
		"data_before": None,
		"creation": "",
		"modified_by": "",
		"origin": producer,
		"root": None,
		"now": None,
		"transaction_id": "",
		"divided": False,
		"changes": 0,
		"changes_from": 0,
		"problem": "",
	}


def parse_event(event: Any, producer: str) -> Event:
	"""One event, checked. A wrong shape raises InvalidPage; what `data` holds is judged when it is applied."""
	if not isinstance(event, dict):
		raise InvalidPage("An event is not an object.")
	position = whole_number(event.get("position"), "position")
	update_type = event.get("update_type")
	if update_type not in UPDATE_TYPES:
		raise InvalidPage(f"An event has the unknown update type {str(update_type)[:40]!r}.")
	return {
		"id": text(str(event.get("id") or ""), "id", MAX_NAME),
		"position": position,
		"at_position": whole_number(event.get("at_position", position), "at_position"),
		"update_type": update_type,
		"ref_doctype": text(event.get("ref_doctype"), "ref_doctype", MAX_NAME, required=True),
		"docname": text(event.get("docname"), "docname", MAX_NAME, required=True),
		"data": data_text(event.get("data"), "data"),
		"data_before": data_text(event.get("data_before"), "data_before"),
		"creation": moment(event.get("creation") or ""),
		"modified_by": text(event.get("modified_by") or "", "modified_by", MAX_NAME),
		"origin": text(event.get("origin") or producer, "origin", MAX_NAME),
		"root": parse_root(event.get("root")),
		"now": parse_called(event.get("now")),
		"transaction_id": text(event.get("transaction_id") or "", "transaction_id", MAX_NAME),
		"divided": bool(event.get("divided")),
		**parse_changes(event, position),
		"problem": "",
	}


def parse_changes(event: dict, position: int) -> dict[str, int]:
	"""How many changes an event is, and from where on: nothing for one, as a rule."""
	changes = whole_number(event.get("changes") or 0, "changes")
	first = whole_number(event.get("changes_from") or 0, "changes_from")
	if not changes and not first:
		return {"changes": 0, "changes_from": 0}
	if event.get("update_type") != UPDATE or changes < 2 or not 0 < first < position:
		raise InvalidPage("An event that is to be several changes does not say which.")
	return {"changes": changes, "changes_from": first}


def parse_root(root: Any) -> Root | None:
	if not root:
		return None
	if not isinstance(root, dict):
		raise InvalidPage("An event's root is not an object.")
	return {
		"site": text(root.get("site"), "root site", MAX_NAME, required=True),
		"doctype": text(root.get("doctype"), "root doctype", MAX_NAME, required=True),
		"name": text(root.get("name"), "root name", MAX_NAME, required=True),
	}


def parse_called(now: Any) -> Called | None:
	if not now:
		return None
	if not isinstance(now, dict):
		raise InvalidPage("What an event's document is called now is not an object.")
	name = text(now.get("name"), "name now", MAX_NAME, required=True)
	return {
		"name": name,
		"since": whole_number(now.get("since"), "name since"),
		"given_up": whole_number(now.get("given_up") or 0, "name given up"),
		"again": bool(now.get("again")),
	}


def dump_root(event: Event) -> str | None:
	"""What is kept of it with an event: where the document was first made, and with that what it is called by now, if the event says so."""
	said = {**(event["root"] or {}), **({"now": event["now"]} if event.get("now") else {})}
	return json.dumps(said) if said else None


def read_root(text: str | None) -> tuple[Root | None, Called | None]:
	"""What `dump_root` has written."""
	said = json.loads(text) if text else {}
	# what an earlier version has written says less
	now = parse_called(said.pop("now", None))
	return said or None, now


def parse_data(event: Event, part: str = "data") -> dict:
	"""The event's data (or "data_before") as a dict; {} when it has none. Raises InvalidPage when it is not a JSON object."""
	if event[part] is None:
		return {}
	try:
		data = json.loads(event[part])
	except (ValueError, RecursionError):
		raise InvalidPage(f"The data of event {event['id']} is not JSON.") from None
	if not isinstance(data, dict):
		raise InvalidPage(f"The data of event {event['id']} is not a JSON object.")
	if not has_nothing_to_refuse(event[part]):
		check_shape(data, texts_too=not holds_no_halves(event[part]))
	return data


def remote_key(event: Event) -> tuple[str, str]:
	"""(DocType, name) of the document that an event is about, as the producer calls it."""
	return event["ref_doctype"], event["docname"]


def keys_of(event: Event) -> list[tuple[str, str]]:
	"""The remote documents that an event is about: two for a rename."""
	keys = [remote_key(event)]
	if event["update_type"] == RENAME:
		try:
			keys.append((event["ref_doctype"], str(parse_data(event).get("new_name") or "")))
		except InvalidPage:
			pass
	return keys


def transaction_of(event: Event) -> str:
	"""By what the events are known that take effect together; "" for one that takes effect by itself."""
	return "" if event["divided"] else event["transaction_id"]


def end_of_transaction(events: Sequence[Event], start: int) -> int:
	"""The number of the first event, after that at `start`, that is of another transaction."""
	end, transaction = start + 1, transaction_of(events[start])
	while transaction and end < len(events) and transaction_of(events[end]) == transaction:
		end += 1
	return end


def texts_in(data: Any) -> Iterator[str]:
	"""Every text in an event's data that may be the name of another document, or the address of a file; a number may be a name, too."""
	waiting = [data]
	while waiting:
		value = waiting.pop()
		if isinstance(value, str):
			yield value
		elif isinstance(value, dict):
			waiting.extend(each for key, each in value.items() if key not in SAYS_NOTHING)
		elif isinstance(value, list):
			waiting.extend(value)
		elif isinstance(value, int) and not isinstance(value, bool):
			yield str(value)

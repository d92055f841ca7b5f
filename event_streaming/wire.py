"""What goes over the wire between two sites, and the check of what comes in.

Nothing here needs a site. What the other side sends is untrusted: types, sizes and names are checked before use.
"""

import json
import re
from datetime import datetime
from typing import Any, TypedDict

PROTOCOL = 2
MAX_EVENTS = 5_000
MAX_NAME = 140
# of one event: less than what any database takes in one statement
MAX_DATA = 8 * 1024 * 1024
MAX_ROWS = 20_000
MAX_DEPTH = 12
# databases know no date before it
FIRST_YEAR = 1000
# in no name that Frappe gives, and in no database's text: control characters, markup, halves of characters
NOT_IN_NAMES = re.compile("[\x00-\x1f\x7f<>\ud800-\udfff]")
MAX_URL = 2_000
MAX_FILES = 1_000
# of a file's content in one answer
CHUNK_BYTES = 4 * 1024 * 1024
LOCAL_URLS = ("/files/", "/private/files/")
REMOTE_URLS = ("http://", "https://")

DOCTYPES_PATH = "event_streaming.event_streaming.doctype"
REGISTER = f"{DOCTYPES_PATH}.event_consumer.event_consumer.register_consumer"
OLD_FEED = f"{DOCTYPES_PATH}.event_update_log.event_update_log.get_update_logs_for_consumer"
NOTIFY = f"{DOCTYPES_PATH}.event_producer.event_producer.new_event_notification"
FEED = "event_streaming.producer.feed.get_page"
DOCUMENTS = "event_streaming.producer.feed.get_documents"
DESCRIBE = "event_streaming.producer.feed.describe"
ABOUT = "event_streaming.about.site_facts"
FIND_FILES = "event_streaming.producer.files.find_files"
FILE_CONTENT = "event_streaming.producer.files.get_content"
COPY = "event_streaming.producer.feed.get_copy_page"
COUNT = "event_streaming.producer.feed.count_documents"
DIGESTS = "event_streaming.producer.feed.get_digests"
LOOK_AT = "event_streaming.producer.feed.look_at"
CONFIRM = "event_streaming.consumer.registration.confirm"
UPDATE_STATUS = "event_streaming.consumer.registration.update_status"

# where Frappe 13 and 14 have the same DocTypes, in a module of their own
FRAPPE_MODULE_PATH = "frappe.event_streaming.doctype"

CREATE, UPDATE, DELETE, RENAME = "Create", "Update", "Delete", "Rename"
# a file of the document came or has changed, or is gone
ATTACH, DETACH = "Attach", "Detach"
OF_FILES = (ATTACH, DETACH)
UPDATE_TYPES = (CREATE, UPDATE, DELETE, RENAME, *OF_FILES)
# in the data of a Create that the feed makes up from a document's present state: its files
FILES_KEY = "_files"
# what becomes of a document that was delivered and no longer meets the condition
KEEP, REMOVE = "Keep", "Remove"
STATUSES = ("Pending", "Approved", "Rejected")


def path_in_frappe(method: str) -> str:
	"""What Frappe 13 and 14 call one of the methods that all generations have."""
	return method.replace(DOCTYPES_PATH, FRAPPE_MODULE_PATH, 1)


class InvalidPage(ValueError):
	"""What the other site sent is not what the wire format allows."""


class Root(TypedDict):
	"""Where a document was first made."""

	site: str
	doctype: str
	name: str


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
	# why it can't be applied whatever is done; its place in the log was all that could be read
	problem: str


class RemoteFile(TypedDict):
	"""A file of the producer: one row of its DocType File. `root` says where the file was first made."""

	file: str
	file_name: str
	file_url: str
	is_private: int
	content_hash: str
	file_size: int
	attached_to_field: str
	root: Root | None


class Subscription(TypedDict):
	"""What the producer has on record for one DocType of this consumer."""

	status: str
	unsubscribed: int
	condition: str | None
	# "Keep" or "Remove"; None from a producer that does not know the choice
	when_condition_ends: str | None


class Page(TypedDict):
	"""One answer of the feed."""

	protocol: int
	events: list[Event]
	cursor: int
	has_more: bool
	behind: int
	time_zone: str
	site: str
	subscriptions: dict[str, Subscription]
	warnings: list[str]
	paused: bool


class CopyPage(TypedDict):
	"""Documents that exist already, as made-up Creates in the order of their names.

	`after` is the last name looked at; `looked_at` counts those that are not sent, too.
	"""

	events: list[Event]
	after: str
	looked_at: int
	has_more: bool
	time_zone: str
	paused: bool


class Look(TypedDict):
	"""What the producer says of some names: documents as made-up Creates, why there is none, or that events are coming.

	`gone` has the reason and a position for each name: all events up to it are contained in that answer.
	"""

	events: list[Event]
	gone: dict[str, tuple[str, int]]
	coming: list[str]
	time_zone: str
	paused: bool


def parse_look(answer: Any, doctype: str, asked: set[str], producer: str) -> Look:
	"""The answer of the endpoint `look_at`, checked: nothing but what was asked for. Raises InvalidPage."""
	if not isinstance(answer, dict):
		raise InvalidPage("The answer to a look at documents is not an object.")
	events = [read_event(event, producer) for event in list_of(answer, "events")[: len(asked) + 1]]
	gone: dict[str, tuple[str, int]] = {}
	for entry in list_of(answer, "gone"):
		if not isinstance(entry, list) or len(entry) != 3:
			raise InvalidPage("The producer's list of documents that are gone is not one.")
		gone[str(entry[0])] = (str(entry[1])[:200], whole_number(entry[2], "position"))
	coming = [str(name) for name in list_of(answer, "coming")]
	for event in events:
		if event["ref_doctype"] != doctype or event["update_type"] not in (CREATE, ""):
			raise InvalidPage("The producer sent a document that was not asked for.")
		event["id"] = ""
	named = [*(event["docname"] for event in events), *gone, *coming]
	if not asked.issuperset(named) or len(named) != len(set(named)):
		raise InvalidPage("The producer sent a document that was not asked for.")
	if asked and not named and not answer.get("paused"):
		raise InvalidPage("The producer says nothing of the documents that it was asked about.")
	return {
		"events": events,
		"gone": gone,
		"coming": coming,
		"time_zone": text(answer.get("time_zone") or "", "time_zone", MAX_NAME),
		"paused": bool(answer.get("paused")),
	}


def parse_copy_page(answer: Any, doctype: str, after: str, producer: str) -> CopyPage:
	"""A page of existing documents of `doctype`, checked; `after` is the name that was asked with.

	Raises InvalidPage with what is wrong.
	"""
	if not isinstance(answer, dict):
		raise InvalidPage("The answer to a request for existing documents is not an object.")
	events = answer.get("events")
	if not isinstance(events, list) or len(events) > MAX_EVENTS:
		raise InvalidPage(f"The existing documents are not a list of at most {MAX_EVENTS}.")
	parsed = [read_event(event, producer) for event in events]
	for event in parsed:
		if event["ref_doctype"] != doctype or event["update_type"] not in (CREATE, ""):
			raise InvalidPage("The producer sent a document that was not asked for.")
		event["id"] = ""
	new_after = text(answer.get("after") or "", "after", MAX_NAME)
	if answer.get("has_more") and (not new_after or new_after == after):
		raise InvalidPage("The producer's pages of existing documents do not go on.")
	return {
		"events": parsed,
		"after": new_after,
		"looked_at": whole_number(answer.get("looked_at") or 0, "looked_at"),
		"has_more": bool(answer.get("has_more")),
		"time_zone": text(answer.get("time_zone") or "", "time_zone", MAX_NAME),
		"paused": bool(answer.get("paused")),
	}


def parse_page(answer: Any, cursor: int, producer: str) -> Page:
	"""The page in `answer`, checked; `cursor` is the one that was asked with, `producer` the URL that was asked.

	Raises InvalidPage with what is wrong.
	"""
	if not isinstance(answer, dict):
		raise InvalidPage("The feed's answer is not an object.")
	events = answer.get("events")
	if not isinstance(events, list) or len(events) > MAX_EVENTS:
		raise InvalidPage(f"The feed's events are not a list of at most {MAX_EVENTS}.")
	new_cursor = whole_number(answer.get("cursor"), "cursor")
	if new_cursor < cursor:
		raise InvalidPage(f"The feed's cursor goes back from {cursor} to {new_cursor}.")
	parsed = [read_event(event, producer) for event in events]
	last = cursor
	for event in parsed:
		if not last <= event["at_position"] <= new_cursor:
			raise InvalidPage("The feed's events are not in the order of their positions.")
		last = event["at_position"]
	return {
		"protocol": whole_number(answer.get("protocol"), "protocol"),
		"events": parsed,
		"cursor": new_cursor,
		"has_more": bool(answer.get("has_more")) and new_cursor > cursor,
		"behind": whole_number(answer.get("behind") or 0, "behind"),
		"time_zone": text(answer.get("time_zone") or "", "time_zone", MAX_NAME),
		"site": text(answer.get("site") or "", "site", 500),
		"subscriptions": parse_subscriptions(answer.get("subscriptions")),
		"warnings": [
			warning[:500] for warning in list_of(answer, "warnings")[:20] if isinstance(warning, str)
		],
		"paused": bool(answer.get("paused")),
	}


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
		return {
			"id": printable(event.get("id")),
			"position": position,
			"at_position": whole_number(event.get("at_position", position), "at_position"),
			"update_type": "",
			"ref_doctype": printable(event.get("ref_doctype")),
			"docname": printable(event.get("docname")),
			"data": None,
			"data_before": None,
			"creation": "",
			"modified_by": "",
			"origin": producer,
			"root": None,
			"problem": str(error),
		}


def printable(value: Any) -> str:
	"""What is left of a name that is none, to be shown to a person."""
	if isinstance(value, int) and not isinstance(value, bool):
		return str(value)[:MAX_NAME]
	return NOT_IN_NAMES.sub("?", value)[:MAX_NAME] if value and isinstance(value, str) else "?"


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
		"problem": "",
	}


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


def parse_file(entry: Any) -> RemoteFile:
	"""One file, checked: nothing of it may lead out of the folder for files."""
	if not isinstance(entry, dict):
		raise InvalidPage("A file is not an object.")
	file_name = text(entry.get("file_name"), "file_name", MAX_NAME, required=True)
	if "/" in file_name or "\\" in file_name or file_name in (".", ".."):
		raise InvalidPage(f"The file name {file_name[:60]!r} has parts of a path.")
	file_url = entry.get("file_url")
	if not is_local_url(file_url):
		file_url = text(file_url, "file_url", MAX_URL, required=True)
	if not file_url.startswith((*LOCAL_URLS, *REMOTE_URLS)) or len(file_url) > MAX_URL:
		raise InvalidPage(f"The address {file_url[:60]!r} of file {file_name} is not one of a file.")
	content_hash = text(entry.get("content_hash") or "", "content_hash", 32)
	if content_hash and (len(content_hash) != 32 or set(content_hash) - set("0123456789abcdef")):
		raise InvalidPage(f"The content hash of file {file_name} is not one.")
	return {
		"file": text(entry.get("file"), "file", MAX_NAME, required=True),
		"file_name": file_name,
		"file_url": file_url,
		"is_private": 1 if entry.get("is_private") else 0,
		"content_hash": content_hash,
		"file_size": whole_number(entry.get("file_size") or 0, "file_size"),
		"attached_to_field": text(entry.get("attached_to_field") or "", "attached_to_field", MAX_NAME),
		"root": parse_root(entry.get("root")),
	}


def parse_files(entries: Any) -> list[RemoteFile]:
	if entries is None:
		return []
	if not isinstance(entries, list) or len(entries) > MAX_FILES:
		raise InvalidPage(f"A document's files are not a list of at most {MAX_FILES}.")
	return [parse_file(entry) for entry in entries]


def is_local_url(value: Any) -> bool:
	"""Whether a field's value is the address of a file on the site that the document is from."""
	return isinstance(value, str) and value.startswith(LOCAL_URLS)


def parse_subscriptions(answer: Any) -> dict[str, Subscription]:
	"""The producer's record of what this site subscribes to, checked."""
	if not isinstance(answer, dict) or len(answer) > 1_000:
		raise InvalidPage("The producer's record of the subscriptions is not an object.")
	parsed: dict[str, Subscription] = {}
	for doctype, entry in answer.items():
		if not isinstance(entry, dict) or entry.get("status") not in STATUSES:
			raise InvalidPage("The producer's record of a subscription has no known status.")
		condition = entry.get("condition")
		parsed[text(doctype, "doctype", MAX_NAME, required=True)] = {
			"status": entry["status"],
			"unsubscribed": 1 if entry.get("unsubscribed") else 0,
			"condition": condition if condition and isinstance(condition, str) else None,
			"when_condition_ends": ends
			if (ends := entry.get("when_condition_ends")) in (KEEP, REMOVE)
			else None,
		}
	return parsed


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
		check_shape(data)
	return data


def has_nothing_to_refuse(text: str) -> bool:
	"""Whether the JSON text alone shows that there is nothing to refuse: for `check_shape` has to look at every value.

	Each level opens a bracket, a row more is a comma more, and halves of characters have to be escaped.
	"""
	return (
		text.count("{") + text.count("[") <= MAX_DEPTH
		and text.count(",") < MAX_ROWS
		and "\\u" not in text
		and is_whole(text)
	)


def check_shape(data: Any) -> None:
	"""Refuse what no document is: nested too deep, with a table of too many rows, or with text that no database takes."""
	level, depth = [data], 0
	while level:
		depth += 1
		if depth > MAX_DEPTH:
			raise InvalidPage(f"The data of a document is nested more than {MAX_DEPTH} levels deep.")
		below: list[Any] = []
		for value in level:
			if isinstance(value, list) and len(value) > MAX_ROWS:
				raise InvalidPage(f"A table of a document has more than {MAX_ROWS} rows.")
			children = value.values() if isinstance(value, dict) else value
			below.extend(child for child in children if isinstance(child, dict | list))
			texts = [*value, *children] if isinstance(value, dict) else children
			if not all(is_whole(text) for text in texts if isinstance(text, str)):
				raise InvalidPage("A document holds halves of characters.")
		level = below


def data_text(value: Any, what: str) -> str | None:
	if value is None:
		return None
	if not isinstance(value, str):
		raise InvalidPage(f"An event's {what} is not text.")
	if len(value) > MAX_DATA:
		raise InvalidPage(f"An event's {what} is larger than {MAX_DATA >> 20} MB.")
	if not is_whole(value):
		raise InvalidPage(f"An event's {what} holds halves of characters.")
	return value


def is_whole(value: str) -> bool:
	"""Whether text can be written down: JSON can hold halves of characters, what they are stored in can't."""
	try:
		return value.isascii() or bool(value.encode())
	except UnicodeEncodeError:
		return False


def moment(value: Any) -> str:
	"""A date and time without a zone that every database takes, as text in one spelling; "" when there is none."""
	if not value:
		return ""
	try:
		read = datetime.fromisoformat(value)
	except (ValueError, TypeError):
		read = None
	if not read or read.tzinfo or read.year < FIRST_YEAR:
		raise InvalidPage("creation is not a date and time.")
	return str(read)


def list_of(answer: dict, part: str) -> list:
	value = answer.get(part) or []
	if not isinstance(value, list):
		raise InvalidPage(f"{part} is not a list.")
	return value


def whole_number(value: Any, what: str) -> int:
	if isinstance(value, bool) or not isinstance(value, int) or value < 0 or value >= 2**63:
		raise InvalidPage(f"{what} is not a whole number of 0 or more.")
	return value


def text(value: Any, what: str, longest: int, required: bool = False) -> str:
	if not isinstance(value, str) or len(value) > longest or (required and not value):
		raise InvalidPage(f"{what} is not text of at most {longest} characters.")
	if NOT_IN_NAMES.search(value):
		raise InvalidPage(f"{what} holds characters that no name may hold.")
	return value

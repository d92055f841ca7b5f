"""Answers of the feed on the wire (pages of events, of existing documents, of looks), and the check of what comes in. Pure."""

from typing import Any, TypedDict

from event_streaming.wire.broker.grants import MOST_SERVERS, Grant, parse_grant
from event_streaming.wire.checks import (
	MAX_NAME,
	InvalidPage,
	as_site_id,
	list_of,
	next_after,
	text,
	whole_number,
)
from event_streaming.wire.events import CREATE, Event, read_event
from event_streaming.wire.lean.known import MOST_KNOWN
from event_streaming.wire.wishes.priorities import Wish, parse_ahead

PROTOCOL = 2
MAX_EVENTS = 5_000
MAX_FIELDS = 1_000
# DocTypes, and documents, of a request that wishes for changes put together
MOST_WISHED = 1_000
MOST_PORT = 65_535
MOST_LOGIN = 4_000
# whether a consumer hears of new positions by itself; UNPROVEN: it is connected, and wants a message to see that they come
NO, YES, UNPROVEN = 0, 1, 2
# what becomes of a document that was delivered and no longer meets the condition
KEEP, REMOVE = "Keep", "Remove"
STATUSES = ("Pending", "Approved", "Rejected")


class Subscription(TypedDict):
	"""What the producer has on record for one DocType of this consumer."""

	status: str
	unsubscribed: int
	condition: str | None
	# "Keep" or "Remove"; None from a producer that does not know the choice
	when_condition_ends: str | None
	# what the producer's administrator hides from this site, by name; None from a producer that can't
	fields_not_sent: list[str] | None
	fields_masked: list[str] | None
	# what this site has asked not to get
	not_wanted: list[str] | None
	# how many events it was not sent because its user may not read the documents
	withheld: int


class Offered(TypedDict):
	"""What every offer to listen has."""

	back_end: str
	port: int
	site: str


class Listen(Offered, total=False):
	"""Over what this site can hear of new positions without being reachable, and where.

	Realtime: `port` of the producer's own host, 0 for that of its address: no other host is ever connected to. `site` is the producer's
	name on its realtime server. NATS: the servers, and the user for them, sealed for whoever has this site's keys.
	"""

	servers: list[str]
	login: str


class Page(TypedDict):
	"""One answer of the feed."""

	protocol: int
	events: list[Event]
	cursor: int
	has_more: bool
	behind: int
	time_zone: str
	site: str
	# "" from a site of an older version
	site_id: str
	subscriptions: dict[str, Subscription]
	warnings: list[str]
	paused: bool
	# the producer's administrator wants new keys
	rotate: bool
	# whether the producer has a token that works; None from one that knows of none
	token: bool | None
	# of which life of the producer's log the positions are; "" from a producer that does not say
	epoch: str
	# up to where the log is the one that the reader knew; None when nothing of that was lost
	same_up_to: int | None
	# to be shown again with the next request
	receipt: str
	# where the producer's messages are, and the keys; None where there is no broker for this site
	broker: Grant | None
	# made of a broker's messages, with what the feed has said last of everything else
	from_broker: bool
	# what is to be kept with the cursor: how far this site has read in the broker's stream; "" for nothing new
	place: str
	# None from a producer over which nobody can listen
	listen: Listen | None
	# DocType -> up to where all of it is dealt with once the page is, ahead of the cursor
	ahead: dict[str, int]
	# events wait there that are not wanted now
	held: bool


class CopyPage(TypedDict):
	"""Documents that exist already, as made-up Creates in the order of their names.

	`after` is the last name looked at; `looked_at` counts those that are not sent, too. `without` are fields that the producer lacks of what
	this site has said of its documents: nothing was looked at then. None from a producer that can't compare them.
	"""

	events: list[Event]
	after: str
	looked_at: int
	has_more: bool
	time_zone: str
	paused: bool
	without: list[str] | None
	same: int
	differing: list[str]


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
	without = parse_names(answer.get("without"))
	same = whole_number(answer.get("same") or 0, "same")
	if same > MOST_KNOWN:
		raise InvalidPage("The producer has found more documents the same than it was told of.")
	return {
		"events": parsed,
		"without": without,
		"same": same,
		"differing": parse_names(answer.get("differing"), MAX_EVENTS) or [],
		"after": after if without else next_after(answer, after, "existing documents"),
		"looked_at": whole_number(answer.get("looked_at") or 0, "looked_at"),
		"has_more": bool(answer.get("has_more")),
		"time_zone": text(answer.get("time_zone") or "", "time_zone", MAX_NAME),
		"paused": bool(answer.get("paused")),
	}


NO_WISH = Wish()


def parse_page(answer: Any, cursor: int, producer: str, wish: Wish = NO_WISH) -> Page:
	"""The page in `answer`, checked; `cursor` and `wish` are those that were asked with, `producer` the URL that was asked.

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
	ahead = parse_ahead(answer.get("ahead"), wish, cursor)
	is_ahead = bool(ahead) and new_cursor == cursor
	last = cursor
	for event in parsed:
		end = ahead.get(event["ref_doctype"], 0) if is_ahead else new_cursor
		if not last <= event["at_position"] <= end:
			raise InvalidPage("The feed's events are not in the order of their positions.")
		last = event["at_position"]
	goes_on = new_cursor > cursor or any(
		position > wish.cursor_of(doctype, cursor) for doctype, position in ahead.items()
	)
	return {
		"protocol": whole_number(answer.get("protocol"), "protocol"),
		"events": parsed,
		"cursor": new_cursor,
		"has_more": bool(answer.get("has_more")) and goes_on,
		"behind": whole_number(answer.get("behind") or 0, "behind"),
		"time_zone": text(answer.get("time_zone") or "", "time_zone", MAX_NAME),
		"site": text(answer.get("site") or "", "site", 500),
		"site_id": as_site_id(answer.get("site_id")),
		"subscriptions": parse_subscriptions(answer.get("subscriptions")),
		"warnings": [
			warning[:500] for warning in list_of(answer, "warnings")[:20] if isinstance(warning, str)
		],
		"paused": bool(answer.get("paused")),
		"rotate": bool(answer.get("rotate")),
		"token": None if answer.get("token") is None else bool(answer["token"]),
		"epoch": text(answer.get("epoch") or "", "epoch", MAX_NAME),
		"same_up_to": None
		if answer.get("same_up_to") is None
		else whole_number(answer["same_up_to"], "same_up_to"),
		"receipt": text(answer.get("receipt") or "", "receipt", MAX_NAME),
		"broker": parse_grant(answer.get("broker")),
		"from_broker": False,
		"place": "",
		"listen": parse_listen(answer.get("listen")),
		"ahead": ahead,
		"held": bool(answer.get("held")) and wish.only,
	}


def parse_listen(answer: Any) -> Listen | None:
	"""Over what one can listen, checked; None for nothing. Raises InvalidPage."""
	if not isinstance(answer, dict):
		return None
	port = whole_number(answer.get("port") or 0, "port")
	if port > MOST_PORT:
		raise InvalidPage(f"port is not a number up to {MOST_PORT}.")
	offered: Listen = {
		"back_end": text(answer.get("back_end"), "back_end", MAX_NAME, required=True),
		"port": port,
		"site": text(answer.get("site") or "", "site", MAX_NAME),
	}
	if answer.get("servers"):
		servers = answer["servers"]
		if not isinstance(servers, list) or len(servers) > MOST_SERVERS:
			raise InvalidPage("servers is not a short list.")
		offered["servers"] = [text(each, "server", 500, required=True) for each in servers]
		offered["login"] = text(answer.get("login") or "", "login", MOST_LOGIN)
	return offered


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
			"fields_not_sent": parse_names(entry.get("fields_not_sent")),
			"fields_masked": parse_names(entry.get("fields_masked")),
			"not_wanted": parse_names(entry.get("not_wanted")),
			"withheld": whole_number(entry.get("withheld") or 0, "withheld"),
		}
	return parsed


def parse_names(names: Any, most: int = MAX_FIELDS) -> list[str] | None:
	"""Names, of fields as a rule, that the producer tells of, checked; None when it tells of none, not even that there are none."""
	if names is None:
		return None
	if not isinstance(names, list) or len(names) > most:
		raise InvalidPage(f"The producer's list of names is not one of at most {most}.")
	return [text(name, "field", 2 * MAX_NAME + 1, required=True) for name in names]

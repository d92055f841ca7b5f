"""Where the next page comes from: the feed, or the broker where the Event Producer says so and the producer has one.

The feed has everything and is asked at least once a minute, or every five minutes as long as the messages show as much: that something
was logged less than a minute ago, and that all before it is there. It says what this site may have, how the two sites stand, and
brings the keys of the messages. In between a broker's messages make pages, for as long as nothing is missing in them. Whatever is not
as it should be (a hole, a key that has changed, a server that is away, does not answer in time, lies, or has less than there is known
to be) costs a request to the feed, and nothing else.
"""

import json
import time
from dataclasses import dataclass

import frappe
from frappe.utils.password import decrypt, encrypt

from event_streaming.broker.addresses import Server, permitted_servers, read_servers, server_at
from event_streaming.broker.nats_client import Fetched, NatsClient, StreamReader
from event_streaming.broker.settings import trusted_authorities
from event_streaming.consumer.folding.far_behind import FarBehind
from event_streaming.consumer.folding.runs import is_composed
from event_streaming.consumer.line.holding import holding
from event_streaming.consumer.line.meter import Meter
from event_streaming.consumer.logs import broker_use, told
from event_streaming.consumer.logs.state import PullState
from event_streaming.consumer.pull.chain import unbroken
from event_streaming.consumer.subscriptions import agreement
from event_streaming.consumer.subscriptions.remote import Producer
from event_streaming.consumer.subscriptions.subscription import subscriptions_of
from event_streaming.exceptions import BrokerMissing, BrokerUnavailable
from event_streaming.http.allowed import bound_of_this_site
from event_streaming.http.confidential import Confidential, plain
from event_streaming.site.address import as_seconds, public_url
from event_streaming.site.claims import redis_key
from event_streaming.site.settings import get_settings
from event_streaming.wire.broker.grants import NATS, Grant
from event_streaming.wire.broker.messages import (
	InvalidMessage,
	Message,
	Reader,
	stream_of,
	subjects_of,
	unseal,
)
from event_streaming.wire.events import Event
from event_streaming.wire.pages import NO_WISH, Page
from event_streaming.wire.wishes.priorities import NORMAL, Wish, wish_of

FEED_EVERY = 60
# what messages don't say is heard by then: new keys that are asked for, warnings, and by the producer how far this site is
LONGEST_WITHOUT_FEED = 300
# of a producer whose clock is further ahead nobody can say how long ago something was logged there
CLOCK_AHEAD = 5
KEPT_SECONDS = 600
# a broker that could not be used is left alone for this
AWAY_SECONDS = 30
# in one slice: then it is the feed's
MOST_HOLES = 3
# whoever publishes looks at the log so often, and an event may be told of before
PUBLISHED_IN = 0.5


class Source:
	"""The pages of one slice of a pull, until a time of the monotonic clock. `is_short`: it has no time to wait for a slow broker, which
	says nothing of those that have."""

	def __init__(self, doc, producer: Producer, until: float | None = None, is_short: bool = False):
		self.producer, self.until, self.is_short = producer, until, is_short
		self.name = doc.name
		self.wanted = doc.get("transport") == NATS
		self.broker: BrokerPages | None = None
		self.holes = 0
		self.is_used = False
		self.feed_only = not self.wanted
		# the next page is the feed's
		self.feed_is_due = False
		# where the stream stood before the feed was asked: all of it is in the feed's answer
		self.place_before = ""
		self.far_behind = FarBehind()

	def next_page(self, doc, kept: PullState) -> Page:
		"""The page after the cursor. Raises what the feed raises; nothing for the broker's sake."""
		wish = wish_for(doc, kept)
		# a broker's messages are in one order for everybody
		if not self.feed_only and not self.feed_is_due and not wish:
			page = self._from_broker(doc, kept)
			if page and not any(map(is_composed, page["events"])):
				return page
		# what comes before others is not put together: up to where it is taken is kept for each DocType
		as_one = None if wish else self.far_behind.wish
		if self.wanted:
			told.take(self.name)
		page = self.producer.get_page(
			kept.position,
			kept.epoch,
			kept.receipt,
			transport=NATS if self.wanted else "",
			wish=wish,
			as_one=as_one,
		)
		self.feed_is_due = False
		self.far_behind.look_at(doc, page, as_one)
		if self.wanted:
			page["broker"] = page["broker"] and confidential(page["broker"])
			keep_said(self.name, page)
			if not page["broker"]:
				broker_use.keep(self.name, broker_use.NOT_OFFERED)
			if self.place_before and not page["has_more"]:
				page["place"], self.place_before = self.place_before, ""
		return page

	def close(self) -> None:
		if self.broker:
			self.broker.close()

	def _from_broker(self, doc, kept: PullState) -> Page | None:
		said = kept_said(self.name, self.is_short)
		grant = said and said.page["broker"]
		if not said or not grant or grant["epoch"] != kept.epoch or agreement.is_outdated(doc, said.page):
			return None
		try:
			page = self._read_broker(doc, grant, kept, said.page)
		except (BrokerUnavailable, BrokerMissing) as error:
			self.feed_only = True
			leave_alone(self.name, error, self.is_short)
			return None
		if page is None or (page["has_more"] and self.broker.read_nothing):
			self.holes += 1
			self.feed_only = self.feed_only or self.holes >= MOST_HOLES
			return page
		keep_logged(self.name, page)
		if not said.is_due or is_fresh(self.name):
			return page
		self.feed_is_due = True
		return {**page, "has_more": True} if page["events"] else None

	def _read_broker(self, doc, grant: Grant, kept: PullState, said: Page) -> Page | None:
		"""The broker's next page; None when the feed has to be asked. Raises BrokerUnavailable or BrokerMissing."""
		self.broker = self.broker or BrokerPages(doc, grant, self.producer.line, self.until)
		self.broker.hear(grant)
		if not kept.broker_place or not self.broker.is_of_this_stream(kept.broker_place):
			self.place_before = self.broker.place_of_end()
			return None
		page = self.broker.page_after(kept, said)
		if page is None:
			return None
		if not self.is_used:
			self.is_used = True
			broker_use.keep(self.name, broker_use.USED)
		if page["has_more"] or not is_short_of(at_least := told.take(self.name), page):
			return page
		if not page["events"]:
			self.broker.client.wait(PUBLISHED_IN)
			page = self.broker.page_after(kept, said)
			if page and (page["has_more"] or not is_short_of(at_least, page)):
				return page
		# it comes there later, or is to be had from the feed alone
		self.feed_only = True
		return {**page, "has_more": True} if page and page["events"] else None


def is_short_of(at_least: int | None, page: Page) -> bool:
	"""Whether there is more than in a page after which the broker has none; `at_least` is what this site was told (told.py)."""
	if at_least is None:
		return False
	return page["cursor"] < at_least if at_least else not page["events"]


def wish_for(doc, kept: PullState) -> Wish:
	"""Which DocTypes are wanted first, and what was taken of them; none where all rows are alike."""
	if not kept.taken_ahead and all(
		(row.get("priority") or NORMAL) == NORMAL for row in doc.producer_doctypes
	):
		return NO_WISH
	rows = subscriptions_of(doc).values()
	priorities = {each.remote_doctype: each.priority for each in rows if each.active}
	return wish_of(priorities, kept.taken, kept.position, holding(doc).low)


class BrokerPages:
	"""Makes pages of messages, with what the feed has said of everything else."""

	def __init__(self, doc, grant: Grant, line: Meter | None = None, until: float | None = None):
		self.grant, self.producer = grant, doc.name
		self.line, self.counted = line or Meter(doc.name), 0
		self.site_id = doc.get("site_id") or grant["site"]
		self.stream = stream_of(self.site_id)
		self.client = NatsClient(*how_to_connect(doc, grant), until)
		self.reader: StreamReader | None = None
		self.read_up_to = -1
		# the last page had no message of the producer in it
		self.read_nothing = False
		try:
			state = self.client.stream(self.stream)
			if state is None:
				raise BrokerUnavailable("The producer's stream is not there.")
		except BaseException:
			self.client.close()
			raise
		self.created, self.last = state.created, state.last
		self._know(grant)

	def close(self) -> None:
		try:
			self._close_reader()
			self._count()
		finally:
			self.client.close()

	def _close_reader(self) -> None:
		if self.reader:
			self.client.close_reader(self.reader)
			self.reader = None

	def _count(self) -> None:
		"""What has gone over the line since the last time is a part of what may."""
		carried = self.client.carried
		self.line.count(carried - self.counted)
		self.counted = carried

	def hear(self, grant: Grant) -> None:
		"""The feed may have said something new."""
		if grant != self.grant:
			self._close_reader()
			self._know(grant)

	def _know(self, grant: Grant) -> None:
		self.grant = grant
		self.signed = Reader(grant["public_key"])
		self.tokens = {each["token"]: doctype for doctype, each in grant["doctypes"].items()}
		self.open_tokens = [each["token"] for each in grant["doctypes"].values() if each["key"]]

	def place_of_end(self) -> str:
		return f"{self.last}@{self.created}"

	def is_of_this_stream(self, place: str) -> bool:
		"""Whether a place that was kept is one of this stream; it may have been made anew since, or have lost its end."""
		number, _at, created = place.partition("@")
		return created == self.created and number.isdigit() and int(number) <= self.last

	def page_after(self, kept: PullState, said: Page) -> Page | None:
		"""The next messages as a page, an empty one where nothing is there; None when the feed has to be asked."""
		start = int(kept.broker_place.partition("@")[0])
		fetched = self._fetch(start)
		messages, known_up_to, odd = self._read(fetched, kept.position, start)
		self.read_nothing = not messages
		chain = unbroken((message for _number, message in messages), kept.position, self.tokens)
		is_cut = odd or chain.is_cut
		if not chain.messages and is_cut:
			return None
		events = self._events(chain.messages)
		if events is None:
			return None
		# what was left over is read again
		not_taken = [number for number, message in messages if message.position > chain.cursor]
		taken_up_to = min([known_up_to, *(number - 1 for number in not_taken)])
		self.read_up_to = -1 if is_cut else taken_up_to
		return {
			**said,
			"events": events,
			"cursor": chain.cursor,
			"has_more": bool(is_cut or fetched.left),
			"behind": fetched.left,
			"receipt": chain.messages[-1].receipt if chain.messages else kept.receipt,
			"same_up_to": None,
			"from_broker": True,
			"ahead": {},
			"held": False,
			"place": f"{taken_up_to}@{self.created}",
		}

	def _fetch(self, start: int) -> Fetched:
		if not self.reader or self.read_up_to != start or self.reader.is_forgotten:
			self._close_reader()
			subjects = [subjects_of(self.site_id, self.grant["epoch"], token) for token in self.open_tokens]
			self.reader = self.client.open_reader(self.stream, subjects, start)
		try:
			return self.client.fetch(self.reader, get_settings().events_per_page, self.line.batch_bytes())
		finally:
			self._count()

	def _read(self, fetched: Fetched, cursor: int, start: int) -> tuple[list[tuple[int, Message]], int, bool]:
		"""What the producer has signed, up to which number that is all, and whether something after it needs the feed."""
		messages, known_up_to = [], start
		for number, payload in fetched.messages:
			try:
				message = self.signed.read(payload)
			except InvalidMessage:
				# whoever has put it there: if it was in the place of one of the producer's, the next one shows the hole
				known_up_to = max(known_up_to, number)
				continue
			if message.position > cursor and not self._is_for_us(message):
				return messages, known_up_to, True
			messages.append((number, message))
			known_up_to = max(known_up_to, number)
		self.last = max(self.last, known_up_to)
		return messages, known_up_to, False

	def _is_for_us(self, message: Message) -> bool:
		return (
			message.site == self.site_id
			and message.epoch == self.grant["epoch"]
			and message.standing == self.grant["standing"]
			and message.token in self.open_tokens
		)

	def _events(self, messages: list[Message]) -> list[Event] | None:
		"""Those that the feed would give: not of this site's own making, and of after the subscription's beginning."""
		events, here = [], public_url()
		for message in messages:
			doctype = self.tokens[message.token]
			granted = self.grant["doctypes"][doctype]
			try:
				event = unseal(message, bytes.fromhex(granted["key"] or ""), doctype, self.producer)
			except (InvalidMessage, ValueError):
				return None
			if event["origin"] != here and event["position"] > granted["after"]:
				events.append(event)
		return events


def how_to_connect(doc, grant: Grant) -> tuple[list[Server], str, str, str]:
	"""Servers, user, password and authorities: of this site's own server, or as the producer says and this site may call."""
	authorities = trusted_authorities(doc.get("ca_certificate"))
	try:
		own = [server_at(url) for url in read_servers(doc.get("nats_servers"))]
	except ValueError:
		own = []
	if own:
		password = doc.get_password("nats_password", raise_exception=False) or ""
		return own, doc.get("nats_user") or "", password, authorities
	return (
		permitted_servers(grant["servers"], bound_of_this_site()),
		grant["user"],
		grant["password"],
		authorities,
	)


def confidential(grant: Grant) -> Grant:
	"""The same, with a password and keys that are in no list of variables of an error."""
	doctypes = {
		name: {**each, "key": each["key"] and Confidential(each["key"])}
		for name, each in grant["doctypes"].items()
	}
	return {**grant, "password": Confidential(grant["password"]), "doctypes": doctypes}


# ---- what the feed has said last, for all processes: it holds keys, so it is encrypted


@dataclass(frozen=True)
class Said:
	"""What the feed has said last, and when: seconds since 1970 UTC."""

	page: Page
	asked: float

	@property
	def is_due(self) -> bool:
		"""Whether it is asked again, but for messages that say as much."""
		return not 0 <= time.time() - self.asked < FEED_EVERY


def keep_said(event_producer: str, page: Page) -> None:
	"""Everything of a page but its events. Losing it costs a request."""
	key = redis_key("broker", event_producer)
	if not page["broker"] or page["paused"]:
		frappe.cache.delete_value(key)
		return
	said = {"page": {**page, "events": []}, "asked": time.time()}
	frappe.cache.set_value(key, encrypt(json.dumps(said)), expires_in_sec=KEPT_SECONDS)


def kept_said(event_producer: str, is_short: bool = False) -> Said | None:
	"""None when the feed is to be asked: nothing is known, it is too long ago, or the broker could not be used a moment ago, by a pull
	that had as little time as this one."""
	kinds = ("broker_away", "broker_slow") if is_short else ("broker_away",)
	if any(frappe.cache.get_value(redis_key(kind, event_producer), expires=True) for kind in kinds):
		return None
	kept = frappe.cache.get_value(redis_key("broker", event_producer), expires=True)
	if not kept:
		return None
	try:
		said = json.loads(decrypt(kept))
	except Exception:
		# another encryption key by now
		return None
	if not 0 <= time.time() - said["asked"] < LONGEST_WITHOUT_FEED:
		return None
	return Said({**said["page"], "broker": confidential(said["page"]["broker"])}, said["asked"])


def keep_logged(event_producer: str, page: Page) -> None:
	"""When the last event of a broker's page was logged, as the producer has signed it."""
	# without its time zone nobody can say when that was
	if not page["events"] or not page["time_zone"]:
		return
	if logged := as_seconds(page["events"][-1]["creation"], page["time_zone"]):
		key = redis_key("broker_logged", event_producer)
		frappe.cache.set_value(key, logged, expires_in_sec=FEED_EVERY)


def is_fresh(event_producer: str) -> bool:
	"""Whether an event has come over the broker that was logged less than a minute ago. What comes is without holes: so what the broker
	keeps back was logged later, and what the producer has decided before then is known too, as the messages would have another standing."""
	logged = frappe.cache.get_value(redis_key("broker_logged", event_producer), expires=True)
	return bool(logged) and -CLOCK_AHEAD <= time.time() - logged < FEED_EVERY


def leave_alone(event_producer: str, error: Exception, is_short: bool = False) -> None:
	key = redis_key("broker_slow" if is_short else "broker_away", event_producer)
	frappe.cache.set_value(key, 1, expires_in_sec=AWAY_SECONDS)
	problem = plain(str(error)[:300])
	broker_use.keep(event_producer, broker_use.PROBLEM, problem)
	frappe.logger("event_streaming").warning(f"the broker can't be used: {problem}")

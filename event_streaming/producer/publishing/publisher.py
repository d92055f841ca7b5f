"""Publishes this site's events: reads on from what the stream has, and adds behind it.

One for each site, by a lock of the database that a dead process can't keep. Should two be at work all the same, the stream takes
nothing that does not come right behind what its sender believes to be its end: of two lots one is refused, and whoever sent it adds
behind the end as it is now what the stream does not know yet. Where the stream has none, or one that this site has not signed, it begins with what comes next:
consumers find the hole and have the feed.
"""

import time
from collections.abc import Callable

import frappe

from event_streaming.broker.addresses import server_at
from event_streaming.broker.nats_client import NatsClient
from event_streaming.broker.settings import BrokerSettings, get_broker_settings, trusted_authorities
from event_streaming.database.locks import advisory_lock, locks_held
from event_streaming.exceptions import BrokerUnavailable, EventStreamingError
from event_streaming.http.pauses import Pauses
from event_streaming.messages.coded import _
from event_streaming.producer.log import receipts
from event_streaming.producer.log.sequence import numbered
from event_streaming.producer.notify import relay
from event_streaming.producer.publishing.reading import Entry, LogReader, Lot
from event_streaming.producer.publishing.standing import Standings
from event_streaming.producer.subscriptions import broker_keys
from event_streaming.site.address import public_url
from event_streaming.site.settings import DOCTYPE
from event_streaming.site.site_id import own_id
from event_streaming.wire.broker.grants import NATS
from event_streaming.wire.broker.messages import (
	LOT,
	InvalidMessage,
	Message,
	Reader,
	seal,
	sign,
	stream_of,
	subject_of,
	subjects_of_site,
)

LEASE = "publish"
LOOK_EVERY, SAY_EVERY = 0.2, 10
FIRST_PAUSE, LONGEST_PAUSE = 1.0, 30.0
# messages at the stream's end that are looked at: somebody may have put others there
LOOKED_AT = 32

Said = Callable[[str], None]
Stopped = Callable[[], bool]


def publish_until(stopped: Stopped, say: Said) -> None:
	"""Publish until told to stop; a broker that is away is tried again. Raises EventStreamingError where no broker is set up."""
	pauses = Pauses(FIRST_PAUSE, LONGEST_PAUSE)
	while not stopped():
		began, problem = time.monotonic(), ""
		with advisory_lock(LEASE) as mine:
			if not mine:
				say("Another process publishes this site's events: waiting for it to end.")
			try:
				if mine:
					say(f"Publishing the events of {public_url()}.")
					publish_under_lease(stopped)
			except BrokerUnavailable as error:
				frappe.db.rollback()
				problem = str(error)
		pause = pauses.after(time.monotonic() - began) if problem or not mine else FIRST_PAUSE
		if problem:
			say(f"The broker can't be used: {problem} Trying again in {pause:.1f} s.")
		_sleep(pause, stopped)


def publish_under_lease(stopped: Stopped) -> None:
	"""Publish as long as the lease is ours. Raises BrokerUnavailable."""
	publisher = Publisher(get_broker_settings())
	try:
		publisher.run(stopped)
	except BrokerUnavailable:
		# those who listen connect again by themselves when it is back: what is offered to them stays for relay.KEPT_SECONDS
		publisher.hands_on = False
		raise
	finally:
		publisher.close()


def hands_on_positions() -> bool:
	"""Whether consumers listen over the broker: as it is stored now."""
	return frappe.db.get_single_value(DOCTYPE, "listen_through", cache=False) == NATS


def _sleep(seconds: float, stopped: Stopped) -> None:
	until = time.monotonic() + seconds
	while time.monotonic() < until and not stopped():
		time.sleep(LOOK_EVERY)


class Publisher:
	"""One connection with the broker, and where the stream ends."""

	def __init__(self, settings: BrokerSettings):
		if not settings.servers:
			raise EventStreamingError(
				_("No broker is set up: enter NATS Servers in the Event Streaming Settings of this site.")
			)
		self.site, self.settings = own_id(), settings
		self.stream = stream_of(self.site)
		self.signing_key = broker_keys.signing_key()
		self.reader = LogReader(Standings())
		self.said: tuple = ()
		self.look_at_settings_at = time.monotonic() + SAY_EVERY
		self.hands_on, self.say_running_at = hands_on_positions(), 0.0
		servers = [server_at(url) for url in settings.servers]
		self.client = NatsClient(servers, settings.user, settings.password, trusted_authorities())
		try:
			self.last = self.find_end()
		except BaseException:
			self.client.close()
			raise

	def close(self) -> None:
		if self.hands_on:
			relay.say_ended()
		self.client.close()

	def run(self, stopped: Stopped) -> None:
		"""Publish lot after lot, as long as the lease is ours and the settings are those of the beginning. Raises BrokerUnavailable."""
		first: bytes | None = None
		while not stopped() and locks_held([LEASE]).get(LEASE):
			if self._has_other_settings():
				return
			# whoever hears of a position finds the event in the stream: it was logged before, so it is published first
			told = self._positions(first)
			published = self.publish_next()
			if told:
				self.client.tell(told)
			first = None if published else self._wait()

	def _wait(self) -> bytes | None:
		"""Up to the next look at the log; what those who listen are to hear does not wait so long, and is returned."""
		if not self.hands_on:
			self.client.wait(LOOK_EVERY)
			return None
		first = relay.wait(LOOK_EVERY)
		# the server hears that we are there
		self.client.wait(0)
		return first

	def _positions(self, first: bytes | None = None) -> list[relay.Told]:
		"""For those who listen over this server, if any may: see notify/relay.py."""
		if not self.hands_on:
			return []
		if time.monotonic() >= self.say_running_at:
			self.say_running_at = time.monotonic() + SAY_EVERY
			relay.say_running()
		told = relay.take(first)
		if told:
			frappe.db.rollback()
		return told

	def _has_other_settings(self) -> bool:
		if time.monotonic() < self.look_at_settings_at:
			return False
		self.look_at_settings_at = time.monotonic() + SAY_EVERY
		return get_broker_settings() != self.settings or hands_on_positions() != self.hands_on

	def publish_next(self) -> int:
		"""Publish what comes next; returns how many events that were. Raises BrokerUnavailable: begin again with `find_end`."""
		lot = self.reader.next_lot()
		# nothing of the picture is needed any more
		frappe.db.rollback()
		self._say_who_may_read(lot)
		messages = self._messages(lot)
		if messages:
			self.last = self.client.publish(self.stream, messages, self.last)
		self.reader.take(lot)
		return len(messages)

	def find_end(self) -> int:
		"""The number of the stream's last message; the log is read on from the event that it holds. Makes the stream where there is none."""
		state = self.client.stream(self.stream)
		if state is None:
			settings = self.settings
			self.client.make_stream(
				self.stream, [subjects_of_site(self.site)], settings.replicas, settings.days
			)
			state = self.client.stream(self.stream)
		if state is None:
			raise BrokerUnavailable(f"There is no stream {self.stream}.")
		self.reader.go_to(self._published_up_to(state.last))
		return state.last

	def _published_up_to(self, last: int) -> int:
		"""The position of what this site has published last: by the last messages of the stream, and as this process knows itself."""
		log, signed = numbered(), Reader(broker_keys.public_key())
		found = [self.reader.at] if self.reader.at else []
		for number in range(last, max(last - LOOKED_AT, 0), -1):
			if (payload := self.client.message_at(self.stream, number)) is None:
				continue
			try:
				message = signed.read(payload)
			except InvalidMessage:
				continue
			# one of before a restored backup may be further than the log is
			if message.site == self.site and log.knows(message.epoch):
				found.append(min(message.position, log.head))
		return max(found, default=log.head)

	def _say_who_may_read(self, lot: Lot) -> None:
		"""For the feed: before anything is sent that needs a new key."""
		said = (lot.log.epoch, lot.standing.word)
		if self.said[:2] == said and time.monotonic() < self.said[2]:
			return
		open_to = {doctype: list(consumers) for doctype, consumers in lot.standing.open_to.items()}
		broker_keys.keep_standing(*said, open_to)
		self.said = (*said, time.monotonic() + SAY_EVERY)

	def _messages(self, lot: Lot) -> list[tuple[str, str, bytes]]:
		"""(Subject, id, payload) of each event that is not too large: the next one tells of the hole."""
		tokens = {doctype: broker_keys.token_of(doctype) for doctype in lot.standing.doctypes}
		keys = {
			doctype: broker_keys.key_of(lot.log.epoch, lot.standing.word, doctype)
			for doctype in lot.standing.open_to
		}
		receipt_of, hash_of = receipts.of_events(lot.log.epoch), broker_keys.hash_of_roots()
		bodies = [
			self._body(entry, lot, tokens, keys[entry.event["ref_doctype"]], receipt_of)
			for entry in lot.entries
		]
		most = self.client.max_payload - 4_096
		sent = [(entry, body) for entry, body in zip(lot.entries, bodies, strict=True) if len(body) <= most]
		messages = []
		for start in range(0, len(sent), LOT):
			some = sent[start : start + LOT]
			payloads = sign([body for _entry, body in some], self.signing_key)
			for (entry, _body), payload in zip(some, payloads, strict=True):
				name = f"{lot.log.epoch}.{entry.event['id']}"
				subject = self._subject(entry, lot.log.epoch, tokens, hash_of)
				messages.append((subject, name, payload))
		return messages

	def _body(
		self,
		entry: Entry,
		lot: Lot,
		tokens: dict[str, str],
		key: bytes,
		receipt_of: Callable[[int, object], str],
	) -> bytes:
		event = entry.event
		message = Message(
			self.site,
			lot.log.epoch,
			lot.standing.word,
			tokens[event["ref_doctype"]],
			event["id"],
			event["position"],
			{tokens[doctype]: position for doctype, position in entry.before.items()},
			receipt_of(event["position"], entry.numbered_on),
			{tokens[doctype]: position for doctype, position in entry.to_come.items()},
		)
		return seal(message, event, key)

	def _subject(
		self, entry: Entry, epoch: str, tokens: dict[str, str], hash_of: Callable[[str, str, str], str]
	) -> str:
		event, root = entry.event, entry.event["root"]
		where = (
			(root["site"], root["doctype"], root["name"])
			if root
			else (self.site, event["ref_doctype"], event["docname"])
		)
		token = tokens[event["ref_doctype"]]
		return subject_of(self.site, epoch, token, hash_of(*where))

"""Who reads the feed: the Event Consumer, that it is its own user who asks, and how much is given at once."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import frappe
from frappe.utils import cint, now_datetime

from event_streaming.exceptions import NotRegistered
from event_streaming.messages.coded import _
from event_streaming.producer.subscriptions.hidden import hidden_of, names_masked, names_not_sent
from event_streaming.producer.subscriptions.hiding import Hidden
from event_streaming.producer.subscriptions.met import check_consumer
from event_streaming.producer.subscriptions.streamed import APPROVED, CONSUMER, PENDING
from event_streaming.site.address import normalise_url, public_url
from event_streaming.site.refused import is_system
from event_streaming.site.roles import SUBSCRIBER, may_subscribe
from event_streaming.site.settings import get_settings
from event_streaming.wire.broker.grants import NATS
from event_streaming.wire.left_out import names_in
from event_streaming.wire.pages import KEEP, YES

# no site is called so
NOBODY = "nobody"


@dataclass
class Reader:
	"""Who reads, from where, how much; and what there is to tell besides the events."""

	consumer: Any
	cursor: int
	limit: int
	max_bytes: int
	rows: dict[str, Any]
	# DocType -> what it does not get of the documents, on whatever road; {} when it gets everything
	hidden: dict[str, Hidden] = field(default_factory=dict)
	# of the DocTypes of this page: those of which the cursor alone says what was taken; see feed/open.py
	open: frozenset[str] = frozenset()
	# of what is read for everybody nothing is left out as the reader's own
	for_all: bool = False
	# of these DocTypes nobody there needs each change, but for these documents
	as_one: frozenset[str] = frozenset()
	apart: frozenset[tuple[str, str]] = frozenset()
	# the documents are only tried there, and taken back
	trial: bool = False
	# DocType -> up to where the consumer has taken its events ahead of the cursor
	taken: Mapping[str, int] = field(default_factory=dict)
	# only some of its DocTypes, which come before the others
	is_ahead: bool = False
	# update types that the consumer has no word for
	without: tuple[str, ...] = ()
	warnings: list[str] = field(default_factory=list)
	# (DocType, position) of each event that is left out because the user may not read its document
	withheld: list[tuple[str, int]] = field(default_factory=list)

	def cursor_of(self, doctype: str) -> int:
		"""Up to where the consumer has dealt with all events of a DocType."""
		return max(self.cursor, self.taken.get(doctype, 0))

	@property
	def furthest(self) -> int:
		"""The last position of which the consumer has anything."""
		return max((self.cursor, *self.taken.values()))


def load_consumer(event_consumer: str):
	"""The Event Consumer, if it is its own user who asks. Ends the request's picture of the database."""
	frappe.db.commit()
	try:
		name = normalise_url(event_consumer)
	except (ValueError, AttributeError):
		name = ""
	found = _user_of(name) if name else None
	if not found:
		# thrown, as Frappe says nothing of an exception with status 404 but what it was to show
		frappe.throw(
			_(
				"{0} is not registered as an Event Consumer on {1}. Save its Event Producer there again."
			).format(event_consumer, public_url()),
			NotRegistered,
		)
	consumer = frappe.get_doc(CONSUMER, name)
	if consumer.user != frappe.session.user:
		frappe.throw(
			_("Only the user {0} may read the events for {1}.").format(consumer.user, consumer.name),
			frappe.PermissionError,
		)
	if not cint(found[0]):
		# Frappe 15 goes on accepting the keys of a disabled user
		frappe.throw(
			_("The user {0} is disabled on {1}. Enable it there.").format(consumer.user, public_url()),
			frappe.PermissionError,
		)
	if not may_subscribe(consumer.user):
		frappe.throw(
			_("The user {0} has no longer the role {1} on {2}. Give it that role there.").format(
				consumer.user, SUBSCRIBER, public_url()
			),
			frappe.PermissionError,
		)
	check_consumer(consumer)
	return consumer


def _user_of(event_consumer: str) -> tuple[int | None] | None:
	"""Whether the user of an Event Consumer is enabled; None where there is no such Event Consumer."""
	consumer, user = frappe.qb.DocType(CONSUMER), frappe.qb.DocType("User")
	query = frappe.qb.from_(consumer).left_join(user).on(user.name == consumer.user).select(user.enabled)
	rows = query.where(consumer.name == event_consumer).run()
	return rows[0] if rows else None


def as_it_is_now(consumer):
	"""The consumer, read anew where somebody has decided something since: what was approved and then logged while events got their
	positions would be passed over else. Raises what `load_consumer` does."""
	modified = frappe.db.get_value(CONSUMER, consumer.name, "modified")
	return consumer if modified == consumer.modified else load_consumer(consumer.name)


def reader_for(consumer, cursor: int, limit: Any, max_bytes: Any) -> Reader:
	settings = get_settings()
	return Reader(
		consumer=consumer,
		cursor=cursor,
		limit=min(max(cint(limit) or settings.events_per_page, 1), settings.events_per_page),
		max_bytes=min(max(cint(max_bytes) or settings.page_bytes, 1), settings.page_bytes),
		rows={
			row.ref_doctype: row
			for row in consumer.consumer_doctypes
			# an approval does not outlive the permission in site_config.json
			if row.status == APPROVED and not cint(row.unsubscribed) and not is_system(row.ref_doctype)
		},
		hidden=hidden_of(consumer),
	)


def is_for(reader: Reader, log):
	"""The condition that an event was not first made at the reader's, and that the reader has a word for it."""
	wanted = log.origin.isnull() | (log.origin != (NOBODY if reader.for_all else reader.consumer.name))
	return wanted & log.update_type.notin(reader.without) if reader.without else wanted


def contacted(
	consumer,
	cursor: int | None,
	reachable: Any = None,
	listening: Any = None,
	transport: str | None = None,
	taken_ahead: str | None = None,
) -> None:
	"""Keep how far the consumer is (unless None), that it was here, and what it says: whether it can be reached, whether it listens,
	whether it would take events from a broker, and what it has taken ahead of its cursor."""
	values = {"last_contact": now_datetime()}
	if cursor is not None:
		values["position"] = cursor
	if reachable is not None:
		values["not_reachable"] = int(not cint(reachable))
	# of a consumer of an older version nothing is said
	if (cint(listening) == YES) != bool(cint(consumer.get("listens"))):
		values["listens"] = int(cint(listening) == YES)
	if (chosen := NATS if transport == NATS else "") != (consumer.get("transport") or ""):
		values["transport"] = chosen
	if cursor is not None and taken_ahead != (consumer.get("taken_ahead") or None):
		values["taken_ahead"] = taken_ahead
	if consumer.get("other_site_id"):
		# the right site is back
		values["other_site_id"] = None
	if cint(consumer.notify_failures):
		values.update(notify_failures=0, notify_after=None)
	# with each request: there is no cached document to be cleared, as nobody asks for one
	table = frappe.qb.DocType(CONSUMER)
	query = frappe.qb.update(table).where(table.name == consumer.name)
	for fieldname, value in values.items():
		query = query.set(table[fieldname], value)
	query.run()


def parsed_list(value: str | list) -> list:
	"""A list that a request brings, as JSON or as it is."""
	if isinstance(value, str):
		try:
			value = json.loads(value)
		except ValueError:
			value = None
	if not isinstance(value, list):
		frappe.throw(_("A JSON list is expected here."))
	return value


def subscriptions_of(consumer) -> dict[str, dict[str, Any]]:
	"""What is on record for the consumer, as every page carries it."""
	return {
		row.ref_doctype: {
			"status": row.status or PENDING,
			"unsubscribed": cint(row.unsubscribed),
			"condition": row.condition or None,
			"when_condition_ends": row.when_condition_ends or KEEP,
			"fields_not_sent": names_not_sent(row),
			"fields_masked": names_masked(row),
			"not_wanted": list(names_in(row.not_wanted)),
			# what is meant to be so is no news
			"withheld": 0 if cint(row.get("withholding_meant")) else cint(row.get("withheld")),
		}
		for row in consumer.consumer_doctypes
		if not cint(row.not_asked)
	}

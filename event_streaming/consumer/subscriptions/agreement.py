"""Both sides hold the same table of subscriptions: between two pages, what differs is told to the producer, and its decisions are taken.

It commits, where no work is open.
"""

import frappe

from event_streaming.consumer.logs import state
from event_streaming.consumer.subscriptions.registration import register
from event_streaming.consumer.subscriptions.remote import Producer
from event_streaming.consumer.subscriptions.statuses import write_statuses
from event_streaming.consumer.subscriptions.subscription import subscriptions_of
from event_streaming.exceptions import RemoteError
from event_streaming.wire.pages import PROTOCOL, Page, Subscription, parse_subscriptions


def settle(doc, producer: Producer, page: Page):
	"""Bring both sides to the same table: adopt the producer's statuses, tell it what it does not know yet.

	Returns the Event Producer as it is afterwards.
	"""
	on_record = page["subscriptions"]
	if page["protocol"] < PROTOCOL:
		return doc
	if disagree(doc, on_record):
		# what a person is saving just now is on record there already; wait for it instead of taking it back
		frappe.db.commit()
		# held while the producer is told: whoever saves another table meanwhile is not to be told over. It never waits for this
		# site with anything locked: it tells of its decisions after its own commit, and calling back writes nothing here.
		doc = frappe.get_doc("Event Producer", doc.name, for_update=True)
		if disagree(doc, on_record):
			on_record = register_again(doc, producer, on_record)
		frappe.db.commit()
	if write_statuses(doc, on_record):
		frappe.db.commit()
		return frappe.get_doc("Event Producer", doc.name)
	return doc


def register_again(doc, producer: Producer, on_record: dict[str, Subscription]) -> dict[str, Subscription]:
	"""Tell the producer what it does not know; returns what it has on record then."""
	try:
		return parse_subscriptions(register(doc, producer, saved=True).get("subscriptions") or {})
	except RemoteError as error:
		# what it has is still good for the other DocTypes, whose events come; the form shows why this one is not taken
		state.save_state(doc.name, last_warning=str(error)[:2000])
		return on_record


def disagree(doc, on_record: dict[str, Subscription]) -> bool:
	"""Whether the producer has rows that this site has not (any more), lacks one, or has one that differs."""
	wanted = subscriptions_of(doc)
	return on_record.keys() != wanted.keys() or any(
		differs(on_record[remote], subscription) for remote, subscription in wanted.items()
	)


def is_outdated(doc, page: Page) -> bool:
	"""Whether this site knows better by now than what the producer has said in an earlier page: of what it wants, or of what is approved."""
	wanted, on_record = subscriptions_of(doc), page["subscriptions"]
	return disagree(doc, on_record) or any(
		each.status != on_record[remote]["status"] for remote, each in wanted.items()
	)


def differs(on_record: Subscription, subscription) -> bool:
	return (
		bool(on_record["unsubscribed"]) != subscription.unsubscribed
		or (on_record["condition"] or "").strip() != (subscription.condition or "")
		or (on_record["when_condition_ends"] or subscription.when_condition_ends)
		!= subscription.when_condition_ends
		or (
			on_record["not_wanted"] is not None
			and set(on_record["not_wanted"]) != set(subscription.not_wanted)
		)
	)

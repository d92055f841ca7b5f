"""The same for a single document that comes before any copy: which local one it is by *Match By*. It only reads."""

import frappe

from event_streaming.consumer.matching.fields import MatchFields, match_fields
from event_streaming.consumer.matching.here import in_names_of_this_site
from event_streaming.consumer.subscriptions.remote import Producer
from event_streaming.consumer.subscriptions.subscription import Subscription
from event_streaming.identity import registry
from event_streaming.identity.registry import LocalKey, RemoteKey
from event_streaming.wire.matching import NAME, Values, says_something, values_of

# equal ones as the database sees it; a second one that is equal ends the search
MOST_LOOKED_AT = 20


def match_one(
	event_producer: str, key: RemoteKey, values: dict, subscription: Subscription, producer: Producer
) -> LocalKey | None:
	"""The one local document that has the values of a remote one, which are in this site's fields and names.

	None where there is none, or more than one on either site, or it stands for another document already. The producer is
	asked only when this site has a candidate. Whether the subscriber may write it shows when it is written.
	"""
	fields = match_fields(subscription)
	if not fields:
		return None
	wanted = values_of([key[1] if name == NAME else values.get(name) for name in fields.local])
	if not says_something(wanted):
		return None
	doctype = subscription.local_doctype
	found = names_with(doctype, fields, wanted)
	if len(found) != 1 or registry.find_for_local(doctype, found):
		return None
	if NAME not in fields.local and not is_unique_there(event_producer, key, fields, wanted, producer):
		return None
	return doctype, found[0]


def names_with(doctype: str, fields: MatchFields, wanted: Values) -> list[str]:
	"""Local documents with these values. What the database calls equal is looked at again: it may take "a" for "A"."""
	filters = {name: value for name, value in zip(fields.local, wanted, strict=True)}
	rows = frappe.get_all(
		doctype, filters=filters, fields=[NAME, *fields.local], order_by=None, limit=MOST_LOOKED_AT
	)
	return [str(row.name) for row in rows if values_of([row[name] for name in fields.local]) == wanted]


def is_unique_there(
	event_producer: str, key: RemoteKey, fields: MatchFields, wanted: Values, producer: Producer
) -> bool:
	"""Whether the producer has no other document with these values. Raises the Remote* errors."""
	rows = []
	if not fields.links:
		page = producer.get_match_page(
			key[0], list(fields.remote), "", 0, dict(zip(fields.remote, wanted, strict=True))
		)
		rows = page["rows"]
	else:
		# a link has another name there: ask by the other fields, compare here
		plain = {name: wanted[place] for place, name in enumerate(fields.remote) if place not in fields.links}
		page = producer.get_match_page(key[0], list(fields.remote), "", 0, plain or None)
		rows = in_names_of_this_site(event_producer, page["rows"], fields)
		if page["has_more"]:
			return False
	return [row["name"] for row in rows if row["values"] == wanted] in ([], [key[1]])

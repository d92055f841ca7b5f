"""What one site calls on another: every method path of the wire but the three of the older app, which stay where it had them.

Thin on purpose: each checks who asks, where its room does not, and calls the room that does the work, so that moving code
never changes the wire. `wire/paths.py` names these paths for the side that calls; docs/security.md says who may call what.
"""

from typing import Any

import frappe
from frappe.rate_limiter import rate_limit

from event_streaming.admin.pairing import answering
from event_streaming.consumer.pull import requests
from event_streaming.consumer.subscriptions import hearing
from event_streaming.consumer.subscriptions import tracing as arriving
from event_streaming.consumer.subscriptions.keys import producers_with_keys_of
from event_streaming.producer.documents import comparing, copying, describing, fetching, files, match_page
from event_streaming.producer.feed import page
from event_streaming.producer.log.sequence import tried_again
from event_streaming.producer.reach import checked, tracing, withheld
from event_streaming.producer.registration import keys
from event_streaming.producer.subscriptions.reader import load_consumer
from event_streaming.site.acting import acting_as
from event_streaming.site.facts import facts
from event_streaming.site.roles import only_for_subscribers
from event_streaming.site.site_id import own_id

# of one address in a minute
CODES = 60

# ---- asked by a consumer, as the user of its Event Consumer


@frappe.whitelist(methods=["POST"])
def get_page(
	event_consumer: str,
	cursor: int,
	limit: int | None = None,
	max_bytes: int | None = None,
	reachable: int | None = None,
	epoch: str | None = None,
	receipt: str | None = None,
	listening: int | None = None,
	transport: str | None = None,
	priorities: str | dict | None = None,
	as_one: str | dict | None = None,
) -> dict[str, Any]:
	"""The events after `cursor` for the consumer registered as `event_consumer`. Only its own user may ask.

	`reachable` is 0 when the consumer says that it can't be notified, `listening` is 1 when it hears of new events over a connection
	that it holds, 2 when it has to be shown that it does; `epoch` and `receipt` are those of the page before; `transport` is "NATS"
	when it would take events from a broker; `priorities` are DocTypes that it wants before the others, as JSON; `as_one`,
	{"doctypes": [DocType, …], "apart": [[DocType, name], …]}, says of which DocTypes nobody there needs each change, and of which of their
	documents all the same.
	"""
	return page.get_page(
		event_consumer,
		cursor,
		limit,
		max_bytes,
		reachable,
		epoch,
		receipt,
		listening,
		transport,
		priorities,
		as_one,
	)


@frappe.whitelist(methods=["POST"])
def get_documents(event_consumer: str, documents: str | list, trial: int = 0) -> dict[str, Any]:
	"""The documents asked for, as JSON [[DocType, name], …], as far as the consumer's user may read them.

	`trial`: they are only tried there, and do not count as given.
	"""
	return fetching.fetch(load_consumer(event_consumer), documents, bool(trial))


@frappe.whitelist(methods=["POST"])
def describe(event_consumer: str, doctypes: str | list) -> dict[str, Any]:
	"""For the consumer's doctor: what is on record for it, and the fields of DocTypes that its user may read."""
	return describing.describe(load_consumer(event_consumer), doctypes)


@frappe.whitelist(methods=["POST"])
def get_check(event_consumer: str, doctype: str) -> dict[str, Any]:
	"""For a consumer that looks before it copies: fields, number and size of a DocType's documents, and its user's rights."""
	return checked.facts_of(load_consumer(event_consumer), doctype)


@frappe.whitelist(methods=["POST"])
def get_copy_page(
	event_consumer: str,
	doctype: str,
	after: str = "",
	cursor: int = 0,
	filters: str | dict | list | None = None,
	limit: int | None = None,
	max_bytes: int | None = None,
	trial: int = 0,
	known: str | dict | None = None,
) -> dict[str, Any]:
	"""Documents that exist already, as Creates in the order of their names after `after`; `cursor` is that of the feed.

	`trial`: they are only tried there, and do not count as given. `known`, {"shape": …, "packed": …, "upto": name}: those that the consumer
	has, with their digests; they are compared, and not sent.
	"""
	return tried_again(
		lambda: copying.copy_page(
			event_consumer, doctype, after, cursor, filters, limit, max_bytes, trial, known
		)
	)


@frappe.whitelist(methods=["POST"])
def get_match_page(
	event_consumer: str,
	doctype: str,
	fields: str | list,
	after: str = "",
	cursor: int = 0,
	filters: str | dict | list | None = None,
) -> dict[str, Any]:
	"""Names and values of the fields asked for, of the documents that a copy would give, in the order of their names."""
	return match_page.match_page(event_consumer, doctype, fields, after, cursor, filters)


@frappe.whitelist(methods=["POST"])
def count_documents(
	event_consumer: str, doctype: str, filters: str | dict | list | None = None
) -> dict[str, int]:
	"""How many documents a copy will look at, and how many more the consumer's user may not read."""
	return {
		"total": copying.copy_count(event_consumer, doctype, filters),
		"withheld": withheld.count_withheld(event_consumer, doctype, filters),
	}


@frappe.whitelist(methods=["POST"])
def get_digests(
	event_consumer: str,
	doctype: str,
	shape: str | dict,
	buckets: int,
	wanted: str | list | None = None,
	after: str = "",
	filters: str | dict | list | None = None,
) -> dict[str, Any]:
	"""Digests of the documents in the order of their names after `after`: sums of buckets, or each of the `wanted` ones."""
	return comparing.digest_page(event_consumer, doctype, shape, buckets, wanted, after, filters)


@frappe.whitelist(methods=["POST"])
def look_at(event_consumer: str, doctype: str, names: str | list, cursor: int = 0) -> dict[str, Any]:
	"""Documents by name, as they are, for one who has taken the events up to `cursor`; and why there is none."""
	return tried_again(lambda: comparing.look_at(event_consumer, doctype, names, cursor))


@frappe.whitelist(methods=["POST"])
def documents_repaired(event_consumer: str, doctype: str, positions: str | dict) -> None:
	"""The consumer has brought these documents in line, {name: position}: changes up to there that were not sent are not missed any more."""
	tried_again(lambda: comparing.documents_repaired(event_consumer, doctype, positions))


@frappe.whitelist(methods=["POST"])
def trace_document(event_consumer: str, doctype: str, name: str) -> dict[str, Any]:
	"""How far a document's events have got on their way to the consumer, and why not further; no values of it."""
	return tracing.trace(load_consumer(event_consumer), doctype, name)


@frappe.whitelist(methods=["POST"])
def find_files(event_consumer: str, references: str | list) -> dict[str, Any]:
	"""The files that addresses in documents mean: `references` is JSON [[DocType, name, address], …]."""
	return files.find_files(event_consumer, references)


@frappe.whitelist(methods=["POST"])
def get_content(event_consumer: str, file: str, offset: int = 0) -> dict[str, Any]:
	"""A piece of the content of the file with this name, from byte `offset` on, in base64; and what it is as a whole."""
	return files.get_content(event_consumer, file, offset)


@frappe.whitelist(methods=["POST"])
def rotate_keys(event_consumer: str, consumer_token: str, api_secret: str | None = None) -> dict[str, Any]:
	"""From now on this site calls the consumer with this token, and knows the consumer's user by this secret if one is given."""
	return keys.renew_for(event_consumer, consumer_token, api_secret, producers_with_keys_of)


# ---- asked by a producer, with its token (open to guests: hearing.py refuses whoever has none), or as the Event Subscriber.
# Every argument has a default, so that a guest's mistake is no error of this site; nothing of them is shown as HTML.


@frappe.whitelist(methods=["POST"], allow_guest=True, xss_safe=True)
def confirm(token: str = "", producer_url: str = "") -> dict[str, Any]:
	"""The producer calls back to see that the address it was given is this site. Returns its facts and "token_known"."""
	return hearing.confirm(token, producer_url)


@frappe.whitelist(methods=["POST"], allow_guest=True, xss_safe=True)
def update_status(producer_url: str = "", subscriptions: str = "") -> None:
	"""The producer's administrator has approved or rejected something. Raises frappe.PermissionError for anybody else."""
	hearing.update_status(producer_url, subscriptions)


@frappe.whitelist(methods=["POST"], allow_guest=True, xss_safe=True)
def new_event_notification(producer_url: str = "") -> bool:
	"""The producer says, with its token, that there is something to pull. Returns whether a pull was begun or queued for it."""
	name, subscriber = hearing.known_by_token(producer_url)
	with acting_as(subscriber):
		return requests.notified(name)


@frappe.whitelist(methods=["POST"], allow_guest=True, xss_safe=True)
def trace_arrival(producer_url: str = "", doctype: str = "", name: str = "") -> dict[str, Any]:
	"""The producer asks, with its token, what became here of the events of a document of its own: how far, not with what values."""
	event_producer, subscriber = hearing.known_by_token(producer_url)
	with acting_as(subscriber):
		return arriving.told(event_producer, doctype, name)


# ---- asked by a site that was invited. The code's secret comes in the header, not among the arguments; the first two are open to
# guests, as the site has no keys yet. A secret can't be guessed: the rate bounds the work, and what the audit log holds.


@frappe.whitelist(methods=["POST"], allow_guest=True, xss_safe=True)
@rate_limit(limit=CODES, seconds=60)
def meet_invitation(
	invitation: str = "", proof: str = "", site_id: str = "", address: str = ""
) -> dict[str, Any]:
	"""What a code offers. Nothing is used up. Raises InvitationRefused, in words for the administrator of the other site."""
	return answering.meet(invitation, proof, site_id, address)


@frappe.whitelist(methods=["POST"], allow_guest=True, xss_safe=True)
@rate_limit(limit=CODES, seconds=60)
def redeem_invitation(
	invitation: str = "", proof: str = "", site_id: str = "", address: str = ""
) -> dict[str, str]:
	"""Use a code: API key and secret of the user that is made for the site, this once. Again only for the same site."""
	return answering.redeem(invitation, proof, site_id, address)


@frappe.whitelist(methods=["POST"])
def complete_invitation(
	invitation: str, proof: str, api_key: str | None = None, api_secret: str | None = None
) -> dict[str, Any]:
	"""The site has registered, and calls as its user: what the invitation says is approved. The keys are for the other direction."""
	return answering.complete(invitation, proof, api_key or "", api_secret or "")


# ---- asked by the doctor of either


@frappe.whitelist(methods=["POST"])
def get_site_id() -> dict[str, str]:
	"""Which site this is: asked, by any user with keys, before a registration sends anything else."""
	return {"site_id": own_id()}


@frappe.whitelist(methods=["POST"])
def site_facts() -> dict[str, Any]:
	"""Addresses, versions and clock of this site, for System Managers and users in whose name other sites call."""
	only_for_subscribers()
	return facts()

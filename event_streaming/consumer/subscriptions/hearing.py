"""What a producer may say here: three calls, with its token or, where it has none yet, as the Event Subscriber.

A guest without the right token learns nothing, not even whether a producer is known, and writes nothing.
"""

from typing import Any

import frappe
from frappe.rate_limiter import rate_limit

from event_streaming.consumer.subscriptions import keys, sites
from event_streaming.consumer.subscriptions.registration import is_registering
from event_streaming.consumer.subscriptions.statuses import write_statuses
from event_streaming.exceptions import WrongSite
from event_streaming.http.confidential import Confidential
from event_streaming.messages.coded import _
from event_streaming.site.acting import acting_as
from event_streaming.site.address import web_address
from event_streaming.site.facts import facts
from event_streaming.site.site_id import refuse_if_for_another, sender_id
from event_streaming.wire.pages import parse_subscriptions
from event_streaming.wire.paths import TOKEN_HEADER

LONGEST_ADDRESS, LONGEST_TOKEN = 500, 200
# wrong tokens from one address in a minute; whoever has the right one is not counted
WRONG_TOKENS = 30


def confirm(token: str, producer_url: str) -> dict[str, Any]:
	"""The producer calls back to see that the address it was given is this site, or how it is. `token` is that of the registration.

	Raises frappe.PermissionError for whoever is neither registering, nor known by its token, nor a System Manager.
	"""
	refuse_if_for_another()
	shown = shown_token()
	if shown and is_registering(shown):
		return {**facts(), "token_known": True}
	known = bool(producer_with_token(producer_url))
	if not known:
		frappe.only_for("System Manager")
	return {**facts(), "token_known": known or bool(token and is_registering(token))}


def update_status(producer_url: str, subscriptions: str) -> None:
	"""The producer's admin has approved or rejected something. Raises frappe.PermissionError for anybody else."""
	refuse_if_for_another()
	name = producer_with_token(producer_url)
	if not name:
		name = web_address(producer_url) or producer_url
		refuse_other_users(name, producer_url)
	doc = frappe.get_doc("Event Producer", name)
	if doc.site_id and sender_id() not in ("", doc.site_id):
		frappe.throw(sites.explain_other(name, doc.site_id, sender_id()), WrongSite)
	with acting_as(doc.user):
		write_statuses(doc, parse_subscriptions(frappe.parse_json(subscriptions)))
	note_use(name)


def known_by_token(producer_url: str) -> tuple[str, str]:
	"""The Event Producer that calls, and its Event Subscriber. Raises frappe.PermissionError for whoever has no token."""
	refuse_if_for_another()
	name = producer_with_token(producer_url) or refuse()
	note_use(name)
	return name, frappe.db.get_value("Event Producer", name, "user")


def refuse_other_users(name: str, producer_url: str) -> None:
	user = frappe.db.get_value("Event Producer", name, "user")
	if not user:
		frappe.throw(
			_("There is no Event Producer {0} on this site.").format(producer_url), frappe.DoesNotExistError
		)
	if frappe.session.user != user:
		frappe.throw(
			_("Only the Event Subscriber {0} may change the approval status.").format(user),
			frappe.PermissionError,
		)


def shown_token() -> Confidential:
	"""The token in the header of the request; "" when there is none."""
	if not getattr(frappe.local, "request", None):
		return Confidential("")
	return Confidential((frappe.get_request_header(TOKEN_HEADER) or "")[:LONGEST_TOKEN])


def producer_with_token(producer_url: str) -> str:
	"""The Event Producer whose token the request shows; "" for a user who is logged in and shows none.

	Refuses a wrong token, and a guest.
	"""
	token = shown_token()
	if not token and frappe.session.user != "Guest":
		return ""
	name = web_address(producer_url[:LONGEST_ADDRESS])
	if not token or not keys.is_token_of(name, token):
		refuse()
	return name


def note_use(event_producer: str) -> None:
	"""The producer has used its token for something."""
	if token := shown_token():
		keys.token_used(event_producer, token)


@rate_limit(limit=WRONG_TOKENS, seconds=60)
def refuse() -> None:
	"""The same for a wrong token and for a producer that is not known. Frappe counts these, and refuses all the same."""
	frappe.throw(_("The token is missing or not valid."), frappe.PermissionError)

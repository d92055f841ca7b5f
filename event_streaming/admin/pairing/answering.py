"""What a site that was invited is answered: the endpoints call this. Keys and codes of a request go into no log."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import frappe

from event_streaming.admin.pairing.offered import look_at, write_parts
from event_streaming.consumer.joining.asking import PRODUCER, is_known_by
from event_streaming.consumer.joining.connecting import connect, make_user
from event_streaming.consumer.subscriptions.hearing import shown_token
from event_streaming.exceptions import InvitationRefused, RemoteError, RemoteRefused, RemoteUnavailable
from event_streaming.http.confidential import Confidential
from event_streaming.messages.coded import _
from event_streaming.producer.inviting import invitations, redeeming
from event_streaming.producer.registration.unlogged import unlogged
from event_streaming.site.address import public_url
from event_streaming.wire.checks import InvalidPage
from event_streaming.wire.invitations import subscriber_of


def meet(invitation: str, proof: str, site_id: str, address: str) -> dict[str, Any]:
	"""What the code in the request's header offers."""
	return _answered(proof, "", lambda: redeeming.meet(invitation, shown_token(), proof, site_id, address))


def redeem(invitation: str, proof: str, site_id: str, address: str) -> dict[str, str]:
	"""Use the code in the request's header; returns the keys."""
	return _answered(proof, "", lambda: redeeming.redeem(invitation, shown_token(), proof, site_id, address))


def complete(invitation: str, proof: str, api_key: str, api_secret: str) -> dict[str, Any]:
	"""The site has registered: approve what the invitation says, and set up the other direction where it says so.

	Commits in between: that the other direction can't be set up takes back nothing; asked again, it is tried again.
	"""
	keys = (str(api_key or ""), str(api_secret or ""))

	def work() -> dict[str, Any]:
		doc = redeeming.complete(invitation, proof)
		# nothing stays locked while the other site is called
		frappe.db.commit()
		if doc.both_directions:
			with invitations.as_inviter(doc), said_plainly():
				subscribe_back(doc, keys)
				frappe.db.commit()
		# what was shown to the administrator of this site meanwhile is nothing for the other one
		frappe.clear_messages()
		return redeeming.on_record(doc)

	return _answered(proof, keys[1], work)


@contextmanager
def said_plainly() -> Iterator[None]:
	"""What the other site refuses is thrown as a message, or it would read there as if its own keys were wrong."""
	try:
		yield
	except (RemoteError, RemoteRefused, RemoteUnavailable, InvalidPage) as error:
		frappe.throw(_("The other direction could not be set up: {0}").format(str(error)), InvitationRefused)


def subscribe_back(doc: Any, keys: tuple[str, str]) -> None:
	"""This site's own Event Producer for the site that it has invited. Does nothing where it is there already."""
	rows = {each["doctype"]: each["row"] for each in invitations.offer_of(doc)["rows"]}
	address, site_id = doc.used_by_address, doc.used_by_site
	name = frappe.db.get_value(PRODUCER, {"site_id": site_id}) or frappe.db.exists(PRODUCER, address)
	producer = frappe.get_doc(PRODUCER, name) if name else None
	if producer is not None and producer.site_id not in (None, "", site_id):
		frappe.throw(
			_(
				"{0} has an Event Producer {1} that is with another site ({2}). If this site has taken its place, have that Event Producer"
				" deleted on {0}, then join again with the same code."
			).format(public_url(), producer.name, producer.site_id),
			InvitationRefused,
		)
	user = writes = subscriber_of(doc.name, back=True)
	if producer is not None and producer.user != user and is_known_by(producer):
		# it was there before, with keys of its own, which are still good
		keys, writes = ("", ""), producer.user
	elif not all(keys):
		frappe.throw(_("{0} has given no keys for the other direction.").format(address), InvitationRefused)
	if mistakes := look_at(rows, doc.recipe or "").mistakes:
		frappe.throw("; ".join(f"{each.path}: {each.problem}" for each in mistakes), InvitationRefused)
	make_user(writes, address, [row["document_type"] for row in rows.values()])
	connect(producer, address, site_id, user, keys, write_parts(rows, doc.recipe or ""))


def _answered(proof: str, secret: str, work: Callable[[], Any]) -> Any:
	return unlogged(
		work,
		(shown_token(), Confidential(proof), Confidential(secret)),
		"Event Streaming: an invitation broke off",
		_(
			"{0} could not finish this. Its Error Log {1} says where; then join again with the same code."
		).format(public_url(), "{0}"),
	)

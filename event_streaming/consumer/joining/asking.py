"""What a site is asked with a code in hand. The code goes in a header and nowhere else; the answers are checked.

This site shows a proof with it, made of its own key: with that, and only with that, it can go on where it was interrupted.
"""

from typing import Any

import frappe
from frappe.utils.password import get_encryption_key

from event_streaming.consumer.subscriptions import keys
from event_streaming.exceptions import NotRegistered, RemoteError, RemoteRefused, RemoteUnavailable, WrongSite
from event_streaming.http.client import SiteClient, client_of
from event_streaming.http.confidential import Confidential
from event_streaming.site.address import public_url
from event_streaming.site.site_id import own_id
from event_streaming.wire.invitations import Code, Offer, parse_completed, parse_keys, parse_offer, proof_of
from event_streaming.wire.pages import Subscription
from event_streaming.wire.paths import COMPLETE_INVITATION, DESCRIBE, MEET_INVITATION, REDEEM_INVITATION

PRODUCER = "Event Producer"
# the other site makes users and calls back meanwhile
SECONDS = 60


class InvitingSite:
	"""The site that a code leads to, asked with the keys of its Event Producer where there is one."""

	def __init__(self, code: Code):
		self.code = code
		self.proof = Confidential(proof_of(get_encryption_key().encode(), own_id(), code))
		doc = producer_of(code)
		self.with_keys = bool(doc)
		if doc:
			self.client = client_of(doc, spare_secrets=lambda: keys.spare_secrets(doc.name))
			self.client.show(code.secret)
		else:
			self.client = self._with_code_alone()

	def _with_code_alone(self) -> SiteClient:
		return SiteClient(self.code.address, token=self.code.secret, expects=self.code.site_id)

	def meet(self) -> Offer:
		"""What is offered. Raises the Remote* errors, or InvalidPage.

		Keys that are not accepted any more, of a connection that was ended there, are left aside from here on: the code gives others.
		"""
		try:
			return parse_offer(self._call(MEET_INVITATION, **self._me()))
		except RemoteRefused as error:
			if isinstance(error, WrongSite) or not self.with_keys:
				raise
			self.client.close()
			self.with_keys, self.client = False, self._with_code_alone()
			return parse_offer(self._call(MEET_INVITATION, **self._me()))

	def redeem(self) -> tuple[str, str]:
		"""Use the code; returns API key and secret, "" for a site that has some already."""
		return parse_keys(self._call(REDEEM_INVITATION, **self._me()))

	def complete(self, api_key: str = "", api_secret: str = "") -> dict[str, Subscription]:
		"""Say that this site has registered; returns what is on record for it. The keys are for the other direction."""
		given = {"api_key": api_key, "api_secret": api_secret} if api_key else {}
		return parse_completed(self._call(COMPLETE_INVITATION, **given))

	def close(self) -> None:
		self.client.close()

	def _me(self) -> dict[str, str]:
		return {"site_id": own_id(), "address": public_url()}

	def _call(self, method: str, **args: Any) -> Any:
		said = {"invitation": self.code.invitation, "proof": self.proof, **args}
		try:
			return self.client.call(method, said, timeout=SECONDS)
		except RemoteUnavailable:
			# nothing may stay locked here while the other side is waited for, or tried again
			frappe.db.rollback()
			raise


def is_known_by(producer: Any) -> bool:
	"""Whether the site of an Event Producer still accepts its keys, and has this site on record. Raises RemoteUnavailable and WrongSite."""
	client = None
	try:
		client = client_of(producer, spare_secrets=lambda: keys.spare_secrets(producer.name))
		client.call(DESCRIBE, {"event_consumer": public_url(), "doctypes": "[]"})
	except WrongSite:
		raise
	except (RemoteRefused, NotRegistered):
		return False
	except RemoteError:
		# whatever it says, it says it to who it knows
		return True
	finally:
		if client:
			client.close()
	return True


def producer_of(code: Code) -> Any:
	"""The Event Producer of the site that a code leads to, if this site has one; else None."""
	name = frappe.db.get_value(PRODUCER, {"site_id": code.site_id}) or frappe.db.exists(
		PRODUCER, code.address
	)
	return frappe.get_doc(PRODUCER, name) if name else None

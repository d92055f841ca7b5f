"""A code comes from another site: it is told what it is invited to, gets a user and keys, and is approved when it has registered.

Each is in one transaction with what the invitation then says of it, and can be asked for again by the same site: what is done is not
done twice. Never commits.
"""

import secrets
from typing import Any

import frappe
from frappe.utils import cint, now_datetime

from event_streaming.exceptions import EventStreamingError, InvitationRefused
from event_streaming.http.confidential import Confidential
from event_streaming.messages.coded import _
from event_streaming.producer.inviting import invitations, policy
from event_streaming.producer.inviting.invitations import INVITATION, as_inviter, known_by_code, write
from event_streaming.producer.registration.keys import set_secret
from event_streaming.producer.subscriptions.reader import subscriptions_of
from event_streaming.producer.subscriptions.streamed import APPROVED, CONSUMER, PENDING
from event_streaming.site import audit
from event_streaming.site.address import public_url, web_address
from event_streaming.site.roles import SUBSCRIBER, has_right, make_stream_user, reading_role
from event_streaming.site.site_id import own_id, refuse_if_for_another
from event_streaming.wire.checks import as_site_id
from event_streaming.wire.invitations import hash_of, subscriber_of
from event_streaming.wire.pages import KEEP


def meet(name: str, secret: str, proof: str, site_id: str, address: str) -> dict[str, Any]:
	"""What an invitation offers. Nothing is used up by asking."""
	refuse_if_for_another()
	return invitations.offer_of(known_by_code(name, secret, proof, as_site_id(site_id), address))


def redeem(name: str, secret: str, proof: str, site_id: str, address: str) -> dict[str, str]:
	"""Use a code: the invitation is this site's from now on; returns the keys of the user that was made for it.

	A site that is connected already asks with the keys that it has, and gets none. Raises InvitationRefused.
	"""
	refuse_if_for_another()
	site_id, address = as_site_id(site_id), web_address(address)
	doc = known_by_code(name, secret, proof, site_id, address)
	if not site_id or not address:
		frappe.throw(_("The other site sent neither its id nor its address."), InvitationRefused)
	if site_id == own_id() or address == public_url():
		frappe.throw(
			_("{0} is the site that has made this code. It is for another site.").format(public_url()),
			InvitationRefused,
		)
	user = _user_for(doc, site_id, address)
	if user == frappe.session.user:
		keys = {}
	elif doc.completed_on:
		invitations.refuse(doc, policy.DONE, site_id, address)
	else:
		with as_inviter(doc):
			make_stream_user(user, _("Event Streaming: {0}").format(address), [SUBSCRIBER])
			keys = give_keys(user)
	if not doc.proof_hash:
		used = {
			"used_by_site": site_id,
			"used_by_address": address,
			"used_on": now_datetime(),
			"subscriber": user,
		}
		# a name for the lists where nobody has given one
		write(
			doc, status=policy.USED, proof_hash=hash_of(proof), invited=doc.invited or address[:140], **used
		)
		audit.record(audit.INVITATION_USED, INVITATION, doc.name, None, used, audit.OTHER_SITE)
	return keys


def _user_for(doc: Any, site_id: str, address: str) -> str:
	"""The user of the connection: that of the invitation, or the one that the site is registered with already, if it is that."""
	own = subscriber_of(doc.name)
	rows = frappe.get_all(CONSUMER, {"site_id": site_id}, ["name", "user"])
	rows += frappe.get_all(CONSUMER, {"name": address, "site_id": ["!=", site_id]}, ["name", "user"])
	for row in rows:
		if row.user == own:
			continue
		if row.user == frappe.session.user:
			return row.user
		frappe.throw(
			_(
				"{0} is registered on {1} already, with another user. If its Event Producer is gone for good, have the Event Consumer"
				" {0} deleted on {1}, then join again."
			).format(row.name, public_url()),
			InvitationRefused,
		)
	return own


def give_keys(user: str) -> dict[str, str]:
	"""New API keys of a user, which are told this once; a secret that was given before is not valid any more."""
	key = frappe.db.get_value("User", user, "api_key")
	if not key:
		key = frappe.generate_hash(length=15)
		frappe.db.set_value("User", user, "api_key", key, update_modified=False)
	secret = Confidential(secrets.token_urlsafe(32))
	set_secret(user, secret)
	frappe.clear_document_cache("User", user)
	return {"api_key": key, "api_secret": secret}


# ---- it has registered


def complete(name: str, proof: str) -> Any:
	"""The site has registered, and asks with its new keys: approve what the invitation says. Returns the invitation, held."""
	refuse_if_for_another()
	doc = invitations.held(name)
	asking = policy.Asking(doc.secret_hash if doc else "", hash_of(str(proof)))
	reason = policy.why_not(invitations.kept_of(doc), asking, now_datetime())
	if not reason and (not doc.proof_hash or doc.subscriber != frappe.session.user):
		reason = policy.UNKNOWN
	if reason:
		invitations.refuse(doc, reason, "", "")
	consumer = consumer_of(doc.subscriber, doc.used_by_site)
	if not doc.completed_on:
		with as_inviter(doc):
			approve(consumer, list(doc.invited_doctypes), by_invitation=True)
		write(doc, completed_on=now_datetime())
	return doc


def consumer_of(user: str, site_id: str) -> str:
	"""The Event Consumer of a site that has registered."""
	name = frappe.db.get_value(CONSUMER, {"user": user, "site_id": site_id})
	if not name:
		frappe.throw(
			_("The other site has not registered on {0} yet.").format(public_url()), EventStreamingError
		)
	return name


def approve(event_consumer: str, rows: list[Any], by_invitation: bool = False) -> list[str]:
	"""Approve what a site asks for exactly as `rows` say it, and let its user read that; returns the DocTypes.

	What somebody has decided already stays as it is, and so does what is asked for in other words. As the session's user, who decides.
	"""
	doc = frappe.get_doc(CONSUMER, event_consumer, for_update=True)
	said = {row.document_type: row for row in rows}
	approved = []
	for row in doc.consumer_doctypes:
		wanted = said.get(row.ref_doctype)
		if (
			not wanted
			or (row.status or PENDING) != PENDING
			or cint(row.unsubscribed)
			or not same_terms(row, wanted)
		):
			continue
		row.fields_not_sent = _with(row.fields_not_sent, wanted.get("fields_not_sent"))
		row.fields_masked = _with(row.fields_masked, wanted.get("fields_masked"))
		row.status = APPROVED
		approved.append(row.ref_doctype)
	if approved:
		let_read(doc.user, approved)
		doc.flags.by_invitation = by_invitation
		doc.save()
	return approved


def same_terms(row: Any, wanted: Any) -> bool:
	"""Whether a registered row asks for what was offered, and for nothing else."""
	return (row.condition or "").strip() == (wanted.get("condition") or "").strip() and (
		row.when_condition_ends or KEEP
	) == (wanted.get("when_condition_ends") or KEEP)


def _with(one: str | None, other: str | None) -> str | None:
	lines = [line.strip() for text in (one, other) for line in (text or "").splitlines() if line.strip()]
	return "\n".join(dict.fromkeys(lines)) or None


def let_read(user: str, doctypes: list[str]) -> None:
	"""Give a user the right to read these DocTypes where it lacks that, and no other right."""
	missing = [doctype for doctype in doctypes if not has_right(user, doctype, "read")]
	make_stream_user(user, user, [SUBSCRIBER, *map(reading_role, missing)])


def on_record(doc: Any) -> dict[str, Any]:
	"""What is told at the end: what is on record for the site."""
	return {
		"subscriptions": subscriptions_of(
			frappe.get_doc(CONSUMER, consumer_of(doc.subscriber, doc.used_by_site))
		)
	}

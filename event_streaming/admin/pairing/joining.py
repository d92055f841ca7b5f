"""An administrator joins another site with a code. Each step is committed before the other site hears of it, and can be done again:
whatever breaks off, joining again with the same code goes on.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import frappe
from frappe.utils import cint

from event_streaming.admin.pairing.offered import look_at, shown, write_parts
from event_streaming.consumer.joining.asking import PRODUCER, InvitingSite, producer_of
from event_streaming.consumer.joining.connecting import connect, make_user
from event_streaming.consumer.pull.requests import request_pull
from event_streaming.consumer.subscriptions.statuses import APPROVED, write_statuses
from event_streaming.database.locks import advisory_lock
from event_streaming.exceptions import (
	EventStreamingError,
	InvitationRefused,
	PullRunning,
	RemoteError,
	RemoteRefused,
	RemoteUnavailable,
)
from event_streaming.messages.coded import _
from event_streaming.producer.inviting.invitations import refuse_neighbour
from event_streaming.producer.inviting.redeeming import approve, give_keys
from event_streaming.producer.registration.unlogged import unlogged
from event_streaming.site import audit
from event_streaming.site.address import public_url
from event_streaming.site.roles import SUBSCRIBER, make_stream_user
from event_streaming.site.settings import get_settings
from event_streaming.site.site_id import CONSUMER, own_id
from event_streaming.wire.checks import InvalidPage
from event_streaming.wire.invitations import Code, InvalidCode, Offer, decode, subscriber_of

# the realtime message about each step
STEP = "event_streaming_joining"
Say = Callable[[str], None]


def look(given: str) -> dict[str, Any]:
	"""What a code offers, and what on this site is against it. Uses nothing up. Raises the Remote* errors and InvitationRefused."""
	code = decoded(given)
	with inviting_site(code) as site:
		offer = site.meet()
	return {
		"site": offer.site,
		"invited": offer.invited,
		"both_directions": offer.both_directions,
		"expires_on": offer.expires_on,
		"own_address": public_url(),
		"rows": shown(offer.rows),
		"mistakes": mistakes_of(offer),
		"shown": offer.stamp,
		"completed": offer.completed,
	}


def tell_desk(step: str) -> None:
	"""The steps as the person in the Desk sees them, where the site has realtime messages."""
	frappe.publish_realtime(STEP, {"step": step}, user=frappe.session.user)


def without_code_in_a_log(code: str, work: Callable[[], Any]) -> Any:
	"""What `work` returns; what nobody has foreseen is logged without the code."""
	return unlogged(
		work,
		(code,),
		"Event Streaming: joining a site broke off",
		_("This could not be finished. The Error Log {0} says where; then join again with the same code."),
	)


def join(given: str, stamp: str | None = None, say: Say = lambda step: None) -> dict[str, Any]:
	"""Use a code: make the users, take the keys, make the Event Producer, have it approved, begin the first copy. Commits.

	`stamp` is what `look` said of the offer that a person has agreed to; `say` is told of each step. Raises the Remote* errors,
	InvitationRefused, and PullRunning while somebody else joins the same site.
	"""
	code = decoded(given)
	with advisory_lock(f"joining {code.site_id}") as taken:
		if not taken:
			raise PullRunning(_("This site is joining {0} just now.").format(code.address))
		with inviting_site(code) as site:
			say(_("Asking {0} what this site is invited to").format(code.address))
			offer = site.meet()
			refuse_changed(offer, stamp)
			producer = connected(code, site, offer, say)
		# a new client: what it has is the keys by now
		with inviting_site(code) as site:
			return finished(code, site, offer, producer, say)


def connected(code: Code, site: InvitingSite, offer: Offer, say: Say) -> str:
	"""The Event Producer of the site, registered there."""
	known = producer_of(code)
	keys = ("", "")
	if not (offer.completed and known):
		say(_("Using the code"))
		keys = site.redeem()
	user = subscriber_of(code.invitation)
	if keys[0]:
		say(_("Making the user {0}").format(user))
	# a connection that is there already keeps its user, who takes more DocTypes from now on
	writes = user if keys[0] or not known else known.user
	make_user(writes, offer.site, [row["document_type"] for row in offer.rows.values()])
	say(_("Registering this site with {0}").format(code.address))
	rows = write_parts(offer.rows, offer.recipe)
	doc = connect(known, code.address, code.site_id, user, keys, rows)
	audit.record(
		audit.JOINED, PRODUCER, doc.name, None, {"invitation": code.invitation, "rows": list(offer.rows)}
	)
	frappe.db.commit()
	return doc.name


def finished(code: Code, site: InvitingSite, offer: Offer, producer: str, say: Say) -> dict[str, Any]:
	"""Have the other site approve what it has offered, and approve here what it takes in turn."""
	back: dict[str, str] = {}
	if offer.both_directions:
		user = subscriber_of(code.invitation, back=True)
		make_stream_user(user, _("Event Streaming: {0}").format(offer.site), [SUBSCRIBER])
		back = give_keys(user)
		frappe.db.commit()
	say(_("Approving the Document Types"))
	on_record = site.complete(**back)
	doc = frappe.get_doc(PRODUCER, producer)
	write_statuses(doc, on_record)
	given = approve_back(code, offer, say) if offer.both_directions else []
	frappe.db.commit()
	request_pull(producer, by_hand=True)
	return result(frappe.get_doc(PRODUCER, producer), offer, given)


def approve_back(code: Code, offer: Offer, say: Say) -> list[str]:
	"""What the other site takes from here, as far as it is what was offered; the person who joins has agreed to that."""
	say(_("Approving the other direction"))
	# it has registered here since this transaction began
	frappe.db.commit()
	name = frappe.db.get_value(CONSUMER, {"site_id": code.site_id})
	if not name:
		frappe.throw(
			_("{0} has not registered here: join again with the same code.").format(offer.site),
			EventStreamingError,
		)
	rows = [
		frappe._dict(
			document_type=doctype,
			condition=row.get("condition"),
			when_condition_ends=row.get("when_condition_ends"),
		)
		for doctype, row in offer.rows.items()
	]
	approve(name, rows)
	approved = {
		row.ref_doctype for row in frappe.get_doc(CONSUMER, name).consumer_doctypes if row.status == APPROVED
	}
	return [doctype for doctype in offer.rows if doctype in approved]


def result(doc: Any, offer: Offer, given: list[str]) -> dict[str, Any]:
	"""What has come of it, and what happens next."""
	wanted = {row["document_type"] for row in offer.rows.values()}
	rows = [row for row in doc.producer_doctypes if row.ref_doctype in wanted]
	taken = [row.ref_doctype for row in rows if row.status == APPROVED]
	waiting = [row.ref_doctype for row in rows if row.status != APPROVED]
	copying = [row.ref_doctype for row in rows if row.status == APPROVED and cint(row.copy_existing)]
	next_steps = []
	if copying:
		next_steps.append(
			_(
				"Documents that exist already are copied in the background: the Event Producer shows how far it is."
			)
		)
	else:
		next_steps.append(
			_(
				"From now on every change is received. For documents that exist already, use Copy Existing Documents."
			)
		)
	if waiting:
		next_steps.append(
			_("Not approved by the invitation: {0}. The administrator of {1} has to decide.").format(
				", ".join(_(each) for each in waiting), doc.name
			)
		)
	if get_settings().not_reachable:
		next_steps.append(_("This site can't be reached from outside, so it asks for events every minute."))
	return {
		"event_producer": doc.name,
		"approved": taken,
		"waiting": waiting,
		"given": given,
		"copying": copying,
		"next": next_steps,
	}


# ---- before anything is used up


def decoded(given: str) -> Code:
	"""What a code says. Raises InvitationRefused for what is none, or this site's own; both are in the audit log."""
	refuse_neighbour()
	try:
		code = decode(given or "")
	except InvalidCode:
		refuse_code(
			_("This is not a complete code: a code begins with ES1-. Copy the whole code again."),
			"not all of a code",
		)
	if mistaken := why_our_own(code):
		refuse_code(mistaken, "this site's own")
	return code


def why_our_own(code: Code) -> str:
	"""Why a code can't be told from one of this site itself: it is one, or one of the two is a copy or has a copied address."""
	same_id, same_address = code.site_id == own_id(), code.address == public_url()
	if same_id and same_address:
		return _("This code was made on this site: enter it on the other one.")
	if same_id:
		return _(
			"This site has the same Site Id as {0}, which made the code: one is a copy of the other. Press New Site Id in Event"
			" Streaming Settings of the copy, then join again. If the copy made the code, make a new code there."
		).format(code.address)
	if same_address:
		return _(
			"This code is from a site with the same Public URL as this site: {0}. Correct the Public URL in Event Streaming Settings"
			" of the site that has another address, make a new code, and enter it on the other site."
		).format(code.address)
	return ""


def refuse_code(message: str, reason: str) -> None:
	audit.record_refused(audit.INVITATION_REFUSED, PRODUCER, None, None, {"reason": reason})
	frappe.throw(message, InvitationRefused)


@contextmanager
def inviting_site(code: Code) -> Iterator[InvitingSite]:
	"""The site that a code leads to. What it refuses is said in its words, and where it can't be asked, what is to be done."""
	site = InvitingSite(code)
	try:
		yield site
	except RemoteUnavailable as error:
		frappe.throw(
			_("{0} Nothing is lost: join again with the same code.").format(str(error)), EventStreamingError
		)
	except (RemoteError, RemoteRefused) as error:
		# thrown, as Frappe's Desk shows nothing of an exception but its messages
		frappe.throw(str(error), InvitationRefused)
	except InvalidPage as error:
		frappe.throw(
			_("{0} gave an answer that can't be read: {1}").format(code.address, str(error)),
			InvitationRefused,
		)
	finally:
		site.close()


def refuse_changed(offer: Offer, stamp: str | None) -> None:
	if stamp and stamp != offer.stamp:
		frappe.throw(
			_("{0} has changed what it offers: review it again.").format(offer.site), InvitationRefused
		)
	if mistakes := mistakes_of(offer):
		frappe.throw("<br>".join(mistakes), InvitationRefused)


def mistakes_of(offer: Offer) -> list[str]:
	"""What on this site is against the offer, in words."""
	found = [f"{each.path}: {each.problem}" for each in look_at(offer.rows, offer.recipe).mistakes]
	if offer.both_directions and get_settings().not_reachable:
		found.append(
			_(
				"The invitation goes in both directions, but this site can't be reached from outside (Event Streaming Settings)."
			)
		)
	return found

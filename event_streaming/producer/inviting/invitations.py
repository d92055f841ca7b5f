"""Event Streaming Invitation: making, withdrawing, and finding the one that a code is of. The only module that writes these rows.

A refusal is in the audit log, without the secret, also where the request is undone. Never commits.
"""

import json
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import frappe
from frappe.utils import add_to_date, cint, escape_html, get_datetime, now_datetime
from redis.exceptions import RedisError

from event_streaming.exceptions import EventStreamingError, InvitationRefused
from event_streaming.messages.coded import _
from event_streaming.producer.inviting import policy
from event_streaming.producer.inviting.policy import EXPIRED, OPEN, USED, WITHDRAWN, Asking
from event_streaming.producer.registration.hidden_fields import check_hidden
from event_streaming.producer.registration.neighbours import is_neighbour
from event_streaming.producer.subscriptions import conditions
from event_streaming.producer.subscriptions.hidden import of_row
from event_streaming.site import audit
from event_streaming.site.acting import acting_as
from event_streaming.site.address import public_url, web_address
from event_streaming.site.claims import KEPT
from event_streaming.site.refused import refuse_system_doctypes
from event_streaming.site.roles import ADMIN, ADMINISTRATOR
from event_streaming.site.site_id import own_id
from event_streaming.wire.invitations import INVITATION as NAME
from event_streaming.wire.invitations import MOST_ROWS, Code, encode, hash_of
from event_streaming.wire.pages import KEEP

INVITATION = "Event Streaming Invitation"
SECRET_BYTES = 24
MOST_HOURS = 24 * 90
# rows in the audit log about codes that are of no invitation: anybody can make some up
MOST_UNKNOWN, UNKNOWN_SECONDS = 60, 3600


@dataclass(frozen=True)
class Terms:
	"""What a site is invited to. Each of `rows` has `document_type`, `condition`, `when_condition_ends`, `fields_not_sent`,
	`fields_masked` as this site calls it, and as `row` what the other site's Event Producer is to have."""

	rows: list[dict[str, Any]] = field(default_factory=list)
	invited: str = ""
	recipe: str = ""
	only_address: str = ""
	both_directions: bool = False
	copy_existing: bool = True
	hours: int = 24


def make(terms: Terms) -> tuple[str, str]:
	"""Make an invitation; returns its name and the code, which nobody can see again.

	Raises frappe.PermissionError for the user of a consumer, and EventStreamingError or RefusedDocType for what can't be offered.
	"""
	refuse_neighbour()
	_check(terms)
	secret = secrets.token_urlsafe(SECRET_BYTES)
	doc = frappe.new_doc(INVITATION)
	doc.update(
		{
			"status": OPEN,
			"invited": terms.invited[:140],
			"recipe": terms.recipe,
			"only_address": web_address(terms.only_address) or None,
			"both_directions": cint(terms.both_directions),
			"copy_existing": cint(terms.copy_existing),
			"expires_on": add_to_date(now_datetime(), hours=terms.hours),
			"invited_by": frappe.session.user,
			"secret_hash": hash_of(secret),
		}
	)
	for row in terms.rows:
		row_values = json.dumps(row["row"], ensure_ascii=False)
		doc.append("invited_doctypes", {**row, "row": None, "row_values": row_values})
	doc.flags.by_inviting = True
	doc.insert(ignore_permissions=True)
	audit.record(audit.INVITED, INVITATION, doc.name, None, _said(doc))
	return doc.name, encode(Code(public_url(), own_id(), doc.name, secret))


def withdraw(name: str) -> None:
	"""The code is good for nothing any more. Raises EventStreamingError for one with which all is done."""
	refuse_neighbour()
	doc = frappe.get_doc(INVITATION, name, for_update=True)
	if doc.completed_on:
		frappe.throw(
			_(
				"{0} has joined with this invitation. To end the connection, pause or delete its Event Consumer."
			).format(escape_html(doc.used_by_address or "")),
			EventStreamingError,
		)
	if doc.status == WITHDRAWN:
		return
	audit.record(audit.INVITATION_WITHDRAWN, INVITATION, name, {"status": doc.status}, {"status": WITHDRAWN})
	write(doc, status=WITHDRAWN)


def expire() -> None:
	"""Once a day: those that nobody has used in time."""
	late = {"status": OPEN, "expires_on": ["<", now_datetime()]}
	for name in frappe.get_all(INVITATION, late, pluck="name", limit=1_000):
		frappe.db.set_value(INVITATION, name, "status", EXPIRED, update_modified=False)


def write(doc: Any, **values: Any) -> None:
	"""Change an invitation that is held."""
	frappe.db.set_value(INVITATION, doc.name, values)
	doc.update(values)


def refuse_neighbour() -> None:
	"""The user in whose name another site calls decides nothing here, so it can't invite either."""
	if is_neighbour():
		audit.record_refused(audit.TRIED, INVITATION, None)
		frappe.throw(
			_(
				"{0} is the user in whose name another site takes documents from here: it can't invite a site."
			).format(frappe.session.user),
			frappe.PermissionError,
		)


def _check(terms: Terms) -> None:
	if not terms.rows or len(terms.rows) > MOST_ROWS:
		frappe.throw(_("Name from 1 to {0} Document Types.").format(MOST_ROWS), EventStreamingError)
	if not 1 <= terms.hours <= MOST_HOURS:
		frappe.throw(_("The code must be valid for 1 to {0} hours.").format(MOST_HOURS), EventStreamingError)
	if terms.only_address and not web_address(terms.only_address):
		frappe.throw(_("Only for This Address must be an address such as https://shop-7.example.com"))
	doctypes = [row["document_type"] for row in terms.rows]
	if twice := [each for each in doctypes if doctypes.count(each) > 1]:
		frappe.throw(_("{0} is named twice.").format(twice[0]), EventStreamingError)
	refuse_system_doctypes(doctypes)
	for idx, row in enumerate(terms.rows, 1):
		shown = frappe._dict(row, ref_doctype=row["document_type"], idx=idx)
		check_hidden(shown)
		conditions.check(
			row.get("condition"), row["document_type"], of_row(frappe._dict(shown, not_wanted=None), "")
		)
		conditions.check_function(row.get("condition"))


def _said(doc: Any) -> dict[str, Any]:
	fields = ("condition", "fields_not_sent", "fields_masked")
	rows = {
		row.document_type: {each: row.get(each) for each in fields if row.get(each)}
		for row in doc.invited_doctypes
	}
	kept = ("invited", "only_address", "recipe", "both_directions", "copy_existing", "expires_on")
	return {**{each: doc.get(each) for each in kept if doc.get(each)}, "document_types": rows}


# ---- a code is shown


def known_by_code(name: str, secret: str, proof: str, site_id: str, address: str = "") -> Any:
	"""The invitation that a code is of, held until the transaction ends. Raises InvitationRefused, which is in the audit log."""
	doc = held(name)
	asking = Asking(hash_of(str(secret)), hash_of(str(proof)), web_address(str(address)))
	if reason := policy.why_not(kept_of(doc), asking, now_datetime()):
		refuse(doc, reason, site_id, asking.address)
	return doc


def held(name: object) -> Any:
	"""The invitation of this name, locked until the transaction ends; None when there is none, or the name can be none."""
	if not isinstance(name, str) or not NAME.fullmatch(name) or not frappe.db.exists(INVITATION, name):
		return None
	return frappe.get_doc(INVITATION, name, for_update=True)


def kept_of(doc: Any) -> policy.Invitation | None:
	"""What the policy asks of an invitation; None for none."""
	if doc is None:
		return None
	return policy.Invitation(
		doc.status,
		doc.secret_hash or "",
		get_datetime(doc.expires_on),
		doc.proof_hash or "",
		get_datetime(doc.used_on) if doc.used_on else None,
		bool(doc.completed_on),
		doc.only_address or "",
	)


def refuse(doc: Any, reason: str, site_id: str, address: str) -> None:
	"""Refuse a code, in words for the administrator of the other site. Raises InvitationRefused."""
	tried = {"reason": reason, "site_id": site_id, "address": address}
	if (doc is not None and reason != policy.UNKNOWN) or _is_counted():
		name = doc.name if doc is not None else None
		audit.record_refused(audit.INVITATION_REFUSED, INVITATION, name, None, tried, audit.OTHER_SITE)
	here = public_url()
	words = {
		policy.UNKNOWN: _(
			"{0} knows no such code: it was changed, or is of another site. Copy the whole code again."
		),
		WITHDRAWN: _("This invitation was withdrawn on {0}. Ask its administrator for a new code."),
		EXPIRED: _("This code has expired. Ask the administrator of {0} for a new one."),
		USED: _(
			"This code was used already, by another site. If you did not do that, tell the administrator of {0}: the Event"
			" Streaming Invitation there says which site it was."
		),
		policy.DONE: _(
			"This site has joined with this code already, and has lost its Event Producer since. Have its Event Consumer deleted on {0},"
			" and ask for a new code."
		),
		policy.OTHER_ADDRESS: _(
			"This code is for a site with another address. Set the Public URL in this site's Event Streaming Settings, or ask the"
			" administrator of {0} for another code."
		),
	}
	frappe.throw(words[reason].format(here), InvitationRefused)


def _is_counted() -> bool:
	"""Whether a code that anybody could have made up may fill another row of the audit log."""
	key = frappe.cache.make_key(f"{KEPT}unknown_codes")
	try:
		pipe = frappe.cache.pipeline()
		pipe.set(key, 0, nx=True, ex=UNKNOWN_SECONDS)
		pipe.incr(key)
		return pipe.execute()[1] <= MOST_UNKNOWN
	except RedisError:
		return False


@contextmanager
def as_inviter(doc: Any) -> Iterator[None]:
	"""What an invitation decides is decided by who has made it. Raises InvitationRefused where that user may not any more."""
	user = doc.invited_by
	if user != ADMINISTRATOR and (
		not frappe.db.get_value("User", user, "enabled") or ADMIN not in frappe.get_roles(user)
	):
		_refuse_inviter(user)
	with acting_as(user):
		if is_neighbour():
			_refuse_inviter(user)
		yield


def _refuse_inviter(user: str) -> None:
	frappe.throw(
		_(
			"{0}, who made this invitation, is no longer allowed to do that on {1}. Ask for a new code."
		).format(user, public_url()),
		InvitationRefused,
	)


def offer_of(doc: Any) -> dict[str, Any]:
	"""What is told of an invitation to the site that shows its code."""
	return {
		"site": public_url(),
		"invited": doc.invited or "",
		"recipe": doc.recipe or "",
		"both_directions": cint(doc.both_directions),
		"expires_on": str(doc.expires_on)[:19],
		"completed": int(bool(doc.completed_on)),
		"rows": [{"doctype": row.document_type, "row": row_of(doc, row)} for row in doc.invited_doctypes],
	}


def row_of(doc: Any, row: Any) -> dict[str, Any]:
	"""A row for the other site's Event Producer, as a set-up file has it."""
	values = {
		**json.loads(row.row_values or "{}"),
		"copy_existing": bool(cint(doc.copy_existing)),
		"condition": row.condition or "",
	}
	if (row.when_condition_ends or KEEP) != KEEP:
		values["when_condition_ends"] = row.when_condition_ends
	return values

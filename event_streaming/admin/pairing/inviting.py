"""An administrator invites a site, or many at once; and takes an invitation back."""

from typing import Any

import frappe
from frappe.utils import cint

from event_streaming.admin.pairing.lines import Line
from event_streaming.admin.pairing.offered import Row, has_mappings, rows_to_offer
from event_streaming.exceptions import EventStreamingError
from event_streaming.messages.coded import _
from event_streaming.producer.inviting import invitations
from event_streaming.producer.inviting.invitations import INVITATION, Terms
from event_streaming.site.address import public_url
from event_streaming.site.settings import get_settings

HOURS = 24


def invite(
	doctypes: list[str | Row] | None = None,
	recipe: str | None = None,
	invited: str = "",
	both_directions: bool = False,
	copy_existing: bool = True,
	expires_in_hours: int = HOURS,
	only_address: str = "",
) -> dict[str, Any]:
	"""Make an invitation to DocTypes, by name or as {document_type, condition, fields_not_sent, …}, or to those of a recipe.

	Returns the code, which nobody can see again, and what an administrator should know. Raises EventStreamingError and others of
	frappe.ValidationError for what can't be offered.
	"""
	if not doctypes and not recipe:
		frappe.throw(_("Name Document Types, or a recipe."), EventStreamingError)
	rows, name = rows_to_offer(doctypes, recipe)
	if both_directions and has_mappings(rows):
		frappe.throw(
			_("A recipe with mappings goes in one direction only: invite without Both Directions."),
			EventStreamingError,
		)
	terms = Terms(
		rows, invited, name, only_address, both_directions, copy_existing, cint(expires_in_hours) or HOURS
	)
	invitation, code = invitations.make(terms)
	return {
		"invitation": invitation,
		"code": code,
		"site": public_url(),
		"expires_on": str(frappe.db.get_value(INVITATION, invitation, "expires_on"))[:19],
		"doctypes": [row["document_type"] for row in rows],
		"notes": notes(rows),
	}


def rows_to_choose(recipe: str) -> list[dict[str, Any]]:
	"""What a recipe invites to, to be chosen from."""
	rows, _name = rows_to_offer(None, recipe)
	return [{"document_type": row["document_type"], "condition": row["condition"] or ""} for row in rows]


def notes(rows: list[Row]) -> list[str]:
	"""What an administrator should know before the code is handed over."""
	found = []
	if not get_settings().public_url:
		found.append(
			_(
				"The code leads to {0}, as no Public URL is set. If other sites reach this one at another address, set it in Event Streaming"
				" Settings and invite again."
			).format(public_url())
		)
	if hiding := [row["document_type"] for row in rows if row["fields_not_sent"] or row["fields_masked"]]:
		found.append(
			_(
				"The user that is made for the other site has the right to read {0}. Give the fields that are not sent a Perm Level, too:"
				" Event Streaming bounds only what it sends itself."
			).format(", ".join(_(each) for each in hiding))
		)
	return found


def invite_many(lines: list[Line], **defaults: Any) -> list[dict[str, Any]]:
	"""An invitation for each line; all of them, or none if one can't be made, with the number of its line."""
	found = []
	for line in lines:
		try:
			made = invite(**{**defaults, **line.values})
		except frappe.ValidationError as error:
			frappe.throw(_("Line {0}: {1}").format(line.number, str(error)), EventStreamingError)
		found.append(
			{
				"site": line.values["invited"],
				**{key: made[key] for key in ("invitation", "expires_on", "code")},
			}
		)
	return found


def withdraw(invitation: str) -> None:
	"""The code of an invitation is good for nothing any more. Raises EventStreamingError where the site has joined already."""
	if not frappe.db.exists(INVITATION, invitation):
		frappe.throw(
			_("There is no {0} {1} on this site.").format(_(INVITATION), invitation), frappe.DoesNotExistError
		)
	invitations.withdraw(invitation)

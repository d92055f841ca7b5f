"""Commands over REST: set-up: invitations, recipes, set-up files, fields that the other site has."""

from typing import Any

import frappe

from event_streaming.admin.connection import schema as schemas
from event_streaming.admin.pairing import inviting, joining
from event_streaming.admin.pairing.offered import parsed
from event_streaming.admin.setup import applying, here
from event_streaming.admin.setup import recipes as own_recipes
from event_streaming.messages.coded import _
from event_streaming.site.roles import ADMIN


@frappe.whitelist(methods=["POST"])
def invite(
	doctypes: str | list | None = None,
	recipe: str | None = None,
	invited: str = "",
	both_directions: bool | int = False,
	copy_existing: bool | int = True,
	expires_in_hours: int | str = inviting.HOURS,
	only_address: str = "",
) -> dict[str, Any]:
	"""A one-time code by which another site joins this one: for DocTypes, or those of a recipe. The code is told this once."""
	frappe.only_for(ADMIN)
	return inviting.invite(
		parsed(doctypes),
		recipe,
		invited,
		bool(frappe.utils.cint(both_directions)),
		bool(frappe.utils.cint(copy_existing)),
		frappe.utils.cint(expires_in_hours),
		only_address,
	)


@frappe.whitelist(methods=["POST"])
def withdraw_invitation(invitation: str) -> None:
	"""The code of an invitation is good for nothing any more."""
	frappe.only_for(ADMIN)
	inviting.withdraw(invitation)


@frappe.whitelist(methods=["POST"])
def offered_rows(recipe: str) -> list[dict[str, Any]]:
	"""The DocTypes and conditions of a recipe, for the form that invites a site."""
	frappe.only_for(ADMIN)
	return inviting.rows_to_choose(recipe)


@frappe.whitelist(methods=["POST"])
def look_at_invitation(code: str) -> dict[str, Any]:
	"""What a code offers, and what on this site is against it; nothing is used up or changed."""
	frappe.only_for(ADMIN)
	return joining.without_code_in_a_log(code, lambda: joining.look(code))


@frappe.whitelist(methods=["POST"])
def join(code: str, shown: str | None = None) -> dict[str, Any]:
	"""Join the site that a code is of: keys, Event Producer, approval, first copy. `shown` is what `look_at_invitation` gave.

	Called again with the same code, it goes on where it was interrupted.
	"""
	frappe.only_for(ADMIN)
	return joining.without_code_in_a_log(code, lambda: joining.join(code, shown, joining.tell_desk))


@frappe.whitelist()
def export_setup() -> str:
	"""Producers, their rows, mappings, value maps and settings as one JSON file, without secrets."""
	frappe.only_for(ADMIN)
	return here.export()


@frappe.whitelist(methods=["POST"])
def apply_setup(
	setup: str | dict | None = None,
	recipe: str | None = None,
	event_producer: str | None = None,
	dry_run: bool | int = False,
	shown: str | None = None,
	for_new_producer: bool | int = False,
) -> dict[str, Any]:
	"""Apply a set-up file, or a recipe of this site; all of it, or nothing if anything is wrong. Returns what was changed.

	With `dry_run` it says what would change, or all that is wrong, and changes nothing. `event_producer`: the one that a file
	without an address is for. `shown` of an answer, given back, has it refused if something else would change by now.
	`for_new_producer`: the rows are given back for a form that is not saved yet.
	"""
	frappe.only_for(ADMIN)
	if bool(setup) == bool(recipe):
		frappe.throw(_("Give one: a set-up file or the name of a recipe."))
	content = own_recipes.recipe_content(recipe) if recipe else setup
	new = bool(frappe.utils.cint(for_new_producer))
	if frappe.utils.cint(dry_run):
		return applying.preview(content, event_producer, new)
	return applying.apply(content, event_producer, shown, new)


@frappe.whitelist()
def recipes() -> list[dict[str, Any]]:
	"""The recipes that the apps of this site bring."""
	frappe.only_for(ADMIN)
	return own_recipes.listed()


@frappe.whitelist(methods=["POST"])
def connection_schema(site: str, ask: bool | int = True) -> dict[str, Any]:
	"""Where the fields of both sites differ for what comes from a site, since when, and what was decided; the site is asked."""
	frappe.only_for(ADMIN)
	return schemas.schema(site, bool(frappe.utils.cint(ask)))


@frappe.whitelist(methods=["POST"])
def create_field(site: str, difference: str) -> str:
	"""Make a plain field that the other site has and this one lacks; `difference` as `connection_schema` names it."""
	frappe.only_for(ADMIN)
	return schemas.create_field(site, difference)


@frappe.whitelist(methods=["POST"])
def ignore_difference(site: str, difference: str, ignored: bool | int = True) -> None:
	"""Have a difference not asked about any more, or with `ignored` 0 asked about again."""
	frappe.only_for(ADMIN)
	schemas.ignore(site, difference, bool(frappe.utils.cint(ignored)))

"""Rows of an invitation: from DocTypes or a recipe on the site that invites, and on the site that joins what is wrong with them there."""

import json
from typing import Any

import frappe

from event_streaming.admin.setup import applying
from event_streaming.admin.setup.here import rules_of_site
from event_streaming.admin.setup.planning import remote_doctypes, remote_of
from event_streaming.admin.setup.reading import VERSION, VERSION_KEY, read
from event_streaming.admin.setup.recipes import recipe_content, recipes
from event_streaming.exceptions import EventStreamingError
from event_streaming.messages.coded import _
from event_streaming.wire.left_out import names_in

Row = dict[str, Any]
# what an invitation says of a row; the rest is the joining site's row
TERMS = ("condition", "when_condition_ends", "fields_not_sent", "fields_masked")


def rows_to_offer(doctypes: list[str | Row] | None, recipe: str | None) -> tuple[list[Row], str]:
	"""The rows of an invitation, and the name of the recipe, "" for none.

	With both, `doctypes` are those of the recipe that are wanted, and the recipe says the rest of each row.
	"""
	by_recipe, name = rows_of_recipe(recipe) if recipe else ({}, "")
	wanted = [{"document_type": each} if isinstance(each, str) else dict(each) for each in doctypes or ()]
	wanted = wanted or [{"document_type": each} for each in by_recipe]
	found = []
	for entry in wanted:
		doctype = str(entry.get("document_type") or "")
		if not doctype or not frappe.db.exists("DocType", doctype):
			frappe.throw(
				_("The DocType {0} does not exist on {1}.").format(doctype or "?", frappe.local.site),
				EventStreamingError,
			)
		known = by_recipe.get(doctype) or {"document_type": doctype, "use_same_name": True}
		terms = {each: entry[each] if each in entry else known.get(each) for each in TERMS}
		row = {
			key: value
			for key, value in known.items()
			if key not in TERMS and value not in ("", [], False, None)
		}
		found.append(
			{"document_type": doctype, **{key: value or None for key, value in terms.items()}, "row": row}
		)
	return found, name


def rows_of_recipe(recipe: str) -> tuple[dict[str, Row], str]:
	"""What this site calls the DocTypes of a recipe -> their rows; and the recipe's name."""
	content = recipe_content(recipe)
	setup, mistakes = read(content, rules_of_site())
	if mistakes:
		frappe.throw("<br>".join(f"{each.path}: {each.problem}" for each in mistakes), EventStreamingError)
	wanted = recipe.strip().casefold()
	name = next(
		each.name
		for each in recipes()
		if wanted in (each.name.casefold(), each.setup.title.casefold(), _(each.setup.title).casefold())
	)
	remotes = remote_doctypes(setup)
	return {remote_of(row, remotes): dict(row.values) for part in setup.producers for row in part.rows}, name


def has_mappings(rows: list[Row]) -> bool:
	return any(row["row"].get("mapping") for row in rows)


# ---- on the site that joins


def content_for(rows: dict[str, Row], recipe: str) -> dict[str, Any]:
	"""What is offered, as a set-up file for a form that is not saved yet.

	Mappings and value maps are taken from the recipe as this site has it: another site does not write them here.
	"""
	parts: dict[str, Any] = {}
	if any(row.get("mapping") for row in rows.values()) and any(each.name == recipe for each in recipes()):
		own = recipe_content(recipe)
		parts = {key: own[key] for key in ("value_maps", "mappings") if key in own}
	return {VERSION_KEY: VERSION, **parts, "producers": [{"rows": list(rows.values())}]}


def look_at(rows: dict[str, Row], recipe: str) -> applying.Work:
	"""What is offered, held against this site: all that keeps it from being set up."""
	return applying.look(content_for(rows, recipe), for_new_producer=True)


def write_parts(rows: dict[str, Row], recipe: str) -> list[Row]:
	"""Make the mappings and value maps that the rows need; returns the values of the rows of an Event Producer."""
	content = content_for(rows, recipe)
	if len(content) > 2:
		applying.apply({**content, "producers": []})
	form = applying.preview(content, for_new_producer=True)["form"] or {"rows": []}
	return form["rows"]


def shown(rows: dict[str, Row]) -> list[dict[str, str]]:
	"""The rows for a person who is to agree to them."""
	return [
		{
			"doctype": doctype,
			"condition": str(row.get("condition") or ""),
			"local_doctype": str(row.get("document_type") or ""),
			"mapping": str(row.get("mapping") or ""),
		}
		for doctype, row in rows.items()
	]


def parsed(value: Any) -> list[str | Row]:
	"""What an invitation is for: names of DocTypes or objects, as JSON or as they are; a single name is a list of one."""
	if isinstance(value, str):
		try:
			value = json.loads(value) if value.strip().startswith("[") else list(names_in(value))
		except (ValueError, RecursionError):
			value = [None]
	known = ("document_type", *TERMS)
	entries = [] if value is None else value
	for each in entries if isinstance(entries, list) else [None]:
		texts = [each.get(key) or "" for key in known] if isinstance(each, dict) else [each]
		if not all(isinstance(text, str) for text in texts):
			frappe.throw(
				_("Document Types are a list of names, or of objects with {0}.").format(", ".join(known))
			)
	return [
		{key: each[key] for key in known if key in each} if isinstance(each, dict) else each
		for each in entries
	]

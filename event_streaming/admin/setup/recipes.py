"""Recipes: set-up files that come with an app. The hook `event_streaming_recipes` of any app names them, by their path in its folder.

It finds and reads them; `applying` applies them like any other file.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import frappe

from event_streaming.admin.setup.here import rules_of_site
from event_streaming.admin.setup.reading import Setup, read
from event_streaming.consumer.subscriptions.producer_form import problem_of_decided
from event_streaming.messages.coded import _

HOOK = "event_streaming_recipes"


@dataclass(frozen=True)
class Recipe:
	"""A file of an app; `name` is the file's name without its ending."""

	name: str
	app: str
	content: str
	setup: Setup


def recipes() -> list[Recipe]:
	"""Those whose apps this site has, in the order of the apps and their hooks."""
	installed = frappe.get_installed_apps()
	found = (recipe for recipe, _problem in all_recipes() if recipe)
	return [recipe for recipe in found if all(each in installed for each in recipe.setup.apps)]


def unreadable() -> list[str]:
	"""Files that a hook names and that are no recipes, and why; for the doctor."""
	return [problem for _recipe, problem in all_recipes() if problem]


def all_recipes() -> Iterator[tuple[Recipe | None, str]]:
	"""Each file that a hook names: the recipe, or what is wrong with it."""
	rules = rules_of_site()
	for app in frappe.get_installed_apps():
		for path in frappe.get_hooks(HOOK, default=[], app_name=app):
			recipe, problem = read_recipe(app, str(path), rules)
			yield recipe, problem and f"{app}/{path}: {problem}"


def read_recipe(app: str, path: str, rules) -> tuple[Recipe | None, str]:
	"""A recipe, or what is wrong with it."""
	folder = Path(frappe.get_app_path(app)).resolve()
	file = (folder / path).resolve()
	if not file.is_relative_to(folder) or not file.is_file():
		return None, "there is no such file in the app's folder"
	content = file.read_text(encoding="utf-8")
	setup, mistakes = read(content, rules)
	if mistakes:
		return None, "; ".join(f"{mistake.path}: {mistake.problem}" for mistake in mistakes)
	return Recipe(file.stem, app, content, setup), ""


def recipe_content(name: str) -> dict[str, Any]:
	"""The file of a recipe, named by its name or its title, for this site's versions of the apps."""
	known = recipes()
	wanted = name.strip().casefold()
	for recipe in known:
		if wanted in (
			recipe.name.casefold(),
			recipe.setup.title.casefold(),
			_(recipe.setup.title).casefold(),
		):
			return without_unknown_fields(json.loads(recipe.content))
	frappe.throw(
		_("There is no recipe {0} on this site. There are: {1}").format(
			frappe.utils.escape_html(name), ", ".join(recipe.name for recipe in known)
		),
		frappe.DoesNotExistError,
	)


def without_unknown_fields(data: dict[str, Any]) -> dict[str, Any]:
	"""Versions of an app differ: a field that is not here needs nobody to decide about it. A DocType that is missing is a mistake."""
	for part in data.get("producers") or ():
		for row in part.get("rows") or ():
			decided, doctype = row.get("fields_this_site_decides"), row["document_type"]
			if decided and frappe.db.exists("DocType", doctype):
				meta = frappe.get_meta(doctype)
				row["fields_this_site_decides"] = [
					each for each in decided if not problem_of_decided(meta, each)
				]
	return data


def listed() -> list[dict[str, str | int]]:
	"""The recipes of this site for a person to choose from."""
	return [
		{
			"name": recipe.name,
			"app": recipe.app,
			"title": _(recipe.setup.title) or recipe.name,
			"description": _(recipe.setup.description) if recipe.setup.description else "",
			"rows": sum(len(part.rows) for part in recipe.setup.producers),
		}
		for recipe in recipes()
	]

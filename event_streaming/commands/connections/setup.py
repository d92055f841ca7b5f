"""`event-streaming setup`: the set-up of a site as a file, and recipes."""

import os
import sys
from pathlib import Path

import click
import frappe

from event_streaming.commands.terminal import (
	DONE,
	IMPOSSIBLE,
	NEEDS_A_PERSON,
	existing,
	is_terminal,
	on_site,
	show_messages,
	table,
)

STDIO = "-"


@click.group("setup")
def setup_group():
	"""The set-up of this site as a file: export it, apply one, or apply a recipe.

	A file has producers with their rows, mappings, value maps and settings, and no keys. What it does not name is left alone, and
	nothing is ever removed.
	"""


@setup_group.command("export")
@click.argument("file", default=STDIO)
@on_site
def export_command(file: str) -> int:
	"""Write the set-up of this site to FILE, by default to the terminal.

	The same set-up always makes the same file. Not in it: keys, users, certificates, this site's own address, what producers have
	decided.
	"""
	from event_streaming.admin.setup.here import export

	content = export()
	if file == STDIO:
		click.echo(content, nl=False)
	else:
		try:
			where_typed(file).write_text(content, encoding="utf-8")
		except OSError as error:
			raise click.ClickException(f"{file} can't be written: {error.strerror}") from None
	return DONE


@setup_group.command("apply")
@click.argument("file", required=False)
@click.option("--recipe", help="A recipe instead of a file: see `setup recipes`.")
@click.option(
	"--producer",
	"event_producer",
	help="URL of the Event Producer that a file is for which names no address, or another one.",
)
@click.option("--dry-run", is_flag=True, help="Show what would change, and change nothing.")
@click.option("--yes", is_flag=True, help="Do not ask. Without a terminal it never asks.")
@click.option("--json", "as_json", is_flag=True, help="Print the result as JSON. It never asks then.")
@on_site
def apply_command(
	file: str | None, recipe: str | None, event_producer: str | None, dry_run: bool, yes: bool, as_json: bool
) -> int:
	"""Apply FILE (- for the standard input), or a recipe: all of it, or nothing if anything is wrong.

	What changes is shown first. What the file does not name is left alone, and applying it twice changes nothing. An Event Producer
	that is not here yet needs keys and is not made: its rows are left out, and you are told.

	\b
	Exit codes:
	  0  done, or nothing was to be changed
	  1  refused, and nothing was changed: all mistakes are listed; or you have said no
	  3  done, but a value map has to be filled in, or a producer of the file is not here
	"""
	from event_streaming.admin.setup import applying

	if bool(file) == bool(recipe):
		raise click.UsageError("Name one: a FILE or --recipe NAME.")
	name = existing("Event Producer", event_producer) if event_producer else None
	content = recipe_of(recipe) if recipe else read_file(file)
	seen = applying.preview(content, name)
	if not as_json:
		describe(seen)
	if seen["mistakes"] or dry_run:
		return end(seen, as_json)
	if (
		not as_json
		and seen["changes"]
		and is_terminal()
		and not yes
		and not click.confirm("Apply?", err=True)
	):
		return IMPOSSIBLE
	done = applying.apply(content, name, seen["shown"])
	frappe.db.commit()
	show_messages()
	if not as_json and done["changes"]:
		click.echo(f"{len(done['changes'])} changes applied.")
	return end(done, as_json)


@setup_group.command("recipes")
@click.option("--json", "as_json", is_flag=True, help="Print them as JSON.")
@on_site
def recipes_command(as_json: bool) -> int:
	"""List the recipes that the apps of this site bring."""
	from event_streaming.admin.setup.recipes import listed

	found = listed()
	if as_json:
		click.echo(frappe.as_json(found))
	for recipe in () if as_json else found:
		click.echo(f"{recipe['name']}  ({recipe['title']}, {recipe['app']})\n    {recipe['description']}")
	return DONE


def recipe_of(recipe: str) -> str:
	from event_streaming.admin.setup.recipes import recipe_content

	return recipe_content(recipe)


def read_file(file: str) -> str:
	if file == STDIO:
		return sys.stdin.read()
	try:
		return where_typed(file).read_text(encoding="utf-8")
	except (OSError, UnicodeDecodeError) as error:
		raise click.ClickException(f"{file} can't be read: {error}") from None


def where_typed(file: str) -> Path:
	"""`bench` works in its sites folder, whatever folder the person is in."""
	return Path(os.environ.get("PWD") or os.getcwd(), file)


def describe(seen: dict) -> None:
	"""Mistakes, or what would change and what is left to do."""
	if seen["mistakes"]:
		click.echo("The set-up can't be applied. Nothing was changed.", err=True)
		for mistake in seen["mistakes"]:
			click.echo(f"- {mistake['path'] or 'file'}: {mistake['problem']}", err=True)
		return
	rows = [(line["name"], line["what"], line["from"], line["to"]) for line in seen["changes"]]
	click.echo(table(("WHERE", "WHAT", "FROM", "TO"), rows) if rows else "Nothing to change.")
	for away in seen["not_here"]:
		click.echo(
			f"Not applied: there is no Event Producer {away['producer_url'] or '(the file names none)'} on this site"
			f" ({len(away['rows'])} rows). Make it with its keys, then apply the file again; or name one with --producer."
		)
	for line in seen["to_fill_in"]:
		click.echo(line["message"])


def end(result: dict, as_json: bool) -> int:
	if as_json:
		click.echo(frappe.as_json(result))
	if result["mistakes"]:
		return IMPOSSIBLE
	needed = any(line["needed"] for line in result["to_fill_in"])
	return NEEDS_A_PERSON if result["not_here"] or needed else DONE

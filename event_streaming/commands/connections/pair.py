"""`event-streaming invite`, `withdraw` and `join`: two sites are connected with one code."""

import os
import sys

import click
import frappe

from event_streaming.commands.connections.setup import STDIO, read_file, where_typed
from event_streaming.commands.terminal import (
	DONE,
	IMPOSSIBLE,
	NEEDS_A_PERSON,
	doctypes_option,
	is_terminal,
	on_site,
	plain,
	show_messages,
	table,
)


@click.command("invite")
@doctypes_option("A DocType to invite to; may be given several times.")
@click.option("--recipe", help="A recipe instead: see `setup recipes`.")
@click.option("--site", "invited", default="", help="What the other site is called, for you to know it by.")
@click.option("--address", default="", help="The code is good for the site with this address only.")
@click.option("--both-directions", is_flag=True, help="This site takes the same from the other one.")
@click.option("--no-copy", is_flag=True, help="Only what changes from now on, not what exists already.")
@click.option(
	"--expires-in-hours", type=int, default=24, show_default=True, help="How long the code is valid."
)
@click.option(
	"--csv", "file", help="Invite each site of this file (- for the standard input) instead of one."
)
@click.option("--output", help="Write the codes of --csv to this file, which only you can read.")
@click.option("--json", "as_json", is_flag=True, help="Print the result as JSON.")
@on_site
def invite_command(
	doctypes: tuple[str, ...],
	recipe: str | None,
	invited: str,
	address: str,
	both_directions: bool,
	no_copy: bool,
	expires_in_hours: int,
	file: str | None,
	output: str | None,
	as_json: bool,
) -> int:
	"""Make a one-time code by which another site joins this one. It is shown this once: hand it over as you would a password.

	The other site enters it with `join`, or with Join With a Code in the Desk. It gets a user and keys here, and what the invitation
	says is approved, nothing else.

	\b
	The file of --csv: its first line names the columns, site and as many as are wanted of address, recipe, doctypes (separated
	by ;), both_directions, expires_in_hours. What a line leaves empty is as the options say. A CSV with the codes comes out.

	\b
	Exit codes:
	  0  done
	  1  it can't be offered, and no code was made; all mistakes of a file are listed
	"""
	from event_streaming.admin.pairing import inviting

	if doctypes and recipe:
		raise click.UsageError("Name one: --doctype or --recipe.")
	terms = {
		"doctypes": list(doctypes) or None,
		"recipe": recipe,
		"both_directions": both_directions,
		"copy_existing": not no_copy,
		"expires_in_hours": expires_in_hours,
	}
	if file:
		return invite_from(file, output, as_json, terms)
	made = inviting.invite(**terms, invited=invited, only_address=address)
	frappe.db.commit()
	show_messages()
	if as_json:
		click.echo(frappe.as_json(made))
		return DONE
	for note in made["notes"]:
		click.echo(note, err=True)
	click.echo(f"Valid once, until {made['expires_on']}, for: {', '.join(made['doctypes'])}", err=True)
	click.echo(made["code"])
	return DONE


def invite_from(file: str, output: str | None, as_json: bool, terms: dict) -> int:
	from event_streaming.admin.pairing import inviting, lines

	try:
		sites = lines.read_lines(read_file(file))
	except lines.WrongLines as error:
		raise click.ClickException(f"No code was made.\n{error}") from None
	made = inviting.invite_many(sites, **terms)
	text = frappe.as_json(made) + "\n" if as_json else lines.as_csv(made)
	# before the codes are good for anything: a file that can't be written leaves none behind
	write_codes(text, output)
	frappe.db.commit()
	click.echo(f"{len(made)} sites invited.", err=True)
	return DONE


def write_codes(text: str, output: str | None) -> None:
	if not output or output == STDIO:
		click.echo(text, nl=False)
		return
	try:
		handle = os.open(where_typed(output), os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
		with os.fdopen(handle, "w", encoding="utf-8") as out:
			out.write(text)
	except OSError as error:
		raise click.ClickException(f"{output} can't be written: {error.strerror}") from None


@click.command("withdraw")
@click.argument("invitation")
@on_site
def withdraw_command(invitation: str) -> int:
	"""Take an INVITATION back: its code is good for nothing any more.

	\b
	Exit codes:
	  0  done
	  1  there is no such invitation, or a site has joined with it already
	"""
	from event_streaming.admin.pairing import inviting

	inviting.withdraw(invitation)
	frappe.db.commit()
	click.echo(f"{invitation} is withdrawn.")
	return DONE


@click.command("join")
@click.argument("code", required=False)
@click.option("--dry-run", is_flag=True, help="Show what the code offers, and use nothing up.")
@click.option("--yes", is_flag=True, help="Do not ask. Without a terminal it never asks.")
@click.option("--json", "as_json", is_flag=True, help="Print the result as JSON. It never asks then.")
@on_site
def join_command(code: str | None, dry_run: bool, yes: bool, as_json: bool) -> int:
	"""Join the site that a CODE is of. Without CODE it is asked for, or read from the standard input, and stands in no history.

	Makes the user, takes the keys, makes the Event Producer and registers; what the invitation says is approved, and the copy of what
	exists already begins. If it breaks off, join again with the same code.

	\b
	Exit codes:
	  0  done
	  1  refused, or the other site can't be reached; the message says what to do
	  3  joined, but some Document Types wait for the other administrator
	  4  this site is joining that one just now
	"""
	from event_streaming.admin.pairing import joining

	given = code if code and code != STDIO else ask_for_code()
	seen = joining.look(given)
	if dry_run or not as_json:
		describe(seen, as_json)
	if seen["mistakes"]:
		return IMPOSSIBLE
	if dry_run:
		return DONE
	if is_terminal() and not yes and not as_json and not click.confirm(f"Join {seen['site']}?", err=True):
		return IMPOSSIBLE
	done = joining.join(given, seen["shown"], lambda step: click.echo(f"{plain(step)} …", err=True))
	frappe.db.commit()
	show_messages()
	if as_json:
		click.echo(frappe.as_json(done))
	else:
		click.echo(f"{done['event_producer']}: {', '.join(done['approved']) or 'nothing'} approved.")
		if done["given"]:
			click.echo(f"{seen['site']} takes from here: {', '.join(done['given'])}.")
		click.echo("\n".join(plain(line) for line in done["next"]))
	return NEEDS_A_PERSON if done["waiting"] else DONE


def ask_for_code() -> str:
	return click.prompt("Code", hide_input=True, err=True) if sys.stdin.isatty() else sys.stdin.read()


def describe(seen: dict, as_json: bool) -> None:
	"""What is offered, and what is against it."""
	if as_json:
		click.echo(frappe.as_json(seen))
		return
	way = "in both directions" if seen["both_directions"] else "to this site"
	click.echo(f"{seen['site']} offers, {way}; this site is known there as {seen['own_address']}:", err=True)
	click.echo(table(("DOCTYPE", "CONDITION"), [(row["doctype"], row["condition"]) for row in seen["rows"]]))
	for mistake in seen["mistakes"]:
		click.echo(f"- {plain(mistake)}", err=True)
	if seen["mistakes"]:
		click.echo("Nothing was changed, and the code is still good.", err=True)

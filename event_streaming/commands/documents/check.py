"""`event-streaming check`: what a first copy will meet, before anything is changed."""

import json

import click
import frappe

from event_streaming.commands.terminal import (
	BUSY,
	DONE,
	IMPOSSIBLE,
	NEEDS_A_PERSON,
	doctypes_option,
	existing,
	is_terminal,
	on_site,
	plain,
	the_only,
)


@click.command("check")
@click.argument("event_producer", metavar="PRODUCER", required=False)
@doctypes_option("A Document Type to check; may be repeated. Default: all rows, approved or not.")
@click.option(
	"--fix",
	"numbers",
	type=int,
	multiple=True,
	metavar="NUMBER",
	help="Do what the last check offers for this finding, after asking, in place of a new check; may be repeated.",
)
@click.option(
	"--value",
	"typed",
	multiple=True,
	metavar="NAME=VALUE",
	help="With --fix, what a button asks for: role=…, or a value of the producer's = the value here; may be repeated.",
)
@click.option("--yes", is_flag=True, help="Do not ask. Without a terminal, --fix needs it.")
@click.option("--json", "as_json", is_flag=True, help="Print the report as JSON.")
@on_site
def check_command(
	event_producer: str | None,
	doctypes: tuple[str, ...],
	numbers: tuple[int, ...],
	typed: tuple[str, ...],
	yes: bool,
	as_json: bool,
) -> int:
	"""Check what a first copy from PRODUCER (default: the only one) will meet; changes nothing, unless --fix is given.

	How much it brings, what does not fit, and what the first 50 documents of each row say when they are applied for real and
	taken back. What a finding offers to do about it is done by --fix with its number.

	\b
	Exit codes:
	  0  nothing stops documents
	  1  it could not be done, or not to the end; the message says why
	  3  some documents will fail, or are not sent
	  4  another check of this producer is under way
	"""
	from event_streaming.commands.documents.copy import work_to_the_end
	from event_streaming.consumer.checking import checker
	from event_streaming.consumer.tasks import task
	from event_streaming.consumer.tasks.task import TaskUnderWay

	if (typed or yes) and not numbers:
		raise click.UsageError("--value and --yes go with --fix.")
	if numbers and (doctypes or as_json):
		raise click.UsageError("--fix is about the last check: without --doctype and --json.")
	if numbers and not yes and not is_terminal():
		raise click.UsageError("--fix asks before it changes anything; where it can't, give --yes.")
	name = existing("Event Producer", event_producer) if event_producer else the_only("Event Producer")
	if numbers:
		return fix(name, numbers, values_of(typed), yes)
	try:
		check = checker.begin(name, list(doctypes))
	except TaskUnderWay as error:
		click.echo(plain(str(error)), err=True)
		return BUSY
	frappe.db.commit()
	check = work_to_the_end(check, lambda now: ", ".join(now.scope["doctypes"][now.done : now.done + 1]))
	if as_json:
		click.echo(json.dumps({**task.as_progress(check), "report": check.report}, default=str, indent=1))
	else:
		tell(check)
	if check.status != task.DONE:
		return IMPOSSIBLE
	return NEEDS_A_PERSON if check.failed else DONE


def values_of(typed: tuple[str, ...]) -> dict[str, str]:
	"""NAME=VALUE … as a dict."""
	pairs = [each.partition("=") for each in typed]
	if wrong := [each for each, pair in zip(typed, pairs, strict=True) if not pair[0] or not pair[1]]:
		raise click.UsageError(f"--value takes NAME=VALUE, not {wrong[0]!r}.")
	return {name.strip(): value.strip() for name, _sign, value in pairs}


def fix(event_producer: str, numbers: tuple[int, ...], values: dict[str, str], yes: bool) -> int:
	"""Say what will be done about findings of the last check, ask, and do it, one after the other."""
	from event_streaming.consumer.checking import mending
	from event_streaming.consumer.tasks import task

	check = task.latest(event_producer, task.CHECK, task.DONE)
	if not check:
		click.echo(f"{event_producer} was not checked yet: run check without --fix first.", err=True)
		return IMPOSSIBLE
	for number in dict.fromkeys(numbers):
		asked = mending.to_be_mended(task.load(check.name), number - 1)
		click.echo(f"{number:>3}. {plain(asked['what'])}")
		click.echo(f"     {plain(mending.what_it_does(asked, values))}")
		if not yes and not click.confirm("Do it?", err=True):
			return NEEDS_A_PERSON
		click.echo(f"     {plain(mending.mend(check.name, number - 1, values))}")
		frappe.db.commit()
	return DONE


def tell(check) -> None:
	"""The amounts, then the findings, the worst first."""
	for amount in [*check.report.get("amounts", []), *in_all(check)]:
		click.echo(f"{amount['doctype']}: {describe(amount)}")
	for number, found in enumerate(check.report.get("findings", []), start=1):
		click.echo(f"{number:>3}. {found['severity']}: {plain(found['what'])}")
		if found["remedy"]:
			click.echo(f"     {plain(found['remedy'])}")
		if found["action"]:
			click.echo(f"     {found['action']}: --fix {number}{asked_for(found)}")
	if check.message:
		click.echo(f"{check.status}: {check.message}", err=True)


def asked_for(found: dict) -> str:
	"""What --fix needs besides."""
	if found["action"] == "Give the Rights":
		return f" --value role=… ({', '.join(found['details']['roles'])})"
	if found["action"] == "Add to Value Map":
		return "".join(f" --value '{value}=…'" for value in found["details"]["values"][:5])
	return ""


def in_all(check) -> list[dict]:
	several = len(check.report.get("amounts", [])) > 1
	return [{"doctype": "Total", **check.report["in_all"]}] if several else []


def describe(amount: dict) -> str:
	parts = [f"{amount['documents']:,} documents at most"]
	if amount["megabytes"] is not None:
		parts.append(f"about {amount['megabytes']:,.1f} MB without files")
	parts.append("time unknown" if amount["minutes"] is None else f"about {amount['minutes']:,.1f} minutes")
	return ", ".join(parts)

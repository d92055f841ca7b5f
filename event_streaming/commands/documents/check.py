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
	on_site,
	plain,
	the_only,
)


@click.command("check")
@click.argument("event_producer", metavar="PRODUCER", required=False)
@doctypes_option("A Document Type to check; may be repeated. Default: all rows, approved or not.")
@click.option("--json", "as_json", is_flag=True, help="Print the report as JSON.")
@on_site
def check_command(event_producer: str | None, doctypes: tuple[str, ...], as_json: bool) -> int:
	"""Check what a first copy from PRODUCER (default: the only one) will meet; changes nothing.

	How much it brings, what does not fit, and what the first 50 documents of each row say when they are applied for real and
	taken back.

	\b
	Exit codes:
	  0  nothing stops documents
	  1  it could not be done, or not to the end; the message says why
	  3  some documents will fail, or are not sent
	  4  another check of this producer is under way
	"""
	from event_streaming.commands.documents.copy import work_to_the_end
	from event_streaming.consumer.checking import checker
	from event_streaming.consumer.logs import task
	from event_streaming.consumer.logs.task import TaskUnderWay

	name = existing("Event Producer", event_producer) if event_producer else the_only("Event Producer")
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


def tell(check) -> None:
	"""The amounts, then the findings, the worst first."""
	for amount in [*check.report.get("amounts", []), *in_all(check)]:
		click.echo(f"{amount['doctype']}: {describe(amount)}")
	for number, found in enumerate(check.report.get("findings", []), start=1):
		click.echo(f"{number:>3}. {found['severity']}: {plain(found['what'])}")
		if found["remedy"]:
			click.echo(f"     {plain(found['remedy'])}")
	if check.message:
		click.echo(f"{check.status}: {check.message}", err=True)


def in_all(check) -> list[dict]:
	several = len(check.report.get("amounts", [])) > 1
	return [{"doctype": "Total", **check.report["in_all"]}] if several else []


def describe(amount: dict) -> str:
	parts = [f"{amount['documents']:,} documents at most"]
	if amount["megabytes"] is not None:
		parts.append(f"about {amount['megabytes']:,.1f} MB without files")
	parts.append("time unknown" if amount["minutes"] is None else f"about {amount['minutes']:,.1f} minutes")
	return ", ".join(parts)

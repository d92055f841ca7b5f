"""`event-streaming verify`: compare documents on both sites, show what differs, and bring it in line if asked."""

import json

import click
import frappe

from event_streaming.commands.documents.copy import describe, work_to_the_end
from event_streaming.commands.terminal import (
	BUSY,
	DONE,
	IMPOSSIBLE,
	NEEDS_A_PERSON,
	chosen_producer,
	doctypes_option,
	is_terminal,
	on_site,
	producer_option,
)

MOST_SHOWN = 50


@click.command("verify")
@producer_option
@doctypes_option("A Document Type to compare; may be repeated. Default: all approved.")
@click.option(
	"--filters",
	help="JSON, in the producer's fields, as for copy. What is only here is not looked for then.",
)
@click.option(
	"--what-has-changed",
	is_flag=True,
	help="Only what either site knows to have changed since the last comparison; what was never compared, whole.",
)
@click.option("--repair", "mend", is_flag=True, help="Then bring in line what differs, after asking.")
@click.option(
	"--delete-extra",
	is_flag=True,
	help="With --repair: delete here what came from the producer and is not there any more.",
)
@click.option(
	"--only",
	"kinds",
	multiple=True,
	type=click.Choice(["Missing", "Different", "Extra"], case_sensitive=False),
	help="With --repair: mend only what is of this kind; may be repeated. Default: all.",
)
@click.option("--yes", is_flag=True, help="Do not ask. Without a terminal, --repair needs it.")
@click.option("--json", "as_json", is_flag=True, help="Print the result as JSON.")
@on_site
def verify_command(
	event_producer: str | None,
	doctypes: tuple[str, ...],
	filters: str | None,
	what_has_changed: bool,
	mend: bool,
	delete_extra: bool,
	kinds: tuple[str, ...],
	yes: bool,
	as_json: bool,
) -> int:
	"""Compare documents with the producer's, by digests; show what is missing, extra or different.

	It changes nothing, unless --repair is given: then it shows first what it will do. Broken off (Ctrl-C, a power cut),
	the same command goes on from there within an hour, and begins anew later.

	\b
	Exit codes:
	  0  nothing differs, or nothing any more
	  1  it could not be done, or not to the end; the message says why
	  3  documents differ, or have events that are not settled
	  4  another verify or repair of this producer is under way
	"""
	from event_streaming.consumer.tasks import task
	from event_streaming.consumer.tasks.task import TaskUnderWay
	from event_streaming.consumer.verify import repair, verifying

	if (delete_extra or kinds) and not mend:
		raise click.UsageError("--delete-extra and --only go with --repair.")
	if what_has_changed and filters:
		raise click.UsageError("Give --filters or --what-has-changed, not both.")
	if mend and not yes and (as_json or not is_terminal()):
		raise click.UsageError("--repair asks before it changes anything; where it can't, give --yes.")
	name = chosen_producer(event_producer)
	try:
		work = run(verifying.begin(name, list(doctypes), filters, what_has_changed=what_has_changed))
		if not as_json:
			tell_findings(work)
		if work.status == task.DONE and mend and work.differing:
			if not yes and not confirmed(work, delete_extra):
				return NEEDS_A_PERSON
			work = run(repair.begin(name, delete_extra, work.name, kinds=kinds or None))
			if not as_json:
				tell_repair(work)
	except TaskUnderWay as error:
		click.echo(str(error), err=True)
		return BUSY
	if as_json:
		click.echo(json.dumps({**task.as_progress(work), "report": work.report}, default=str, indent=1))
	return exit_code(work)


def run(work):
	frappe.db.commit()
	return work_to_the_end(work, describe)


def exit_code(work) -> int:
	from event_streaming.consumer.tasks import findings, task

	if work.status != task.DONE:
		return IMPOSSIBLE
	left = work.differing - work.report["repaired"]
	return NEEDS_A_PERSON if left or work.report["counts"][findings.OPEN] else DONE


def tell_findings(work) -> None:
	"""What a verify has found: a line for each document, with its fields, and the counts."""
	found = work.report.get("findings", [])
	for finding in found[:MOST_SHOWN]:
		click.echo(line_of(finding))
		for label, here, there in finding.get("fields", []):
			click.echo(f"    {label}: {here!r} here, {there!r} there")
		if finding.get("more_fields"):
			click.echo(f"    and {finding['more_fields']} more")
	total = sum(work.report.get("counts", {}).values())
	if total > min(len(found), MOST_SHOWN):
		click.echo(
			f"… {total - min(len(found), MOST_SHOWN):,} more; the first {len(found)} are in {work.name}"
		)
	for doctype, about in work.report.get("doctypes", {}).items():
		for what, names in (
			("not compared", about.get("not_compared")),
			("not on the producer", about.get("only_here")),
		):
			if names:
				click.echo(f"{doctype}: {what}: {', '.join(names)}")
		if about.get("changed_since"):
			click.echo(f"{doctype}: only what has changed since {about['changed_since'][:16]}")
		if about.get("withheld"):
			click.echo(
				f"{doctype}: {about['withheld']:,} withheld: the user may not read them on the producer"
			)
	click.echo(f"{work.event_producer}: {work.done:,} documents compared, {counts_of(work)}")
	tell_end(work)


def tell_repair(work) -> None:
	for finding in work.report.get("findings", [])[:MOST_SHOWN]:
		if not finding.get("repaired"):
			click.echo(line_of(finding))
	click.echo(f"{work.event_producer}: {work.made:,} brought in line, {work.failed:,} could not be")
	tell_end(work)


def tell_end(work) -> None:
	if work.message:
		click.echo(f"  {work.status}: {work.message}", err=True)


def line_of(finding: dict) -> str:
	about = " · ".join(filter(None, (finding.get("reason"), finding.get("outcome"))))
	here = finding.get("local_name", "")
	also = f" (here {here})" if here and here != finding["remote_name"] else ""
	logs = f" · Event Sync Log {', '.join(finding['logs'])}" if finding.get("logs") else ""
	return (
		f"{finding['kind']}: {finding['remote_doctype']} {finding['remote_name']}{also}"
		f"{': ' if about else ''}{about}{logs}"
	)


def counts_of(work) -> str:
	counts = work.report.get("counts", {})
	return ", ".join(f"{count:,} {kind.lower()}" for kind, count in counts.items() if count) or "all the same"


def confirmed(work, delete_extra: bool) -> bool:
	"""Say what a repair will do, and ask."""
	from event_streaming.consumer.tasks import findings

	counts = work.report["counts"]
	extra = counts[findings.EXTRA]
	click.echo(
		f"A repair brings {counts[findings.MISSING]:,}, sets {counts[findings.DIFFERENT]:,} to the producer's values,"
		f" and {'deletes' if delete_extra else 'keeps'} {extra:,} that the producer has not got any more.",
		err=True,
	)
	return click.confirm("Repair?", err=True)

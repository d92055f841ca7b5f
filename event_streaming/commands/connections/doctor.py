"""`event-streaming doctor`: what is wrong, here and with the other sites, and how to mend it."""

from dataclasses import asdict

import click
import frappe

from event_streaming.commands.terminal import (
	DONE,
	NEEDS_A_PERSON,
	end_progress,
	existing,
	on_site,
	show_progress,
)

SIGNS = {"ok": "ok     ", "note": "note   ", "warning": "WARNING", "fault": "FAULT  "}


@click.command("doctor")
@click.option("--producer", "event_producer", help="Look at this Event Producer only.")
@click.option("--consumer", "event_consumer", help="Look at this Event Consumer only.")
@click.option("--json", "as_json", is_flag=True, help="The findings as JSON, for scripts.")
@click.option("--quiet", is_flag=True, help="Show only what needs a person.")
@on_site
def doctor_command(event_producer: str | None, event_consumer: str | None, as_json: bool, quiet: bool) -> int:
	"""Check keys, clocks, versions, permissions, fields, workers, scheduler, addresses, retention and locks.

	It asks the other sites too, and changes nothing, here or there.

	\b
	Exit codes:
	  0  nothing needs a person
	  3  there is a WARNING or a FAULT; each says how to mend it
	"""
	from event_streaming.admin.doctor.examination import examine

	if event_producer:
		event_producer = existing("Event Producer", event_producer)
	if event_consumer:
		event_consumer = existing("Event Consumer", event_consumer)
	found = []
	for finding in examine(event_producer, event_consumer):
		found.append(finding)
		if not as_json and (finding.needs_a_person or not quiet):
			end_progress()
			click.echo(describe(finding))
		show_progress(f"{len(found)} checks …")
	end_progress()
	needing = [finding for finding in found if finding.needs_a_person]
	if as_json:
		click.echo(frappe.as_json([asdict(finding) for finding in found]))
	else:
		click.echo(f"{len(found)} checks, {len(needing)} need a person")
	return NEEDS_A_PERSON if needing else DONE


def describe(finding) -> str:
	line = f"{SIGNS[finding.level]}  {finding.check}: {finding.message}"
	return f"{line}\n         → {finding.remedy}" if finding.remedy and finding.level != "ok" else line

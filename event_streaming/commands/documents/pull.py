"""`event-streaming pull`: pull and apply what the producers have, now."""

import time

import click
import frappe

from event_streaming.commands.terminal import (
	BUSY,
	DONE,
	IMPOSSIBLE,
	NEEDS_A_PERSON,
	end_progress,
	existing,
	on_site,
	show_progress,
)


@click.command("pull")
@click.option(
	"--producer", "event_producer", help="URL of one Event Producer. Default: all that are not paused."
)
@click.option(
	"--seconds",
	type=click.IntRange(min=1),
	default=None,
	help="Stop after about this many seconds. Default: go on to the end.",
)
@on_site
def pull_command(event_producer: str | None, seconds: int | None) -> int:
	"""Pull and apply what the producers have, now.

	\b
	Exit codes:
	  0  everything was read and applied
	  1  a producer could not be read
	  3  some events failed; they are in Event Sync Log and are tried again by themselves
	  4  another pull is running
	"""
	names = (
		[existing("Event Producer", event_producer)]
		if event_producer
		else frappe.get_all("Event Producer", {"paused": 0}, pluck="name")
	)
	if not names and frappe.db.count("Event Producer"):
		click.echo(
			"Nothing is pulled: every Event Producer is paused. `resume --producer URL` lets one go on."
		)
	elif not names:
		click.echo("No Event Producer on this site: make one in the Desk (Event Streaming > Event Producer).")
	codes = [pull_and_tell(name, seconds) for name in names]
	return next((code for code in (IMPOSSIBLE, BUSY, NEEDS_A_PERSON) if code in codes), DONE)


def pull_and_tell(name: str, seconds: int | None) -> int:
	"""Pull from one producer and say in a line what was done; returns the exit code."""
	summary = pull_to_the_end(name, seconds)
	click.echo(
		f"{name}: {summary.events} events, {summary.synced} applied, {summary.failed} failed or waiting,"
		f" {summary.behind if summary.more else 0} behind"
	)
	if summary.error:
		click.echo(f"  {summary.error}", err=True)
		return IMPOSSIBLE
	if summary.waits:
		click.echo(f"  {summary.waits}")
	if summary.later:
		click.echo(f"  the line is used as much as it may be: it goes on in {summary.later:.0f} seconds")
	if summary.busy:
		click.echo("  another pull of this producer is running", err=True)
		return BUSY
	return NEEDS_A_PERSON if summary.failed else DONE


def pull_to_the_end(name: str, seconds: int | None):
	"""Slice after slice until the end, or one slice of `seconds`; shows how far it has got on a terminal."""
	from event_streaming.consumer.pull.loop import pull

	total = None
	while True:
		before = total.events if total else 0
		summary = pull(name, progress=lambda now, before=before: show(now, before), seconds=seconds)
		if total:
			summary.events += total.events
			summary.synced += total.synced
			summary.failed += total.failed
		total = summary
		if not summary.more or seconds:
			end_progress()
			return summary
		# the line's bound; nothing is open meanwhile
		time.sleep(summary.later)


def show(summary, before: int) -> None:
	show_progress(f"{summary.event_producer}: {before + summary.events} events, {summary.behind} behind")

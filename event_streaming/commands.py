"""`bench --site … event-streaming …`: what an administrator does from a terminal."""

import sys

import click
import frappe
from frappe.commands import get_site, pass_context


@click.group("event-streaming")
def event_streaming():
	"""Keep documents the same on two or more sites."""


@event_streaming.command("pull")
@click.option(
	"--producer", "event_producer", help="URL of one Event Producer. Default: all that are not paused."
)
@click.option(
	"--seconds", type=int, default=None, help="Stop after about this many seconds. Default: go on to the end."
)
@pass_context
def pull_command(context, event_producer: str | None, seconds: int | None):
	"""Pull and apply what the producers have, now.

	Exit code 0: everything was read and applied. 1: a producer could not be read. 2: some events failed; they are
	in Event Sync Log and are tried again by themselves. 3: another pull is running.
	"""
	site = get_site(context)
	frappe.init(site=site)
	frappe.connect()
	try:
		sys.exit(pull_and_tell(event_producer, seconds))
	finally:
		frappe.destroy()


def pull_and_tell(event_producer: str | None, seconds: int | None) -> int:
	"""Pull with one line of progress per producer; returns the exit code."""
	from event_streaming.consumer.pull import pull

	names = (
		[event_producer] if event_producer else frappe.get_all("Event Producer", {"paused": 0}, pluck="name")
	)
	if not names:
		click.echo("No Event Producer on this site: make one in the Desk (Event Streaming > Event Producer).")
	codes = [0]
	for name in names:
		if not frappe.db.exists("Event Producer", name):
			raise click.ClickException(f"There is no Event Producer {name} on this site.")
		summary = pull_to_the_end(pull, name, seconds)
		click.echo(
			f"{name}: {summary.events} events, {summary.synced} applied, {summary.failed} failed or waiting,"
			f" {summary.behind if summary.more else 0} behind"
		)
		if summary.error:
			click.echo(f"  {summary.error}", err=True)
			codes.append(1)
		elif summary.busy:
			click.echo("  another pull of this producer is running", err=True)
			codes.append(3)
		elif summary.failed:
			codes.append(2)
	return next((code for code in (1, 3, 2) if code in codes), 0)


def pull_to_the_end(pull, name: str, seconds: int | None):
	"""Slice after slice until the end, or one slice of `seconds`; shows how far it has got on a terminal."""
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
			if sys.stderr.isatty():
				click.echo("\r\033[K", nl=False, err=True)
			return summary


def show(summary, before: int) -> None:
	if sys.stderr.isatty():
		click.echo(
			f"\r\033[K{summary.event_producer}: {before + summary.events} events, {summary.behind} behind",
			nl=False,
			err=True,
		)


commands = [event_streaming]

"""`event-streaming resync`: try what has failed again, now."""

import click

from event_streaming.commands.terminal import (
	DONE,
	NEEDS_A_PERSON,
	end_progress,
	existing,
	on_site,
	show_progress,
)

AT_A_TIME = 100


@click.command("resync")
@click.argument("logs", nargs=-1, metavar="[EVENT_SYNC_LOG]...")
@click.option("--producer", "event_producer", help="URL of one Event Producer. Default: all.")
@click.option("--doctype", help="A DocType of this site. Default: all.")
@on_site
def resync_command(logs: tuple[str, ...], event_producer: str | None, doctype: str | None) -> int:
	"""Try events again, now: the named rows of Event Sync Log, or all that are Failed or Retrying.

	\b
	Exit codes:
	  0  all of them took effect
	  1  there is no such Event Sync Log, producer or DocType
	  3  some did not: the errors are in Event Sync Log
	  4  a pull from the producer is running: try again in a moment
	"""
	from event_streaming.consumer.pull import by_hand

	if logs and (event_producer or doctype):
		raise click.UsageError("Name rows of Event Sync Log, or a producer or DocType: not both.")
	names = [str(by_hand.get_row(name).name) for name in logs]
	if event_producer:
		event_producer = existing("Event Producer", event_producer)
	if doctype:
		existing("DocType", doctype)
	names = names or by_hand.logs_to_resync(event_producer, doctype)
	if not names:
		click.echo("Nothing has failed.")
		return DONE
	tried, synced = try_again(by_hand.resync_logs, names)
	click.echo(f"{len(names)} events named, {tried} tried, {synced} applied")
	return DONE if not by_hand.still_open(names) else NEEDS_A_PERSON


def try_again(resync_logs, names: list[str]) -> tuple[int, int]:
	"""In portions, so that a pull can come between and progress can be shown; (tried, applied)."""
	tried = synced = 0
	for start in range(0, len(names), AT_A_TIME):
		show_progress(f"{start} of {len(names)} events, {synced} applied")
		done = resync_logs(names[start : start + AT_A_TIME])
		tried, synced = tried + done["tried"], synced + done["synced"]
	end_progress()
	return tried, synced

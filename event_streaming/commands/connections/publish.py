"""`event-streaming publish`: publishes this site's events to its broker, until it is told to end."""

import signal

import click

from event_streaming.commands.terminal import DONE, on_site


@click.command("publish")
@on_site
def publish_command() -> int:
	"""Publish this site's events to the NATS server that its Event Streaming Settings name, until SIGTERM or Ctrl-C.

	For a supervisor, beside the workers: one process for each site that publishes. A second one waits for the first to end. Without it
	nothing is lost: consumers ask the feed.

	\b
	Exit codes:
	  0  it was told to end
	  1  no broker is set up, nats-py is not installed, or the database is gone
	"""
	from event_streaming.producer.publishing.publisher import publish_until

	told: list[int] = []
	for number in (signal.SIGTERM, signal.SIGINT):
		signal.signal(number, lambda received, _frame: told.append(received))
	publish_until(lambda: bool(told), lambda line: click.echo(line, err=True))
	return DONE

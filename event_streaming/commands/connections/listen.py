"""`event-streaming listen`: a process that hears from producers when there is something to pull, for all sites of a bench."""

import time

import click

from event_streaming.commands.terminal import DONE


@click.command("listen")
@click.option(
	"--only",
	"only",
	multiple=True,
	help="A site of this bench. Can be given several times. Default: all of them.",
)
@click.option(
	"--look-every",
	type=click.FloatRange(0.2, 300),
	default=15,
	show_default=True,
	help="Seconds between two looks at which sites and producers there are.",
)
def listen_command(only: tuple[str, ...], look_every: float):
	"""Hear from producers at once when there is something to pull. For sites that others cannot reach.

	Runs until it is ended, for all sites of the bench: have it supervised like a worker, and restart it with them. It opens one
	connection to each producer. When one says that there is something, it pulls for a second at most; what takes longer, or
	follows within a second, is a background worker's. While it does not run, the pull of each minute does without it.

	Needs the packages of the extra `listen`: ./env/bin/pip install -e 'apps/event_streaming[listen]'

	\b
	Exit codes:
	  0  it was ended, by SIGTERM or Ctrl-C
	  1  it can't run; the message says why and what to do
	"""
	from event_streaming.consumer.listening.back_ends import NoLibrary, load
	from event_streaming.consumer.listening.bench import Bench
	from event_streaming.consumer.listening.process import listen

	bench = Bench(only)
	if unknown := sorted(set(only) - set(bench.sites())):
		raise click.ClickException(f"There is no site {', '.join(unknown)} on this bench.")
	try:
		listen(bench, load, say, look_every)
	except NoLibrary as error:
		raise click.ClickException(str(error)) from None
	return DONE


def say(text: str, site: str) -> None:
	"""A line of the log, which whoever supervises this keeps."""
	click.echo(f"{time.strftime('%Y-%m-%d %H:%M:%S')} {f'{site}: ' if site else ''}{text}")

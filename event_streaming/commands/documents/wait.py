"""`event-streaming position` and `wait-for`: up to where the log goes here, and whether another site has all of it."""

import click

from event_streaming.commands.terminal import (
	BUSY,
	DONE,
	NEEDS_A_PERSON,
	chosen_producer,
	on_site,
	producer_option,
)


@click.command("position")
@on_site
def position_command() -> int:
	"""Print the position of this site's log up to which everything goes that is committed.

	Give it to wait-for on another site, which then waits until it has all of that.
	"""
	from event_streaming.producer.log.sequence import position_of_all

	click.echo(position_of_all())
	return DONE


@click.command("wait-for")
@click.argument("position", type=click.IntRange(min=0))
@producer_option
@click.option(
	"--seconds",
	type=click.IntRange(0, 300),
	default=60,
	show_default=True,
	help="Wait for so many seconds at most.",
)
@on_site
def wait_for_command(position: int, event_producer: str | None, seconds: int) -> int:
	"""Wait until this site has everything of a producer up to POSITION, which `position` prints there.

	It starts a pull if none is under way; a background worker does it.

	\b
	Exit codes:
	  0  everything up to there is here
	  3  an event before it has failed or is in conflict; its row of Event Sync Log is named
	  4  not yet: try again, or wait for longer
	"""
	from event_streaming.consumer.pull.waiting import needs_a_person, wait_for

	found = wait_for(position, seconds, chosen_producer(event_producer))
	click.echo(found.message)
	for each in found.in_the_way:
		click.echo(f"  {each['status']}: {each['doctype']} {each['name']} (Event Sync Log {each['log']})")
	if found.reached:
		return DONE
	return NEEDS_A_PERSON if needs_a_person(found) else BUSY

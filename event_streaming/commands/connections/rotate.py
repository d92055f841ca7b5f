"""`event-streaming rotate-keys`: new keys for both directions of a connection."""

import click
import frappe

from event_streaming.commands.connections.decide import one_of_both
from event_streaming.commands.terminal import DONE, on_site, show_messages


@click.command("rotate-keys")
@click.option("--producer", "event_producer", help="URL of an Event Producer: done at once.")
@click.option(
	"--consumer", "event_consumer", help="URL of an Event Consumer: it is asked to, with its next pull."
)
@on_site
def rotate_keys_command(event_producer: str | None, event_consumer: str | None) -> int:
	"""Make new keys for both directions. The old ones stop working as soon as the new ones work, so that no event is lost.

	\b
	Exit codes:
	  0  they are in use, or asked for
	  1  the other site can't be reached, refuses, or runs the older app
	  4  they are being changed just now
	"""
	from event_streaming.admin import rotating

	_doctype, name = one_of_both(event_producer, event_consumer)
	done = rotating.rotate_keys(name if event_producer else None, name if event_consumer else None)
	frappe.db.commit()
	show_messages()
	click.echo(f"{name}: the new keys are in use." if done else f"{name} makes new keys with its next pull.")
	return DONE

"""`event-streaming approve`, `pause` and `resume`: what an administrator decides."""

import click
import frappe

from event_streaming.commands.terminal import (
	DONE,
	IMPOSSIBLE,
	existing,
	is_terminal,
	on_site,
	show_messages,
	table,
)


@click.command("approve")
@click.argument("consumer")
@click.option("--doctype", "doctypes", multiple=True, help="A DocType; may be given several times.")
@click.option("--reject", is_flag=True, help="Reject instead.")
@click.option("--yes", is_flag=True, help="Do not ask. Without a terminal it never asks.")
@on_site
def approve_command(consumer: str, doctypes: tuple[str, ...], reject: bool, yes: bool) -> int:
	"""Approve what a CONSUMER (its URL) asks for.

	By default all that waits for a decision. What it is, and the conditions, which the other site has written, are shown
	first.

	\b
	Exit codes:
	  0  done, or there was nothing to decide
	  1  there is no such consumer, or it has not asked for this DocType
	"""
	from event_streaming.admin import decisions

	name = existing(decisions.CONSUMER, consumer)
	wanted = rows_to_decide(name, doctypes)
	if not wanted:
		click.echo(f"{name} waits for no decision.")
		return DONE
	click.echo(table(("DOCTYPE", "STATUS", "CONDITION"), wanted))
	word = "Reject" if reject else "Approve"
	if is_terminal() and not yes and not click.confirm(f"{word} for {name}?", err=True):
		return IMPOSSIBLE
	status = decisions.REJECTED if reject else decisions.APPROVED
	changed = decisions.approve(name, [doctype for doctype, *_rest in wanted], status)
	frappe.db.commit()
	show_messages()
	click.echo(f"{status}: {', '.join(changed) or 'nothing, they were so already'}")
	return DONE


def rows_to_decide(name: str, doctypes: tuple[str, ...]) -> list[tuple[str, str, str]]:
	"""DocType, status and condition of the rows that are named, or of those that are pending."""
	rows = frappe.get_doc("Event Consumer", name).consumer_doctypes
	if doctypes:
		found = [row for row in rows if row.ref_doctype in doctypes]
		named = {row.ref_doctype for row in found}
		# the engine says what there is to choose from
		extra = [(doctype, "", "") for doctype in doctypes if doctype not in named]
	else:
		found, extra = [row for row in rows if row.status == "Pending" and not row.unsubscribed], []
	return [(row.ref_doctype, row.status, row.condition or "") for row in found] + extra


def one_of_both(event_producer: str | None, event_consumer: str | None) -> tuple[str, str]:
	"""(DocType, name) of the one that is named."""
	if bool(event_producer) == bool(event_consumer):
		raise click.UsageError("Name one: --producer URL or --consumer URL.")
	doctype = "Event Producer" if event_producer else "Event Consumer"
	return doctype, existing(doctype, event_producer or event_consumer)


def decide_paused(
	event_producer: str | None, event_consumer: str | None, paused: bool, words: tuple[str, str]
) -> int:
	"""Pause or resume the one that is named; `words` say that it is so now, or was before."""
	from event_streaming.admin.decisions import set_paused

	doctype, name = one_of_both(event_producer, event_consumer)
	new = set_paused(doctype, name, paused)
	frappe.db.commit()
	click.echo(f"{name} {words[0] if new else words[1]}.")
	return DONE


@click.command("pause")
@click.option("--producer", "event_producer", help="URL of an Event Producer: nothing is pulled from it.")
@click.option("--consumer", "event_consumer", help="URL of an Event Consumer: nothing is sent to it.")
@on_site
def pause_command(event_producer: str | None, event_consumer: str | None) -> int:
	"""Let a stream stand still. No event is lost: the producer keeps what has not been taken.

	\b
	Exit codes:
	  0  it is paused now
	  1  there is no such producer or consumer
	"""
	return decide_paused(event_producer, event_consumer, True, ("is paused", "was paused already"))


@click.command("resume")
@click.option("--producer", "event_producer", help="URL of an Event Producer.")
@click.option("--consumer", "event_consumer", help="URL of an Event Consumer.")
@on_site
def resume_command(event_producer: str | None, event_consumer: str | None) -> int:
	"""Go on after `pause`: what has been kept comes in order.

	\b
	Exit codes:
	  0  it is not paused any more
	  1  there is no such producer or consumer
	"""
	return decide_paused(event_producer, event_consumer, False, ("goes on", "was not paused"))

"""`event-streaming new-site-id` and `accept-site`: which site this one is, and which one a connection is with."""

import click
import frappe

from event_streaming.commands.connections.decide import one_of_both
from event_streaming.commands.terminal import DONE, IMPOSSIBLE, is_terminal, on_site, show_messages


@click.command("new-site-id")
@click.option("--yes", is_flag=True, help="Do not ask. Without a terminal it never asks.")
@on_site
def new_site_id_command(yes: bool) -> int:
	"""Make a copy of a site a site of its own.

	Run it on the copy, never on the original: every site that is connected refuses this one until its administrator accepts the new id.

	\b
	Exit codes:
	  0  this site has a new id
	"""
	from event_streaming.admin.decisions import new_site_id
	from event_streaming.site.site_id import own_id

	question = f"Other sites know this one as {own_id() or 'no id'}. Give it a new id?"
	if is_terminal() and not yes and not click.confirm(question, err=True):
		return IMPOSSIBLE
	click.echo(new_site_id(own_id()))
	frappe.db.commit()
	return DONE


@click.command("accept-site")
@click.argument("site_id")
@click.option("--producer", "event_producer", help="URL of an Event Producer.")
@click.option("--consumer", "event_consumer", help="URL of an Event Consumer.")
@on_site
def accept_site_command(site_id: str, event_producer: str | None, event_consumer: str | None) -> int:
	"""Go on with SITE_ID, which was refused since the connection is with another site.

	\b
	Exit codes:
	  0  the connection is with that site now
	  1  that site was not refused, or is connected under another address
	"""
	from event_streaming.admin.decisions import accept_site

	doctype, name = one_of_both(event_producer, event_consumer)
	accept_site(doctype, name, site_id)
	frappe.db.commit()
	show_messages()
	click.echo(f"{name} is the site {site_id} from now on.")
	return DONE

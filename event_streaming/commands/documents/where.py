"""`event-streaming where`: where a document is, and why it is not there."""

import json

import click

from event_streaming.commands.terminal import DONE, NEEDS_A_PERSON, on_site


@click.command("where")
@click.argument("doctype")
@click.argument("name")
@click.option("--site", help="URL of one Event Producer or Event Consumer. Default: all.")
@click.option("--no-ask", is_flag=True, help="Ask no other site: only what this one knows.")
@click.option("--json", "as_json", is_flag=True, help="Print the result as JSON.")
@on_site
def where_command(doctype: str, name: str, site: str | None, no_ask: bool, as_json: bool) -> int:
	"""Where a document is: on each connected site, with its events, how long each step took, and why it is not there.

	\b
	Exit codes:
	  0  it is on each site that takes it
	  1  it can't be said
	  3  it is not, or not up to date, on one of them
	"""
	from event_streaming.admin.tracing.tracing import where_is

	found = where_is(doctype, name, site, not no_ask)
	if as_json:
		click.echo(json.dumps(found, indent=1, ensure_ascii=False, default=str))
	else:
		show(found)
	return NEEDS_A_PERSON if any(each["color"] in ("red", "orange") for each in found["sites"]) else DONE


def show(found: dict) -> None:
	changed = f", changed {str(found['modified'])[:19]}" if found["modified"] else ""
	click.echo(
		f"{found['doctype']} {found['name']}: {'on this site' if found['there'] else 'not on this site'}{changed}"
	)
	for site in found["sites"]:
		towards = "from" if site["role"] == "Event Producer" else "to"
		click.echo(f"\n{towards} {site['site']} ({site['doctype']} {site['document']}): {site['label']}")
		for line in site["why"]:
			click.echo(f"  {line}")
		if site["asked"] and not site["answered"]:
			click.echo(f"  {site['asked']}")
		for event in site["events"]:
			show_event(event)


def show_event(event: dict) -> None:
	steps = "  ".join(
		f"{step['step']} {str(step['at'])[:19]}"
		+ (f" (+{step['seconds']} s)" if step["seconds"] is not None else "")
		for step in event["steps"]
	)
	by = f" by {event['by']}" if event["by"] else ""
	click.echo(f"  {event['update_type']} at {event['position'] or '-'}{by}: {event['status']}  {steps}")
	if event["waits_for"] or event["until"]:
		until = f", next try {str(event['until'])[:19]}" if event["until"] else ""
		click.echo(f"    {event['waits_for']}{until}")

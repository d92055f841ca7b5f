"""`event-streaming adopt`: take local documents whose names failed events found taken as the ones that are meant."""

import json

import click

from event_streaming.commands.terminal import DONE, IMPOSSIBLE, NEEDS_A_PERSON, existing, on_site

LISTED = 20


@click.command("adopt")
@click.argument("rows", nargs=-1, metavar="[EVENT_SYNC_LOG]...")
@click.option(
	"--producer", "event_producer", help="URL of one Event Producer: all of its events that failed so."
)
@click.option("--doctype", help="Only those of a DocType of this site.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@click.option("--json", "as_json", is_flag=True, help="Print the result as JSON. Needs --yes, or shows only.")
@on_site
def adopt_command(
	rows: tuple[str, ...], event_producer: str | None, doctype: str | None, yes: bool, as_json: bool
) -> int:
	"""Link local documents to the producer's of the same name, and try their events again.

	It is about events that failed as another document of this site has the name. The values of these documents will be
	overwritten by the producer's. What would be linked is shown first.

	\b
	Exit codes:
	  0  all of them took effect, or there was nothing to do
	  1  it could not be done, or was not wanted
	  3  some could not be: the output says why
	  4  a pull from the producer is running: try again in a moment
	"""
	from event_streaming.consumer.pull import adopting, by_hand

	if bool(rows) == bool(event_producer or doctype):
		raise click.UsageError("Name rows of Event Sync Log, or a producer or DocType: not both.")
	names = [str(by_hand.get_row(name).name) for name in rows] or None
	if event_producer:
		event_producer = existing("Event Producer", event_producer)
	if doctype:
		existing("DocType", doctype)
	shown = adopting.preview(names, event_producer, doctype)
	if as_json and not yes:
		click.echo(json.dumps(shown, indent=1, ensure_ascii=False))
		return DONE
	if not as_json:
		show(shown)
	if not shown["count"]:
		return NEEDS_A_PERSON if shown["impossible_count"] else DONE
	question = f"Link {shown['count']} local documents? Their values will be overwritten."
	if not yes and not click.confirm(question, err=True):
		return IMPOSSIBLE
	result = adopting.adopt(names, event_producer, doctype)
	click.echo(json.dumps(result, indent=1, ensure_ascii=False) if as_json else adopting.tell(result))
	return NEEDS_A_PERSON if result["failed_count"] else DONE


def show(shown: dict) -> None:
	if not shown["count"] and not shown["impossible_count"]:
		click.echo("No event has failed as its name is taken.")
	for link in shown["links"][:LISTED]:
		click.echo(
			f"  {link['doctype']} {link['document']} of this site = {link['document']} of {link['event_producer']}"
		)
	if shown["count"] > LISTED:
		click.echo(f"  and {shown['count'] - LISTED} more")
	for each in shown["impossible"][:LISTED]:
		click.echo(f"  not: {each['document']}: {each['problem']}", err=True)

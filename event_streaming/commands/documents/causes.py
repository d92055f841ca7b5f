"""`event-streaming causes`: why events have failed, and mending all events of a cause at once."""

import json

import click

from event_streaming.commands.terminal import DONE, NEEDS_A_PERSON, existing, on_site

json_option = click.option("--json", "as_json", is_flag=True, help="Print the result as JSON.")


@click.group("causes", invoke_without_command=True)
@click.pass_context
def causes_group(context):
	"""Why events have failed, grouped by cause. Without a further word: the list.

	CAUSE is the cause's key, or its beginning, as the list shows it.
	"""
	if context.invoked_subcommand is None:
		context.invoke(list_command)


@causes_group.command("list")
@click.option("--producer", "event_producer", help="URL of one Event Producer. Default: all.")
@json_option
@on_site
def list_command(event_producer: str | None = None, as_json: bool = False) -> int:
	"""The causes of everything that has failed, is tried again or is in conflict, most events first.

	\b
	Exit codes:
	  0  nothing has failed
	  1  there is no such producer
	  3  something has
	"""
	from event_streaming.admin.causes.listing import open_causes_of

	found = open_causes_of(existing("Event Producer", event_producer) if event_producer else None)
	if as_json:
		click.echo(json.dumps(found, indent=1, ensure_ascii=False, default=str))
	elif not found:
		click.echo("Nothing has failed.")
	for each in found if not as_json else ():
		show(each)
	return NEEDS_A_PERSON if found else DONE


def show(cause: dict) -> None:
	of = " ".join(filter(None, (cause["doctype"], cause["field"])))
	counts = ", ".join(f"{count:,} {status}" for status, count in sorted(cause["statuses"].items()))
	click.echo(f"{cause['cause']}  {of}: {cause['title']} ({counts})")
	click.echo(f"  {cause['problem']}")
	click.echo(f"  first {str(cause['first'])[:19]}, last {str(cause['last'])[:19]}")
	click.echo(f"  example: Event Sync Log {cause['example']['log']}: {cause['example']['text']}")
	click.echo(f"  {cause['remedy']} ({', '.join(cause['actions'])})\n")


@causes_group.command("retry")
@click.argument("cause")
@on_site
def retry_command(cause: str) -> int:
	"""Try all events of a cause again, now.

	\b
	Exit codes:
	  0  all of them took effect
	  1  there is no such cause
	  3  some did not
	  4  somebody, or a pull, is at work on them: try again in a moment
	"""
	from event_streaming.admin.causes import acting

	key = chosen(cause)
	click.echo(acting.retry(key)["message"])
	return left(key)


@causes_group.command("skip")
@click.argument("cause")
@click.option("--reason", required=True, help="Why; it stands in the audit log.")
@on_site
def skip_command(cause: str, reason: str) -> int:
	"""Apply none of the events of a cause: their documents stay as they are here.

	\b
	Exit codes:
	  0  they are skipped
	  1  there is no such cause, or no reason
	  4  somebody, or a pull, is at work on them: try again in a moment
	"""
	from event_streaming.admin.causes import acting

	click.echo(acting.skip(chosen(cause), reason)["message"])
	return DONE


@causes_group.command("adopt")
@click.argument("cause")
@click.option("--yes", is_flag=True, help="Do not ask.")
@on_site
def adopt_command(cause: str, yes: bool) -> int:
	"""Link the local documents whose names the events of a cause found taken, and try these again.

	\b
	Exit codes:
	  0  all of them took effect
	  1  there is no such cause, names are not what it is about, or it was not wanted
	  3  some could not be: the output says why
	  4  a pull is running: try again in a moment
	"""
	from event_streaming.admin.causes import acting
	from event_streaming.commands.documents.adopt import show as show_links
	from event_streaming.consumer.pull import adopting

	key = chosen(cause)
	shown = acting.adopt(key, preview=True)
	show_links(shown)
	if not shown["count"]:
		return NEEDS_A_PERSON
	question = f"Link {shown['count']} local documents? Their values will be overwritten."
	if not yes:
		click.confirm(question, err=True, abort=True)
	names = acting.names_of(key)
	result = adopting.adopt(names)
	click.echo(adopting.tell(result))
	return NEEDS_A_PERSON if result["failed_count"] else DONE


def chosen(beginning: str) -> str:
	"""The key of the one open cause that begins so. Ends the command when there is none, or more than one."""
	from event_streaming.admin.causes.listing import open_causes_of

	found = [each["cause"] for each in open_causes_of() if each["cause"].startswith(beginning.lower())]
	if len(found) != 1:
		raise click.ClickException(
			f"Say which one: there are {', '.join(found)}."
			if found
			else f"Nothing is open for the cause {beginning}."
		)
	return found[0]


def left(cause: str) -> int:
	from event_streaming.consumer.logs.open_causes import count_and_last

	return NEEDS_A_PERSON if count_and_last(cause)[0] else DONE

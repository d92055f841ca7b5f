"""`event-streaming connection`: how one connection stands, or all of them."""

import json
from collections.abc import Callable

import click
import frappe

from event_streaming.commands.terminal import DONE, NEEDS_A_PERSON, on_site, table


@click.command("connection")
@click.argument("site", required=False)
@click.option("--timeline", is_flag=True, help="What happened to the connection, newest first.")
@click.option(
	"--schema", is_flag=True, help="Where the fields of both sites differ; the other site is asked."
)
@click.option("--settings", is_flag=True, help="What matters of its set-up.")
@click.option("--create-field", metavar="DIFFERENCE", help="Make the field that --schema names so.")
@click.option("--ignore", metavar="DIFFERENCE", help="Ask no more about what --schema names so.")
@click.option("--ask-again", metavar="DIFFERENCE", help="Ask about it again.")
@click.option("--json", "as_json", is_flag=True, help="Print the result as JSON.")
@on_site
def connection_command(site: str | None, as_json: bool, **wanted) -> int:
	"""How one connection stands, a line for each DocType; without SITE (the URL of a producer or consumer) all of them.

	\b
	Exit codes:
	  0  nothing needs a person
	  1  there is no such connection
	  3  something needs a person
	"""
	from event_streaming.admin.connection.sites import map_of_sites
	from event_streaming.admin.connection.status import connection

	if any(wanted.values()):
		if not site:
			raise click.UsageError("Say which connection: the URL of an Event Producer or Event Consumer.")
		return other_tabs(site, as_json, **wanted)
	found = connection(site) if site else map_of_sites()
	if as_json:
		click.echo(json.dumps(found, indent=1, ensure_ascii=False, default=str))
	elif site:
		show(found)
	else:
		click.echo(map_as_text(found))
	return NEEDS_A_PERSON if needs_a_person(found) else DONE


def other_tabs(
	site: str,
	as_json: bool,
	timeline: bool,
	schema: bool,
	settings: bool,
	create_field: str | None,
	ignore: str | None,
	ask_again: str | None,
) -> int:
	from event_streaming.admin.connection import schema as schemas
	from event_streaming.admin.connection import settings as set_up
	from event_streaming.admin.connection.timeline import timeline as timeline_of

	if create_field:
		click.echo(schemas.create_field(site, create_field))
	if ignore or ask_again:
		schemas.ignore(site, ignore or ask_again, bool(ignore))
	if timeline:
		tell(timeline_of(site), as_json, show_timeline)
	if schema:
		tell(schemas.schema(site), as_json, show_schema)
	if settings:
		tell(set_up.settings(site), as_json, show_settings)
	frappe.db.commit()
	return DONE


def tell(found: dict, as_json: bool, show_text: Callable[[dict], None]) -> None:
	if as_json:
		click.echo(json.dumps(found, indent=1, ensure_ascii=False, default=str))
	else:
		show_text(found)


def show_timeline(found: dict) -> None:
	for each in found["entries"]:
		by = f" by {each['by']}" if each["by"] else ""
		click.echo(
			f"{short(each['at'])}  {each['title']}{by}" + (f": {each['text']}" if each["text"] else "")
		)


def show_schema(found: dict) -> None:
	if found["problem"]:
		click.echo(f"It could not be asked: {found['problem']}", err=True)
	for each in found["differences"]:
		ignored = f" (ignored by {each['ignored_by']})" if each.get("ignored_by") else ""
		click.echo(f"{each['difference']}{ignored}\n  {each['what']} {each['remedy']}")
	if not found["differences"]:
		click.echo("The fields of both sites fit for everything that is streamed.")


def show_settings(found: dict) -> None:
	for each in found["forms"]:
		click.echo(f"{each['doctype']} {each['name']}")
		for row in ({"doctype": "", "values": each["values"]}, *each["rows"]):
			values = ", ".join(f"{value['label']}: {value['value']}" for value in row["values"])
			click.echo(f"  {row['doctype']} {values}".rstrip())


def needs_a_person(found: dict) -> bool:
	if "streams" in found:
		return any(stream["needs_you"] for stream in found["streams"])
	sides = [side for side in (found["pulls"], found["sends"]) if side]
	colors = [each["color"] for side in sides for each in side["doctypes"]]
	return "red" in (*colors, *(side["headline"]["color"] for side in sides))


def map_as_text(found: dict) -> str:
	head = ("SITE", "DIRECTION", "STATE", "EVENTS PER HOUR", "DELAY (95 %)", "BEHIND", "LAST CONTACT")
	rows = [
		(
			each["site"],
			each["direction"],
			each["headline"]["label"],
			each["per_hour"],
			seconds(each["delay"]),
			each["events_behind"],
			short(each["last_contact"]),
		)
		for each in found["streams"]
	]
	return table(head, rows) if rows else "This site has no connection yet."


def show(found: dict) -> None:
	if pulls := found["pulls"]:
		click.echo(side_as_text("Taken from", found["site"], pulls))
		head = ("DOCTYPE", "STATE", "FRESH AS OF", "WAITING", "FAILED", "PER HOUR", "LAST VERIFY")
		rows = [
			(
				each["doctype"],
				each["label"],
				short(each["fresh"]),
				each["waiting"],
				each["failed"],
				each["per_hour"],
				verified(each["verified"]),
			)
			for each in pulls["doctypes"]
		]
		click.echo(table(head, rows))
		for each in pulls["doctypes"]:
			for cause in each["causes"]:
				click.echo(
					f"- {each['doctype']}: {cause['title']} ({cause['count']:,}; causes {cause['cause']})"
				)
	if sends := found["sends"]:
		click.echo(("\n" if pulls else "") + side_as_text("Sent to", found["site"], sends))
		head = ("DOCTYPE", "STATE", "TAKEN LATELY", "LAST TAKEN")
		click.echo(
			table(
				head,
				[
					(each["doctype"], each["label"], each["taken"], short(each["last"]))
					for each in sends["doctypes"]
				],
			)
		)


def side_as_text(words: str, site: str, side: dict) -> str:
	figures = (
		f"{side['events_behind']} behind, {side['per_hour']} events an hour, delay {seconds(side['delay'])}"
	)
	text = f" {side['headline']['text']}" if side["headline"]["text"] else ""
	return f"{words} {site}: {side['headline']['label']} ({figures}).{text}"


def verified(found: dict | None) -> str:
	if not found:
		return "never"
	differing = "" if found["differing"] is None else f", {found['differing']} differ"
	return f"{short(found['on'])}{differing}"


def seconds(delay: int | None) -> str:
	return "?" if delay is None else f"{delay:,} s"


def short(moment) -> str:
	return str(moment)[:19] if moment else "-"

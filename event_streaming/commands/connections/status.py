"""`event-streaming status`: how everything stands on this site."""

import click
import frappe

from event_streaming.commands.terminal import DONE, NEEDS_A_PERSON, on_site, table


@click.command("status")
@click.option("--json", "as_json", is_flag=True, help="Everything as JSON, for scripts.")
@on_site
def status_command(as_json: bool) -> int:
	"""Show producers and consumers: how far behind, what has failed, the last contact.

	\b
	Exit codes:
	  0  nothing needs a person
	  3  something does; it stands at the end of the output, and in "needs_attention" of the JSON
	"""
	from event_streaming.admin.status import site_status

	status = site_status()
	click.echo(frappe.as_json(status) if as_json else describe(status))
	return NEEDS_A_PERSON if status["needs_attention"] else DONE


def describe(status: dict) -> str:
	"""The status as text for a person."""
	parts = [f"{status['site']}   {str(status['now'])[:19]} {status['time_zone']}"]
	if status["producers"]:
		parts.append("Taken from\n" + table(*producers_table(status["producers"])))
	if status["consumers"]:
		parts.append(
			f"Sent to (position {status['position']})\n" + table(*consumers_table(status["consumers"]))
		)
	if not (status["producers"] or status["consumers"]):
		parts.append("Nothing is streamed: there is no Event Producer and no Event Consumer on this site.")
	if status["alerts"]:
		parts.append("\n".join(["Alerts", *(describe_alert(alert) for alert in status["alerts"])]))
	if status["needs_attention"]:
		parts.append("\n".join(["Needs attention", *(f"- {line}" for line in status["needs_attention"])]))
	return "\n\n".join(parts)


def describe_alert(alert: dict) -> str:
	return f"- since {str(alert['began'])[:19]}: {alert['title']} ({alert['name']})"


def producers_table(rows: list[dict]) -> tuple:
	from event_streaming.admin.words import ago, counted, listening

	head = (
		*("PRODUCER", "STATE", "BEHIND", "FAILED", "CONFLICTS", "RETRYING", "WAITING"),
		*("LAST CONTACT", "LISTENS"),
	)
	return head, [
		(
			row["name"],
			row["headline"]["label"],
			row["events_behind"],
			*(counted(row[key]) for key in ("failed", "conflicts", "retrying", "waiting")),
			ago(row["last_contact"]),
			listening(row["listener"]),
		)
		for row in rows
	]


def consumers_table(rows: list[dict]) -> tuple:
	from event_streaming.admin.words import ago

	head = ("CONSUMER", "STATE", "BEHIND", "TO APPROVE", "FAILED NOTIFICATIONS", "LAST CONTACT", "LISTENS")
	return head, [
		(
			row["name"],
			row["headline"]["label"],
			row["events_behind"] if row["protocol"] > 1 else "?",
			len(row["pending"]),
			row["notify_failures"],
			ago(row["last_contact"]),
			"yes" if row["listens"] else "no",
		)
		for row in rows
	]

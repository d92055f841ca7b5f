"""`event-streaming put-off`: be told nothing of a finding of the doctor's daily look until after a date."""

import click
import frappe

from event_streaming.commands.terminal import DONE, IMPOSSIBLE, NEEDS_A_PERSON, on_site, table


@click.command("put-off")
@click.argument("finding", required=False)
@click.option(
	"--until", type=click.DateTime(["%Y-%m-%d"]), help="The last day on which nobody is told of it."
)
@click.option("--reason", help="Why: it stands beside the finding and in the audit log.")
@on_site
def put_off_command(finding: str | None, until, reason: str | None) -> int:
	"""Put FINDING off until a day; without FINDING, list what the doctor's last daily look has found.

	\b
	Exit codes:
	  0  it is put off; or, without FINDING, nothing needs a person
	  1  it could not be done; the message says why
	  3  without FINDING: something has been found and is not put off
	"""
	from event_streaming.admin.daily import findings

	if not finding:
		return show(findings.to_be_told())
	if not frappe.db.exists(findings.DOCTYPE, finding):
		click.echo(f"There is no finding {finding}. Without a name, put-off lists them.", err=True)
		return IMPOSSIBLE
	if not until or not reason:
		raise click.UsageError("A finding is put off --until a day, for a --reason.")
	findings.put_off(finding, until.date().isoformat(), reason)
	frappe.db.commit()
	click.echo(f"{finding} is put off until {until.date()}.")
	return DONE


def show(found: list[dict]) -> int:
	if not found:
		click.echo("Nothing has been found that is not put off.")
		return DONE
	rows = [(row.name, row.looked_at, row.subject, row.message.split("\n", 1)[0]) for row in found]
	click.echo(table(("FINDING", "CHECK", "SUBJECT", "WHAT"), rows))
	return NEEDS_A_PERSON

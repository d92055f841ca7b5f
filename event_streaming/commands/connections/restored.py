"""`event-streaming restored`: an administrator says that this site's database is that of a backup."""

import click

from event_streaming.commands.terminal import DONE, IMPOSSIBLE, is_terminal, on_site


@click.command("restored")
@click.option(
	"--backup", required=True, help="When the backup was made, in this site's time: 2026-01-31 02:00"
)
@click.option("--yes", is_flag=True, help="Do not ask. Without a terminal it never asks.")
@on_site
def restored_command(backup: str, yes: bool) -> int:
	"""Say that a backup was restored here, where this site has not noticed it by itself.

	It notices as a rule (see the Error Log). Where it can't, a consumer that had taken more than the log has now gets no events,
	and says so. Then the log goes on in a new epoch: new positions come after all that may have been given, and events since the
	backup are sent to every consumer again, which knows those that it has had.

	\b
	Exit codes:
	  0  done
	  1  that is no moment in the past, or you have said no
	"""
	from frappe.utils import get_datetime, now_datetime

	from event_streaming.producer.log.sequence import go_on_after_backup

	try:
		moment = get_datetime(backup)
	except Exception:
		moment = None
	if not moment or moment > now_datetime():
		raise click.ClickException("Give a date and a time in the past, for example 2026-01-31 02:00")
	if (
		is_terminal()
		and not yes
		and not click.confirm(f"Send again what was logged since {moment}?", err=True)
	):
		return IMPOSSIBLE
	log = go_on_after_backup(moment)
	click.echo(f"The log goes on in epoch {log.epoch}: positions after {log.epochs[-1].goes_on_after}.")
	return DONE

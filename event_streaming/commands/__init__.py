"""`bench --site … event-streaming …`: what an administrator does from a terminal. One module for each command, in two rooms.

Frappe imports this for every `bench` command, so what a command needs is imported when it runs.
"""

import click

from event_streaming.commands.connections.connection import connection_command
from event_streaming.commands.connections.decide import approve_command, pause_command, resume_command
from event_streaming.commands.connections.doctor import doctor_command
from event_streaming.commands.connections.listen import listen_command
from event_streaming.commands.connections.pair import invite_command, join_command, withdraw_command
from event_streaming.commands.connections.publish import publish_command
from event_streaming.commands.connections.put_off import put_off_command
from event_streaming.commands.connections.restored import restored_command
from event_streaming.commands.connections.rotate import rotate_keys_command
from event_streaming.commands.connections.setup import setup_group
from event_streaming.commands.connections.site_id import accept_site_command, new_site_id_command
from event_streaming.commands.connections.status import status_command
from event_streaming.commands.documents.adopt import adopt_command
from event_streaming.commands.documents.causes import causes_group
from event_streaming.commands.documents.check import check_command
from event_streaming.commands.documents.copy import copy_command
from event_streaming.commands.documents.match import match_command
from event_streaming.commands.documents.pull import pull_command
from event_streaming.commands.documents.resync import resync_command
from event_streaming.commands.documents.verify import verify_command
from event_streaming.commands.documents.wait import position_command, wait_for_command
from event_streaming.commands.documents.where import where_command


@click.group("event-streaming")
def event_streaming():
	"""Keep documents the same on two or more sites.

	\b
	Every command ends with one of these exit codes:
	  0  done, and there is nothing that needs a person
	  1  it could not be done; the message says why and what to do
	  2  the command itself is wrong: see its --help
	  3  done, but something needs a person: the output says what
	  4  something else is at work just now: try again in a moment
	"""


for command in (
	status_command,
	connection_command,
	pull_command,
	listen_command,
	position_command,
	wait_for_command,
	check_command,
	match_command,
	copy_command,
	adopt_command,
	causes_group,
	where_command,
	verify_command,
	resync_command,
	approve_command,
	pause_command,
	resume_command,
	invite_command,
	withdraw_command,
	join_command,
	new_site_id_command,
	accept_site_command,
	rotate_keys_command,
	doctor_command,
	put_off_command,
	publish_command,
	restored_command,
	setup_group,
):
	event_streaming.add_command(command)

commands = [event_streaming]

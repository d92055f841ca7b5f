"""A document of the producer got a file, or lost one.

It never commits, and leaves failing to the caller. Which rows of File these are is said in files/, and what is done when this
site has merged or remade the document meanwhile in two_way.py.
"""

from frappe import _

from event_streaming.consumer.apply import two_way
from event_streaming.consumer.apply.bringing import bring_missing
from event_streaming.consumer.apply.outcomes import contained, outcome_of
from event_streaming.consumer.apply.work import Work
from event_streaming.consumer.logs.sync_log import Outcome
from event_streaming.consumer.resolve.about import About
from event_streaming.exceptions import FileGone
from event_streaming.wire.events import Event, parse_data
from event_streaming.wire.files import parse_file


def apply_attach(event: Event, about: About, work: Work) -> Outcome:
	if about.covers(event["position"]):
		return contained(about)
	remote = parse_file(parse_data(event))
	owner = two_way.owner_of_file(event, about, work)
	if not owner:
		if about.is_here:
			return two_way.of_the_deleted_one(about)
		return two_way.stays_deleted(about, {}, work) or bring_missing(about, work)
	try:
		work.files.attach(remote, owner, about.subscription)
	except FileGone:
		done = _("Not attached: {0} has been deleted on the producer since").format(remote["file_name"])
		return outcome_of(about.subscription, owner[1], done)
	return outcome_of(about.subscription, owner[1], _("Attached: {0}").format(remote["file_name"]))


def apply_detach(event: Event, about: About, work: Work) -> Outcome:
	if about.covers(event["position"]):
		return contained(about)
	remote = parse_file(parse_data(event))
	owner = two_way.owner_of_file(event, about, work)
	if work.files.detach(remote, owner):
		done = _("Removed: {0}").format(remote["file_name"])
	else:
		done = _("Was not here (any more)")
	return outcome_of(about.subscription, owner[1] if owner else None, done)

"""What hooks of this site are told of an event while it is applied, and whether anybody else is to hear of it."""

from frappe.utils import get_datetime

from event_streaming.consumer.apply.work import Work
from event_streaming.consumer.life_cycle.times import convert_times
from event_streaming.consumer.subscriptions.subscription import Subscription
from event_streaming.identity.origin import Applied
from event_streaming.wire.events import Event, remote_key, transaction_of


def applied_of(event: Event, subscription: Subscription, work: Work) -> Applied:
	return Applied(
		producer=work.event_producer,
		doctype=subscription.local_doctype,
		remote_doctype=event["ref_doctype"],
		name=event["docname"],
		update_type=event["update_type"],
		quiet=is_quiet(event, subscription, work),
		# of one that says none each event is one
		transaction_id=transaction_of(event) or event["id"] or " ".join(remote_key(event)),
	)


def is_quiet(event: Event, subscription: Subscription, work: Work) -> bool:
	"""Whether no mails, webhooks or assignments are to come of it: a copy, an old backlog, or as the row says."""
	return work.quiet or subscription.no_notifications or is_old(event, subscription, work)


def is_old(event: Event, subscription: Subscription, work: Work) -> bool:
	"""Whether the change was made longer ago on the producer than the settings say."""
	if not work.quiet_before or not event["creation"]:
		return False
	made = convert_times(subscription.local_doctype, {"creation": event["creation"]}, work.time_zone)[
		"creation"
	]
	try:
		return get_datetime(made) < work.quiet_before
	except (ValueError, TypeError):
		# the other site says no moment at all
		return False

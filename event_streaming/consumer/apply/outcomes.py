"""What the row in Event Sync Log says of an event that took effect."""

from frappe import _

from event_streaming.consumer.logs.sync_log import SYNCED, Outcome
from event_streaming.consumer.resolve.about import About
from event_streaming.consumer.subscriptions.subscription import Subscription


def outcome_of(
	subscription: Subscription,
	name: str | None,
	done: str,
	warnings: list[str] | None = None,
	conflict: str = "",
) -> Outcome:
	return Outcome(
		status=SYNCED,
		local_doctype=subscription.local_doctype,
		local_name=name,
		done=done,
		warnings=warnings or [],
		use_same_name=subscription.use_same_name,
		mapping=subscription.mapping,
		conflict_type=conflict,
	)


def contained(about: About) -> Outcome:
	"""What the event brings is in the local document already."""
	return outcome_of(
		about.subscription, about.identity.local_name, _("Already contained in what came before")
	)

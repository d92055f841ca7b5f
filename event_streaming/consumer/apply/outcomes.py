"""What the row in Event Sync Log says of an event that took effect."""

from frappe import _

from event_streaming.consumer.logs.sync_log import SYNCED, Outcome
from event_streaming.consumer.resolve.about import About
from event_streaming.consumer.subscriptions.subscription import Subscription
from event_streaming.wire.events import Event


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


def as_one(steps: list[Event], outcome: Outcome) -> list[Outcome]:
	"""What the rows of events say that were applied as one; `outcome` is that of the whole, and belongs to the last."""
	others = _("Applied as one with event {0}").format(steps[-1]["position"])
	before = [
		Outcome(
			status=SYNCED,
			local_doctype=outcome.local_doctype,
			local_name=outcome.local_name,
			done=others,
			use_same_name=outcome.use_same_name,
			mapping=outcome.mapping,
		)
		for _step in steps[:-1]
	]
	if len(before) == 1:
		outcome.done += " · " + _("Applied as one with the event before it")
	else:
		outcome.done += " · " + _("Applied as one with the {0} events before it").format(len(before))
	return [*before, outcome]


def composed(event: Event, outcome: Outcome) -> Outcome:
	"""The same of an event that says what several changes on the producer have made together."""
	outcome.done += " · " + _("Stands for {0} changes").format(event["changes"])
	return outcome

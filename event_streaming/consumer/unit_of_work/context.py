"""What the unit of work asks of the context in which events are applied; the context itself is `apply.work.Work`."""

from collections.abc import Mapping
from typing import Protocol

from event_streaming.consumer.subscriptions.subscription import Subscription
from event_streaming.consumer.unit_of_work.group_log import GroupLog
from event_streaming.identity.registry import RemoteKey


class Context(Protocol):
	"""One pull's knowledge of a producer, as far as a transaction needs it."""

	event_producer: str
	subscriptions: Mapping[str, Subscription]
	log: GroupLog
	held_back: set[RemoteKey]
	away: bool
	as_it_is_now: bool

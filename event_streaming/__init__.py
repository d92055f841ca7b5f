"""Event Streaming: keeps documents the same on two or more Frappe sites."""

__version__ = "0.1.0"


def is_applying():
	"""What is being applied for another site at this moment, for hooks and controllers of any app; None when nothing is.

	An object with `producer` (its URL), `doctype`, `remote_doctype`, `name` (the producer's), `update_type` and `quiet`. It holds for
	all that happens in this process until the event is applied, also for other documents that its hooks save. A background
	job that they queue knows nothing of it.
	"""
	from event_streaming.identity.origin import applied_now

	return applied_now()


def position():
	"""The position of this site's log up to which everything goes that was committed before the call.

	Call it after the commit of what another site is to have, and hand the number to `wait_for` there. It commits: raises
	RuntimeError where work is open.
	"""
	from event_streaming.producer.log.sequence import position_of_all

	return position_of_all()


def wait_for(position, seconds=5, event_producer=None):
	"""Wait until this site has everything of a producer up to `position`, for so many seconds at most: 5 in a web request, 300 elsewhere.

	`event_producer` is its URL, and may be left out where there is only one. Starts a pull if none is under way. Returns an object
	with `reached`, `position` (how far this site has got), `behind`, `in_the_way` (events before it that are not settled) and
	`message`. Commits, to see what others have committed: raises RuntimeError where work is open.
	"""
	from event_streaming.consumer.pull.waiting import wait_for as wait

	return wait(position, seconds, event_producer)

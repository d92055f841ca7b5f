"""When a producer's documents were compared last, and all of them last: from where the next comparison of what has changed goes on.

It reads and writes that alone; it begins nothing, compares nothing and never commits.
"""

from collections.abc import Collection
from typing import Any

from frappe.utils import now_datetime

from event_streaming.consumer.logs import state
from event_streaming.consumer.tasks import task
from event_streaming.consumer.tasks.task import Task
from event_streaming.consumer.verify import nights

# by hand nothing is compared whole but what has never been
NO_FULL_ROUND = 36_500
# ended tasks in which what differed is looked for
MOST_TASKS = 50


def changed_since_last(
	event_producer: str, doctypes: Collection[str] | None = None, full_every: int = NO_FULL_ROUND
) -> dict[str, Any]:
	"""For the scope of a verify: since when a change counts, of each DocType that need not be compared whole, and in what tasks it
	stands what differed then."""
	kept = state.rounds(event_producer)
	if doctypes is not None:
		kept = {doctype: each for doctype, each in kept.items() if doctype in doctypes}
	since = nights.since_of(kept, now_datetime(), full_every)
	return {"part": None, "since": since, "differed_in": told_in(event_producer, since)}


def told_in(event_producer: str, doctypes: Collection[str]) -> dict[str, str]:
	"""DocType -> the last verify that says of all its documents which differ."""
	found: dict[str, str] = {}
	for work in task.ended(event_producer, task.VERIFY, MOST_TASKS) if doctypes else []:
		if is_of_all(work):
			for doctype in work.scope["doctypes"]:
				if doctype in doctypes:
					found.setdefault(doctype, work.name)
	return found


def keep(work: Task) -> None:
	"""A verify has come to its end: the next one goes on from when it began."""
	if not is_of_all(work) or not work.started_on:
		return
	found = nights.after_round(
		state.rounds(work.event_producer),
		work.scope["doctypes"],
		work.scope.get("since") or {},
		work.started_on,
	)
	state.keep_rounds(work.event_producer, found)


def is_of_all(work: Task) -> bool:
	"""Whether nothing was left out, be it that only what has changed was compared again."""
	return not work.scope.get("part") and not work.scope["filters"]

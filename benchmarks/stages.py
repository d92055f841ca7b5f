"""Where the time of a pull goes, stage by stage, beside the bare loop. Runs inside a site; times are milliseconds an event.

The stages of a pull are the wrapped functions below; what is in none of them is `rest`: our own Python around the document
life cycle, and the savepoints. `processor` is what this process has computed, without database and producer. Statements are counted, so that they say the same on a machine that does other things.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from time import perf_counter, process_time
from typing import Any

import frappe

from benchmarks.inside import applying

# stage -> where its functions are looked up
STAGES = {
	"the request": ["event_streaming.consumer.subscriptions.remote.Producer.get_page"],
	"what the page needs": ["event_streaming.consumer.workers.shared_page.prepare"],
	"Frappe's life cycle": [
		"event_streaming.consumer.life_cycle.documents.insert",
		"event_streaming.consumer.life_cycle.documents.update",
	],
	"log and identities": ["event_streaming.consumer.unit_of_work.group_log.GroupLog._write"],
	"commits": ["db.commit"],
}


def pull_stages(event_producer: str) -> dict[str, float]:
	"""The stages of one pull to the end."""
	spent = dict.fromkeys(STAGES, 0.0)
	with statements() as counted, timed(spent):
		done = applying.timed_pull(event_producer)
	events = done["events"]
	found = {stage: 1000 * seconds / events for stage, seconds in spent.items()}
	total = 1000 * done["seconds"] / events
	return {
		**found,
		"rest": total - sum(found.values()),
		"all": total,
		"processor": 1000 * done["cpu"] / events,
		"statements": counted[0] / events,
	}


def bare_stages(loop: str, count: int, arguments: dict[str, Any]) -> dict[str, float]:
	"""The same of a bare loop: its commits, and all of it."""
	spent = {"commits": 0.0}
	began = process_time()
	with statements() as counted, timed(spent):
		seconds = getattr(applying, loop)(**arguments)
	return {
		"commits": 1000 * spent["commits"] / count,
		"all": 1000 * seconds / count,
		"processor": 1000 * (process_time() - began) / count,
		"statements": counted[0] / count,
	}


@contextmanager
def timed(spent: dict[str, float]) -> Iterator[None]:
	"""The time spent in the functions of each stage; of one that calls another, only the outer one's."""
	originals, busy = [], [False]

	def wrap(stage: str, function: Callable) -> Callable:
		def wrapped(*args: Any, **kwargs: Any) -> Any:
			if busy[0]:
				return function(*args, **kwargs)
			busy[0], began = True, perf_counter()
			try:
				return function(*args, **kwargs)
			finally:
				busy[0] = False
				spent[stage] += perf_counter() - began

		return wrapped

	for stage in spent:
		for path in STAGES[stage]:
			holder, name = holder_of(path)
			originals.append((holder, name, vars(holder).get(name)))
			setattr(holder, name, wrap(stage, getattr(holder, name)))
	try:
		yield
	finally:
		for holder, name, original in originals:
			if original is None:
				delattr(holder, name)
			else:
				setattr(holder, name, original)


def holder_of(path: str) -> tuple[Any, str]:
	"""The module, class or connection that has the last part of a path."""
	if path.startswith("db."):
		return frappe.local.db, path.split(".", 1)[1]
	before, name = path.rsplit(".", 1)
	last = before.rsplit(".", 1)[1]
	if last[0].isupper():
		return getattr(frappe.get_module(before.rsplit(".", 1)[0]), last), name
	return frappe.get_module(before), name


@contextmanager
def statements() -> Iterator[list[int]]:
	"""How many statements go to the database."""
	counted, database = [0], frappe.local.db
	original = database.sql

	def sql(*args: Any, **kwargs: Any) -> Any:
		counted[0] += 1
		return original(*args, **kwargs)

	database.sql = sql
	try:
		yield counted
	finally:
		del database.sql

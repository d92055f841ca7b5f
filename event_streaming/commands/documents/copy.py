"""`event-streaming copy`: bring over documents that exist already."""

import json
from collections.abc import Callable

import click
import frappe

from event_streaming.commands.terminal import (
	BUSY,
	DONE,
	IMPOSSIBLE,
	NEEDS_A_PERSON,
	Progress,
	chosen_producer,
	doctypes_option,
	on_site,
	producer_option,
)


@click.command("copy")
@producer_option
@doctypes_option("A Document Type to copy; may be repeated. Default: all approved.")
@click.option(
	"--filters", help='JSON, in the producer\'s fields: {"status": "Open"} or {"ToDo": {"status": "Open"}}.'
)
@click.option("--json", "as_json", is_flag=True, help="Print the result as JSON.")
@on_site
def copy_command(
	event_producer: str | None, doctypes: tuple[str, ...], filters: str | None, as_json: bool
) -> int:
	"""Bring over documents that exist on the producer already.

	What is here is not touched and does not travel again, so that the same command can be run again after it was broken off
	(Ctrl-C, a power cut).

	\b
	Exit codes:
	  0  everything is here
	  1  it could not be done, or not to the end; the message says why
	  3  some documents could not be brought; they are in Event Sync Log and are tried again by themselves
	  4  another copy from this producer is under way
	"""
	from event_streaming.consumer.first_copy import copying
	from event_streaming.consumer.tasks import task
	from event_streaming.consumer.tasks.task import TaskUnderWay

	name = chosen_producer(event_producer)
	try:
		copy = copying.begin(name, list(doctypes), filters)
	except TaskUnderWay as error:
		click.echo(str(error), err=True)
		return BUSY
	frappe.db.commit()
	copy = work_to_the_end(copy, describe)
	if as_json:
		click.echo(json.dumps(task.as_progress(copy), default=str, indent=1))
	else:
		tell_result(copy)
	if copy.status != task.DONE:
		return IMPOSSIBLE
	return NEEDS_A_PERSON if copy.failed else DONE


def work_to_the_end(work, line: Callable):
	"""Slice after slice of a task, here and now; shows how far it has got. Returns the task as it is then."""
	from event_streaming.consumer.long_work.runner import run_slice
	from event_streaming.consumer.tasks import task

	progress = Progress()
	try:
		while True:
			done = run_slice(work.name, told=lambda now: progress.show(now.done, now.total, line(now)))
			if not done.more:
				return done.task
	except KeyboardInterrupt:
		frappe.db.rollback()
		task.stop(work.event_producer, work.kind)
		frappe.db.commit()
		return task.load(work.name)
	finally:
		progress.end()


def describe(copy) -> str:
	"""What it is at, for the line of progress; of any kind of task."""
	doctypes = copy.scope["doctypes"]
	number = min(copy.place.get("number", 0), len(doctypes) - 1)
	return f"{doctypes[number]} · {rate_and_time(copy)}"


def rate_and_time(work) -> str:
	if not work.rate:
		return "…"
	left = work.seconds_left
	time_left = f"{left // 3600} h {left // 60 % 60} min" if left >= 3600 else f"{left // 60}:{left % 60:02}"
	return f"{work.rate:.0f}/s · {time_left} left"


def tell_result(copy) -> None:
	click.echo(
		f"{copy.event_producer}: {copy.done} documents looked at, {copy.made} made, {copy.here} here already,"
		f" {copy.failed} failed"
	)
	for warning, count in (copy.report.get("warnings") or {}).items():
		click.echo(f"  {count} ×: {frappe.utils.strip_html(warning)}")
	if copy.failed:
		click.echo("  What failed is in Event Sync Log, and is retried automatically.", err=True)
	if copy.message:
		click.echo(f"  {copy.status}: {copy.message}", err=True)

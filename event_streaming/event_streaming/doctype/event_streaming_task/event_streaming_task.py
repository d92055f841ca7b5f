"""A long piece of work with one producer, done in slices, as a first copy or a comparison is. Written by
`event_streaming.consumer.tasks.task` alone; holds no logic."""

from frappe.model.document import Document

from event_streaming.consumer.tasks import task
from event_streaming.database.indexes import add_index


class EventStreamingTask(Document):
	# begin: auto-generated types
	# This code is auto-generated. Do not modify anything in this block.

	from typing import TYPE_CHECKING

	if TYPE_CHECKING:
		from frappe.types import DF

		asked_by: DF.Link | None
		differing: DF.Int
		done: DF.Int
		ended_on: DF.Datetime | None
		event_producer: DF.Link | None
		failed: DF.Int
		here: DF.Int
		kind: DF.Literal["Copy", "Verify", "Repair", "Check"]
		last_progress: DF.Datetime | None
		made: DF.Int
		message: DF.SmallText | None
		place: DF.Code | None
		rate: DF.Float
		report: DF.Code | None
		scope: DF.Code | None
		seconds_left: DF.Int
		started_on: DF.Datetime | None
		status: DF.Literal["Queued", "Running", "Waiting", "Done", "Stopped", "Failed"]
		total: DF.Int

	# end: auto-generated types
	@staticmethod
	def clear_old_logs(days: int = 60) -> None:
		task.clear_ended(days)


def on_doctype_update():
	add_index("Event Streaming Task", ["event_producer", "kind", "creation"], "producer_kind")
	add_index("Event Streaming Task", ["status", "last_progress"], "status_last_progress")

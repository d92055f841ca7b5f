"""One slice of a task: when it is begun, how long it may last, how fast it goes, and who is told. It never commits."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field

import frappe

from event_streaming.consumer.line.meter import LONGEST_PAUSE, Meter
from event_streaming.consumer.tasks import task
from event_streaming.consumer.tasks.task import Task
from event_streaming.exceptions import LineWaits
from event_streaming.messages.coded import _
from event_streaming.site.claims import claim, redis_key
from event_streaming.site.settings import get_settings

JOB = "event_streaming.consumer.long_work.runner.task_job"
# realtime messages are for people
TELL_EACH = 1.0


@dataclass
class Slice:
	"""`told` hears of each step; `deadline` is a time of the monotonic clock."""

	task: Task
	deadline: float
	told: Callable[[Task], None] | None = None
	began: float = field(default_factory=time.monotonic)
	done_before: int = -1
	last_told: float = 0.0
	# DocTypes on the producer that wait for the hours of the line, and until when
	held: frozenset[str] = frozenset()
	held_until: str = ""

	@property
	def over(self) -> bool:
		return time.monotonic() >= self.deadline

	def see_that_line_is_free(self, remote_doctype: str | None, line: Meter) -> bool:
		"""Before the next step, with nothing open: whether it may use the line now; False when the slice is over.

		Raises LineWaits where that is not soon.
		"""
		if remote_doctype in self.held:
			raise LineWaits(_("It waits until {0} (Only Between).").format(self.held_until))
		seconds = line.pause(self.deadline)
		if seconds > LONGEST_PAUSE:
			raise LineWaits(
				_("The line is used as much as it may be: it goes on in {0} seconds.").format(
					int(seconds) + 1
				)
			)
		return not seconds

	def measure(self) -> None:
		"""Note the rate of this slice, and the time that is left at this rate."""
		if self.done_before < 0:
			self.done_before, self.began = self.task.done, time.monotonic()
			return
		seconds = time.monotonic() - self.began
		if seconds > 0 and self.task.done > self.done_before:
			self.task.rate = (self.task.done - self.done_before) / seconds
			self.task.seconds_left = int(max(self.task.total - self.task.done, 0) / self.task.rate)

	def tell(self) -> None:
		"""Tell how far it has got, to people not more than once a second."""
		if self.told:
			self.told(self.task)
		if time.monotonic() - self.last_told >= TELL_EACH:
			self.last_told = time.monotonic()
			task.publish(self.task)


def request(name: str) -> bool:
	"""Queue a slice of a task; returns whether a new job was queued. At most one for each task waits in the queue."""
	if not claim(redis_key("task", name)):
		return False
	frappe.enqueue(JOB, queue=get_settings().queue, enqueue_after_commit=True, name=name)
	return True

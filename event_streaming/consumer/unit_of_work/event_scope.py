"""What is true once the event that is being applied has taken effect, and never was if it is undone."""

from collections.abc import Callable, Hashable
from dataclasses import dataclass, field

Step = Callable[[], object]


@dataclass
class EventScope:
	"""Whoever stages something for an event says here how it becomes true, and how it is forgotten.

	One event after the other. Nothing here touches the database.
	"""

	_steps: dict[Hashable, tuple[Step, Step]] = field(default_factory=dict)

	def stage(self, what: Hashable, done: Step, undone: Step) -> None:
		"""`what` is staged for this event; said again, it is the same."""
		self._steps.setdefault(what, (done, undone))

	def event_done(self) -> None:
		"""The event has taken effect. Raises what a step raises: then nothing is settled, and the event is to be undone."""
		for done, _undone in list(self._steps.values()):
			done()
		self._steps.clear()

	def event_undone(self) -> None:
		"""The event is rolled back: what was staged last is forgotten first."""
		steps, self._steps = list(self._steps.values()), {}
		for _done, undone in reversed(steps):
			undone()

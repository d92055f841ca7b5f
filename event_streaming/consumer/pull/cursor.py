"""The mark of a pull: how far it has got in the producer's log."""

from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property

from event_streaming.consumer.logs import state, sync_log, taken_events
from event_streaming.consumer.logs.state import PullState
from event_streaming.identity import registry
from event_streaming.wire.events import Event
from event_streaming.wire.wishes.priorities import taken_after

# beyond all positions
NOWHERE = 2**63


@dataclass
class Summary:
	"""What one pull did. `error` is for a person; "" when the producer was read to its end or the slice ran out."""

	event_producer: str
	events: int = 0
	synced: int = 0
	failed: int = 0
	behind: int = 0
	more: bool = False
	busy: bool = False
	error: str = ""
	# until when the whole connection waits, for a person; "" when it does not
	waits: str = ""
	# the line is used as much as it may be for so many seconds
	later: float = 0.0

	@property
	def goes_on(self) -> bool:
		"""Whether the next slice is to begin at once."""
		return self.more and not self.later


@dataclass
class Cursor:
	"""The mark of a pull: how far it has got in the producer's log, and what it has done so far."""

	event_producer: str
	events: list[Event]
	kept: PullState
	summary: Summary
	# of the last page there is: since its end nothing is left of what the producer had at this time
	caught_up_on: datetime | None = None
	# the page holds some DocTypes alone, ahead of the cursor, each up to there
	ahead: dict[str, int] = field(default_factory=dict)

	def write(self, upto: int, statuses: list[str]) -> None:
		if self.ahead:
			state.move_cursor(self.event_producer, taken_ahead=state.as_taken(self.taken_after(upto)))
			return
		position, last_update = cursor_after(self.events, upto, self.kept, self.bounds[upto])
		values: dict = {"position": position, "last_update": last_update}
		if self.caught_up_on and upto == len(self.events):
			values["caught_up_on"] = self.caught_up_on
		state.move_cursor(self.event_producer, **values)

	def committed(self, upto: int, statuses: list[str]) -> None:
		if self.ahead:
			self.kept.taken_ahead = state.as_taken(self.taken_after(upto)) or ""
		else:
			self.kept.position, self.kept.last_update = cursor_after(
				self.events, upto, self.kept, self.bounds[upto]
			)
		self.summary.events += len(statuses)
		self.summary.synced += statuses.count(sync_log.SYNCED)
		self.summary.failed += sum(status in sync_log.OPEN for status in statuses)

	@cached_property
	def bounds(self) -> list[int]:
		"""See `bounds_of`; looked at once for a page."""
		return bounds_of(self.events)

	def taken_after(self, upto: int) -> dict[str, int]:
		"""What is taken ahead once the first `upto` events of such a page are dealt with."""
		positions = [event["at_position"] for event in self.events]
		return taken_after(positions, upto, self.ahead, self.kept.taken)


def bounds_of(events: list[Event]) -> list[int]:
	"""How far the cursor may go at most once the first 0, 1, 2, … events are dealt with: before the first step of each of the others.

	What stands for several changes stands where the last one did. If it does not get in, its steps are asked for, or put together
	otherwise: all of them have to come after the cursor. What was made between them comes again, and is known by its rows.
	"""
	bounds = [NOWHERE]
	for event in reversed(events):
		first = event.get("changes_from") or NOWHERE
		bounds.append(min(bounds[-1], first - 1))
	return bounds[::-1]


def cursor_after(
	events: list[Event], count: int, kept: PullState, bound: int = NOWHERE
) -> tuple[int, str | None]:
	"""The cursor once the first `count` events are dealt with; it goes no further than `bound`, nor back.

	An older event that came along with a later one moves nothing: only the later one moves the cursor past both.
	"""
	position, last_update = kept.position, kept.last_update
	for event in events[:count]:
		if event["position"] and event["position"] == event["at_position"]:
			position = max(position, event["position"])
		elif not event["position"]:
			last_update = max(last_update or "", event["creation"])
	return max(kept.position, min(position, bound)), last_update


def doubt_what_was_made(event_producer: str, after: int, up_to: int) -> None:
	"""The same for documents that were made in that time: their names, where this site has its own, may be given to others over there
	now, of another site perhaps. Where such a name comes again, the root tells. Never commits; done twice, it does no harm.
	"""
	registry.lose(event_producer, taken_events.made_between(event_producer, after, up_to))


def take_back_renames(event_producer: str, after: int, up_to: int) -> None:
	"""The producer has lost, with a restored backup, what it had given after one position and up to another: there, a document that was
	renamed has the name of before. Its next event brings it whole, into the local document that stands for it.

	Only which local document stands for which remote one: none is renamed or written. Never commits; done twice, it does no harm.
	"""
	for doctype, old, new in taken_events.renames_between(event_producer, after, up_to):
		registry.rename_back(event_producer, (doctype, new), (doctype, old))

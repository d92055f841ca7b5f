"""Which of a broker's messages can be taken after a cursor without passing anything over. Pure: tests/model/broker.pml has the rule.

A message says where the last event of each DocType stood before it, as the producer's log has it. One that names a position after the
cursor shows a hole, and so does one that says nothing of a DocType that this site reads; a hole ends what can be taken.
"""

from collections.abc import Collection, Iterable
from dataclasses import dataclass, field

from event_streaming.wire.broker.messages import Message


@dataclass
class Chain:
	"""What can be taken, in order; `cursor` is where that leads to, `has_hole` that something is missing after it."""

	cursor: int
	messages: list[Message] = field(default_factory=list)
	has_hole: bool = False


def unbroken(messages: Iterable[Message], cursor: int, tokens: Collection[str]) -> Chain:
	"""The messages after `cursor` up to the first hole. `tokens` are those of all DocTypes that this site is to get."""
	chain = Chain(cursor)
	for message in sorted(messages, key=lambda each: each.position):
		if message.position <= chain.cursor:
			# a repeat
			continue
		if any(message.before.get(token, message.position) > chain.cursor for token in tokens):
			chain.has_hole = True
			break
		chain.messages.append(message)
		chain.cursor = message.position
	return chain

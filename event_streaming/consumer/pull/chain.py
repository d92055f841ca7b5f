"""Which of a broker's messages can be taken after a cursor without passing anything over. Pure: tests/model/broker.pml has the rule.

A message says where the last event of each DocType stood before it, as the producer's log has it. One that names a position after the
cursor shows a hole, and so does one that says nothing of a DocType that this site reads; a hole ends what can be taken. What was made
in one transaction is taken whole or not at all: a message says what of it is still to come.
"""

from collections.abc import Collection, Iterable
from dataclasses import dataclass, field

from event_streaming.wire.broker.messages import Message


@dataclass
class Chain:
	"""What can be taken, in order; `cursor` is where that leads to. `is_cut`: something after it is missing, or `left` over."""

	cursor: int
	messages: list[Message] = field(default_factory=list)
	left: list[Message] = field(default_factory=list)

	@property
	def is_cut(self) -> bool:
		return bool(self.left)


def unbroken(messages: Iterable[Message], cursor: int, tokens: Collection[str]) -> Chain:
	"""The messages after `cursor` up to the first hole. `tokens` are those of all DocTypes that this site is to get."""
	chain, at, end = Chain(cursor), cursor, 0
	for message in sorted(messages, key=lambda each: each.position):
		if message.position <= at:
			# a repeat
			continue
		chain.left.append(message)
		if any(message.before.get(token, message.position) > at for token in tokens):
			break
		at = message.position
		end = max([end, *(message.to_come.get(token, 0) for token in tokens)])
		if at >= end:
			chain.messages += chain.left
			chain.cursor, chain.left = at, []
	return chain

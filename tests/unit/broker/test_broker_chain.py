"""The rule of holes: whatever a broker does with its messages, nothing is passed over and nothing is taken twice."""

from hypothesis import given
from hypothesis import strategies as st

from event_streaming.consumer.pull.chain import unbroken
from event_streaming.wire.broker.messages import Message

OURS, ANOTHER_S = ("a", "b"), "c"


def log_of(tokens: list[str]) -> list[Message]:
	"""A log with an event at each position, of these DocTypes; as its publisher makes messages of it."""
	heads, messages = dict.fromkeys((*OURS, ANOTHER_S), 0), []
	for position, token in enumerate(tokens, start=1):
		messages.append(Message("site", "e", "s", token, str(position), position, dict(heads)))
		heads[token] = position
	return messages


def positions(messages: list[Message]) -> list[int]:
	return [message.position for message in messages]


def test_all_of_it_is_taken_when_nothing_is_missing():
	chain = unbroken(log_of(["a", "a", "b"]), 0, OURS)

	assert (positions(chain.messages), chain.cursor, chain.has_hole) == ([1, 2, 3], 3, False)


def test_what_is_of_others_is_no_hole():
	messages = [each for each in log_of(["a", "c", "c", "b"]) if each.token != ANOTHER_S]

	assert positions(unbroken(messages, 0, OURS).messages) == [1, 4]


def test_a_hole_in_one_doctype_is_seen_by_a_message_of_another():
	"""There is one cursor for all of them."""
	messages = log_of(["a", "b", "a", "a"])
	del messages[1]

	chain = unbroken(messages, 0, OURS)

	assert (positions(chain.messages), chain.cursor, chain.has_hole) == ([1], 1, True)


def test_a_message_that_says_nothing_of_a_doctype_of_ours_is_a_hole():
	message = Message("site", "e", "s", "a", "1", 1, {"a": 0})

	assert unbroken([message], 0, OURS).has_hole


def test_a_repeat_is_passed_over():
	messages = log_of(["a", "a", "a"])

	assert positions(unbroken([*messages, *messages], 2, OURS).messages) == [3]


@given(st.data())
def test_whatever_the_broker_does_nothing_is_passed_over_or_taken_twice(data):
	log = log_of(data.draw(st.lists(st.sampled_from(["a", "b", "c"]), max_size=12)))
	ours = [message for message in log if message.token in OURS]
	bag = data.draw(st.lists(st.sampled_from(ours), max_size=30)) if ours else []
	cursor, taken = 0, []
	while bag:
		size = data.draw(st.integers(1, len(bag)))
		batch, bag = bag[:size], bag[size:]
		chain = unbroken(batch, cursor, OURS)
		taken += positions(chain.messages)
		cursor = chain.cursor
		assert taken == [each for each in positions(ours) if each <= cursor]
		if chain.has_hole:
			# the feed: all there is
			taken += [each for each in positions(ours) if each > cursor]
			cursor = len(log)

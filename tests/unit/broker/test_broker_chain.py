"""The rule of holes: whatever a broker does with its messages, nothing is passed over and nothing is taken twice."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from event_streaming.consumer.pull.chain import unbroken
from event_streaming.wire.broker.messages import Message

OURS, ANOTHER_S = ("a", "b"), "c"


def log_of(tokens: list[str], transactions: list[str] | None = None) -> list[Message]:
	"""A log with an event at each position, of these DocTypes; as its publisher makes messages of it."""
	heads, messages = dict.fromkeys((*OURS, ANOTHER_S), 0), []
	transactions = transactions or [str(position) for position in range(len(tokens))]
	for position, token in enumerate(tokens, start=1):
		to_come = {
			tokens[after]: after + 1
			for after in range(position, len(tokens))
			if transactions[after] == transactions[position - 1]
		}
		messages.append(
			Message("site", "e", "s", token, str(position), position, dict(heads), to_come=to_come)
		)
		heads[token] = position
	return messages


def positions(messages: list[Message]) -> list[int]:
	return [message.position for message in messages]


def test_all_of_it_is_taken_when_nothing_is_missing():
	chain = unbroken(log_of(["a", "a", "b"]), 0, OURS)

	assert (positions(chain.messages), chain.cursor, chain.is_cut) == ([1, 2, 3], 3, False)


def test_what_is_of_others_is_no_hole():
	messages = [each for each in log_of(["a", "c", "c", "b"]) if each.token != ANOTHER_S]

	assert positions(unbroken(messages, 0, OURS).messages) == [1, 4]


def test_a_hole_in_one_doctype_is_seen_by_a_message_of_another():
	"""There is one cursor for all of them."""
	messages = log_of(["a", "b", "a", "a"])
	del messages[1]

	chain = unbroken(messages, 0, OURS)

	assert (positions(chain.messages), chain.cursor, chain.is_cut) == ([1], 1, True)


def test_a_message_that_says_nothing_of_a_doctype_of_ours_is_a_hole():
	message = Message("site", "e", "s", "a", "1", 1, {"a": 0})

	assert unbroken([message], 0, OURS).is_cut


def test_a_repeat_is_passed_over():
	messages = log_of(["a", "a", "a"])

	assert positions(unbroken([*messages, *messages], 2, OURS).messages) == [3]


@pytest.mark.parametrize(
	("lost", "taken"), [(1, [1]), (2, [1]), (3, [1]), (4, [1, 2, 3, 4]), (None, [1, 2, 3, 4, 5])]
)
def test_what_was_made_in_one_transaction_is_taken_whole_or_not_at_all(lost, taken):
	messages = log_of(["a", "a", "b", "a", "a"], ["1", "2", "2", "2", "3"])
	if lost is not None:
		del messages[lost:]

	chain = unbroken(messages, 0, OURS)

	assert (positions(chain.messages), chain.cursor) == (taken, taken[-1])
	# what ends with a transaction is no reason to ask anybody
	assert chain.is_cut == (lost in (2, 3))


def test_what_others_get_of_a_transaction_is_not_waited_for():
	messages = log_of(["a", "c", "c"], ["1", "1", "1"])[:1]

	assert positions(unbroken(messages, 0, OURS).messages) == [1]


@given(st.data())
def test_whatever_the_broker_does_nothing_is_passed_over_or_taken_twice(data):
	tokens = data.draw(st.lists(st.sampled_from(["a", "b", "c"]), max_size=12))
	transactions = sorted(data.draw(st.lists(st.sampled_from("1234"), min_size=12, max_size=12)))
	log = log_of(tokens, transactions)
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
		assert not {transactions[each - 1] for each in taken} & {
			transactions[each - 1] for each in positions(ours) if each > cursor
		}
		if chain.is_cut:
			# the feed: all there is
			taken += [each for each in positions(ours) if each > cursor]
			cursor = len(log)

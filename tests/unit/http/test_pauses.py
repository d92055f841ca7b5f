"""Pauses between tries to hold a connection."""

from event_streaming.http.pauses import GOOD_SECONDS, Pauses


def test_the_bound_doubles_up_to_the_longest_and_no_pause_is_longer():
	pauses = Pauses(1.0, 30.0)

	found = [(pauses.after(0.0), pauses.bound()) for _each in range(8)]

	assert [bound for _pause, bound in found] == [2.0, 4.0, 8.0, 16.0, 30.0, 30.0, 30.0, 30.0]
	assert all(0 <= pause <= bound for pause, bound in found)
	assert len({pause for pause, _bound in found}) > 1


def test_after_a_connection_that_has_held_the_pause_is_the_shortest_again():
	pauses = Pauses(1.0, 30.0)
	for _each in range(8):
		pauses.after(GOOD_SECONDS - 1)
	assert pauses.bound() == 30.0

	assert pauses.after(GOOD_SECONDS) <= 1.0

	assert pauses.bound() == 1.0

"""How far those who are told at once are to spread what they ask."""

import pytest

from event_streaming.producer.notify.spreading import seconds_for


@pytest.mark.parametrize("told, seconds", [(0, 0), (1, 0), (20, 0), (100, 1), (1_000, 10), (1_000_000, 10)])
def test_it_grows_with_how_many_are_told_and_is_bounded(told, seconds):
	assert seconds_for(told) == seconds

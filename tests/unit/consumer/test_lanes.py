"""Events of a page on lanes: what shares a mark, over however many others, is never divided, and nothing changes its order."""

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from event_streaming.consumer.workers.lanes import components, deal_out, runs, shares_of

MARKS = st.lists(st.sets(st.integers(0, 30), min_size=1, max_size=4), max_size=60)
LENGTHS = st.lists(st.integers(1, 40), max_size=60)
SHARES = st.lists(st.integers(1, 4), min_size=1, max_size=20)


@given(MARKS)
def test_every_event_is_in_one_component_and_in_order(touched):
	found = components(touched)

	assert sorted(number for each in found for number in each) == list(range(len(touched)))
	assert all(each == sorted(each) for each in found)


@given(MARKS)
def test_events_that_share_a_mark_are_together_and_those_of_two_components_share_none(touched):
	found = components(touched)

	marks = [set().union(*(touched[number] for number in each)) for each in found]
	assert sum(map(len, marks)) == len(set().union(*marks)) if marks else not touched


@given(MARKS)
def test_no_component_could_be_divided(touched):
	for each in components(touched):
		reached, grew = {each[0]}, True
		while grew:
			marks = set().union(*(touched[number] for number in reached))
			more = {number for number in each if touched[number] & marks}
			grew, reached = more > reached, more | reached
		assert reached == set(each)


@given(LENGTHS, SHARES)
def test_every_component_is_on_one_lane(lengths, shares):
	lanes = deal_out(lengths, shares)

	assert sorted(number for lane in lanes for number in lane) == list(range(len(lengths)))
	assert len(lanes) <= len(shares) and all(lanes)


@given(st.integers(1, 400), st.integers(1, 8))
def test_short_components_fill_lanes_of_the_same_share_evenly(count, lanes):
	dealt = deal_out([1] * count, [1] * lanes)

	assert max(map(len, dealt)) - min(map(len, dealt)) <= 1


def test_a_long_component_has_a_lane_of_its_own():
	assert deal_out([3, 90, 3, 3], [1, 1]) == [[1], [0, 2, 3]]


@given(st.integers(1, 16), st.integers(1, 6), st.integers(0, 100))
def test_lanes_become_shorter_and_none_has_no_share(workers, each, most):
	shares = shares_of(workers, each, most)

	assert shares == sorted(shares, reverse=True) and shares[-1] >= 1
	assert len(shares) == max(1, min(workers * each, most))


@given(st.lists(st.booleans(), max_size=60), st.integers(1, 10))
def test_runs_cover_the_page_in_order_and_share_nothing_that_has_to_be_alone(alone, shortest):
	found = runs(alone, shortest)

	assert [number for start, end, _shared in found for number in range(start, end)] == list(
		range(len(alone))
	)
	for start, end, shared in found:
		assert start < end
		if shared:
			assert end - start >= shortest and not any(alone[start:end])
	assert not any(not one[2] and not other[2] for one, other in pairwise(found))

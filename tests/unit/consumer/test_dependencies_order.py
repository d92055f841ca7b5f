"""Documents in an order in which each comes after what it needs."""

import random

import pytest

from event_streaming.consumer.dependencies.order import order_by_need


def needs_of(**needs: str) -> dict:
	"""order="customer item!" means: order needs customer, and can't do without item."""
	return {
		key: {other.rstrip("!"): other.endswith("!") for other in others.split()}
		for key, others in needs.items()
	}


def test_each_comes_after_what_it_needs():
	ordered, cut = order_by_need(needs_of(order="customer item", customer="territory", item="", territory=""))

	assert ordered == ["territory", "customer", "item", "order"]
	assert cut == set()


def test_what_is_there_already_is_not_ordered():
	assert order_by_need(needs_of(order="customer")) == (["order"], set())


def test_nothing_needs_nothing():
	assert order_by_need({}) == ([], set())


def test_a_cycle_is_cut_at_the_need_that_can_be_done_without():
	ordered, cut = order_by_need(needs_of(a="b!", b="a"))

	assert ordered == ["b", "a"]
	assert cut == {("b", "a")}


def test_a_cycle_of_needs_that_none_can_do_without_is_cut_all_the_same():
	ordered, cut = order_by_need(needs_of(a="b!", b="c!", c="a!"))

	assert sorted(ordered) == ["a", "b", "c"]
	assert len(cut) == 1


def test_a_key_that_needs_itself_is_cut():
	assert order_by_need(needs_of(a="a")) == (["a"], {("a", "a")})


def test_what_needs_a_cycle_keeps_all_its_needs():
	ordered, cut = order_by_need(needs_of(order="a b", a="b", b="a"))

	assert ordered[-1] == "order"
	assert len(cut) == 1 and "order" not in {key for key, _needed in cut}


def test_a_chain_of_ten_thousand_is_no_problem():
	needs = {number: {number + 1: False} for number in range(10_000)}

	ordered, cut = order_by_need(needs)

	assert ordered == list(range(9_999, -1, -1))
	assert cut == set()


@pytest.mark.parametrize("seed", range(30))
def test_every_need_is_met_or_cut(seed):
	dice = random.Random(seed)
	keys = list(range(dice.randint(1, 40)))
	needs = {key: {dice.choice(keys): dice.random() < 0.3 for _ in range(dice.randint(0, 3))} for key in keys}

	ordered, cut = order_by_need(needs)

	assert sorted(ordered) == keys
	place = {key: number for number, key in enumerate(ordered)}
	for key, others in needs.items():
		for other in others:
			assert (key, other) in cut or place[other] < place[key]
	for key, other in cut:
		assert other == key or place[other] > place[key], "cut without need"


def test_of_keys_that_can_do_without_as_much_the_last_one_goes_last():
	assert order_by_need(needs_of(a="b", b="a"), last="a") == (["b", "a"], {("b", "a")})
	assert order_by_need(needs_of(a="b", b="a"), last="b") == (["a", "b"], {("a", "b")})


def test_what_cannot_do_without_the_last_one_comes_after_it_all_the_same():
	"""A company links to accounts that need the company."""
	needs = needs_of(debtors="company! assets!", assets="company! debtors", company="debtors assets")

	ordered, cut = order_by_need(needs, last="company")

	assert ordered == ["company", "assets", "debtors"]
	assert cut == {("company", "debtors"), ("company", "assets"), ("assets", "debtors")}

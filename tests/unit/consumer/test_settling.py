"""Add Up, policies of single fields: arithmetic and words, without a site."""

import pytest

from event_streaming.consumer.conflict_rules.adding import NotANumber, added_up, as_it_is_here, only
from event_streaming.consumer.conflict_rules.policies import policies_in, policy_for


def update(**changed) -> dict:
	return {"changed": changed}


@pytest.mark.parametrize(
	("here", "old", "new", "sum_"),
	[
		(10, 10, 7, 7),
		(8, 10, 7, 5),
		(10.1, 0.1, 0.3, 10.3),
		(None, 5, 6, 1),
		("4", "", "2.5", 6.5),
		(-3, 0, -2, -5),
	],
)
def test_what_was_added_there_is_added_here(here, old, new, sum_):
	added = added_up(update(qty=new, note="x"), update(qty=old, note="y"), {"qty": here}, ["qty"])

	assert added.change["changed"] == {"qty": sum_, "note": "x"}
	assert added.fields == ("qty",)


def test_two_sites_that_count_at_the_same_time_come_to_the_same_number():
	here = there = 10
	# each sells before it hears of the other
	here, there = here - 2, there - 3
	from_there, from_here = (update(qty=7), update(qty=10)), (update(qty=8), update(qty=10))

	here = added_up(*from_there, {"qty": here}, ["qty"]).change["changed"]["qty"]
	there = added_up(*from_here, {"qty": there}, ["qty"]).change["changed"]["qty"]

	assert here == there == 5


def test_fields_of_rows_are_found_by_the_rows_names():
	change = {"row_changed": {"rows": [{"name": "a", "qty": 4, "item": "new"}, {"name": "b", "qty": 1}]}}
	before = {"row_changed": {"rows": [{"name": "a", "qty": 3, "item": "old"}]}}
	doc = {"rows": [{"name": "a", "qty": 10}, {"name": "b", "qty": 10}]}

	added = added_up(change, before, doc, ["rows.qty"])

	# of the second it is not known what it was: it stays as it came
	assert added.change["row_changed"]["rows"] == [
		{"name": "a", "qty": 11, "item": "new"},
		{"name": "b", "qty": 1},
	]
	assert change["row_changed"]["rows"][0]["qty"] == 4
	assert only(added.change, added.fields) == {
		"row_changed": {"rows": [{"name": "a", "qty": 11}, {"name": "b", "qty": 1}]}
	}


def test_of_a_whole_document_the_numbers_here_stay_and_new_rows_have_their_own():
	came = {"total": 9, "note": "x", "rows": [{"name": "a", "qty": 1, "item": "i"}, {"name": "b", "qty": 2}]}

	left = as_it_is_here(came, {"total": 4, "rows": [{"name": "a", "qty": 7}]}, ["total", "rows.qty"])

	assert left == {"note": "x", "rows": [{"name": "a", "item": "i"}, {"name": "b", "qty": 2}]}


def test_without_what_was_before_nothing_is_added():
	added = added_up(update(qty=7), {}, {"qty": 10}, ["qty"])

	assert added == (update(qty=7), ())


@pytest.mark.parametrize("value", ["many", "NaN", "Infinity", "1e999999", [1], {"a": 1}])
def test_what_is_no_number_is_refused(value):
	with pytest.raises(NotANumber, match="qty"):
		added_up(update(qty=value), update(qty=1), {"qty": 10}, ["qty"])


def test_policies_are_read_as_people_type_them():
	text = "note: Consumer Wins\n rows.qty :ask, rows: newest  wins\n\nbad: Whatever\nnone"

	assert policies_in(text) == {
		"note": "Consumer Wins",
		"rows.qty": "Ask",
		"rows": "Newest Wins",
		"bad": "Whatever",
		"none": "",
	}
	assert policies_in(None) == {}


def test_a_field_has_its_own_policy_or_its_tables_or_the_rows():
	policies = policies_in("note: Consumer Wins, rows.qty: Ask, rows: Newest Wins")

	assert policy_for("", "note", policies, "Producer Wins") == "Consumer Wins"
	assert policy_for("", "qty", policies, "Producer Wins") == "Producer Wins"
	assert policy_for("rows", "qty", policies, "Producer Wins") == "Ask"
	assert policy_for("rows", "item", policies, "Producer Wins") == "Newest Wins"

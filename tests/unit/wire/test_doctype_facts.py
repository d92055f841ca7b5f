"""What a producer says of a DocType is checked before anything is done with it."""

import pytest

from event_streaming.wire.checks import InvalidPage
from event_streaming.wire.facts import MOST_COUNTERS, parse_facts

WHOLE = {
	"problem": "",
	"schema": {"fields": {}},
	"approved": True,
	"paused": 0,
	"documents": 3,
	"sampled": 2,
	"sampled_bytes": 900,
	"rights": {"read": 1, "delete": 0},
	"writes_as": "stream@example.com",
	"unread": [["customer", "Customer"]],
	"reads_all": 1,
	"counted_by": ["ORD-.#####"],
}


def test_facts_are_taken_as_they_are():
	facts = parse_facts(WHOLE)

	assert (facts["documents"], facts["sampled_bytes"], facts["counted_by"]) == (3, 900, ["ORD-.#####"])
	assert facts["rights"] == {"read": True, "delete": False}
	assert (facts["writes_as"], facts["unread"]) == ("stream@example.com", [("customer", "Customer")])
	assert facts["reads_all"] and facts["approved"] and not facts["paused"]


def test_where_there_is_a_problem_the_rest_may_be_missing():
	facts = parse_facts({"problem": "not found"})

	assert (facts["problem"], facts["documents"], facts["rights"]) == ("not found", 0, {})
	assert (facts["writes_as"], facts["unread"]) == ("", [])


@pytest.mark.parametrize(
	"wrong",
	[
		[],
		None,
		{},
		{**WHOLE, "problem": "another"},
		{**WHOLE, "documents": -1},
		{**WHOLE, "documents": "many"},
		{**WHOLE, "sampled_bytes": 2**70},
		{**WHOLE, "rights": ["read"]},
		{**WHOLE, "unread": ["Customer"]},
		{**WHOLE, "writes_as": ["stream@example.com"]},
		{**WHOLE, "counted_by": "ORD"},
		{**WHOLE, "counted_by": ["<script>"]},
		{**WHOLE, "counted_by": [{}]},
	],
)
def test_what_is_none_is_refused(wrong):
	with pytest.raises(InvalidPage):
		parse_facts(wrong)


def test_of_many_counters_the_first_are_taken():
	assert len(parse_facts({**WHOLE, "counted_by": ["a"] * 1_000})["counted_by"]) == MOST_COUNTERS

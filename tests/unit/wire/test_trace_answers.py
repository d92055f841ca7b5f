"""What another site says of where a document is, is checked and bounded: whatever it says, nothing breaks and nothing is endless."""

import pytest

from event_streaming.wire.checks import InvalidPage
from event_streaming.wire.tracing import MOST_EVENTS, parse_trace


def test_an_answer_is_taken_over():
	event = {
		"id": "7",
		"position": 3,
		"status": "Failed",
		"kind": "NameTaken",
		"taken": 1_700_000_000.5,
		"attempts": 2,
	}

	found = parse_trace({"there": 1, "reasons": ["behind"], "events": [event]})

	assert (found["there"], found["given"], found["reasons"]) == (True, False, ["behind"])
	assert {key: found["events"][0][key] for key in event} == event


@pytest.mark.parametrize("answer", [None, [], "x", {"events": "many"}, {"events": {"a": 1}}])
def test_what_is_no_answer_is_refused(answer):
	with pytest.raises(InvalidPage):
		parse_trace(answer)


def test_lies_are_dropped_and_long_answers_are_cut():
	event = {
		"id": ["x"],
		"position": -4,
		"by": "x" * 10_000,
		"taken": "soon",
		"logged": 10**30,
		"attempts": 2**80,
	}

	found = parse_trace(
		{"reasons": [{"a": 1}, "x" * 500, *["y"] * 1_000], "events": [event, "no event", *[{}] * 1_000]}
	)

	assert len(found["events"]) <= MOST_EVENTS and len(found["reasons"]) <= 20
	first = found["events"][0]
	assert (first["id"], first["position"], first["taken"], first["logged"], first["attempts"]) == (
		"",
		0,
		None,
		None,
		0,
	)
	assert len(first["by"]) == 140 and max(map(len, found["reasons"])) == 140

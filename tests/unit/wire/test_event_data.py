"""What the data of an event may hold: refused at the same limits, whether its text alone shows it or each value is looked at."""

import json

import pytest

from event_streaming.wire import events
from event_streaming.wire.checks import MAX_DEPTH, MAX_ROWS, InvalidPage
from event_streaming.wire.events import parse_data, texts_in


def data_of(text: str) -> dict:
	return parse_data({"id": "1", "data": text, "data_before": None})


def nested(levels: int) -> dict:
	data: dict = {"note": "deep"}
	for _level in range(levels - 1):
		data = {"a": data}
	return data


GOOD = {
	"a difference": {"changed": {"note": "สวัสดี", "total": 1.5}, "row_changed": {"rows": [{"name": "a"}]}},
	"as deep as may be": nested(MAX_DEPTH),
	"as many rows as may be": {"rows": list(range(MAX_ROWS))},
	"many shallow rows": {"rows": [{"item": "[{,"}] * 50},
	"brackets in a text": {"note": "[{" * 50},
	"a character in two halves": {"note": "😀"},
}
BAD = {
	"too deep": nested(MAX_DEPTH + 1),
	"too many rows": {"rows": list(range(MAX_ROWS + 1))},
	"half a character": {"note": "\ud83d"},
	"half a character in a name": {"\ud83d": 1},
}


@pytest.mark.parametrize("ascii_only", [True, False])
@pytest.mark.parametrize("name", GOOD)
def test_what_a_document_may_hold_is_taken(name, ascii_only):
	assert data_of(json.dumps(GOOD[name], ensure_ascii=ascii_only)) == GOOD[name]


@pytest.mark.parametrize("name", BAD)
def test_what_no_document_is_is_refused(name):
	with pytest.raises(InvalidPage):
		data_of(json.dumps(BAD[name]))


def test_the_values_of_an_ordinary_difference_are_not_looked_at_one_by_one(monkeypatch):
	looked_at: list = []
	monkeypatch.setattr(events, "check_shape", lambda data, **_how: looked_at.append(data))

	data_of(json.dumps(GOOD["a difference"], ensure_ascii=False))
	assert looked_at == []
	data_of(json.dumps(BAD["half a character"]))
	assert len(looked_at) == 1


def test_whatever_may_be_a_name_is_found_wherever_it_stands():
	data = {
		"changed": {"city": "Ayutthaya", "owner": "a@example.com", "total": 4, "idx": 9, "urgent": True},
		"added": {"rows": [{"item": "Bolt", "parenttype": "Order", "parts": [{"of": "Nut"}]}]},
		"removed": {"rows": ["row 7"]},
	}

	assert set(texts_in(data)) == {"Ayutthaya", "4", "Bolt", "Nut", "row 7"}

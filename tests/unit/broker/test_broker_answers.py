"""What a NATS server answers: it is read as it should be, or it is Unreadable; nothing of it is larger than what it is put into."""

import base64
import json

import pytest

from event_streaming.broker import answers
from event_streaming.broker.answers import MOST_LEFT, StreamState, Unreadable

CREATED = "2026-01-31T02:00:00.123456789Z"
STREAM = {"created": CREATED, "state": {"last_seq": 7}}


def number_of(last: object) -> dict:
	return {"created": CREATED, "state": {"last_seq": last}}


def test_a_stream_is_what_the_server_says():
	assert answers.stream_state(answers.read(json.dumps(STREAM).encode())) == StreamState(CREATED, 7)


@pytest.mark.parametrize(
	"answer",
	[
		b"",
		None,
		b"rubbish",
		b"\xff\xfe",
		b"[" * 100_000,
		b"9" * 10_000,
		b"null",
		b"[]",
		b"7",
		b'"x"',
		*[
			json.dumps(each).encode()
			for each in (
				{},
				{"created": CREATED},
				{"created": CREATED, "state": []},
				{"state": {"last_seq": 7}},
				{"created": "2" * 1_000, "state": {"last_seq": 7}},
				{"created": "now\x00", "state": {"last_seq": 7}},
				{"created": "", "state": {"last_seq": 7}},
				{"created": 7, "state": {"last_seq": 7}},
				*[number_of(last) for last in (None, "7", -1, 7.5, True, 2**63, [7])],
			)
		],
	],
	ids=lambda answer: str(answer)[:50],
)
def test_what_is_no_stream_is_unreadable(answer):
	with pytest.raises(Unreadable):
		answers.stream_state(answers.read(answer))


def test_a_message_that_was_asked_for_has_its_payload():
	told = {"message": {"data": base64.b64encode(b"payload").decode()}}

	assert answers.payload(told) == b"payload"
	assert answers.payload({"message": {"seq": 7}}) == b""


@pytest.mark.parametrize(
	"answer",
	[{}, {"message": None}, {"message": "x"}, {"message": {"data": 7}}, {"message": {"data": "é"}}],
	ids=str,
)
def test_what_is_no_message_is_unreadable(answer):
	with pytest.raises(Unreadable):
		answers.payload(answer)


def test_a_message_stands_where_its_answer_would_go():
	assert answers.place_of("$JS.ACK.stream.reader.1.7.8.1769824800000000000.5") == (7, 5)
	assert answers.place_of("$JS.ACK.domain.account.stream.reader.1.7.8.1.5") == (7, 5)
	assert answers.place_of("$JS.ACK.domain.account.stream.reader.1.7.8.1.5.token") == (7, 5)


def test_how_many_are_left_is_a_number_that_a_database_takes():
	assert answers.place_of(f"$JS.ACK.stream.reader.1.7.8.1.{2**62}") == (7, MOST_LEFT)


@pytest.mark.parametrize(
	"reply",
	[
		None,
		"",
		"an.inbox",
		"$JS.ACK",
		"$JS.ACK.stream.reader.1.x.1.1.0",
		"$JS.ACK.stream.reader.1.7.1.1.-1",
		"$JS.ACK.stream.reader.1.99999999999999999999.1.1.0",
		"$JS.ACK.stream.reader.1.9223372036854775808.1.1.0",
		"$JS.ACK.stream.reader.1.７.1.1.0",
		"$JS.ACK.domain.account.stream.reader.1.x.1.1.0",
		"$XX.ACK.stream.reader.1.7.1.1.0",
	],
)
def test_a_message_that_stands_nowhere_is_unreadable(reply):
	with pytest.raises(Unreadable):
		answers.place_of(reply)


def test_a_status_is_short_whatever_the_server_says():
	assert answers.status_of(None) == answers.status_of({}) == ""
	assert answers.status_of({"Status": "404"}) == "404"
	assert len(answers.status_of({"Status": "4" * 1_000})) <= 20

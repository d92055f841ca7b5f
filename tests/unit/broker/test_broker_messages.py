"""Messages of a broker: what the producer has made can be read by those who have the key, and nothing else can be read at all."""

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from event_streaming.wire.broker.grants import parse_grant
from event_streaming.wire.broker.messages import LOT, InvalidMessage, Message, Reader, seal, sign, unseal

PRODUCER = "https://erp.example.com"
PRIVATE = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
KEY, OTHER_KEY = bytes(32), bytes([1] * 32)


def public(private: Ed25519PrivateKey = PRIVATE) -> str:
	return private.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw).hex()


def event(position: int = 7, **values) -> dict:
	return {
		"id": str(position),
		"position": position,
		"at_position": position,
		"update_type": "Create",
		"ref_doctype": "Item",
		"docname": f"ITEM-{position}",
		"data": '{"item_name":"Müller & Söhne"}',
		"creation": "2026-01-31 02:00:00",
		**values,
	}


def message(position: int = 7, **values) -> Message:
	return Message(
		**{
			"site": "0000-1111",
			"epoch": "e1",
			"standing": "s1",
			"token": "t1",
			"id": str(position),
			"position": position,
			"before": {"t1": position - 1, "t2": 2},
			"receipt": "r",
			**values,
		}
	)


def payloads(count: int = 1) -> list[bytes]:
	return sign([seal(message(at), event(at), KEY) for at in range(1, count + 1)], PRIVATE)


@pytest.mark.parametrize("count", [1, 2, 3, 5, 8, 63, LOT])
def test_each_message_of_a_lot_can_be_read_alone(count):
	for position, payload in enumerate(payloads(count), start=1):
		read = Reader(public()).read(payload)

		assert (read.position, read.before) == (position, {"t1": position - 1, "t2": 2})
		assert unseal(read, KEY, "Item", PRODUCER)["docname"] == f"ITEM-{position}"


def test_a_large_event_comes_as_it_was():
	data = '{"text":"' + "as it was, " * 100_000 + '"}'
	(payload,) = sign([seal(message(), event(data=data), KEY)], PRIVATE)

	assert len(payload) < len(data) / 10
	assert unseal(Reader(public()).read(payload), KEY, "Item", PRODUCER)["data"] == data


@pytest.mark.parametrize("count", [1, 4])
def test_not_a_byte_of_a_message_can_be_changed(count):
	payload = payloads(count)[0]

	for place in range(len(payload)):
		changed = bytearray(payload)
		changed[place] ^= 1
		with pytest.raises(InvalidMessage):
			Reader(public()).read(bytes(changed))


@pytest.mark.parametrize("length", [0, 1, 4, 5, 60, 69, 100])
def test_what_is_cut_off_is_no_message(length):
	with pytest.raises(InvalidMessage):
		Reader(public()).read(payloads()[0][:length])


def test_what_another_has_signed_is_no_message():
	(payload,) = sign([seal(message(), event(), KEY)], Ed25519PrivateKey.generate())

	with pytest.raises(InvalidMessage):
		Reader(public()).read(payload)


def test_one_leaf_can_not_stand_for_another():
	"""The way of one message is not good for a second one."""
	first, second = payloads(2)
	body = second[len(second) - len(seal(message(2), event(2), KEY)) :]

	with pytest.raises(InvalidMessage):
		Reader(public()).read(first[: len(first) - len(body)] + body)


def test_without_the_key_nothing_of_the_document_can_be_read():
	payload = payloads()[0]
	read = Reader(public()).read(payload)

	assert b"ITEM" not in payload and b"Item" not in payload
	with pytest.raises(InvalidMessage):
		unseal(read, OTHER_KEY, "Item", PRODUCER)


@pytest.mark.parametrize(
	"held",
	[event(8), event(ref_doctype="User"), event(at_position=9), event(id="8"), event(position="7"), {}],
)
def test_a_message_holds_the_event_that_it_says(held):
	(payload,) = sign([seal(message(), held, KEY)], PRIVATE)

	with pytest.raises(InvalidMessage):
		unseal(Reader(public()).read(payload), KEY, "Item", PRODUCER)


def grant(**values) -> dict:
	return {
		"servers": ["nats://127.0.0.1:4222"],
		"user": "reader",
		"password": "secret",
		"site": "0000-1111",
		"epoch": "e1",
		"standing": "s1",
		"public_key": public(),
		"doctypes": {"Item": {"token": "t1", "after": 0, "key": KEY.hex()}},
		**values,
	}


def test_a_grant_is_read_as_it_was_given():
	assert parse_grant(grant()) == grant()


@pytest.mark.parametrize(
	"values",
	[
		{"servers": []},
		{"servers": [1]},
		{"site": "../.."},
		{"epoch": ">"},
		{"epoch": "a.*"},
		{"standing": ""},
		{"public_key": "00"},
		{"public_key": None},
		{"doctypes": {}},
		{"doctypes": []},
		{"doctypes": {"Item": {"token": "*", "after": 0, "key": None}}},
		{"doctypes": {"Item": {"token": "t1", "after": -1, "key": None}}},
		{"doctypes": {"Item": {"token": "t1", "after": 0, "key": "00"}}},
		{"doctypes": {"Item": {"token": "t1", "after": 0, "key": "zz" * 32}}},
	],
	ids=str,
)
def test_a_grant_that_can_not_be_understood_is_none(values):
	assert parse_grant(grant(**values)) is None


@pytest.mark.parametrize("answer", [None, {}, [], "NATS", 7])
def test_no_grant_is_none(answer):
	assert parse_grant(answer) is None

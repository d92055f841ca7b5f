"""Positions and logins for whoever listens over NATS: only the consumer's secret opens them."""

import pytest

from event_streaming.wire.broker.positions import (
	key_of,
	open_login,
	open_position,
	seal_login,
	seal_position,
	subject_of,
)

SECRET, CONSUMER = "a secret", "https://shop.example"


def test_a_position_comes_back():
	key = key_of(SECRET, CONSUMER)

	assert open_position(seal_position(7, key), key) == {"position": 7}
	assert seal_position(7, key) != seal_position(7, key)


def test_what_many_are_told_says_how_far_to_spread():
	key = key_of(SECRET, CONSUMER)

	assert open_position(seal_position(7, key, 2.5), key) == {"position": 7, "within": 2.5}


@pytest.mark.parametrize("secret, consumer", [("another", CONSUMER), (SECRET, "https://other.example")])
def test_others_open_nothing_and_listen_elsewhere(secret, consumer):
	sealed = seal_position(7, key_of(SECRET, CONSUMER))

	assert open_position(sealed, key_of(secret, consumer)) is None
	assert subject_of(secret, consumer) != subject_of(SECRET, CONSUMER)


@pytest.mark.parametrize("payload", [b"", b"x", b'{"position": 7}', b"0" * 200])
def test_what_was_not_sealed_says_nothing(payload):
	assert open_position(payload, key_of(SECRET, CONSUMER)) is None


def test_a_login_is_opened_by_the_secret_alone_and_looks_the_same_each_time():
	sealed = seal_login("reader", "word", SECRET)

	assert open_login(sealed, SECRET) == ("reader", "word")
	assert sealed == seal_login("reader", "word", SECRET)
	assert sealed != seal_login("reader", "other", SECRET)
	assert "word" not in bytes.fromhex(sealed).decode("latin1")
	for wrong in (open_login(sealed, "another"), open_login("", SECRET), open_login("zz", SECRET)):
		assert wrong is None


def test_a_subject_shows_neither_secret_nor_address():
	subject = subject_of(SECRET, CONSUMER)

	assert subject.startswith("event_streaming_positions.")
	assert subject.count(".") == 1 and subject.rpartition(".")[2].isalnum()

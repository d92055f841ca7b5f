"""What a consumer says of the documents that it has: packed, checked and bounded where it is read."""

import base64
import json
import random
import struct
import zlib

import pytest

from event_streaming.wire.checks import InvalidPage
from event_streaming.wire.lean.known import MOST_BYTES, MOST_KNOWN, pack_known, unpack_known
from event_streaming.wire.pages import parse_copy_page


def test_it_comes_as_it_was_said_and_takes_a_dozen_bytes_a_document():
	drawn = random.Random(1)
	said = {f"SINV-2026-{number:05}": drawn.getrandbits(64) for number in range(1_000)}
	said |= {'ก ข, "quoted"': 2**64 - 1}
	packed = pack_known(said)
	assert unpack_known(packed) == said and list(unpack_known(packed)) == list(said)
	assert len(packed) < 16 * len(said)
	assert unpack_known(pack_known({})) == {}


def packed(names: object, numbers: bytes) -> str:
	text = names if isinstance(names, bytes) else json.dumps(names).encode()
	return base64.b64encode(zlib.compress(struct.pack(">I", len(text)) + text + numbers)).decode()


@pytest.mark.parametrize(
	"said",
	[
		None,
		"",
		"no base64!",
		base64.b64encode(b"no zlib").decode(),
		pack_known({"a": 1})[:-8],
		packed(["a"], b""),
		packed(["a"], bytes(16)),
		packed({"a": 1}, bytes(8)),
		packed([1], bytes(8)),
		packed([""], bytes(8)),
		packed(["x" * 200], bytes(8)),
		packed(b"[" * 100_000, b""),
		packed(b"\xff\xfe", b""),
		packed(["a"] * (MOST_KNOWN + 1), bytes(8 * (MOST_KNOWN + 1))),
		# a few kilobytes that would become as much memory as there is
		base64.b64encode(zlib.compress(bytes(100 * MOST_BYTES))).decode(),
	],
)
def test_what_is_not_that_is_refused(said):
	with pytest.raises(InvalidPage):
		unpack_known(said)


def page(**values) -> dict:
	return parse_copy_page({"events": [], "has_more": True, "after": "b", **values}, "Item", "a", "http://p")


def test_what_a_producer_says_of_them_is_checked():
	assert page()["without"] is None and page()["same"] == 0
	assert page(without=[], same=3, differing=["x"])["differing"] == ["x"]
	# nothing was looked at yet
	assert page(without=["note"], after="a")["after"] == "a"
	assert page(without=[], same=MOST_KNOWN)["same"] == MOST_KNOWN
	for wrong in (
		{"without": "note"},
		{"same": -1},
		{"same": MOST_KNOWN + 1},
		{"differing": [1]},
		{"differing": ["x"] * 5_001},
	):
		with pytest.raises(InvalidPage):
			page(**wrong)
	with pytest.raises(InvalidPage):
		page(without=[], after="a")

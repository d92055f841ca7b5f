"""An event may say what its document is called by now: read with care, and kept with the event."""

import pytest

from event_streaming.wire.checks import InvalidPage
from event_streaming.wire.events import dump_root, parse_event, read_root

ROOT = {"site": "http://a", "doctype": "Item", "name": "A"}
NOW = {"name": "B", "since": 7, "given_up": 9, "again": True}


def event(**values) -> dict:
	said = {"position": 5, "update_type": "Create", "ref_doctype": "Item", "docname": "A", **values}
	return parse_event(said, "http://p")


def test_it_is_read_and_says_nothing_where_nothing_is_said():
	assert event(now=NOW)["now"] == NOW
	assert event(now={"name": "B", "since": 7})["now"] == {**NOW, "given_up": 0, "again": False}
	assert event()["now"] is None


@pytest.mark.parametrize(
	"now",
	[
		"B",
		["B", 7],
		{"name": "B"},
		{"since": 7},
		{"name": "", "since": 7},
		{"name": 3, "since": "x"},
		{**NOW, "given_up": -1},
		{**NOW, "given_up": "x"},
	],
)
def test_what_can_not_be_read_is_refused(now):
	with pytest.raises(InvalidPage):
		event(now=now)


@pytest.mark.parametrize("root", [None, ROOT])
@pytest.mark.parametrize("now", [None, NOW])
def test_it_is_kept_with_where_the_document_was_first_made(root, now):
	assert read_root(dump_root(event(root=root, now=now))) == (root, now)
	assert read_root(None) == (None, None)


def test_what_an_earlier_version_has_kept_says_less():
	_root, now = read_root('{"now": {"name": "B", "since": 7}}')

	assert now == {"name": "B", "since": 7, "given_up": 0, "again": False}

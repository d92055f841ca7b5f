"""What is hidden is taken out of documents and differences, and masked: without a site."""

import copy

import pytest

from event_streaming.producer.subscriptions.expressions import View, hidden_asked_for
from event_streaming.producer.subscriptions.hiding import Hidden, Mask, as_sent
from event_streaming.wire.left_out import masks_in, names_in, says_nothing

KEY = b"key"
HIDDEN = Hidden(
	frozenset(("price", "items.bin", "taxes", "scan")),
	{"code": Mask(key=KEY), "who": Mask("somebody"), "items.serial": Mask(key=KEY)},
	frozenset(("price", "items.bin")),
)
DOCUMENT = {
	"name": "A",
	"title": "a",
	"price": 5,
	"code": "c",
	"who": "me",
	"scan": "/files/scan.png",
	"text": 'see <img src="/files/open%20one.png">',
	"items": [{"name": "r1", "idx": 1, "qty": 2, "bin": "X", "serial": "s"}],
	"taxes": [{"name": "t1", "rate": 7, "slip": "/files/slip.png"}],
}
HASH, ROW_HASH = Mask(key=KEY).of("c"), Mask(key=KEY).of("s")


def file(url: str, field: str = "") -> dict:
	return {"file": "f", "file_name": "f", "file_url": url, "attached_to_field": field}


def test_a_document_is_sent_without_what_is_left_out_and_with_its_masks():
	original = copy.deepcopy(DOCUMENT)

	sent = HIDDEN.document(DOCUMENT)

	assert sent == {
		"name": "A",
		"title": "a",
		"code": HASH,
		"who": "somebody",
		"text": DOCUMENT["text"],
		"items": [{"name": "r1", "idx": 1, "qty": 2, "serial": ROW_HASH}],
	}
	assert original == DOCUMENT


def test_equal_values_have_equal_hashes_and_only_with_the_same_key():
	assert Mask(key=KEY).of("c") == HASH != Mask(key=KEY).of("d")
	assert Mask(key=b"other").of("c") != HASH
	assert len(HASH) == 32 and len(Mask(key=KEY, length=20).of("c")) == 20
	assert [Mask(key=KEY).of(value) for value in (None, "")] == [None, ""]
	assert [Mask("x").of(value) for value in (None, "", "y")] == ["x", "x", "x"]


def test_each_part_of_a_difference_is_sent_as_the_document_is():
	change = {
		"changed": {"title": "b", "price": 6, "code": "c", "who": "you", "modified": "2026"},
		"added": {"items": [{"name": "r2", "bin": "Y", "serial": "s"}], "taxes": [{"name": "t2"}]},
		"removed": {"items": ["r0"], "taxes": ["t1"]},
		"row_changed": {"items": [{"name": "r1", "bin": "Z"}, {"name": "r3", "bin": "Z", "serial": "s"}]},
	}
	original = copy.deepcopy(change)

	sent = HIDDEN.change(change)

	assert sent == {
		# a fixed text does not change
		"changed": {"title": "b", "code": HASH, "modified": "2026"},
		"added": {"items": [{"name": "r2", "serial": ROW_HASH}]},
		"removed": {"items": ["r0"]},
		"row_changed": {"items": [{"name": "r3", "serial": ROW_HASH}]},
	}
	assert change == original


@pytest.mark.parametrize(
	"change",
	[
		{"changed": {"price": 6, "who": "you", "modified": "2026", "modified_by": "x"}},
		{"changed": {"modified": "2026"}, "removed": {"taxes": ["t1"]}, "added": {"taxes": [{"name": "t"}]}},
		{"row_changed": {"items": [{"name": "r1", "bin": "Z"}]}},
	],
)
def test_of_a_change_of_hidden_fields_alone_nothing_is_left(change):
	assert says_nothing(HIDDEN.change(change))


@pytest.mark.parametrize(
	"change",
	[
		{"changed": {"title": "b", "price": 6}},
		{"changed": {"code": "d"}},
		{"removed": {"items": ["r1"]}},
		{"row_changed": {"items": [{"name": "r1", "idx": 2, "bin": "Z"}]}},
	],
)
def test_of_others_something_is(change):
	assert not says_nothing(HIDDEN.change(change))


@pytest.mark.parametrize(
	("named", "hides"),
	[
		(file("/files/scan.png"), True),
		(file("/files/scan.png", "scan"), True),
		(file("/files/other.png", "scan"), True),
		(file("/files/other.png", "bin"), True),
		(file("/files/slip.png"), True),
		(file("/files/other.png", "slip"), True),
		(file("/files/other.png"), False),
		(file("/files/open one.png"), False),
		# it only begins like one that is sent
		(file("/files/open", "scan"), True),
	],
)
def test_a_file_goes_with_the_field_that_names_it(named, hides):
	assert HIDDEN.hides_file(named, DOCUMENT) is hides


def test_a_file_that_a_sent_field_names_as_well_is_sent():
	both = {**DOCUMENT, "title": "/files/scan.png"}

	assert not HIDDEN.hides_file(file("/files/scan.png", "scan"), both)


def test_of_a_document_that_is_gone_no_file_is_told():
	assert HIDDEN.hides_file(file("/files/other.png"), None)


def test_where_nothing_is_hidden_the_very_same_is_sent():
	files = [file("/files/scan.png")]

	state, told = as_sent(None, DOCUMENT, files)

	assert state is DOCUMENT and told is files


def test_what_a_person_types_is_read():
	assert names_in(" a, b\n\nc.d ,a") == ("a", "b", "c.d")
	assert masks_in("a\n b = some, text = x \n\nc.d =") == {"a": None, "b": "some, text = x", "c.d": ""}


# ---- conditions


class Row:
	doctype = "Row"

	def __init__(self, **values):
		self.__dict__.update(values)


def test_a_condition_sees_nothing_of_what_is_hidden_however_it_asks():
	rows = [Row(bin="X", qty=2)]
	view = View({"price": 5, "title": "a", "items": rows}, {"price"}, {"items": {"bin"}})

	assert (view.price, view["price"], view.get("price", 3), view.title) == (None, None, None, "a")
	assert [(row.bin, row.qty) for row in view.items] == [(None, 2)]


@pytest.mark.parametrize(
	("condition", "named"),
	[
		("doc.price > 1", "price"),
		("doc['price'] > 1", "price"),
		("doc.get('price', 0)", "price"),
		("any(row.bin for row in doc.items)", "items.bin"),
		("any(row.get('bin') for row in doc.items)", "items.bin"),
		("doc.title == 'price'", ""),
		("doc.bin == 1", ""),
	],
)
def test_a_condition_that_asks_for_it_by_name_is_found(condition, named):
	assert hidden_asked_for(condition, {"price"}, {"items": {"bin"}}) == named

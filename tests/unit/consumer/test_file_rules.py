"""What is said of files on the wire, and the fields that hold their addresses: without a site."""

import pytest

from event_streaming.consumer.files.fields import LEAVE_OUT, AttachShape, every_url_in, with_urls
from event_streaming.wire.checks import InvalidPage
from event_streaming.wire.files import parse_file, parse_files

SHAPE = AttachShape(("photo",), {"pages": AttachShape(("picture",))})
FILE = {
	"file": "abc",
	"file_name": "report.pdf",
	"file_url": "/private/files/report.pdf",
	"is_private": 1,
	"content_hash": "0" * 32,
	"file_size": 12,
	"attached_to_field": None,
	"root": None,
}


def test_a_file_is_taken_as_it_is_told():
	parsed = parse_file(FILE)

	assert parsed == {**FILE, "attached_to_field": ""}
	assert parse_files(None) == []


@pytest.mark.parametrize(
	("column", "value"),
	[
		("file", ""),
		("file", 7),
		("file_name", "../report.pdf"),
		("file_name", "a\\b.pdf"),
		("file_name", ".."),
		("file_name", "a\0.pdf"),
		("file_name", "a" * 141),
		("file_url", "report.pdf"),
		("file_url", "/private/backups/all.sql"),
		("file_url", "file:///etc/passwd"),
		("content_hash", "../../hash"),
		("content_hash", "0" * 31),
		("file_size", -1),
		("file_size", True),
		("root", "there"),
	],
)
def test_what_could_lead_elsewhere_is_refused(column, value):
	with pytest.raises(InvalidPage):
		parse_file({**FILE, column: value})


def test_more_files_than_a_document_has_are_refused():
	with pytest.raises(InvalidPage):
		parse_files([FILE] * 1_001)


def test_addresses_of_a_document_and_its_rows_are_replaced_and_the_original_is_not():
	data = {
		"photo": "/files/a.png",
		"title": "/files/no.png",
		"pages": [{"picture": "/files/b.png"}, {"text": 1}],
	}

	result = with_urls(SHAPE, data, str.upper)

	assert result == {
		"photo": "/FILES/A.PNG",
		"title": "/files/no.png",
		"pages": [{"picture": "/FILES/B.PNG"}, {"text": 1}],
	}
	assert data["photo"] == "/files/a.png" and data["pages"][0]["picture"] == "/files/b.png"


def test_addresses_of_a_difference_are_replaced():
	change = {
		"changed": {"photo": "/files/a.png"},
		"added": {"pages": [{"name": "1", "picture": "/files/b.png"}]},
		"removed": {"pages": ["2"]},
		"row_changed": {"pages": [{"name": "3", "picture": "/private/files/c.png"}]},
	}

	result = with_urls(SHAPE, change, lambda url: url.rsplit("/", 1)[-1])

	assert result["changed"] == {"photo": "a.png"}
	assert result["added"]["pages"][0]["picture"] == "b.png"
	assert result["row_changed"]["pages"][0]["picture"] == "c.png"
	assert change["changed"]["photo"] == "/files/a.png"


def test_a_field_can_be_left_out_and_what_is_no_address_stays():
	data = {"photo": "/files/a.png", "pages": [{"picture": "https://example.com/b.png"}, "no row"]}

	assert with_urls(SHAPE, data, lambda _url: LEAVE_OUT) == {"pages": data["pages"]}
	unchanged = {"photo": None, "pages": None}
	assert with_urls(SHAPE, unchanged, lambda _url: LEAVE_OUT) is unchanged


def test_all_that_looks_like_an_address_is_found_whatever_the_field():
	data = {"a": "/files/1", "rows": [{"b": "/private/files/2", "c": "text"}], "changed": {"d": "/files/1"}}

	assert sorted(every_url_in(data)) == ["/files/1", "/private/files/2"]

"""Answers with documents go compressed over the line, those with keys do not."""

import gzip
import json

import pytest
from werkzeug.test import EnvironBuilder
from werkzeug.wrappers import Request, Response

from event_streaming.http.compressing import COMPRESSED, compress
from event_streaming.wire import paths

PAGE = json.dumps(
	{"message": {"events": [{"docname": f"ORD-{number:05}"} for number in range(500)]}}
).encode()


def answered(path: str = paths.FEED, body: bytes = PAGE, **headers: str) -> Response:
	asked = {"Accept-Encoding": "gzip, deflate", **headers}
	response = Response(body, content_type="application/json")
	compress(
		response=response, request=Request(EnvironBuilder(f"/api/method/{path}", headers=asked).get_environ())
	)
	return response


def test_a_page_is_compressed_and_read_as_it_was():
	response = answered()

	assert response.headers["Content-Encoding"] == "gzip"
	assert "Accept-Encoding" in response.vary
	assert int(response.headers["Content-Length"]) == len(response.get_data()) < len(PAGE) / 4
	assert gzip.decompress(response.get_data()) == PAGE


@pytest.mark.parametrize(
	("reason", "how"),
	[
		("who asks can't read it", {"Accept-Encoding": "identity"}),
		("who asks does not want it", {"Accept-Encoding": "gzip;q=0"}),
		("it is small", {"body": b"{}"}),
		("it is none of our answers", {"path": "frappe.client.get_list"}),
		("it carries a secret", {"path": paths.ROTATE}),
	],
)
def test_an_answer_stays_as_it_is_where(reason, how):
	response = answered(**how)

	assert "Content-Encoding" not in response.headers
	assert response.get_data() == how.get("body", PAGE)


def test_what_is_compressed_already_is_left_alone():
	response = Response(PAGE, headers={"Content-Encoding": "br"})
	compress(response, Request(EnvironBuilder(f"/api/method/{paths.FEED}").get_environ()))

	assert response.get_data() == PAGE


def test_no_answer_with_keys_tokens_or_codes_is_compressed():
	secret = (
		paths.REGISTER,
		paths.ROTATE,
		paths.CONFIRM,
		paths.MEET_INVITATION,
		paths.REDEEM_INVITATION,
		paths.COMPLETE_INVITATION,
	)

	assert not COMPRESSED & {f"/api/method/{path}" for path in secret}

"""What another site has answered: read up to a bound, and its errors as a person may see them. Nothing of it is believed."""

import json
import math

import frappe
import requests

from event_streaming.exceptions import RemoteError
from event_streaming.http.confidential import plain
from event_streaming.messages.coded import _
from event_streaming.wire.checks import as_site_id

MAX_ANSWER_BYTES = 128 * 1024 * 1024
# compressed, of which a chunk can become a thousand times as much
CHUNK_BYTES = 16 * 1024
LONGEST_RETRY_AFTER = 24 * 60 * 60.0


def read_bounded(response: requests.Response, url: str) -> bytes:
	"""The body, up to a bound: what comes from the other side is not trusted with this process's memory."""
	if "," in response.headers.get("Content-Encoding", ""):
		# what is compressed many times over fills the memory before its size is known
		raise RemoteError(_("{0} sent an answer that is compressed more than once.").format(url))
	chunks, size = [], 0
	for chunk in response.iter_content(CHUNK_BYTES):
		size += len(chunk)
		if size > MAX_ANSWER_BYTES:
			raise RemoteError(
				_("{0} sent more than {1} MB in one answer.").format(url, MAX_ANSWER_BYTES >> 20)
			)
		chunks.append(chunk)
	return b"".join(chunks)


def size_of(response: requests.Response) -> int:
	"""Bytes that a request and what was read of its answer took on the line, compressed as they were."""
	request, body = response.request, response.request.body
	lines = [*request.headers.items(), *response.headers.items(), ("HTTP/1.1", request.url or "")]
	sent = len(body.encode() if isinstance(body, str) else body or b"")
	return sent + response.raw.tell() + sum(len(name) + len(value) + 4 for name, value in lines)


def read_error(content: bytes) -> tuple[str, str]:
	"""(exception name, message for a person) of a Frappe error answer; ("", "") when it is something else."""
	try:
		answer = json.loads(content)
	except (ValueError, RecursionError):
		return "", ""
	if not isinstance(answer, dict):
		return "", ""
	exc_type = str(answer.get("exc_type") or "")
	if not exc_type and isinstance(answer.get("exception"), str):
		exc_type = answer["exception"].split(":")[0].rsplit(".", 1)[-1]
	return exc_type, server_message(answer)


def server_message(answer: dict) -> str:
	"""The first message that the other site wanted to show, without markup."""
	try:
		for raw in json.loads(answer.get("_server_messages") or "[]"):
			message = json.loads(raw) if isinstance(raw, str) else raw
			text = message.get("message") if isinstance(message, dict) else str(message)
			if text:
				return plain(frappe.utils.strip_html(str(text))[:2000])
	except (ValueError, TypeError):
		pass
	exception = answer.get("exception")
	return plain(str(exception).split(":", 1)[-1].strip()[:2000]) if exception else ""


def retry_after(response: requests.Response) -> float | None:
	"""Seconds from a Retry-After header that is a number, a day at most; a date is left to the ordinary back-off."""
	try:
		seconds = float(response.headers["Retry-After"])
	except (KeyError, ValueError):
		return None
	return min(max(seconds, 0.0), LONGEST_RETRY_AFTER) if math.isfinite(seconds) else None


def document_in(answer: dict) -> dict:
	data = answer.get("data")
	return data if isinstance(data, dict) else {}


def met_site(content: bytes) -> str:
	"""Which site has refused a request that was meant for another."""
	try:
		return as_site_id(json.loads(content).get("site_id"))
	except (ValueError, AttributeError, RecursionError):
		return ""

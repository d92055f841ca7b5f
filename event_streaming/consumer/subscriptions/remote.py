"""The producer as this site talks to it: its feed, its documents and files, its counts and digests. What is asked of one
with the older app is in old_producer.py.

It turns answers into checked plain data; it keeps no state and writes nothing.
"""

import base64
import json
from typing import Any

import frappe

from event_streaming.consumer.line.meter import LONGEST_WAIT, meter_of
from event_streaming.consumer.logs import listener
from event_streaming.consumer.subscriptions import keys
from event_streaming.consumer.subscriptions.fetched import (
	FetchedDocuments,
	FileReference,
	add_documents,
	add_files,
)
from event_streaming.exceptions import RemoteError, RemoteUnavailable
from event_streaming.http.client import client_of
from event_streaming.http.confidential import Confidential
from event_streaming.site.address import public_url
from event_streaming.site.settings import get_settings
from event_streaming.wire import paths
from event_streaming.wire.checks import InvalidPage, text, whole_number
from event_streaming.wire.digests import DigestPage, Shape, parse_digest_page
from event_streaming.wire.facts import DocTypeFacts, parse_facts
from event_streaming.wire.files import Piece, RemoteFile
from event_streaming.wire.matching import MatchPage, parse_match_page
from event_streaming.wire.pages import (
	NO_WISH,
	CopyPage,
	Look,
	Page,
	parse_copy_page,
	parse_look,
	parse_page,
)
from event_streaming.wire.wishes.priorities import Wish

DOCUMENTS_PER_CALL = 500


class Producer:
	"""One producer, asked with the keys on its Event Producer document; `patience` are seconds instead of the settings'.

	Only a background job that has time waits for a line that is used as much as it may be: not a person, a web worker, or the one
	process that listens. What they send counts.
	"""

	def __init__(self, event_producer, patience: float | None = None):
		self.name = event_producer.name
		# documents that are asked for are only tried
		self.trial = False
		self.client = client_of(event_producer, spare_secrets=lambda: keys.spare_secrets(self.name))
		has_time = not patience and getattr(frappe.local, "job", None)
		self.line = self.client.meter = meter_of(event_producer, LONGEST_WAIT if has_time else 0)
		if patience:
			self.client.timeout = (patience, patience)

	def get_page(
		self,
		cursor: int,
		epoch: str = "",
		receipt: str = "",
		transport: str = "",
		wish: Wish = NO_WISH,
		as_one: dict[str, Any] | None = None,
	) -> Page:
		"""The next page of the feed after `cursor`; epoch and receipt came with the last page, `transport` and `wish` are wished for, and
		so is `as_one`: changes of a document put together, see AsOne. Raises the Remote* errors, NotRegistered or InvalidPage."""
		settings = get_settings()
		answer = self.client.call(
			paths.FEED,
			{
				"event_consumer": public_url(),
				"cursor": cursor,
				"limit": settings.events_per_page,
				"max_bytes": self.line.page_bytes(),
				"reachable": 0 if settings.not_reachable else 1,
				"listening": listener.said_of_it(self.name),
				"epoch": epoch,
				"receipt": receipt,
				**({"transport": transport} if transport else {}),
				**({"priorities": wish.on_the_wire()} if wish else {}),
				**({"as_one": json.dumps(as_one)} if as_one else {}),
			},
		)
		return parse_page(answer, cursor, self.name, wish)

	def get_documents(self, keys: list[tuple[str, str]]) -> FetchedDocuments:
		"""The documents ((DocType, name) on the producer) as they are there now, in as few calls as possible."""
		fetched = FetchedDocuments()
		waiting, at_once = list(dict.fromkeys(keys)), DOCUMENTS_PER_CALL
		while waiting:
			chunk = waiting[:at_once]
			try:
				answer = self.client.call(
					paths.DOCUMENTS,
					{
						"event_consumer": public_url(),
						"documents": json.dumps(chunk),
						**self._for_trial(),
					},
				)
			except (RemoteError, RemoteUnavailable) as error:
				if not may_be_too_much(error):
					raise
				if len(chunk) == 1:
					if isinstance(error, RemoteUnavailable):
						raise
					# its event fails alone, and says why
					fetched.missing[chunk[0]] = str(error)[:200]
					waiting = waiting[1:]
				else:
					at_once = len(chunk) // 2
				continue
			add_documents(fetched, answer, set(chunk))
			# what found no room in the answer is asked for again
			rest = [key for key in chunk if key not in fetched.documents and key not in fetched.missing]
			if len(rest) == len(chunk):
				raise InvalidPage("The producer says nothing of the documents that it was asked for.")
			waiting = rest + waiting[len(chunk) :]
		return fetched

	def describe(self, doctypes: list[str]) -> dict:
		"""What the producer has on record for this site, and what these DocTypes look like there, unchecked."""
		answer = self.client.call(
			paths.DESCRIBE, {"event_consumer": public_url(), "doctypes": json.dumps(doctypes)}
		)
		if not isinstance(answer, dict) or not isinstance(answer.get("doctypes"), dict):
			raise InvalidPage("The producer's description of itself is not an object.")
		return answer

	def check(self, doctype: str) -> DocTypeFacts:
		"""How much there is of a DocType, what it looks like, and what this site's user may do there."""
		answer = self.client.call(paths.CHECK, {"event_consumer": public_url(), "doctype": doctype})
		return parse_facts(answer)

	def _for_trial(self) -> dict[str, int]:
		return {"trial": 1} if self.trial else {}

	def find_files(
		self, references: list[FileReference]
	) -> tuple[dict[FileReference, RemoteFile], dict[FileReference, str]]:
		"""The files that addresses in documents mean, and for the others why there is none."""
		found: dict[FileReference, RemoteFile] = {}
		missing: dict[FileReference, str] = {}
		for start in range(0, len(references), DOCUMENTS_PER_CALL):
			chunk = references[start : start + DOCUMENTS_PER_CALL]
			answer = self.client.call(
				paths.FIND_FILES, {"event_consumer": public_url(), "references": json.dumps(chunk)}
			)
			add_files(found, missing, answer, set(chunk))
		return found, missing

	def get_content(self, file: str, offset: int) -> Piece:
		"""A piece of a file's content from byte `offset` on."""
		answer = self.client.call(
			paths.FILE_CONTENT, {"event_consumer": public_url(), "file": file, "offset": offset}
		)
		if not isinstance(answer, dict):
			raise InvalidPage("The producer's answer to a request for a file is not an object.")
		try:
			content = base64.b64decode(str(answer.get("content") or ""), validate=True)
		except ValueError:
			raise InvalidPage("The producer sent a file's content that is not base64.") from None
		size = whole_number(answer.get("size"), "size")
		return Piece(content, size, text(answer.get("content_hash") or "", "content_hash", 140))

	def get_copy_page(
		self,
		doctype: str,
		after: str,
		cursor: int,
		filters: Any,
		limit: int | None = None,
		known: dict[str, Any] | None = None,
	) -> CopyPage:
		"""Existing documents of a DocType after a name, for one who has taken the events up to `cursor`; so many at most. Those that are
		`known` here are only compared.

		Raises the Remote* errors, NotRegistered or InvalidPage.
		"""
		settings = get_settings()
		answer = self.client.call(
			paths.COPY,
			{
				"event_consumer": public_url(),
				"doctype": doctype,
				"after": after,
				"cursor": cursor,
				"filters": json.dumps(filters) if filters else None,
				"limit": limit or settings.events_per_page,
				"max_bytes": self.line.page_bytes(),
				**({"known": json.dumps(known, default=str)} if known else {}),
				**self._for_trial(),
			},
		)
		return parse_copy_page(answer, doctype, after, self.name)

	def get_match_page(
		self, doctype: str, fields: list[str], after: str, cursor: int, filters: dict | None = None
	) -> MatchPage:
		"""Names of a DocType's documents after a name, with the values of fields by which they may be recognised."""
		answer = self.client.call(
			paths.MATCH,
			{
				"event_consumer": public_url(),
				"doctype": doctype,
				"fields": json.dumps(fields),
				"after": after,
				"cursor": cursor,
				"filters": json.dumps(filters) if filters else None,
			},
		)
		return parse_match_page(answer, len(fields), after)

	def count_documents(self, doctype: str, filters: Any) -> int:
		"""How many documents a copy of a DocType will look at."""
		return self.count_with_withheld(doctype, filters)[0]

	def count_with_withheld(self, doctype: str, filters: Any) -> tuple[int, int]:
		"""How many documents a copy of a DocType will look at, and how many more this site's user may not read there."""
		answer = self.client.call(
			paths.COUNT,
			{
				"event_consumer": public_url(),
				"doctype": doctype,
				"filters": json.dumps(filters) if filters else None,
			},
		)
		if not isinstance(answer, dict):
			raise InvalidPage("The producer's answer to a request for a count is not an object.")
		return whole_number(answer.get("total"), "total"), whole_number(
			answer.get("withheld") or 0, "withheld"
		)

	def get_digests(
		self,
		doctype: str,
		shape: Shape,
		buckets: int,
		wanted: list[int] | None,
		after: str,
		filters: Any,
	) -> DigestPage:
		"""Digests of documents after a name: sums of all buckets, or each one of the `wanted` buckets."""
		answer = self.client.call(
			paths.DIGESTS,
			{
				"event_consumer": public_url(),
				"doctype": doctype,
				"shape": json.dumps(shape.as_wire(), default=str),
				"buckets": buckets,
				"wanted": None if wanted is None else json.dumps(wanted),
				"after": after,
				"filters": json.dumps(filters) if filters else None,
			},
		)
		return parse_digest_page(answer, after, buckets, wanted is not None)

	def look_at(self, doctype: str, names: list[str], cursor: int) -> Look:
		"""Documents by name as they are now, for one who has taken the events up to `cursor`; and why there is none."""
		answer = self.client.call(
			paths.LOOK_AT,
			{
				"event_consumer": public_url(),
				"doctype": doctype,
				"names": json.dumps(names),
				"cursor": cursor,
			},
		)
		return parse_look(answer, doctype, set(names), self.name)

	def tell_repaired(self, doctype: str, positions: dict[str, int]) -> None:
		"""Documents that a repair has brought in line, as they were at these positions. Only what the other site says of them hangs on it."""
		if not positions:
			return
		told = {"event_consumer": public_url(), "doctype": doctype, "positions": json.dumps(positions)}
		try:
			self.client.call(paths.REPAIRED, told)
		except RemoteError:
			frappe.clear_messages()

	def find_names(self, doctype: str, filters: dict) -> list[str]:
		"""The names of at most two documents that the filters find: two are enough to know that one is not alone."""
		found = self.client.call(
			"frappe.client.get_list",
			{
				"doctype": doctype,
				"filters": json.dumps(filters),
				"fields": '["name"]',
				"limit_page_length": 2,
			},
		)
		if not isinstance(found, list) or not all(isinstance(row, dict) and row.get("name") for row in found):
			raise InvalidPage("The producer's answer to a search for documents is not a list of names.")
		return [str(row["name"]) for row in found]

	def rotate_keys(self, token: str, secret: str | None) -> None:
		"""Have the producer call with this token, and know this site's user by this secret. Raises the Remote* errors or InvalidPage."""
		answer = self.client.call(
			paths.ROTATE, {"event_consumer": public_url(), "consumer_token": token, "api_secret": secret}
		)
		if not isinstance(answer, dict):
			raise InvalidPage("The producer's answer to a change of keys is not an object.")

	def register(self, data: dict) -> dict | None:
		"""Register with the producer; None is the old protocol's way to say that it knows this site already."""
		answer = self.client.call_any_generation(paths.REGISTER, {"data": Confidential(json.dumps(data))})
		if not answer:
			return None
		try:
			parsed = json.loads(answer) if isinstance(answer, str) else answer
		except (ValueError, RecursionError):
			parsed = None
		if not isinstance(parsed, dict):
			raise InvalidPage("The producer's answer to the registration is not an object.")
		return parsed


def may_be_too_much(error: Exception) -> bool:
	"""Whether half of what was asked for may be answered: a time-out, or an answer that is too large."""
	if isinstance(error, RemoteUnavailable):
		return error.timed_out
	return not error.status and not error.exc_type

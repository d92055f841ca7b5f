"""The producer as this site talks to it: its feed, its documents, and the calls of the old protocol.

It turns answers into checked plain data; it keeps no state and writes nothing.
"""

import base64
import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import frappe

from event_streaming.consumer.subscriptions import keys
from event_streaming.exceptions import RemoteError, RemoteRefused, RemoteUnavailable
from event_streaming.http.client import client_of, is_unknown_method
from event_streaming.http.confidential import Confidential
from event_streaming.identity.registry import REMOTE_NAME, REMOTE_SITE
from event_streaming.site.address import public_url
from event_streaming.site.settings import get_settings
from event_streaming.wire.checks import InvalidPage, check_shape, list_of, text, whole_number
from event_streaming.wire.digests import DigestPage, Shape, parse_digest_page
from event_streaming.wire.events import CREATE, Event, Root, parse_root, read_event
from event_streaming.wire.facts import DocTypeFacts, parse_facts
from event_streaming.wire.files import Piece, RemoteFile, parse_file, parse_files
from event_streaming.wire.matching import MatchPage, parse_match_page
from event_streaming.wire.pages import CopyPage, Look, Page, parse_copy_page, parse_look, parse_page
from event_streaming.wire.paths import (
	ABOUT,
	CHECK,
	COPY,
	COUNT,
	DESCRIBE,
	DIGESTS,
	DOCUMENTS,
	FEED,
	FILE_CONTENT,
	FIND_FILES,
	LOOK_AT,
	MATCH,
	OLD_FEED,
	REGISTER,
	REPAIRED,
	ROTATE,
)

DOCUMENTS_PER_CALL = 500
# (DocType, name, address) of a file in a document's field, as the producer knows them
FileReference = tuple[str, str, str]


@dataclass
class FetchedDocuments:
	"""Documents read from the producer, by (DocType, name) there.

	Every event of a document at or before its entry in `positions` is contained in it. `missing` gives the reason.
	"""

	documents: dict[tuple[str, str], dict] = field(default_factory=dict)
	positions: dict[tuple[str, str], int] = field(default_factory=dict)
	roots: dict[tuple[str, str], Root] = field(default_factory=dict)
	missing: dict[tuple[str, str], str] = field(default_factory=dict)
	files: dict[tuple[str, str], list[RemoteFile]] = field(default_factory=dict)

	def add(self, more: "FetchedDocuments") -> None:
		self.documents.update(more.documents)
		self.positions.update(more.positions)
		self.roots.update(more.roots)
		self.missing.update(more.missing)
		self.files.update(more.files)

	def forget(self, key: tuple[str, str]) -> None:
		"""It is to be read again."""
		for known in (self.documents, self.positions, self.roots, self.missing, self.files):
			known.pop(key, None)

	def only(self, keys: Iterable[tuple[str, str]]) -> "FetchedDocuments":
		"""Some of the documents; all that is known to be missing."""
		wanted = [key for key in keys if key in self.documents]
		return FetchedDocuments(
			{key: self.documents[key] for key in wanted},
			{key: self.positions[key] for key in wanted if key in self.positions},
			{key: self.roots[key] for key in wanted if key in self.roots},
			dict(self.missing),
			{key: self.files[key] for key in wanted if key in self.files},
		)


class Producer:
	"""One producer, asked with the keys on its Event Producer document; `patience` are seconds instead of the settings'."""

	def __init__(self, event_producer, patience: float | None = None):
		self.name = event_producer.name
		# documents that are asked for are only tried
		self.trial = False
		self.client = client_of(event_producer, spare_secrets=lambda: keys.spare_secrets(self.name))
		if patience:
			self.client.timeout = (patience, patience)

	def get_page(self, cursor: int, epoch: str = "", receipt: str = "", transport: str = "") -> Page:
		"""The next page of the feed after `cursor`; epoch and receipt came with the last page, `transport` is wished for. Raises the Remote* errors, NotRegistered or InvalidPage."""
		settings = get_settings()
		answer = self.client.call(
			FEED,
			{
				"event_consumer": public_url(),
				"cursor": cursor,
				"limit": settings.events_per_page,
				"max_bytes": settings.page_bytes,
				"reachable": 0 if settings.not_reachable else 1,
				"epoch": epoch,
				"receipt": receipt,
				**({"transport": transport} if transport else {}),
			},
		)
		return parse_page(answer, cursor, self.name)

	def get_old_page(self, doctypes: list[str], since: str | None) -> list[Event]:
		"""Events of a producer that speaks the old protocol, after the time `since`, oldest first."""
		answer = self.client.call_any_generation(
			OLD_FEED,
			{"event_consumer": public_url(), "doctypes": json.dumps(doctypes), "last_update": since or ""},
		)
		if not isinstance(answer or [], list):
			raise InvalidPage("The producer's events are not a list.")
		return [parse_old_event(entry, self.name) for entry in answer or []]

	def get_documents(self, keys: list[tuple[str, str]]) -> FetchedDocuments:
		"""The documents ((DocType, name) on the producer) as they are there now, in as few calls as possible."""
		fetched = FetchedDocuments()
		waiting, at_once = list(dict.fromkeys(keys)), DOCUMENTS_PER_CALL
		while waiting:
			chunk = waiting[:at_once]
			try:
				answer = self.client.call(
					DOCUMENTS,
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
			DESCRIBE, {"event_consumer": public_url(), "doctypes": json.dumps(doctypes)}
		)
		if not isinstance(answer, dict) or not isinstance(answer.get("doctypes"), dict):
			raise InvalidPage("The producer's description of itself is not an object.")
		return answer

	def check(self, doctype: str) -> DocTypeFacts:
		"""How much there is of a DocType, what it looks like, and what this site's user may do there."""
		answer = self.client.call(CHECK, {"event_consumer": public_url(), "doctype": doctype})
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
				FIND_FILES, {"event_consumer": public_url(), "references": json.dumps(chunk)}
			)
			add_files(found, missing, answer, set(chunk))
		return found, missing

	def get_content(self, file: str, offset: int) -> Piece:
		"""A piece of a file's content from byte `offset` on."""
		answer = self.client.call(
			FILE_CONTENT, {"event_consumer": public_url(), "file": file, "offset": offset}
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
		self, doctype: str, after: str, cursor: int, filters: Any, limit: int | None = None
	) -> CopyPage:
		"""Existing documents of a DocType after a name, for one who has taken the events up to `cursor`; so many at most.

		Raises the Remote* errors, NotRegistered or InvalidPage.
		"""
		settings = get_settings()
		answer = self.client.call(
			COPY,
			{
				"event_consumer": public_url(),
				"doctype": doctype,
				"after": after,
				"cursor": cursor,
				"filters": json.dumps(filters) if filters else None,
				"limit": limit or settings.events_per_page,
				"max_bytes": settings.page_bytes,
				**self._for_trial(),
			},
		)
		return parse_copy_page(answer, doctype, after, self.name)

	def get_match_page(
		self, doctype: str, fields: list[str], after: str, cursor: int, filters: dict | None = None
	) -> MatchPage:
		"""Names of a DocType's documents after a name, with the values of fields by which they may be recognised."""
		answer = self.client.call(
			MATCH,
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
			COUNT,
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
			DIGESTS,
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
			LOOK_AT,
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
			self.client.call(REPAIRED, told)
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

	def get_documents_one_by_one(self, keys: list[tuple[str, str]]) -> FetchedDocuments:
		"""The same from a producer of the old protocol, over its REST API."""
		fetched = FetchedDocuments()
		for doctype, name in keys:
			try:
				fetched.documents[(doctype, name)] = self.client.get_document(doctype, name)
			except RemoteRefused:
				fetched.missing[(doctype, name)] = "not permitted"
			except RemoteError as error:
				if error.status != 404:
					raise
				fetched.missing[(doctype, name)] = "not found"
		return fetched

	def runs_older_app(self) -> bool:
		"""Whether the producer has none of the calls of this app. Raises RemoteUnavailable."""
		try:
			self.client.call(ABOUT)
		except RemoteRefused:
			# it has the call, and does not let everybody
			return False
		except RemoteError as error:
			return is_unknown_method(error, ABOUT)
		return False

	def rotate_keys(self, token: str, secret: str | None) -> None:
		"""Have the producer call with this token, and know this site's user by this secret. Raises the Remote* errors or InvalidPage."""
		answer = self.client.call(
			ROTATE, {"event_consumer": public_url(), "consumer_token": token, "api_secret": secret}
		)
		if not isinstance(answer, dict):
			raise InvalidPage("The producer's answer to a change of keys is not an object.")

	def register(self, data: dict) -> dict | None:
		"""Register with the producer; None is the old protocol's way to say that it knows this site already."""
		answer = self.client.call_any_generation(REGISTER, {"data": Confidential(json.dumps(data))})
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


def add_documents(fetched: FetchedDocuments, answer: Any, asked: set[tuple[str, str]]) -> None:
	"""Check one answer of the documents' endpoint and add it to what has been fetched."""
	if not isinstance(answer, dict):
		raise InvalidPage("The producer's answer to a request for documents is not an object.")
	position = whole_number(answer.get("position") or 0, "position")
	for entry in list_of(answer, "documents"):
		key = (str(entry.get("doctype")), str(entry.get("name"))) if isinstance(entry, dict) else None
		if key not in asked or not isinstance(entry.get("data"), dict):
			raise InvalidPage("The producer sent a document that was not asked for.")
		try:
			check_shape(entry["data"])
		except InvalidPage as error:
			# the document fails alone, and says why
			fetched.missing[key] = str(error)
			continue
		fetched.documents[key] = entry["data"]
		fetched.positions[key] = whole_number(entry.get("position") or position, "position")
		root = parse_root(entry.get("root"))
		if root:
			fetched.roots[key] = root
		try:
			fetched.files[key] = parse_files(entry.get("files"))
		except InvalidPage as error:
			# the document fails alone, and says why
			del fetched.documents[key]
			fetched.missing[key] = str(error)
	for entry in list_of(answer, "missing"):
		if not isinstance(entry, list) or len(entry) != 3:
			raise InvalidPage(
				"The producer's list of missing documents is not one of DocType, name and reason."
			)
		doctype, name, reason = entry
		fetched.missing[(str(doctype), str(name))] = str(reason)[:200]


def add_files(
	found: dict[FileReference, RemoteFile],
	missing: dict[FileReference, str],
	answer: Any,
	asked: set[FileReference],
) -> None:
	"""Check one answer of the endpoint that finds files."""
	if not isinstance(answer, dict):
		raise InvalidPage("The producer's answer to a search for files is not an object.")
	for entry in list_of(answer, "files"):
		reference = entry.get("reference") if isinstance(entry, dict) else None
		key = tuple(map(str, reference)) if isinstance(reference, list) else None
		if key not in asked:
			raise InvalidPage("The producer sent a file that was not asked for.")
		try:
			found[key] = parse_file(entry.get("file"))
		except InvalidPage as error:
			# one file that can't be taken is no reason to stop the others
			missing[key] = str(error)
	for entry in list_of(answer, "missing"):
		if not isinstance(entry, list) or len(entry) != 4:
			raise InvalidPage(
				"The producer's list of missing files is not one of DocType, name, address and reason."
			)
		doctype, name, url, reason = entry
		missing[(str(doctype), str(name), str(url))] = str(reason)[:200]


def parse_old_event(entry: Any, producer: str) -> Event:
	"""An event of the old protocol in the shape of the new one (position 0; its time stands for it)."""
	if not isinstance(entry, dict):
		raise InvalidPage("An event is not an object.")
	data = entry.get("data")
	data = data if data is None or isinstance(data, str) else frappe.as_json(data)
	return read_event(
		{
			"id": str(entry.get("name") or ""),
			"position": 0,
			"update_type": entry.get("update_type"),
			"ref_doctype": entry.get("ref_doctype"),
			"docname": entry.get("docname"),
			"data": data,
			"creation": str(entry.get("creation") or ""),
			"origin": producer,
			"root": root_in(entry, data),
		},
		producer,
	)


def root_in(entry: dict, data: str | None) -> dict | None:
	"""Where a document was first made that the producer names itself: its own two fields say so."""
	if entry.get("update_type") != CREATE or not data or REMOTE_SITE not in data:
		return None
	try:
		values = json.loads(data)
		site, name = values.get(REMOTE_SITE), values.get(REMOTE_NAME)
	except (ValueError, AttributeError, RecursionError):
		return None
	return {"site": site, "doctype": entry.get("ref_doctype"), "name": name} if site and name else None

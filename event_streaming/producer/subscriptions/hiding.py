"""Pure: takes out of documents and differences what a consumer does not get, and masks what it gets masked.

What is hidden for whom, hidden.py knows. Nothing is changed in place.
"""

import hmac
import html
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from hashlib import sha256
from typing import Any
from urllib.parse import quote, unquote

from event_streaming.wire.files import RemoteFile
from event_streaming.wire.left_out import by_table, change_without, document_without, is_empty, says_nothing

HASH_LENGTH = 32
# what an address ends at: a space may be part of it
ENDS = r"(?=$|[\"'<>()?#\]])"


@dataclass(frozen=True)
class Mask:
	"""What is sent in the place of a value: a fixed text, or without one a keyed hash, by which equal values stay equal."""

	text: str | None = None
	key: bytes = field(default=b"", repr=False)
	length: int = HASH_LENGTH

	def of(self, value: Any) -> Any:
		if self.text is not None:
			return self.text
		if value in (None, ""):
			return value
		return hmac.new(self.key, str(value).encode("utf-8", "surrogatepass"), sha256).hexdigest()[
			: self.length
		]


@dataclass(frozen=True)
class Hidden:
	"""What one consumer does not get of a DocType's documents: "field", "table" or "table.field" each.

	`secret` is the part of it that this site's administrator hides (the rest the consumer does not want): it may not be asked for
	by any other road either.
	"""

	left_out: frozenset[str] = frozenset()
	masks: Mapping[str, Mask] = field(default_factory=dict)
	secret: frozenset[str] = frozenset()

	@cached_property
	def secret_by_table(self) -> tuple[set[str], dict[str, set[str]]]:
		return by_table(self.secret)

	@cached_property
	def _file_fields(self) -> tuple[set[str], set[str]]:
		"""Fields of the document, and of rows whatever their table, that no file may be attached to."""
		whole, of_rows = by_table({*self.left_out, *self.masks})
		return whole, set().union(*of_rows.values())

	@cached_property
	def _masks(self) -> tuple[dict[str, Mask], dict[str, dict[str, Mask]]]:
		own = {name: mask for name, mask in self.masks.items() if "." not in name}
		of_rows: dict[str, dict[str, Mask]] = {}
		for name, mask in self.masks.items():
			table, dot, fieldname = name.partition(".")
			if dot:
				of_rows.setdefault(table, {})[fieldname] = mask
		return own, of_rows

	@cached_property
	def _unchanging(self) -> frozenset[str]:
		"""A fixed text is the same before and after: a difference does not name its field at all."""
		return self.left_out | {name for name, mask in self.masks.items() if mask.text is not None}

	def document(self, data: dict[str, Any]) -> dict[str, Any]:
		"""A whole document as it is sent."""
		left = document_without(data, self.left_out)
		own, of_rows = self._masks
		left = masked(left, own)
		for table, masks in of_rows.items():
			if isinstance(left.get(table), list):
				left = {**left, table: [masked(row, masks) for row in left[table]]}
		return left

	def change_to_send(self, change: dict[str, Any]) -> dict[str, Any] | None:
		"""The same as `change`; None when the difference is of hidden fields alone, so that it is none for the consumer."""
		left = self.change(change)
		return None if left != change and says_nothing(left) else left

	def change(self, change: dict[str, Any]) -> dict[str, Any]:
		"""A difference, or what was before it, as it is sent; parts of which nothing is left are left out."""
		rest = {part: value for part, value in change.items() if part != "added"}
		left = change_without(rest, self._unchanging)
		own, of_rows = self._masks
		if "changed" in left:
			left["changed"] = masked(left["changed"], own)
		left["row_changed"] = {
			table: [masked(row, of_rows.get(table, {})) for row in rows if not is_empty(row)]
			for table, rows in (left.get("row_changed") or {}).items()
		}
		added = change_without({"added": change.get("added") or {}}, self.left_out)["added"]
		left["added"] = {
			table: [masked(row, of_rows.get(table, {})) for row in rows] for table, rows in added.items()
		}
		for part in ("added", "removed", "row_changed"):
			if not (found := {table: rows for table, rows in (left.get(part) or {}).items() if rows}):
				left.pop(part, None)
			else:
				left[part] = found
		return left

	def hides_file(
		self, file: RemoteFile, state: Mapping[str, Any] | None, sent: Mapping[str, Any] | None = None
	) -> bool:
		"""Whether a file of a document goes with a hidden field: it is attached to one or one holds its address, and no other does.

		`state` is the whole document, `sent` what is sent of it; of one that is gone nobody can tell any more: it is hidden.
		"""
		if state is None:
			return True
		sent = self.document(dict(state)) if sent is None else sent
		url = unquote(file["file_url"])
		if is_named(file["file_url"], texts_in(sent)):
			return False
		whole, of_rows = self._file_fields
		attached = file["attached_to_field"]
		if attached in whole or (attached in of_rows and attached not in state):
			return True
		return any(url in unquote(text) for text in texts_in(state)) or attached_in_hidden_table(
			attached, state, sent
		)


def attached_in_hidden_table(attached: str, state: Mapping[str, Any], sent: Mapping[str, Any]) -> bool:
	"""Whether the field that a file is attached to is one of rows that are not sent."""
	if not attached or attached in state:
		return False
	return any(
		isinstance(row, Mapping) and attached in row
		for table, rows in state.items()
		if isinstance(rows, list) and table not in sent
		for row in rows
	)


def masked(values: Any, masks: Mapping[str, Mask]) -> Any:
	if not masks or not isinstance(values, Mapping):
		return values
	return {key: masks[key].of(value) if key in masks else value for key, value in values.items()}


def texts_in(value: Any) -> Iterator[str]:
	"""All texts of a document, with what HTML writes otherwise in plain."""
	if isinstance(value, str):
		yield html.unescape(value)
	elif isinstance(value, Mapping):
		for each in value.values():
			yield from texts_in(each)
	elif isinstance(value, list):
		for each in value:
			yield from texts_in(each)


def is_named(url: str, texts: Iterator[str]) -> bool:
	pattern = re.compile(f"(?:{re.escape(url)}|{re.escape(quote(unquote(url)))}){ENDS}")
	return any(pattern.search(text) for text in texts)


def as_sent(
	hidden: Hidden | None, state: dict[str, Any], files: list[RemoteFile] | None
) -> tuple[dict[str, Any], list[RemoteFile]]:
	"""A whole document and its files as the consumer gets them."""
	if hidden is None:
		return state, files or []
	sent = hidden.document(state)
	return sent, [file for file in files or [] if not hidden.hides_file(file, state, sent)]

"""Pure: a set-up file as plain data, and all that is wrong with it by itself, each with its place. Needs no site.

Whether DocTypes, fields and mappings that it names are there is for `checking`.
"""

import json
import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from event_streaming.admin.setup.fields import (
	LONGEST_DATA,
	MAPPING,
	MAPPING_ROW,
	PRODUCER,
	PRODUCER_ROW,
	SETTINGS,
	VALUE_MAP,
	Field,
	Rules,
)
from event_streaming.producer.subscriptions.expressions import problem_in

VERSION_KEY, VERSION = "event_streaming_setup", 1
ABOUT = ("title", "description", "apps")
PARTS = ("settings", "value_maps", "mappings", "producers")
MOST_CHARACTERS = 5_000_000
COMMAND, DOTTED = "cmd:", re.compile(r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)+")
SECRETS = ("api_key", "api_secret", "password", "secret", "token")


@dataclass(frozen=True)
class Mistake:
	"""What keeps a file from being applied, and where: `producers[0].rows[2].condition`."""

	path: str
	problem: str


@dataclass
class Row:
	"""A row of a table; `id` is its name here, for one that exists."""

	values: dict[str, Any]
	path: str = ""
	id: str = ""


@dataclass
class Part:
	"""What is said of one document: values by their keys, and rows. `name` of a producer is its URL, "" for one that is not named."""

	name: str
	values: dict[str, Any] = field(default_factory=dict)
	rows: list[Row] = field(default_factory=list)
	path: str = ""


@dataclass
class Setup:
	"""A file, or what this site has. What is not in it is left alone."""

	title: str = ""
	description: str = ""
	apps: tuple[str, ...] = ()
	settings: Part = field(default_factory=lambda: Part(SETTINGS))
	value_maps: dict[str, Part] = field(default_factory=dict)
	mappings: dict[str, Part] = field(default_factory=dict)
	producers: list[Part] = field(default_factory=list)


def read(content: str | dict[str, Any], rules: Rules) -> tuple[Setup, list[Mistake]]:
	"""The set-up that a file holds, and its mistakes; with any, the set-up is not to be used."""
	reader = Reader(rules)
	data = reader.parse(content)
	if data is not None:
		reader.read_file(data)
	return reader.setup, reader.mistakes


class Reader:
	def __init__(self, rules: Rules):
		self.rules = rules
		self.setup = Setup()
		self.mistakes: list[Mistake] = []

	def wrong(self, path: str, problem: str) -> None:
		self.mistakes.append(Mistake(path, problem))

	def parse(self, content: str | dict[str, Any]) -> dict[str, Any] | None:
		"""The outermost object of a file that this version can read."""
		data: Any = content
		if isinstance(content, str):
			if len(content) > MOST_CHARACTERS:
				self.wrong("", f"the file is longer than {MOST_CHARACTERS} characters")
				return None
			try:
				data = json.loads(content.lstrip("\ufeff"), object_pairs_hook=self._object)
			except (ValueError, RecursionError) as error:
				self.wrong("", f"it is not JSON ({error})")
				return None
		if not isinstance(data, dict):
			self.wrong("", "it is no set-up file: that is a JSON object")
			return None
		version = data.get(VERSION_KEY)
		if not isinstance(version, int) or isinstance(version, bool) or version < 1:
			self.wrong(VERSION_KEY, f'it is no set-up file: it has no "{VERSION_KEY}": {VERSION}')
			return None
		if version > VERSION:
			self.wrong(
				VERSION_KEY,
				f"the file has version {version}, this app reads up to {VERSION}: update the app on this site",
			)
			return None
		return data

	def _object(self, pairs: list[tuple[str, Any]]) -> dict[str, Any]:
		"""Of a key that is there twice JSON would silently take the last."""
		found: dict[str, Any] = {}
		for key, value in pairs:
			if key in found:
				self.wrong(key, "the key stands twice in one object")
			found[key] = value
		return found

	def read_file(self, data: dict[str, Any]) -> None:
		self.only_keys(data, (VERSION_KEY, *ABOUT, *PARTS), "")
		for key in ("title", "description"):
			if isinstance(data.get(key, ""), str):
				setattr(self.setup, key, data.get(key, ""))
			else:
				self.wrong(key, "it must be text")
		apps = data.get("apps", [])
		if isinstance(apps, list) and all(isinstance(each, str) for each in apps):
			self.setup.apps = tuple(apps)
		else:
			self.wrong("apps", "it must be a list of names of apps")
		if (settings := self.an_object(data, "settings")) is not None:
			self.setup.settings = Part(SETTINGS, self.values(settings, SETTINGS, "settings"), path="settings")
		for name, part in (self.an_object(data, "value_maps") or {}).items():
			self.setup.value_maps[name] = self.value_map(name, part)
		for name, part in (self.an_object(data, "mappings") or {}).items():
			self.setup.mappings[name] = self.mapping(name, part)
		for path, part in self.a_list(data, "producers", ""):
			self.setup.producers.append(self.producer(part, path))

	# ---- the parts

	def value_map(self, name: str, data: Any) -> Part:
		path = f"value_maps.{name}"
		part = Part(name, path=path)
		if self.no_object(data, path) or self.no_name(name, path):
			return part
		part.values = self.values(data, VALUE_MAP, path, ("pairs",))
		for remote, local in (self.an_object(data, "pairs", path) or {}).items():
			where = f"{path}.pairs.{remote}"
			if self.no_name(remote, where):
				continue
			if not isinstance(local, str) or len(local) > LONGEST_DATA:
				self.wrong(where, f"the local value must be text of at most {LONGEST_DATA} characters")
				continue
			part.rows.append(Row({"remote_value": remote.strip(), "local_value": local.strip()}, where))
		self.once(part.rows, "remote_value")
		return part

	def mapping(self, name: str, data: Any) -> Part:
		path = f"mappings.{name}"
		part = Part(name, path=path)
		if self.no_object(data, path) or self.no_name(name, path):
			return part
		part.values = self.values(data, MAPPING, path, ("fields",))
		part.rows = self.rows(data, "fields", MAPPING_ROW, path, "local_fieldname")
		# a field of a mapping is said whole: half of one with half of another would mean neither
		empty = {key: each.read(None) for key, each in self.rules[MAPPING_ROW].items()}
		for row in part.rows:
			row.values = {**empty, **row.values}
		self.once(part.rows, "local_fieldname")
		return part

	def producer(self, data: Any, path: str) -> Part:
		part = Part("", path=path)
		if self.no_object(data, path):
			return part
		url = data.get("producer_url") or ""
		if isinstance(url, str):
			part.name = url.strip()
		else:
			self.wrong(f"{path}.producer_url", "it must be an address")
		part.values = self.values(data, PRODUCER, path, ("producer_url", "rows"))
		part.rows = self.rows(data, "rows", PRODUCER_ROW, path, "document_type")
		for row in part.rows:
			if problem := problem_of_condition(row.values.get("condition") or ""):
				self.wrong(f"{row.path}.condition", problem)
		return part

	# ---- the pieces

	def values(self, data: dict, doctype: str, path: str, others: Iterable[str] = ()) -> dict[str, Any]:
		"""The values of one object, those that are all right."""
		fields: dict[str, Field] = self.rules[doctype]
		self.only_keys(data, (*fields, *others), path)
		found = {}
		for key, known in fields.items():
			if key not in data:
				continue
			if problem := known.problem(data[key]):
				self.wrong(f"{path}.{key}", problem)
			else:
				found[key] = known.read(data[key])
		return found

	def rows(self, data: dict, key: str, doctype: str, path: str, needed: str) -> list[Row]:
		found = []
		for where, row in self.a_list(data, key, path):
			if self.no_object(row, where):
				continue
			values = self.values(row, doctype, where)
			if (needed in row and not row[needed]) or needed not in row:
				self.wrong(f"{where}.{needed}", "it is missing")
			elif needed in values:
				found.append(Row(values, where))
		return found

	def once(self, rows: list[Row], key: str) -> None:
		first: dict[str, str] = {}
		for row in rows:
			name = row.values[key]
			if name in first:
				self.wrong(row.path, f"{name} stands in {first[name]} already")
			first.setdefault(name, row.path)

	def only_keys(self, data: dict, known: Iterable[str], path: str) -> None:
		known = tuple(known)
		for key in data:
			if key in known:
				continue
			where = f"{path}.{key}" if path else str(key)
			if str(key).lower() in SECRETS:
				self.wrong(where, "a set-up file holds no keys and passwords: take it out")
			else:
				self.wrong(where, "this key is not known; known are: " + ", ".join(known))

	def an_object(self, data: dict, key: str, path: str = "") -> dict[str, Any] | None:
		if data.get(key) is None:
			return None
		return None if self.no_object(data[key], f"{path}.{key}" if path else key) else data[key]

	def a_list(self, data: dict, key: str, path: str) -> list[tuple[str, Any]]:
		value, where = data.get(key), f"{path}.{key}" if path else key
		if value is not None and not isinstance(value, list):
			self.wrong(where, "it must be a list")
		return [(f"{where}[{at}]", each) for at, each in enumerate(value)] if isinstance(value, list) else []

	def no_object(self, data: Any, path: str) -> bool:
		if not isinstance(data, dict):
			self.wrong(path, "it must be an object")
			return True
		return False

	def no_name(self, name: str, path: str) -> bool:
		if not name.strip() or len(name) > LONGEST_DATA:
			self.wrong(path, f"the name must have between 1 and {LONGEST_DATA} characters")
			return True
		return False


def problem_of_condition(condition: str) -> str:
	"""What can be told of a condition without the producer, which checks its fields or its function."""
	condition = condition.strip()
	if condition.startswith(COMMAND):
		path = condition[len(COMMAND) :].strip()
		return "" if DOTTED.fullmatch(path) else f"{path} is no path of a function"
	return problem_in(condition) if condition else ""

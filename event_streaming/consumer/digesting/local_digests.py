"""Digests of the documents here that stand for a producer's, in the producer's terms: its names, its time zone.

Documents that were first made on this site are left out, as the producer leaves them out: it compares them itself, as it
takes them from here. It reads in bulk and makes no documents; it writes nothing.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import frappe

from event_streaming.consumer.digesting.compared import Compared, ComparedField
from event_streaming.consumer.digesting.file_contents import contents_here
from event_streaming.database import bulk_reading
from event_streaming.identity.registry import DOCTYPE as IDENTITY
from event_streaming.site.address import time_zone
from event_streaming.wire import digests

BATCH = 2_000
PAIRS = 10_000


@dataclass(frozen=True)
class Pair:
	"""A document here and what it stands for; `place` is where the reading of pairs goes on after it."""

	local: str
	remote: str
	place: tuple[str, str]


class LocalDigests:
	"""The digests of one subscription's documents."""

	def __init__(
		self,
		event_producer: str,
		here: str,
		compared: Compared,
		remote_time_zone: str,
		remote_doctypes: dict[str, str],
	):
		self.event_producer, self.here, self.compared = event_producer, here, compared
		self.convert_moment = moment_there(remote_time_zone)
		self.remote_doctypes = {local: remote for local, remote in remote_doctypes.items() if local != remote}
		self.fields = Reading(compared.fields, self.convert_moment)
		self.tables = [Reading(table.fields, self.convert_moment) for table in compared.tables]
		self._named_otherwise: dict[str, bool] = {}

	def pairs(self, after: tuple[str, str], limit: int = PAIRS) -> list[Pair]:
		"""The next documents here that stand for one of the producer's, in the order of their names here."""
		table = frappe.qb.DocType(IDENTITY)
		subscription = self.compared.subscription
		query = (
			frappe.qb.from_(table)
			.select(table.local_name, table.remote_name, table.name)
			.where((table.local_doctype == subscription.local_doctype) & (table.root_site != self.here))
			.where(table.event_producer == self.event_producer)
			.where((table.remote_doctype == subscription.remote_doctype) & (table.deleted_here == 0))
			.orderby(table.local_name)
			.orderby(table.name)
			.limit(limit)
		)
		name, key = after
		if name or key:
			query = query.where(
				(table.local_name > name) | ((table.local_name == name) & (table.name > key))
			).where(table.local_name >= name)
		return [Pair(str(local), str(remote), (str(local), key)) for local, remote, key in query.run()]

	def of(self, pairs: list[Pair]) -> Iterator[tuple[str, int]]:
		"""(name on the producer, digest) of the documents that are here."""
		for start in range(0, len(pairs), BATCH):
			part = pairs[start : start + BATCH]
			read = bulk_reading.read_values(self.compared.columns, [pair.local for pair in part])
			names = self._remote_names(read)
			files = None
			if self.compared.files:
				files = contents_here(self.event_producer, self.here, self.compared, list(read))
			for pair in part:
				if pair.local not in read:
					continue
				values, tables = read[pair.local]
				yield (
					pair.remote,
					digests.digest_of(
						pair.remote,
						[
							*self.fields.in_their_terms(values, names, self.remote_doctypes),
							*([] if files is None else [digests.digest_of_files(files.get(pair.local, ()))]),
						],
						[
							[
								[row, *reading.in_their_terms(values, names, self.remote_doctypes)]
								for row, values in rows
							]
							for reading, rows in zip(self.tables, tables, strict=True)
						],
					),
				)

	def _remote_names(self, read: dict) -> dict[str, dict[str, str]]:
		"""DocType -> name here -> name there, of what the documents link to and the producer calls otherwise."""
		wanted: dict[str, set[str]] = {}
		for values, tables in read.values():
			self.fields.collect(values, wanted)
			for reading, rows in zip(self.tables, tables, strict=True):
				if reading.links:
					for _row, row_values in rows:
						reading.collect(row_values, wanted)
		found = {}
		for doctype, names in wanted.items():
			if self._has_other_names(doctype):
				found[doctype] = self._read_names(doctype, names)
		return found

	def _has_other_names(self, doctype: str) -> bool:
		if doctype not in self._named_otherwise:
			table = frappe.qb.DocType(IDENTITY)
			query = (
				frappe.qb.from_(table)
				.select(table.name)
				.where((table.local_doctype == doctype) & (table.event_producer == self.event_producer))
				.where(table.remote_name != table.local_name)
				.limit(1)
			)
			self._named_otherwise[doctype] = bool(query.run())
		return self._named_otherwise[doctype]

	def _read_names(self, doctype: str, names: set[str]) -> dict[str, str]:
		table = frappe.qb.DocType(IDENTITY)
		query = (
			frappe.qb.from_(table)
			.select(table.local_name, table.remote_name)
			.where((table.local_doctype == doctype) & table.local_name.isin(sorted(names)))
			.where((table.event_producer == self.event_producer) & (table.deleted_here == 0))
		)
		return {str(local): str(remote) for local, remote in query.run()}


class Reading:
	"""How the values of some fields here become what they are on the producer."""

	def __init__(self, fields: tuple[ComparedField, ...], convert_moment: Callable[[Any], Any] | None):
		self.forms = [form_here(each, convert_moment) for each in fields]
		number = {each.local: index for index, each in enumerate(fields)}
		# (index of a link, DocType that it links to, index of the field that says which DocType)
		self.links: list[tuple[int, str, int]] = [
			(index, each.target, -1) for index, each in enumerate(fields) if each.target
		]
		self.links += [
			(index, "", number[each.target_field])
			for index, each in enumerate(fields)
			if each.target_field in number
		]

	def collect(self, values: tuple, wanted: dict[str, set[str]]) -> None:
		"""Add the names that the links hold to `wanted`, by DocType."""
		for index, doctype, said_by in self.links:
			if values[index] and (doctype := doctype or values[said_by]):
				wanted.setdefault(doctype, set()).add(str(values[index]))

	def in_their_terms(
		self, values: tuple, names: dict[str, dict[str, str]], doctypes: dict[str, str]
	) -> list[Any]:
		result = [form(value) for form, value in zip(self.forms, values, strict=True)]
		if names or doctypes:
			for index, doctype, said_by in self.links:
				if not values[index]:
					continue
				known = names.get(doctype or values[said_by])
				if known:
					result[index] = known.get(str(values[index]), result[index])
				if said_by >= 0:
					result[said_by] = doctypes.get(values[said_by], result[said_by])
		return result


def form_here(each: ComparedField, convert_moment: Callable[[Any], Any] | None) -> Callable[[Any], Any]:
	shape = each.shape
	if shape.form == "moment" and convert_moment:
		return lambda value: shape.of_local(convert_moment(value))
	return digests.FORMS[shape.form] if shape.default is None else shape.of_local


def moment_there(remote_time_zone: str) -> Callable[[Any], Any] | None:
	"""From this site's time zone to the producer's; None where they have the same.

	An hour that the clock has twice may come out as the other one: that costs a look.
	"""
	here = time_zone()
	if not remote_time_zone or remote_time_zone == here:
		return None
	zones = ZoneInfo(here), ZoneInfo(remote_time_zone)

	def convert(value: Any) -> Any:
		if not isinstance(value, datetime):
			return value
		return value.replace(tzinfo=zones[0]).astimezone(zones[1]).replace(tzinfo=None)

	return convert

"""Epochs: of which life of this site's log a position is. The only module that writes Event Log Epoch.

A log that was restored from a backup goes on in a new epoch, behind every position that it may have given before. How that is
found stands in `restored.py`; this module keeps the epochs, and says up to where two of them are the same. It never commits.
"""

import secrets
from collections.abc import Iterable
from dataclasses import dataclass

import frappe
from frappe.utils import cint, now_datetime

DOCTYPE = "Event Log Epoch"


@dataclass(frozen=True)
class Epoch:
	"""One life of the log: up to `same_up_to` it is the one before it, and its own positions come after `goes_on_after`.

	`elsewhere` is one that this site has lost with its database: it knows only that there was one.
	"""

	name: str
	same_up_to: int = 0
	goes_on_after: int = 0
	elsewhere: bool = False


@dataclass(frozen=True)
class LogState:
	"""The last position given, and the epochs of the log, oldest first."""

	head: int
	epochs: tuple[Epoch, ...] = ()

	@property
	def epoch(self) -> str:
		"""The one that the log is in; "" before its first numbering."""
		return self.epochs[-1].name if self.epochs else ""

	def knows(self, epoch: str) -> bool:
		return any(each.name == epoch for each in self.epochs)

	def same_up_to(self, epoch: str, cursor: int) -> int | None:
		"""Up to where the log is still the one that a reader knows, who knows `epoch` and stands at `cursor`.

		None when nothing of it was lost since. Whoever is past the beginning of an epoch has been in it.
		"""
		names = [each.name for each in self.epochs]
		since = self.epochs[names.index(epoch) + 1 :] if epoch in names else self.epochs
		return min((each.same_up_to for each in since if is_later(each, cursor)), default=None)

	def events_between(self, cursor: int, position: int) -> int:
		"""How many positions after `cursor` and up to `position` can have events: none lies between two epochs."""
		skipped = sum(
			max(min(each.goes_on_after, position) - max(each.same_up_to, cursor), 0)
			for each in self.epochs
			if not each.elsewhere
		)
		return max(position - cursor - skipped, 0)


def is_later(epoch: Epoch, cursor: int) -> bool:
	return not epoch.elsewhere and epoch.goes_on_after > cursor


def read() -> tuple[Epoch, ...]:
	"""The epochs as the open transaction sees them; there are as many as there were restores."""
	table = frappe.qb.DocType(DOCTYPE)
	rows = (
		frappe.qb.from_(table)
		.select(table.name, table.same_up_to, table.goes_on_after, table.elsewhere)
		.orderby(table.idx)
		.run()
	)
	return tuple(
		Epoch(name, cint(same), cint(after), bool(elsewhere)) for name, same, after, elsewhere in rows
	)


def add(log: LogState, same_up_to: int, goes_on_after: int, reason: str, lost: str = "") -> LogState:
	"""The log goes on in a new epoch; `lost` is one that was found to have been there. The caller holds the counter's lock."""
	new = [Epoch(lost, elsewhere=True)] if lost and not log.knows(lost) else []
	new.append(Epoch(secrets.token_hex(8), same_up_to, goes_on_after))
	_insert(new, len(log.epochs), reason)
	return LogState(goes_on_after, (*log.epochs, *new))


def _insert(new: Iterable[Epoch], there: int, reason: str) -> None:
	table, now, user = frappe.qb.DocType(DOCTYPE), now_datetime(), frappe.session.user
	query = frappe.qb.into(table).columns(
		"name",
		"creation",
		"modified",
		"owner",
		"modified_by",
		"docstatus",
		"idx",
		"same_up_to",
		"goes_on_after",
		"elsewhere",
		"reason",
	)
	for number, epoch in enumerate(new, start=there + 1):
		query = query.insert(
			epoch.name,
			*(now, now, user, user, 0, number),
			*(epoch.same_up_to, epoch.goes_on_after, int(epoch.elsewhere), reason),
		)
	query.run()

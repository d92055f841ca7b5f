"""Who may read what over the broker just now: looked at again for each lot of events, in the transaction that reads these.

What the rows say is always as it is. Whether a user may still read every document takes longer to find out: that is asked again after
some seconds, in a thread of its own, which remembers nothing of before. Never writes.
"""

import json
import time
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

import frappe

from event_streaming.producer.feed.open import leaves_nothing_out, reads_all
from event_streaming.producer.subscriptions import broker_keys
from event_streaming.producer.subscriptions.hidden import of_row
from event_streaming.producer.subscriptions.streamed import APPROVED, CONSUMER, ROWS
from event_streaming.site.acting import acting_as
from event_streaming.site.refused import is_system
from event_streaming.site.roles import may_subscribe
from event_streaming.wire.broker.grants import NATS

# rights are asked again after this, later where asking takes long: at most a twentieth of the time goes into it
RIGHTS_SECONDS, LONGEST_SECONDS, SHARE = 5, 60, 20
FIELDS = (
	"condition",
	"fields_not_sent",
	"fields_masked",
	"not_wanted",
	"from_position",
	"status",
	"unsubscribed",
)


@dataclass(frozen=True)
class Standing:
	"""`open_to` has the DocTypes that are published, with the consumers that may read them whole; `doctypes` also the others that
	one of these consumers gets from the feed: a message tells where those stand, too."""

	word: str = ""
	doctypes: tuple[str, ...] = ()
	open_to: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


class Standings:
	"""The standing of the moment, for one process that asks often."""

	def __init__(self) -> None:
		self._seen: tuple = ()
		self._rights: dict[tuple[str, str], bool] = {}
		self._ask_again = 0.0
		self._now = Standing()

	def now(self) -> Standing:
		"""As the open transaction sees it; cheap where nothing has changed."""
		seen = _fingerprint()
		if seen == self._seen and time.monotonic() < self._ask_again:
			return self._now
		rows = _rows()
		self._ask_rights(rows)
		self._seen, self._now = seen, standing_of(rows, self._rights)
		return self._now

	def _ask_rights(self, rows: list[Any]) -> None:
		begun = time.monotonic()
		forget_what_frappe_remembers()
		self._rights = in_a_fresh_context(rights_of, sorted({(row.user, row.ref_doctype) for row in rows}))
		taken = time.monotonic() - begun
		self._ask_again = time.monotonic() + min(max(RIGHTS_SECONDS, SHARE * taken), LONGEST_SECONDS)


def standing_of(rows: list[Any], rights: Mapping[tuple[str, str], bool]) -> Standing:
	"""What the rows of all consumers that ask for the broker come to."""
	open_to: dict[str, list[str]] = {}
	said = []
	for row in rows:
		hidden = bool(of_row(row, row.consumer))
		whole = leaves_nothing_out(row, hidden) and rights.get((row.user, row.ref_doctype), False)
		if whole:
			open_to.setdefault(row.ref_doctype, []).append(row.consumer)
		# a site that is registered again is another one
		said.append([row.consumer, str(row.creation), row.user, row.ref_doctype, row.from_position, whole])
	if not open_to:
		return Standing()
	return Standing(
		broker_keys.standing_of(json.dumps(sorted(said))),
		tuple(sorted({row.ref_doctype for row in rows})),
		{doctype: tuple(consumers) for doctype, consumers in open_to.items()},
	)


def rights_of(pairs: list[tuple[str, str]]) -> dict[tuple[str, str], bool]:
	"""(user, DocType) -> whether the user may take every document of it for another site."""
	found, users = {}, {user for user, _doctype in pairs}
	for user in users:
		if not frappe.db.get_value("User", user, "enabled") or not may_subscribe(user):
			continue
		with acting_as(user):
			found.update({pair: reads_all(pair[1]) for pair in pairs if pair[0] == user})
	return found


def forget_what_frappe_remembers() -> None:
	"""Settings, and fields of DocTypes: in a process that lives long they would be those of its beginning."""
	for name in ("cache", "document_cache", "meta_cache"):
		kept = getattr(frappe.local, name, None)
		if isinstance(kept, dict):
			kept.clear()


def in_a_fresh_context(work: Any, *args: Any) -> Any:
	"""Do `work` as a process that has just begun would: Frappe remembers rights for as long as a process lives."""
	site, path = frappe.local.site, frappe.local.sites_path

	def begin() -> Any:
		frappe.init(site=site, sites_path=path)
		try:
			frappe.connect()
			return work(*args)
		finally:
			frappe.destroy()

	with ThreadPoolExecutor(1) as executor:
		return executor.submit(begin).result()


def _fingerprint() -> tuple:
	"""Changes with every change of a consumer that asks for the broker."""
	consumer = frappe.qb.DocType(CONSUMER)
	query = frappe.qb.from_(consumer).select(consumer.name, consumer.modified, consumer.paused)
	return tuple(sorted(query.where(consumer.transport == NATS).run()))


def _rows() -> list[Any]:
	consumer, rows = frappe.qb.DocType(CONSUMER), frappe.qb.DocType(ROWS)
	query = (
		frappe.qb.from_(consumer)
		.join(rows)
		.on((rows.parent == consumer.name) & (rows.parenttype == CONSUMER))
		.select(consumer.name.as_("consumer"), consumer.user, consumer.creation, rows.ref_doctype)
		.select(*[rows[fieldname] for fieldname in FIELDS])
		.where((consumer.transport == NATS) & (consumer.paused == 0))
		.where((rows.status == APPROVED) & (rows.unsubscribed == 0))
	)
	return [row for row in query.run(as_dict=True) if not is_system(row.ref_doctype)]

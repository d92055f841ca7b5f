"""A comparison of two sites, as a task has it: where it stands, what is compared of a DocType, and the producer's digests.

It asks and remembers; what is done at each stage is in sums.py and portions.py. It changes no document.
"""

from datetime import timedelta
from typing import Any

import frappe
from frappe.utils import cint, now_datetime

from event_streaming.consumer.digesting.compared import Compared, compared_fields
from event_streaming.consumer.digesting.local_digests import LocalDigests
from event_streaming.consumer.first_copy.scope import raise_left_alone
from event_streaming.consumer.mapping.store import MappingStore
from event_streaming.consumer.subscriptions.remote import Producer
from event_streaming.consumer.subscriptions.subscription import Subscription, subscriptions_of
from event_streaming.consumer.tasks import findings, task
from event_streaming.consumer.tasks.slices import Slice
from event_streaming.consumer.tasks.task import Task
from event_streaming.consumer.verify import lately, nights
from event_streaming.exceptions import RemoteUnavailable
from event_streaming.messages.coded import _
from event_streaming.site.address import public_url
from event_streaming.wire import digests

SUMS, LOOK = "sums", "look"
# sums that were broken off are begun anew after so long
OLD = timedelta(hours=1)


class Comparison:
	"""One slice of a comparison."""

	def __init__(self, part: Slice, doc, producer: Producer):
		self.part, self.doc, self.producer = part, doc, producer
		self.task = part.task
		self.subscriptions = subscriptions_of(doc)
		self.here = public_url()
		self.pulled = 0.0
		# of the DocType that is compared now
		self._of_remote = ""
		self._compared: Compared | None = None
		self._local: LocalDigests | None = None
		# DocType -> by what the producer finds what it has changed
		self._changed_there: dict[str, Any] = {}

	@property
	def remote(self) -> str | None:
		"""The DocType on the producer that is being compared; None at the end."""
		number, doctypes = cint(self.task.place.get("number")), self.task.scope["doctypes"]
		return doctypes[number] if number < len(doctypes) else None

	@property
	def filters(self) -> Any:
		return self.filters_of(self.remote)

	def filters_of(self, remote: str | None) -> Any:
		"""By what the producer finds the documents that are compared; None: all of them."""
		if since := (self.task.scope.get("since") or {}).get(remote):
			if remote not in self._changed_there:
				self._changed_there[remote] = lately.changed_there(self.doc.name, since)
			return self._changed_there[remote]
		return self.task.scope["filters"].get(remote)

	@property
	def since(self) -> str | None:
		"""Only what has changed since this moment is compared; None: it does not matter when."""
		return (self.task.scope.get("since") or {}).get(self.remote)

	@property
	def part_wanted(self) -> list[int] | None:
		"""(which part, of how many) of the documents; None: all of them."""
		return self.task.scope.get("part")

	def begin(self) -> None:
		since = self.task.scope.get("since") or {}
		counted = [
			# what has changed is listed at once: counting it first would cost as much
			(0, 0) if remote in since else self.producer.count_with_withheld(remote, self.filters_of(remote))
			for remote in self.task.scope["doctypes"]
		]
		withheld = {
			remote: count
			for remote, (_total, count) in zip(self.task.scope["doctypes"], counted, strict=True)
			if count
		}
		counts = [total for total, _withheld in counted]
		self.task.total = sum(counts) // (self.part_wanted[1] if self.part_wanted else 1)
		self.task.report = findings.new_report()
		for remote, count in withheld.items():
			self.task.report["doctypes"].setdefault(remote, {})["withheld"] = count
		self.task.place = {"counts": counts}
		self.start_doctype(0)
		task.save_progress(self.task)
		frappe.db.commit()

	def start_doctype(self, number: int) -> None:
		counts = self.task.place["counts"]
		self.task.place = {"number": number, "counts": counts}
		if not self.remote:
			return
		buckets = digests.buckets_for(counts[number])
		empty = digests.pack([0] * buckets)
		self.task.place |= {
			"stage": SUMS,
			"buckets": buckets,
			"done_before": self.task.done,
			"without": None,
			"time_zone": "",
			**{"there": empty, "after": "", "there_done": False, "looked_at": 0},
			**{"here": empty, "here_after": ["", ""], "here_done": False, "here_count": 0},
		}
		if self.filters or self.part_wanted:
			# sums are of everything: what filters find, and what is in a part, is compared one by one
			self.start_looking(nights.buckets_of(self.part_wanted, buckets))

	def restart_doctype(self) -> None:
		self.task.done = self.task.place["done_before"]
		self._local = None
		self.start_doctype(self.task.place["number"])

	def start_looking(self, numbers: list[int]) -> None:
		kept = ("number", "counts", "buckets", "without", "time_zone", "done_before")
		place = {key: self.task.place[key] for key in kept}
		# what this site knows to have changed comes after what the producer knows
		changed = {"source": 0, "after": ""} if self.since else None
		self.task.place = {
			**place,
			"stage": LOOK,
			"left": numbers,
			"suspects": [],
			"changed": changed,
			"seen": [],
		}

	def next_doctype(self) -> None:
		of_doctype = self.task.report["doctypes"].setdefault(self.remote, {})
		compared = self.compared()
		of_doctype["documents"] = self.task.done - self.task.place["done_before"]
		of_doctype["not_compared"] = list(compared.left_out)
		lacking = self.task.place["without"] or []
		of_doctype["only_here"] = [name for name in lacking if name != digests.ATTACHED_FILES]
		of_doctype["extra_not_looked_for"] = bool(self.task.scope["filters"].get(self.remote))
		if self.since:
			of_doctype["changed_since"] = self.since
		kinds = (findings.MISSING, findings.DIFFERENT, findings.OPEN, findings.UNDER_WAY)
		counts = self.task.report["counts"]
		self.task.here = max(self.task.done - sum(counts[kind] for kind in kinds), 0)
		self.start_doctype(self.task.place["number"] + 1)

	def compared(self) -> Compared:
		"""What is compared of the present DocType, without what the producer lacks, as far as that is known."""
		if self._of_remote != self.remote:
			check_active(self.subscriptions, self.remote, self.doc.name)
			self._of_remote, self._local = self.remote, None
			self._compared = compared_fields(self.subscriptions[self.remote], MappingStore())
		return self._compared

	def local(self) -> LocalDigests:
		if self._local is None or self._of_remote != self.remote:
			compared, place = self.compared(), self.task.place
			remote_doctypes = {each.local_doctype: remote for remote, each in self.subscriptions.items()}
			self._local = LocalDigests(
				self.doc.name,
				self.here,
				compared.without(place["without"] or ()),
				place["time_zone"],
				remote_doctypes,
			)
		return self._local

	def ask(self, wanted: list[int] | None, after: str, filters: Any = None) -> digests.DigestPage | None:
		"""A page of digests, by other filters than the task's if there are any; None when the producer has changed its DocType or
		time zone since its last sums."""
		place = self.task.place
		filters = (filters or self.filters) if wanted is not None else None
		page = self.producer.get_digests(
			self.remote, self.compared().shape, place["buckets"], wanted, after, filters
		)
		if page.paused:
			raise RemoteUnavailable(_("The producer's administrator has paused this site."))
		told = {"without": list(page.without), "time_zone": page.time_zone}
		if any(place[key] != value for key, value in told.items()):
			if place["stage"] == SUMS and place["without"] is not None:
				self.restart_doctype()
				return None
			self._local = None
		place |= told
		return page


def check_active(subscriptions: dict[str, Subscription], remote: str, event_producer: str) -> None:
	"""Throw when the subscription has been taken out, rejected or unsubscribed from."""
	if remote not in subscriptions:
		frappe.throw(_("Event Producer {0} has no row for {1}.").format(event_producer, remote))
	if not subscriptions[remote].active:
		raise_left_alone(remote)


def is_old(work: Task) -> bool:
	return bool(work.last_progress) and now_datetime() - work.last_progress > OLD

"""Comparing a producer's documents with those here, step by step: sums of digests, buckets that differ, documents in them.

The producer adds up digests of its documents in buckets, in requests of some seconds; this site adds up its own. Only of
buckets whose sums differ it asks for single digests, and only documents whose digests differ does it look at. That is done
under the pull's lock, after a pull, with what the log still holds of each document: one that is on its way is no
difference. What becomes of a document that does differ is the caller's: verify notes it, repair mends it.

How far it has got stands in the task and is committed after each step. It commits, and changes no document.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import frappe
from frappe import _
from frappe.utils import cint, now_datetime

from event_streaming.consumer.first_copy.copying import PULL_EACH, WAIT_SECONDS, let_pull
from event_streaming.consumer.first_copy.scope import raise_left_alone
from event_streaming.consumer.logs import findings, state, task
from event_streaming.consumer.logs.slices import Slice
from event_streaming.consumer.logs.state import PullState
from event_streaming.consumer.logs.task import Task
from event_streaming.consumer.mapping.store import MappingStore
from event_streaming.consumer.pull import loop
from event_streaming.consumer.resolve.work import Work, open_work
from event_streaming.consumer.subscriptions import registration
from event_streaming.consumer.subscriptions.remote import Producer
from event_streaming.consumer.subscriptions.subscription import Subscription, subscriptions_of
from event_streaming.consumer.verify.compared import Compared, compared_fields
from event_streaming.consumer.verify.local_digests import LocalDigests, Pair
from event_streaming.consumer.workers.crew import pull_lock
from event_streaming.exceptions import EventStreamingError, RemoteError, RemoteUnavailable
from event_streaming.http.client import is_unknown_method
from event_streaming.identity import registry
from event_streaming.site.address import public_url
from event_streaming.wire import digests
from event_streaming.wire.events import DELETE, Event
from event_streaming.wire.pages import PROTOCOL, Look
from event_streaming.wire.paths import DIGESTS

SUMS, LOOK = "sums", "look"
# digests that are listed together, on both sites
LISTED_TOGETHER = 5_000
# documents that are looked at together, under the pull's lock
PORTION = 100
# a document that is on its way is looked at again after a pull, so often
TRIES = 3
# sums that were broken off are begun anew after so long
OLD = timedelta(hours=1)


@dataclass
class Portion:
	"""Some documents that seem to differ, as the producer has them now. The pull's lock is held."""

	part: Slice
	work: Work
	compared: Compared
	answer: Look
	# those that nothing has been said of yet, with the number of times that each was looked at
	suspects: list[list]
	events: list[Event] = field(default_factory=list)

	def place_after(self, upto: int) -> dict[str, Any]:
		"""The task's place once the first `upto` events are dealt with; those that are on their way come again."""
		dealt_with = {event["docname"] for event in self.events[:upto]}
		coming = set(self.answer["coming"])
		left = [each for each in self.suspects if each[0] not in dealt_with and each[0] not in coming]
		again = [[name, tries + 1] for name, tries in self.suspects if name in coming and tries + 1 < TRIES]
		if upto < len(self.events):
			# the rest of the portion is asked for anew
			left = [each for each in self.suspects if each[0] not in dealt_with]
			again = []
		return {**self.part.task.place, "suspects": left + again}

	@property
	def given_up(self) -> list[str]:
		"""Those that are on their way still after so many looks."""
		coming = set(self.answer["coming"])
		return [name for name, tries in self.suspects if name in coming and tries + 1 >= TRIES]


# deals with a portion and writes the task's place and report
LookAt = Callable[[Portion], None]


def check_slice(part: Slice, doc, producer: Producer, look: LookAt) -> bool:
	"""Step after step until the end or the deadline; returns whether all is done."""
	kept = registration.ensure_registered(doc, producer, state.load_state(doc.name))
	if kept.protocol < PROTOCOL:
		raise EventStreamingError(
			_("{0} runs the older app, which can't compare documents: install this one there.").format(
				doc.name
			)
		)
	try:
		return Check(part, doc, producer, look).run()
	except RemoteError as error:
		if is_unknown_method(error, DIGESTS):
			raise EventStreamingError(
				_(
					"{0} runs a version of this app that can't compare documents yet: update it there first."
				).format(doc.name)
			) from error
		raise


class Check:
	"""One slice of a comparison."""

	def __init__(self, part: Slice, doc, producer: Producer, look: LookAt):
		self.part, self.doc, self.producer, self.look = part, doc, producer, look
		self.task = part.task
		self.subscriptions = subscriptions_of(doc)
		self.pulled = 0.0
		# of the DocType that is compared now
		self._of_remote = ""
		self._compared: Compared | None = None
		self._local: LocalDigests | None = None

	def run(self) -> bool:
		if not self.task.place:
			self.begin()
		elif self.remote and self.task.place["stage"] == SUMS and is_old(self.task):
			# sums of today and of a time long past would be compared
			self.restart_doctype()
		self.part.measure()
		while self.remote:
			if self.task.place["stage"] == SUMS:
				self.sum_up()
			elif self.task.place["suspects"]:
				if not self.look_at_some():
					return False
			elif self.task.place["left"]:
				self.list_some()
			else:
				self.next_doctype()
			self.part.measure()
			task.save_progress(self.task)
			frappe.db.commit()
			self.part.tell()
			if not task.is_active(self.task):
				return True
			if self.part.over:
				return not self.remote
		return True

	# ---- where it stands

	@property
	def remote(self) -> str | None:
		"""The DocType on the producer that is being compared; None at the end."""
		number, doctypes = cint(self.task.place.get("number")), self.task.scope["doctypes"]
		return doctypes[number] if number < len(doctypes) else None

	@property
	def filters(self) -> Any:
		return self.task.scope["filters"].get(self.remote)

	def begin(self) -> None:
		counts = [
			self.producer.count_documents(remote, self.task.scope["filters"].get(remote))
			for remote in self.task.scope["doctypes"]
		]
		self.task.total = sum(counts)
		self.task.report = findings.new_report()
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
		if self.filters:
			# sums are of everything: what filters find is compared one by one
			self.start_looking(list(range(buckets)))

	def restart_doctype(self) -> None:
		self.task.done = self.task.place["done_before"]
		self._local = None
		self.start_doctype(self.task.place["number"])

	def start_looking(self, numbers: list[int]) -> None:
		kept = ("number", "counts", "buckets", "without", "time_zone", "done_before")
		place = {key: self.task.place[key] for key in kept}
		self.task.place = {**place, "stage": LOOK, "left": numbers, "suspects": []}

	def next_doctype(self) -> None:
		of_doctype = self.task.report["doctypes"].setdefault(self.remote, {})
		compared = self.compared()
		of_doctype["documents"] = self.task.done - self.task.place["done_before"]
		of_doctype["not_compared"] = list(compared.left_out)
		of_doctype["only_here"] = list(self.task.place["without"] or [])
		of_doctype["extra_not_looked_for"] = bool(self.filters)
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
				public_url(),
				compared.without(place["without"] or ()),
				place["time_zone"],
				remote_doctypes,
			)
		return self._local

	def ask(self, wanted: list[int] | None, after: str) -> digests.DigestPage | None:
		"""A page of digests; None when the producer has changed its DocType or time zone since its last sums."""
		place = self.task.place
		filters = self.filters if wanted is not None else None
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

	# ---- sums

	def sum_up(self) -> None:
		"""One request, and as many documents here as that was about; at the end, the buckets that differ."""
		place = self.task.place
		if not place["there_done"]:
			page = self.ask(None, place["after"])
			if page is None:
				return
			place = self.task.place
			there = digests.add_up(digests.unpack(place["there"], place["buckets"]), page.sums)
			place |= {
				"there": digests.pack(there),
				"after": page.after,
				"there_done": not page.has_more,
				"looked_at": place["looked_at"] + page.looked_at,
			}
			self.task.done += page.looked_at
		while not place["here_done"] and (place["there_done"] or place["here_count"] < place["looked_at"]):
			self.sum_up_here(place)
			if self.part.over:
				break
		if place["there_done"] and place["here_done"]:
			pairs = zip(
				digests.unpack(place["there"], place["buckets"]),
				digests.unpack(place["here"], place["buckets"]),
				strict=True,
			)
			self.start_looking([number for number, (there, here) in enumerate(pairs) if there != here])

	def sum_up_here(self, place: dict) -> None:
		pairs = self.local().pairs(tuple(place["here_after"]))
		sums = digests.unpack(place["here"], place["buckets"])
		for name, digest in self.local().of(pairs):
			digests.add(sums, name, digest)
		place |= {
			"here": digests.pack(sums),
			"here_done": not pairs,
			"here_count": place["here_count"] + len(pairs),
			"here_after": list(pairs[-1].place) if pairs else place["here_after"],
		}

	# ---- buckets that differ

	def list_some(self) -> None:
		"""Of some of the buckets that differ, the documents whose digests differ, or that only one site has."""
		place = self.task.place
		expected = max(place["counts"][place["number"]] // place["buckets"], 1)
		numbers = place["left"][: max(LISTED_TOGETHER // expected, 1)]
		there: dict[str, int] = {}
		after, more = "", True
		while more:
			page = self.ask(numbers, after)
			there.update(page.digests)
			after, more = page.after, page.has_more
		if self.filters:
			here = dict(self.local().of(self.pairs_of(list(there))))
			self.task.done += len(there)
		else:
			here = dict(self.local().of(self.pairs_in(set(numbers))))
		names = [name for name, digest in there.items() if here.get(name) != digest]
		names += [name for name in here if name not in there]
		self.task.place |= {
			"left": place["left"][len(numbers) :],
			"suspects": [[name, 0] for name in names],
		}

	def pairs_in(self, numbers: set[int]) -> list[Pair]:
		found, after, buckets = [], ("", ""), self.task.place["buckets"]
		while pairs := self.local().pairs(after):
			found += [pair for pair in pairs if digests.bucket_of(pair.remote, buckets) in numbers]
			after = pairs[-1].place
		return found

	def pairs_of(self, names: list[str]) -> list[Pair]:
		known = registry.load_many(self.doc.name, [(self.remote, name) for name in names]) if names else {}
		return [Pair(each.local_name, each.remote_name, ("", "")) for each in known.values()]

	# ---- documents that differ

	def look_at_some(self) -> bool:
		"""Look at a portion under the pull's lock; False when a pull has it for too long."""
		suspects = self.task.place["suspects"]
		again = suspects[0][1] > 0
		if again or loop.is_wanted(self.doc.name) or time.monotonic() - self.pulled >= PULL_EACH:
			let_pull(self.doc.name)
			self.pulled = time.monotonic()
		with pull_lock(self.doc.name, WAIT_SECONDS) as taken:
			if not taken:
				return False
			# what is read from here on has what the last pull committed
			frappe.db.commit()
			self.doc = frappe.get_doc("Event Producer", self.doc.name)
			self.subscriptions = subscriptions_of(self.doc)
			portion = self.portion(state.load_state(self.doc.name), suspects)
			self.look(portion)
		return True

	def portion(self, kept: PullState, suspects: list[list]) -> Portion:
		names = [name for name, _tries in suspects[:PORTION]]
		answer = self.producer.look_at(self.remote, names, kept.position)
		if answer["paused"]:
			raise RemoteUnavailable(_("The producer's administrator has paused this site."))
		work = open_work(
			self.doc, self.producer, kept.protocol, answer["time_zone"] or kept.remote_time_zone or ""
		)
		check_active(work.subscriptions, self.remote, self.doc.name)
		gone = [
			as_gone(self.remote, name, position, self.doc.name)
			for name, (_reason, position) in answer["gone"].items()
		]
		return Portion(
			self.part,
			work,
			self.compared().without(self.task.place["without"] or ()),
			answer,
			suspects,
			[*answer["events"], *gone],
		)


def check_active(subscriptions: dict[str, Subscription], remote: str, event_producer: str) -> None:
	"""Throw when the subscription has been taken out, rejected or unsubscribed from."""
	if remote not in subscriptions:
		frappe.throw(_("Event Producer {0} has no row for {1}.").format(event_producer, remote))
	if not subscriptions[remote].active:
		raise_left_alone(remote)


def is_old(work: Task) -> bool:
	return bool(work.last_progress) and now_datetime() - work.last_progress > OLD


def as_gone(doctype: str, name: str, position: int, producer: str) -> Event:
	"""A document that the producer does not give, as a made-up Delete."""
	return {
		"id": "",
		"position": position,
		"at_position": position,
		"update_type": DELETE,
		"ref_doctype": doctype,
		"docname": name,
		"data": None,
		"data_before": None,
		"creation": "",
		"modified_by": "",
		"origin": producer,
		"root": None,
		"problem": "",
	}

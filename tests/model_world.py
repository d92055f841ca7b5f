"""Two sites as the model-based test plays with them: operations in batches, pulls of all kinds, and the look at the end.

Operations wait here until something else happens, and then go over together: a call costs more than a save.
"""

import json
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

from doctypes import CITY, ORDER, TICKET, with_orders
from documents import change
from faulty_proxy import FaultyProxy
from streams import decide, make_event_producer, make_subscriber

from sandbox.sites.reset import reset_site

SETTINGS = "Event Streaming Settings"
OPERATIONS, LOOK = "tests.model_operations", "tests.model_look"
FEED = "endpoints.get_page"
ROUNDS = 12


class World:
	"""`sites` by letter: "p" is the producer; with two ways, each is the other's. `steps` counts over all examples."""

	def __init__(self, producer, consumer, proxies: dict[str, FaultyProxy], two_way: bool):
		self.sites = {"p": producer, "c": consumer}
		self.proxies = proxies
		self.two_way = two_way
		self.directions = [("c", "p"), ("p", "c")] if two_way else [("c", "p")]
		self.waiting: dict[str, list[dict]] = {"p": [], "c": []}
		self.hours = 0
		self.serial = 0
		self.steps = 0
		self.other_shells: dict[str, object] = {}
		self.history: list[str] = []
		self.sound = False

	# ---------------------------------------------------------------- preparing

	def begin(self, policy: str, hours: int) -> None:
		"""An example begins: no documents, and all as after subscribing."""
		if not self.sound:
			self.subscribe()
		self.hours, self.history = hours, []
		self.waiting = {"p": [], "c": []}
		for proxy in self.proxies.values():
			proxy.faults.clear()
		for site in self.sites.values():
			site.run(f"{LOOK}.forget_all", policy=policy)
		self.sound = False

	def subscribe(self) -> None:
		with_orders(*self.sites.values())
		for letter, site in self.sites.items():
			reset_site(site)
			site.run(make_subscriber)
			site.run(change, doctype=SETTINGS, name=SETTINGS, public_url=self.proxies[letter].url)
			site.run(change, doctype=SETTINGS, name=SETTINGS, events_per_commit=3, events_per_page=7)
		for taker, giver in self.directions:
			rows = [
				{"ref_doctype": doctype, "use_same_name": int(doctype != TICKET)}
				for doctype in (CITY, ORDER, TICKET)
			]
			self.sites[taker].run(make_event_producer, url=self.proxies[giver].url, rows=rows)
			self.sites[giver].run(decide, consumer_url=self.proxies[taker].url)
		for proxy in self.proxies.values():
			proxy.only = FEED

	# ---------------------------------------------------------------- steps

	def letter(self, number: int) -> str:
		"""The site that changes something: any in a two-way subscription, else the producer."""
		return "pc"[number] if self.two_way else "p"

	def new_name(self, letter: str) -> str:
		self.serial += 1
		return f"{letter}{self.serial:04}"

	def do(self, letter: str, what: str, **values) -> None:
		self.waiting[letter].append({"do": what, "with": values})

	def flush(self) -> None:
		for letter in self.sites:
			operations, self.waiting[letter] = self.waiting[letter], []
			if operations:
				site = self.sites[letter]
				results = site.run(
					f"{OPERATIONS}.run_operations", operations=operations, hours=self.hours_of(letter)
				)
				self.note(letter, operations, results)

	def hours_of(self, letter: str) -> int:
		return self.hours if letter == "c" else 0

	def note(self, letter: str, operations: list[dict], results: list[str]) -> None:
		for operation, result in zip(operations, results, strict=True):
			self.history.append(f"{letter}: {operation['do']} {json.dumps(operation['with'])} -> {result}")

	def direction(self, number: int) -> tuple[str, str]:
		return self.directions[number % len(self.directions)]

	def pull(self, taker: str, giver: str) -> dict:
		self.flush()
		summary = self.sites[taker].run(f"{LOOK}.pull_once", event_producer=self.proxies[giver].url)
		self.history.append(f"{taker} pulls: {summary['events']} events, {summary['error']}")
		return summary

	def pull_killed(self, taker: str, giver: str, place: str, after: int) -> None:
		self.flush()
		url = self.proxies[giver].url
		ended = self.sites[taker].run(f"{LOOK}.pull_and_die", event_producer=url, place=place, after=after)
		self.history.append(f"{taker} pulls and dies at {place} {after}: {ended}")

	def pull_with_fault(self, taker: str, giver: str, fault: object, after: int) -> None:
		"""One answer of the feed is lost, cut or an error."""
		self.proxies[giver].faults.extend([*[None] * after, fault])
		self.pull(taker, giver)
		self.proxies[giver].faults.clear()

	def notified(self, taker: str, giver: str, times: int) -> None:
		self.flush()
		self.sites[taker].run(f"{LOOK}.be_notified", event_producer=self.proxies[giver].url, times=times)
		self.history.append(f"{taker} is notified {times} times")

	def pull_during_transaction(self, giver: str, early: list[dict], late: list[dict]) -> None:
		"""`early` is done first and committed last: what is pulled in between has only `late`."""
		self.flush()
		shell = self.other_shells.get(giver) or self.sites[giver].shell()
		self.other_shells[giver] = shell
		hours = self.hours_of(giver)
		results = shell.run(
			f"{OPERATIONS}.run_operations", operations=early, hours=hours, one_transaction=True, commit=False
		)
		self.note(f"{giver} (committed later)", early, results)
		self.waiting[giver] = late
		try:
			for taker, other in self.directions:
				if other == giver:
					self.pull(taker, giver)
			self.flush()
		except BaseException:
			# the next example begins with nothing, and must not wait for this
			shell.rollback()
			raise
		shell.commit()

	# ---------------------------------------------------------------- the end

	def settle(self) -> None:
		"""Pull in every direction until nothing crosses any more, retries made due."""
		self.flush()
		for _round in range(ROUNDS):
			crossed = 0
			for taker, giver in self.directions:
				due = self.sites[taker].run(f"{LOOK}.make_retries_due")
				summary = self.pull(taker, giver)
				assert not summary["error"], summary["error"]
				crossed += summary["events"] + due
			if not crossed:
				return
		self.fail([f"still events after {ROUNDS} rounds", *self.faults()])

	def check(self) -> None:
		faults = self.faults()
		for taker, giver in self.directions:
			cursor = self.sites[taker].run(f"{LOOK}.cursor_of", event_producer=self.proxies[giver].url)
			end = self.sites[giver].run(f"{LOOK}.head")
			if cursor != end:
				faults.append(f"{taker}'s cursor is {cursor}, {giver}'s log ends at {end}")
		faults += differences(*(site.run(f"{LOOK}.read_state") for site in self.sites.values()))
		if faults:
			self.fail(faults)
		self.sound = True

	def faults(self) -> list[str]:
		return [
			f"{letter}: {fault}"
			for letter, site in self.sites.items()
			for fault in site.run(f"{LOOK}.find_faults")
		]

	def fail(self, faults: list[str]) -> None:
		raise AssertionError("\n".join(["not as promised:", *faults, "what happened:", *self.history]))


def differences(there: dict, here: dict) -> list[str]:
	"""What is not equal on the producer and on the consumer."""
	found = []
	for doctype, documents in there.items():
		for title in sorted({*documents, *here[doctype]}):
			one, other = documents.get(title), here[doctype].get(title)
			if one is None or other is None:
				found.append(
					f"{doctype} {title} is only on {'the consumer' if one is None else 'the producer'}"
				)
				continue
			found += [
				f"{doctype} {title}: {field} is {one[field]!r} on the producer, {other[field]!r} on the consumer"
				for field in one
				if one[field] != other[field]
			]
	return found


@contextmanager
def open_world(producer, consumer, two_way: bool) -> Iterator[World]:
	with ExitStack() as stack:
		proxies = {
			letter: stack.enter_context(FaultyProxy(site.url))
			for letter, site in (("p", producer), ("c", consumer))
		}
		yield World(producer, consumer, proxies, two_way)

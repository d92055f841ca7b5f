"""Changes of a document that travel as one: the same comes of them as one by one, and nobody sees what there never was."""

import json
import random
from dataclasses import dataclass, field

import pytest

from event_streaming.producer.feed import composing
from event_streaming.producer.feed.composing import Wish, compose
from event_streaming.wire.difference import apply_change, difference, values_before
from event_streaming.wire.events import CREATE, DELETE, RENAME, UPDATE
from event_streaming.wire.lean.composing import both

ITEM, PRICE = "Item", "Price"
WISH = Wish(frozenset((ITEM, PRICE)))
ENVELOPE_BYTES = 400


@dataclass
class Candidate:
	"""An event as the feed has it."""

	name: str
	position: int
	update_type: str
	ref_doctype: str
	docname: str
	transaction_id: str
	size: int
	origin: str = ""
	at_position: int = 0
	data: str | None = None
	data_before: str | None = None
	made: bool = False
	divided: bool = False
	leaves: bool = False
	only_the_end: bool = False
	ready: bool = False
	steps: int = 0
	steps_from: int = 0
	key: tuple = field(init=False)
	subject: tuple = field(init=False)

	def __post_init__(self):
		self.at_position = self.position
		self.key = self.ref_doctype, self.docname
		self.subject = (*self.key, self.docname)


def write(event: Candidate, change: dict, before: dict) -> None:
	event.data, event.data_before = json.dumps(change), json.dumps(before)
	event.size = len(event.data) + len(event.data_before) + ENVELOPE_BYTES


def groups(events: list[Candidate]) -> list[list[Candidate]]:
	"""What was made together, as the feed cuts it."""
	found: list[list[Candidate]] = []
	for event in events:
		if found and event.transaction_id and found[-1][-1].transaction_id == event.transaction_id:
			found[-1].append(event)
		else:
			found.append([event])
	return found


class History:
	"""Documents that are made, changed, submitted and deleted at random, several in a transaction, and the log that tells of it."""

	def __init__(self, seed: int):
		self.random = random.Random(seed)
		self.here: dict[tuple, dict] = {}
		self.log: list[Candidate] = []
		self.data: dict[str, tuple] = {}
		self.counter = 0

	def number(self) -> int:
		self.counter += 1
		return self.counter

	def tell(self, update_type: str, key: tuple, transaction: str, data=None, before=None, origin="") -> None:
		number = len(self.log) + 1
		texts = tuple(None if each is None else json.dumps(each) for each in (data, before))
		self.data[str(number)] = texts
		self.log.append(
			Candidate(
				str(number),
				number,
				update_type,
				*key,
				transaction,
				sum(map(len, filter(None, texts))) + ENVELOPE_BYTES,
				origin,
			)
		)

	def transaction(self) -> None:
		name = f"t{self.number()}" if self.random.random() < 0.9 else ""
		for _event in range(self.random.choice((1, 1, 1, 2, 3)) if name else 1):
			self.step(name)

	def step(self, transaction: str) -> None:
		key = self.random.choice((ITEM, ITEM, PRICE)), f"D{self.random.randrange(4)}"
		old, what = self.here.get(key), self.random.random()
		if old is None:
			state = {"doctype": key[0], "name": key[1], "docstatus": 0, "creation": f"c{self.number()}"}
			state |= {
				"modified": f"m{self.number()}",
				"modified_by": "me",
				"note": "new",
				"rows": [],
				"to": None,
			}
			self.here[key] = state
			return self.tell(CREATE, key, transaction, state)
		if what < 0.03:
			del self.here[key]
			return self.tell(DELETE, key, transaction, None, {"changed": {"modified": old["modified"]}})
		if what < 0.05:
			return self.tell(RENAME, (ITEM, "E"), transaction, {"new_name": "F"})
		new = self.changed(old)
		if what < 0.1 and old["docstatus"] < 2:
			new["docstatus"] += 1
		if what > 0.95:
			# set past the life cycle: no new time stamp
			new["modified"] = old["modified"]
		if change := difference(old, new):
			self.here[key] = new
			self.tell(UPDATE, key, transaction, change, values_before(old, change))
		return None

	def changed(self, state: dict) -> dict:
		rows = [dict(row) for row in state["rows"] if self.random.random() > 0.2]
		for row in rows:
			if self.random.random() < 0.4:
				row["qty"] = self.number() + 1000
		if self.random.random() < 0.5:
			rows.append({"doctype": "Row", "name": f"r{self.number()}", "qty": self.number() + 1000})
		self.random.shuffle(rows)
		for idx, row in enumerate(rows, start=1):
			row["idx"] = idx
		named = f"D{self.random.randrange(4)}" if self.random.random() < 0.15 else state["to"]
		note = f"note {self.random.randrange(3)}"
		return {**state, "modified": f"m{self.number()}", "note": note, "rows": rows, "to": named}

	def read(self, events: list[Candidate]) -> None:
		for event in events:
			event.data, event.data_before = self.data[event.name]


def history(seed: int, length: int = 60) -> History:
	made = History(seed)
	for _number in range(length):
		made.transaction()
	return made


def page(made: History, log: list[Candidate], most: int = 10_000, most_bytes: int = 10**9, wish: Wish = WISH):
	whole = groups(log)
	sent, contained, count = compose(wish, whole, most, most_bytes, made.read, write, lambda _event: True)
	return sent, contained, [event for group in whole[count:] for event in group]


class Consumer:
	"""What a site would have; it looks at each event whether it fits, and at each commit whether a transaction is seen in part."""

	def __init__(self, made: History):
		self.here: dict[tuple, dict] = {}
		# position up to which the changes of a document are seen
		self.seen: dict[tuple, int] = {}
		self.log = made.log
		self.data = made.data

	def apply(self, event: Candidate) -> None:
		data, before = json.loads(event.data or "{}"), json.loads(event.data_before or "{}")
		first = event.steps_from or event.position
		last_before = [old.position for old in self.log if old.key == event.key and old.position < first]
		assert self.seen.get(event.key, 0) == max(last_before, default=0)
		self.meets_what_it_met(event)
		if event.update_type == CREATE:
			self.here[event.key] = data
		elif event.update_type == DELETE:
			del self.here[event.key]
		elif event.update_type == UPDATE:
			self.fits(self.here[event.key], before, data)
			self.here[event.key] = apply_change(self.here[event.key], data)
		self.seen[event.key] = event.position

	def meets_what_it_met(self, event: Candidate) -> None:
		"""What an event names is as it was there then."""
		for key in [(doctype, f"D{number}") for doctype in (ITEM, PRICE) for number in range(4)]:
			if key == event.key or event.steps or f'"{key[1]}"' not in (event.data or ""):
				continue
			there = [old.position for old in self.log if old.key == key and old.position < event.position]
			assert self.seen.get(key, 0) == max(there, default=0)

	def fits(self, state: dict, before: dict, data: dict) -> None:
		"""What it says of before is what is here: or a conflict would be seen where there is none, or the other way round."""
		assert data["changed"].keys() <= before["changed"].keys() if "changed" in data else True
		assert all(state.get(field) == value for field, value in before["changed"].items())
		rows = {row["name"]: row for row in state["rows"]}
		for row in (before.get("row_changed") or {}).get("rows", []):
			assert {key: rows[row["name"]].get(key) for key in row} == row
		told = {row["name"] for row in (before.get("row_changed") or {}).get("rows", [])}
		assert told == {row["name"] for row in (data.get("row_changed") or {}).get("rows", [])}

	def commit(self) -> None:
		for transaction in {event.transaction_id for event in self.log} - {""}:
			seen = {
				event.position <= self.seen.get(event.key, 0)
				for event in self.log
				if event.transaction_id == transaction
			}
			assert len(seen) == 1, transaction

	def take(self, sent: list[Candidate]) -> None:
		for number, event in enumerate(sent):
			self.apply(event)
			following = sent[number + 1] if number + 1 < len(sent) else None
			if not (following and event.transaction_id and following.transaction_id == event.transaction_id):
				self.commit()


@pytest.mark.parametrize("seed", range(150))
def test_the_same_comes_of_it_as_one_by_one(seed):
	made = history(seed)
	consumer = Consumer(made)
	sent, contained, left = page(made, list(made.log))

	consumer.take(sent)

	assert not left
	assert consumer.here == made.here
	assert len(sent) + len(contained) == len(made.log)
	assert sum(event.steps or 1 for event in sent) == len(made.log)


@pytest.mark.parametrize("seed", range(100))
def test_page_after_page_nothing_is_passed_over_and_none_is_larger_than_its_bounds(seed):
	made, drawn = history(seed), random.Random(seed)
	consumer, left = Consumer(made), list(made.log)
	while left:
		most = drawn.choice((1, 3, 10, 40))
		first = [
			event for event in left if event.transaction_id and event.transaction_id == left[0].transaction_id
		]
		cursor = left[0].position - 1
		sent, contained, left = page(made, left, most)
		consumer.take(sent)
		assert len(sent) <= max(most, len(first), 1)
		end = left[0].position if left else len(made.log) + 1
		assert all(cursor < event.position < end for event in (*sent, *contained))
		assert all(event.position < event.at_position < end for event in contained)
	assert consumer.here == made.here


def test_there_is_something_to_be_saved():
	pages = [page(made := history(seed, 200), list(made.log)) for seed in range(10)]
	assert sum(len(contained) for _sent, contained, _left in pages) > 300


def changes(*names: str, doctype: str = ITEM, transactions: bool = False) -> History:
	"""One change of each of these documents in turn; with `transactions`, what is named together is made together: "A B"."""
	made = History(0)
	for each in dict.fromkeys(name for some in names for name in some.split()):
		made.here[doctype, each] = {"modified": "m0", "note": "", "rows": []}
	for some in names:
		transaction = f"t{made.number()}"
		for name in some.split():
			old = made.here[doctype, name]
			new = {**old, "modified": f"m{made.number()}", "note": f"n{made.number()}"}
			change = difference(old, new)
			made.here[doctype, name] = new
			made.tell(UPDATE, (doctype, name), transaction, change, values_before(old, change))
	return made


def told(made: History, **how) -> list[tuple]:
	return [(event.docname, event.position, event.steps) for event in page(made, made.log, **how)[0]]


def test_what_two_transactions_have_changed_alike_is_one():
	assert told(changes("A B", "A B", "A B")) == [("A", 5, 3), ("B", 6, 3)]


def test_a_transaction_is_not_torn_for_it():
	# A of the first would be seen with the second, B with the third
	assert told(changes("A B", "A", "B")) == [("A", 1, 0), ("B", 2, 0), ("A", 3, 0), ("B", 4, 0)]
	# and not where another of its documents has gone on with another one by then
	assert told(changes("A B", "B", "A B")) == [("A", 1, 0), ("B", 2, 0), ("A", 4, 0), ("B", 5, 2)]


def test_what_a_transaction_saves_twice_is_one_change_of_it():
	assert told(changes("A", "A A", "A")) == [("A", 4, 4)]


def test_what_names_a_document_meets_it_as_it_was():
	made = changes("A", "A")
	made.tell(CREATE, (PRICE, "P"), "t9", {"name": "P", "item": "A"})
	old = made.here[ITEM, "A"]
	made.tell(
		UPDATE, (ITEM, "A"), "t10", {"changed": {"modified": "mm"}}, values_before(old, {"changed": {}})
	)
	assert told(made) == [("A", 2, 2), ("P", 3, 0), ("A", 4, 0)]


def test_a_new_name_ends_it():
	made = changes("A")
	made.tell(RENAME, (ITEM, "X"), "t9", {"new_name": "Y"})
	old = made.here[ITEM, "A"]
	made.tell(
		UPDATE, (ITEM, "A"), "t10", {"changed": {"modified": "mm"}}, values_before(old, {"changed": {}})
	)
	assert len(told(made)) == 3


def test_documents_whose_steps_are_wanted_come_in_steps():
	wish = Wish(frozenset((ITEM,)), frozenset(((ITEM, "A"),)))
	assert told(changes("A", "B", "A", "B"), wish=wish) == [("A", 1, 0), ("A", 3, 0), ("B", 4, 2)]
	assert len(told(changes("A", "A"), wish=Wish(frozenset((PRICE,))))) == 2


def test_what_another_site_has_changed_in_between_is_no_step():
	made = changes("A", "A", "A")
	made.log[1].origin = "http://third.example"
	assert told(made) == [("A", 1, 0), ("A", 2, 0), ("A", 3, 0)]
	# and where it is not told at all: the next one was not made on what the first one leaves
	made = changes("A", "A", "A")
	del made.log[1]
	assert told(made) == [("A", 1, 0), ("A", 3, 0)]


def test_a_page_is_bounded_in_bytes_before_it_is_put_together_for_long():
	made = changes(*["A"] * 200)
	for number, (data, before) in made.data.items():
		change = json.loads(data)
		change["changed"][f"field {number}"] = "x" * 100
		made.data[number] = (json.dumps(change), before)
	for event in made.log:
		event.size = len(made.data[event.name][0]) + ENVELOPE_BYTES
	sent, _contained, left = page(made, made.log, most_bytes=5_000)
	assert len(sent) == 1 and left
	assert 2_000 < sent[0].size < 6_000


def test_what_submits_stands_for_itself_and_nothing_goes_over_it():
	made = changes("A", "A", "A")
	data, before = made.data["2"]
	made.data["2"] = (json.dumps({"changed": {**json.loads(data)["changed"], "docstatus": 1}}), before)
	assert told(made) == [("A", 1, 0), ("A", 2, 0), ("A", 3, 0)]


def test_a_run_ends_after_so_many_steps():
	assert told(changes(*["A"] * 250)) == [("A", 100, 100), ("A", 200, 100), ("A", 250, 50)]
	# within one transaction, too
	assert [steps for *_event, steps in told(changes("A " * 150))] == [100, 50]


def test_each_change_is_put_together_once(monkeypatch):
	asked = []
	monkeypatch.setattr(composing, "both", lambda *two: asked.append(1) or both(*two))
	assert told(changes(*["A"] * 20)) == [("A", 20, 20)]
	assert len(asked) == 19

"""Events of one document that are applied as one: the same comes of them as one by one, and in the order that matters."""

import json
import random

import pytest

from event_streaming.consumer.folding.runs import all_steps, in_order, is_folded, is_whole, runs_of, steps_of
from event_streaming.wire.difference import apply_change, difference, values_before
from event_streaming.wire.events import CREATE, DELETE, RENAME, UPDATE, empty_event, parse_data, remote_key

ORDER, CITY = "Order", "City"
SITE = "http://producer.example"


class Histories:
	"""Documents that are made, changed, submitted and deleted at random, and the events that tell of it."""

	def __init__(self, seed: int):
		self.random = random.Random(seed)
		self.here: dict[tuple, dict] = {}
		self.events: list[dict] = []
		self.counter = 0

	def number(self) -> int:
		self.counter += 1
		return self.counter

	def stamp(self) -> str:
		return f"2026-11-01 10:00:{self.number():09.6f}"

	def tell(self, update_type: str, key: tuple, data, before=None) -> None:
		self.events.append(
			{
				**empty_event(*key, len(self.events) + 1, SITE),
				"id": f"E{len(self.events) + 1}",
				"update_type": update_type,
				"creation": "2026-11-01 10:00:00",
				"data": None if data is None else json.dumps(data),
				"data_before": None if before is None else json.dumps(before),
			}
		)

	def step(self) -> None:
		key = self.random.choice((ORDER, ORDER, CITY)), f"D{self.random.randrange(4)}"
		old = self.here.get(key)
		if old is None:
			state = {"doctype": key[0], "name": key[1], "docstatus": 0, "creation": self.stamp()}
			state |= {"modified": self.stamp(), "modified_by": "me", "note": "new", "total": 0, "rows": []}
			self.here[key] = state
			return self.tell(CREATE, key, state)
		what = self.random.random()
		if what < 0.05 and old["docstatus"] != 1:
			del self.here[key]
			return self.tell(DELETE, key, None, {"changed": {"modified": old["modified"]}})
		if what < 0.3 and key[0] == ORDER and old["docstatus"] < 2:
			new = self.changed({**old, "docstatus": old["docstatus"] + 1})
		else:
			new = self.changed(old)
		if what > 0.95:
			# set past the life cycle: no new time stamp
			new["modified"] = old["modified"]
		if change := difference(old, new):
			self.here[key] = new
			self.tell(UPDATE, key, change, values_before(old, change))
		return None

	def changed(self, state: dict) -> dict:
		rows = [dict(row) for row in state["rows"] if self.random.random() > 0.2]
		for row in rows:
			if self.random.random() < 0.4:
				row["qty"] = self.number()
		if self.random.random() < 0.5:
			rows.append({"doctype": "Row", "name": f"r{self.number()}", "qty": self.number()})
		self.random.shuffle(rows)
		for idx, row in enumerate(rows, start=1):
			row["idx"] = idx
		return {**state, "modified": self.stamp(), "note": str(self.random.randrange(3)), "rows": rows}


class Consumer:
	"""What a site would have: documents, and what submissions did, in their order."""

	def __init__(self):
		self.here, self.ledger, self.saves = {}, [], 0

	def apply(self, event: dict) -> None:
		key, data = remote_key(event), parse_data(event)
		before = self.here.get(key)
		self.saves += 1
		if event["update_type"] == DELETE:
			del self.here[key]
			return
		self.here[key] = data if event["update_type"] == CREATE else apply_change(before, data)
		for state in (1, 2):
			if self.here[key]["docstatus"] == state and (before or {}).get("docstatus", 0) < state:
				self.ledger.append((*key, state, self.here[key]["note"], str(self.here[key]["rows"])))


def history(seed: int, length: int = 60) -> Histories:
	made = Histories(seed)
	for _number in range(length):
		made.step()
	return made


def only_drafts_of_orders(run, _number: int) -> bool:
	return run.is_draft and run.steps[0]["ref_doctype"] == ORDER


@pytest.mark.parametrize("seed", range(300))
def test_the_same_comes_of_it_as_one_by_one(seed):
	made, alone, folded = history(seed), Consumer(), Consumer()
	for event in made.events:
		alone.apply(event)
	runs = runs_of(made.events, lambda event: True, only_drafts_of_orders)
	units = in_order(made.events, runs)

	for event in units:
		folded.apply(event)

	assert folded.here == alone.here == made.here
	assert folded.ledger == alone.ledger
	assert sorted(map(id, all_steps(units))) == sorted(map(id, made.events))


@pytest.mark.parametrize("seed", range(100))
def test_each_documents_events_stay_in_order_and_submissions_and_other_documents_in_their_places(seed):
	made = history(seed)
	units = in_order(made.events, runs_of(made.events, lambda event: True, only_drafts_of_orders))
	by_document: dict[tuple, list] = {}
	for step in all_steps(units):
		by_document.setdefault(remote_key(step), []).append(step["position"])
	assert all(positions == sorted(positions) for positions in by_document.values())

	# what is not a draft that waits stands where it stood
	places = [steps_of(unit)[-1]["position"] for unit in units]
	assert places == sorted(places)
	for unit in units:
		if is_folded(unit) and unit["update_type"] == UPDATE:
			positions = [step["position"] for step in unit["steps"]]
			assert positions == list(range(positions[0], positions[-1] + 1))
			assert "docstatus" not in parse_data(unit)["changed"]


def test_there_is_something_to_be_saved():
	many = [history(seed) for seed in range(50)]
	units = [
		in_order(made.events, runs_of(made.events, lambda event: True, only_drafts_of_orders))
		for made in many
	]
	assert sum(map(len, units)) < 0.85 * sum(len(made.events) for made in many)


# ---- single cases


def events_of(*states: dict, key: tuple = (ORDER, "A"), first: str = CREATE) -> list[dict]:
	made = Histories(0)
	old = None
	for number, state in enumerate(states):
		new = {
			"doctype": key[0],
			"name": key[1],
			"docstatus": 0,
			"modified": f"t{number}",
			"rows": [],
			**state,
		}
		if old is None and first == CREATE:
			made.tell(CREATE, key, new)
		elif old is not None:
			change = difference(old, new)
			made.tell(UPDATE, key, change, values_before(old, change))
		old = new
	return made.events


def whole(events: list[dict], may_wait=lambda run, number: False) -> list[list[str]]:
	units = in_order(events, runs_of(events, lambda event: True, may_wait))
	return [[step["id"] for step in steps_of(unit)] for unit in units]


def test_a_draft_and_its_submission_are_one_submitted_document():
	events = events_of({"note": "a"}, {"note": "b", "docstatus": 1})
	(unit,) = in_order(events, runs_of(events, lambda event: True, lambda run, number: False))
	assert unit["update_type"] == CREATE and unit["id"] == "E1" and unit["position"] == 1
	assert parse_data(unit)["docstatus"] == 1 and parse_data(unit)["note"] == "b"
	assert set(unit["submission"]) == {"docstatus", "note", "modified", "modified_by"}


def test_what_comes_after_the_submission_is_applied_after_it():
	states = [{}, {"docstatus": 1}, {"docstatus": 1, "note": "paid"}, {"docstatus": 1, "note": "x"}]
	assert whole(events_of(*states)) == [["E1", "E2"], ["E3", "E4"]]


def test_a_submission_and_a_cancellation_stay_two():
	assert whole(events_of({}, {"docstatus": 1}, {"docstatus": 2})) == [["E1", "E2"], ["E3"]]
	assert whole(events_of({}, {"docstatus": 2})) == [["E1"], ["E2"]]


def test_a_draft_that_is_here_already_is_submitted_by_itself():
	events = events_of({}, {"note": "a"}, {"note": "b"}, {"docstatus": 1}, first=UPDATE)
	assert whole(events) == [["E1", "E2"], ["E3"]]


def test_a_change_that_was_not_made_on_what_came_before_begins_anew():
	events = events_of({}, {"note": "a"}, {"note": "b"}, first=UPDATE)
	events[1]["data_before"] = json.dumps({"changed": {"modified": "another"}})
	assert whole(events) == [["E1"], ["E2"]]


@pytest.mark.parametrize(
	"values",
	[
		{"origin": "http://third.example"},
		{"root": {"site": SITE, "doctype": ORDER, "name": "Z"}},
		{"id": ""},
		{"creation": ""},
		{"position": 0},
		{"data": "{"},
		{"data": '{"changed": {"note": "x"}, "files": []}'},
		{"data": '{"changed": {}, "row_changed": {"rows": [{"qty": 1}]}}'},
		{"data_before": None},
		{"data_before": '{"changed": {"modified": "t0"}, "merged_with": "x"}'},
	],
)
def test_what_is_of_another_kind_is_applied_by_itself(values):
	events = events_of({}, {"note": "a"})
	events[1] |= values
	assert runs_of(events, lambda event: True, lambda run, number: True) == []


def test_a_whole_document_that_was_said_again_or_has_files_is_applied_by_itself():
	for values in ({"data_before": '{"merged_with": "x"}'}, {"data": '{"modified": "t0", "_files": []}'}):
		events = events_of({}, {"note": "a"})
		events[0] |= values
		assert whole(events) == [["E1"], ["E2"]]


def test_a_row_that_is_not_in_the_document_ends_it():
	events = events_of({}, {"note": "a"})
	change = {"changed": {"modified": "t1"}, "row_changed": {"rows": [{"name": "r9", "qty": 1}]}}
	events[1]["data"] = json.dumps(change)
	assert whole(events) == [["E1"], ["E2"]]


def test_a_row_that_goes_and_comes_again_ends_it():
	row = {"doctype": "Row", "name": "r1", "idx": 1, "qty": 1}
	events = events_of({"rows": [row]}, {"rows": []}, {"rows": [row]}, first=UPDATE)
	assert whole(events) == [["E1"], ["E2"]]


def between(*others: dict) -> list[dict]:
	"""A draft, other events, its submission."""
	first, last = events_of({}, {"docstatus": 1})
	for number, event in enumerate((first, *others, last), start=1):
		event |= {"position": number, "at_position": number}
	return [first, *others, last]


def test_a_draft_waits_for_its_submission_where_it_may():
	(other,) = events_of({}, key=(CITY, "Bern"))
	other["id"] = "X"
	assert whole(between(other)) == [["E1"], ["X"], ["E2"]]
	assert whole(between(other), lambda run, number: True) == [["X"], ["E1", "E2"]]


@pytest.mark.parametrize("values", [{"update_type": RENAME}, {"problem": "unreadable"}])
def test_nothing_waits_over_a_rename_or_what_can_not_be_read(values):
	(other,) = events_of({}, key=(CITY, "Bern"))
	other |= {"id": "X", **values}
	assert whole(between(other), lambda run, number: True) == [["E1"], ["X"], ["E2"]]


def test_a_file_of_the_document_ends_it():
	(file,) = events_of({})
	file |= {"id": "X", "update_type": "Attach", "data": "{}"}
	assert whole(between(file), lambda run, number: True) == [["E1"], ["X"], ["E2"]]


def test_what_may_not_be_put_together_is_not():
	events = events_of({}, {"note": "a"})
	assert runs_of(events, lambda event: False, lambda run, number: True) == []


def in_transactions(*ids: str) -> list[dict]:
	"""A draft and its submission with events of other documents, each of the transaction of that name."""
	others = [
		event | {"id": f"X{number}"} for number, event in enumerate(events_of({}, key=(CITY, "B")) * len(ids))
	]
	events = between(*others[: len(ids) - 2])
	return [{**event, "transaction_id": each} for event, each in zip(events, ids, strict=True)]


@pytest.mark.parametrize(
	("ids", "whole"),
	[
		(("", "", ""), True),
		(("t1", "t2", "t3"), True),
		(("t1", "t2", "t2"), True),
		(("t1", "t1", "t1"), True),
		(("t1", "t1", "t2"), False),
		(("t1", "t1", "t2", "t2"), False),
	],
)
def test_no_transaction_is_divided(ids, whole):
	events = in_transactions(*ids)
	(run,) = runs_of(events, lambda event: True, lambda run, number: True)
	assert is_whole(run, events) is whole
	assert run.folded()["transaction_id"] == ids[-1]


@pytest.mark.parametrize(
	("ids", "alone"), [(("", "", ""), True), (("t1", "t2", "t3"), True), (("t1", "t2", "t2"), False)]
)
def test_it_is_known_whether_other_events_were_made_with_one_of_the_steps(ids, alone):
	events = in_transactions(*ids)
	units = in_order(events, runs_of(events, lambda event: True, lambda run, number: True))
	assert [unit["each_alone"] for unit in units if is_folded(unit)] == [alone]


def test_a_draft_and_its_submission_of_one_transaction_are_not_alone():
	events = [{**event, "transaction_id": "t1"} for event in events_of({}, {"docstatus": 1})]
	(unit,) = in_order(events, runs_of(events, lambda event: True, lambda run, number: True))
	assert not unit["each_alone"]

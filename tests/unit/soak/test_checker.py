"""The checker of the soak, on histories made by hand: a sound one passes, and each promise that is broken in it is found."""

import copy
import json
from dataclasses import replace

import pytest

from tests.soak.again import RESULT, all_results, summed_up
from tests.soak.checker import CONTAINED, GONE_THERE, PROMISES, check
from tests.soak.evidence import Evidence, Flow, SiteEvidence, Version, collapsed, ids_in, marks_in

ITEM, INVOICE = "Shop Item", "Shop Invoice"
P, C = "http://p", "http://c"


def version(
	n: int, key: str, mark: str, op: str = "U", trx: int = 0, doctype: str = ITEM, refs=()
) -> Version:
	return Version(n, doctype, f"ITEM {key}", op, f"{key}|{mark}", refs=tuple(refs), trx=trx)


def event(
	name: int, key: str, mark: str, kind: str = "Update", origin: str = "", doctype: str = ITEM
) -> dict:
	return {
		"name": name,
		"update_type": kind,
		"ref_doctype": doctype,
		"docname": f"ITEM {key}",
		"position": name,
		"origin": origin,
		"data": f"{key}|{mark}",
	}


def taken(of: dict, producer: str = P, status: str = "Synced") -> dict:
	return {
		"update_type": of["update_type"],
		"status": status,
		"event_producer": producer,
		"remote_doctype": of["ref_doctype"],
		"producer_doc": of["docname"],
		"event_id": str(of["name"]),
		"event_creation": "2026-01-01",
		"position": of["position"],
		"data": of["data"],
		"error": "",
	}


def line(voucher: str, debit: float, credit: float) -> dict:
	return {"voucher_type": INVOICE, "voucher_no": voucher, "account": "A", "debit": debit, "credit": credit}


def did(site: str, mark: str, outcome: str = "ok") -> dict:
	return {
		"site": site,
		"what": "change",
		"document": None,
		"outcome": outcome,
		"marks": [mark],
		"start": 1.0,
	}


def sound() -> Evidence:
	"""An item made and changed twice on p and taken by c, and an invoice with its lines."""
	key, invoice = "p-pwa.1", "p-pwa.4"
	made = [event(1, key, "pwa.1", "Create"), event(2, key, "pwa.2"), event(3, key, "pwb.1")]
	made.append(event(4, invoice, "pwa.4", "Create", doctype=INVOICE))
	refs = ((ITEM, f"ITEM {key}"),)
	there = SiteEvidence(
		versions=[
			version(1, key, "pwa.1", "I", trx=11),
			version(2, key, "pwa.2", trx=12),
			version(3, key, "pwb.1", trx=13),
			version(4, invoice, "pwa.4", "I", trx=14, doctype=INVOICE, refs=refs),
		],
		documents={ITEM: {key: {"rate": "2"}}, INVOICE: {invoice: {"total": "5"}}},
		update_logs=made,
		ledger=[line(f"ITEM {invoice}", 5, 0), line(f"ITEM {invoice}", 0, 5)],
		head=4,
		url=P,
	)
	here = SiteEvidence(
		versions=[
			version(1, key, "pwa.1", "I", trx=21),
			version(2, key, "pwb.1", trx=22),
			version(3, invoice, "pwa.4", "I", trx=23, doctype=INVOICE, refs=refs),
		],
		documents=copy.deepcopy(there.documents),
		sync_logs=[taken(each) for each in made],
		update_logs=[event(1, key, "pwa.1", "Create", origin=P)],
		ledger=copy.deepcopy(there.ledger),
		cursors=[(P, 0), (P, 1), (P, 4)],
		head=1,
		url=C,
	)
	history = [did("p", "pwa.1"), did("p", "pwa.2"), did("p", "pwb.1"), did("p", "pwa.9", "failed")]
	return Evidence([Flow("p", "c", (ITEM, INVOICE))], {"p": there, "c": here}, history)


def test_a_sound_history_has_nothing_to_find():
	assert check(sound()) == []


# ---------------------------------------------------------------- each promise, broken in one way


def acknowledged_and_gone(e):
	e.history.append(did("p", "pwa.7"))


def refused_and_there(e):
	e.history.append(did("p", "pwb.1", "failed"))


def missing_on_the_consumer(e):
	del e.sites["c"].documents[ITEM]["p-pwa.1"]


def still_on_the_consumer(e):
	del e.sites["p"].documents[ITEM]["p-pwa.1"]


def another_value(e):
	e.sites["c"].documents[ITEM]["p-pwa.1"]["rate"] = "3"


def failed_at_rest(e):
	e.sites["c"].sync_logs[2]["status"] = "Failed"


def cursor_behind(e):
	e.sites["c"].cursors.pop()


def event_without_a_position(e):
	e.sites["p"].update_logs[1]["position"] = 0


def one_event_twice(e):
	e.sites["c"].sync_logs.append(dict(e.sites["c"].sync_logs[1]))


def one_document_twice(e):
	e.sites["c"].documents[ITEM]["p-pwa.1 (twice)"] = {"rate": "2"}


def one_change_logged_twice(e):
	e.sites["c"].update_logs += [
		event(7, "p-pwa.1", "pwb.1", origin=P),
		event(8, "p-pwa.1", "pwb.1", origin=P),
	]


def given_its_own(e):
	e.sites["p"].sync_logs.append(taken(event(9, "p-pwa.1", "pwa.2"), C))


def said_to_be_its_own(e):
	e.sites["c"].update_logs.append(event(9, "p-pwa.1", "pwa.2"))


def old_after_new(e):
	e.sites["c"].versions.append(version(9, "p-pwa.1", "pwa.2"))


def a_state_that_never_was(e):
	e.sites["c"].versions.insert(1, version(9, "p-pwa.1", "pwx.9"))


def back_on_its_own_site(e):
	e.sites["p"].versions.append(version(9, "p-pwa.1", "pwa.1"))


def link_before_its_document(e):
	here = e.sites["c"].versions
	here.insert(0, here.pop())


def synced_for_nothing(e):
	e.sites["c"].versions = [each for each in e.sites["c"].versions if each.mark != "pwb.1"]


def lines_twice(e):
	e.sites["c"].ledger *= 2


def a_line_missing(e):
	e.sites["c"].ledger.pop()


def cursor_went_back(e):
	e.sites["c"].cursors[1:1] = [(P, 3)]


def position_moved(e):
	e.sites["p"].moved_positions.append((2, 2, 5))


def position_given_twice(e):
	e.sites["p"].update_logs[1]["position"] = 1


def transaction_divided(e):
	there, here = e.sites["p"], e.sites["c"]
	other = "p-pwa.8"
	made = event(5, other, "pwa.8", "Create")
	there.versions.append(version(8, other, "pwa.8", "I", trx=13))
	there.update_logs.append(made)
	there.head = 5
	here.versions.append(version(8, other, "pwa.8", "I", trx=29))
	here.sync_logs.append(taken(made))
	here.cursors.append((P, 5))
	for site in e.sites.values():
		site.documents[ITEM][other] = {"rate": "1"}


BROKEN = {
	acknowledged_and_gone: "lost before it was streamed",
	refused_and_there: "lost before it was streamed",
	missing_on_the_consumer: "lost",
	still_on_the_consumer: "lost",
	another_value: "lost",
	failed_at_rest: "open",
	cursor_behind: "open",
	event_without_a_position: "open",
	one_event_twice: "twice",
	one_document_twice: "twice",
	one_change_logged_twice: "twice",
	given_its_own: "echo",
	said_to_be_its_own: "echo",
	old_after_new: "out of order",
	a_state_that_never_was: "out of order",
	back_on_its_own_site: "out of order",
	link_before_its_document: "effect before cause",
	synced_for_nothing: "synced without effect",
	lines_twice: "ledger",
	a_line_missing: "ledger",
	cursor_went_back: "went back",
	position_moved: "went back",
	position_given_twice: "went back",
	transaction_divided: "divided",
}


@pytest.mark.parametrize("how", BROKEN, ids=lambda how: how.__name__)
def test_what_is_broken_is_found(how):
	evidence = sound()

	how(evidence)

	assert BROKEN[how] in {finding.kind for finding in check(evidence)}


def test_every_promise_is_broken_by_one_of_these_at_least():
	# those of some kinds only are broken in test_rules.py
	of_kinds = {"condition", "deleted by nobody", "in its place", "lost among guests"}
	assert set(BROKEN.values()) == set(PROMISES) - of_kinds


# ---------------------------------------------------------------- what is no fault


def test_states_may_be_passed_over_but_the_outcome_of_an_unknown_one_may_be_either():
	evidence = sound()
	evidence.history += [did("p", "pwa.7", "unknown"), did("p", "pwa.2", "unknown")]

	assert check(evidence) == []


NO_FAULT = [
	{"outcome": CONTAINED},
	{"outcome": f"{CONTAINED} · Stands for 2 changes"},
	{"divided": 1},
	{"attempts": 2},
	# it came with a repair
	{"event_id": ""},
]


@pytest.mark.parametrize("values", NO_FAULT, ids=lambda values: next(iter(values)))
def test_what_did_not_come_with_its_transaction_for_a_reason_is_no_fault(values):
	evidence = sound()
	transaction_divided(evidence)
	evidence.sites["c"].sync_logs[-1].update(values)

	assert not [finding for finding in check(evidence) if finding.kind == "divided"]


def test_what_was_cancelled_when_it_came_has_no_lines_there_and_what_was_cancelled_later_has():
	evidence, voucher = sound(), "p-pwa.4"
	here = evidence.sites["c"]
	here.ledger.clear()
	later = [replace(version(3, voucher, "pwa.4", doctype=INVOICE), n=4, docstatus=2)]
	assert [finding.kind for finding in check(evidence)] == ["ledger"]

	here.versions += later
	assert [finding.kind for finding in check(evidence)] == ["ledger"]

	here.versions = [replace(each, docstatus=2) if each.id == voucher else each for each in here.versions]
	assert check(evidence) == []


def test_a_row_that_still_shows_what_an_earlier_transaction_has_changed_is_no_part_of_it():
	evidence = sound()
	# merged: rows of both are written together, long after what they show
	evidence.sites["p"].versions += [
		version(9, "p-pwa.1", "pwb.1", trx=31),
		version(10, "p-pwa.4", "pwa.4", "D", trx=31, doctype=INVOICE),
	]

	assert not [finding for finding in check(evidence) if finding.kind == "divided"]


def test_what_has_failed_comes_together_where_a_row_says_so():
	evidence = sound()
	transaction_divided(evidence)
	evidence.sites["c"].sync_logs[-1]["attempts"] = 2
	evidence.flows = [replace(flow, together=True) for flow in evidence.flows]

	assert [finding.kind for finding in check(evidence)] == ["divided"]


def test_after_a_restore_cursors_may_go_back_there_and_what_was_acknowledged_may_be_gone():
	evidence = sound()
	cursor_went_back(evidence)
	acknowledged_and_gone(evidence)
	evidence.restored = {"p": 9.0, "c": 9.0}

	assert check(evidence) == []


@pytest.mark.parametrize("restored", [{}, {"p": 9.0}], ids=["no restore", "restored"])
def test_a_state_of_the_time_that_was_lost_is_an_effect_of_what_came_before_it(restored):
	evidence, key = sound(), "p-pwa.1"
	there, here = evidence.sites["p"], evidence.sites["c"]
	there.versions = [each for each in there.versions if each.mark not in ("pwa.2", "pwb.1")]
	# two changes came as one, and the site that made them knows only the first one by now
	here.versions = [each for each in here.versions if each.id != key] + [
		version(1, key, "pwa.2", "I", trx=21)
	]
	evidence.restored = restored

	found = {finding.kind for finding in check(evidence)}

	assert ("synced without effect" in found) == (not restored)


@pytest.mark.parametrize(("restored", "found"), [(0.5, ["lost"]), (2.0, [])])
def test_what_is_made_after_a_restore_has_to_come(restored, found):
	evidence = sound()
	evidence.restored = {"p": restored}
	another_value(evidence)

	assert [finding.kind for finding in check(evidence)] == found


@pytest.mark.parametrize(("restored", "found"), [(0.5, ["ledger"]), (2.0, [])])
def test_lines_of_what_was_made_after_a_restore_have_to_come(restored, found):
	evidence = sound()
	evidence.history.append(did("p", "pwa.4"))
	evidence.restored = {"p": restored}
	evidence.sites["c"].ledger.clear()

	assert [finding.kind for finding in check(evidence)] == found


def test_documents_come_to_all_sites_of_a_ring_by_one_hop_or_two():
	ring = [Flow("p", "c", (ITEM,)), Flow("c", "t", (ITEM,)), Flow("t", "p", (ITEM,))]
	evidence = Evidence(ring, {letter: SiteEvidence() for letter in "pct"})

	assert evidence.takers(ITEM, "p") == ["c", "t"]
	assert evidence.takers(ITEM, "t") == ["p", "c"]
	assert evidence.takers(INVOICE, "p") == []


def test_what_was_gone_over_there_when_it_was_to_be_brought_is_no_effect_that_is_missing():
	evidence = sound()
	synced_for_nothing(evidence)
	evidence.sites["p"].versions.append(version(9, "p-pwa.1", "pwb.1", "D"))
	assert "synced without effect" in {finding.kind for finding in check(evidence)}

	for log in evidence.sites["c"].sync_logs:
		log["outcome"] = GONE_THERE
	assert "synced without effect" not in {finding.kind for finding in check(evidence)}


def test_ids_and_tokens_are_read_out_of_names_and_texts():
	assert ids_in("ORD p-pwa.12 r17") == ["p-pwa.12"]
	assert marks_in('{"note": "x-cx.3|px.4"}') == [("x-cx.3", "px.4")]
	assert version(1, "p-pwa.1", "pwb.5").id == "p-pwa.1"
	assert version(1, "p-pwa.1", "pwb.5").mark == "pwb.5"
	assert Version(1, ITEM, "ITEM p-pwa.12", "D", "").id == "p-pwa.12"
	assert collapsed(["a", "a", "", "b", "a"]) == ["a", "b", "a"]


def test_what_a_restored_site_has_deleted_again_was_here_and_need_not_come_back():
	evidence = sound()
	synced_for_nothing(evidence)
	there = evidence.sites["p"].versions
	there.append(version(9, "p-pwa.1", "pwb.1", "D"))
	assert "synced without effect" in {finding.kind for finding in check(evidence)}

	evidence.restored = {"p": 9.0}
	assert "synced without effect" not in {finding.kind for finding in check(evidence)}


def test_runs_that_are_over_are_summed_up(tmp_path):
	for number, found in enumerate(([], ["lost"])):
		values = {
			"shape": "star",
			"seconds": 90,
			"seed": number,
			"faults": "all",
			"steps": 1000,
			"states": 20,
		}
		values |= {"events": 10, "struck": 7, "found": found, "outcomes": {"ok": 950, "nothing": 50}}
		(tmp_path / str(number)).mkdir()
		(tmp_path / str(number) / RESULT).write_text(json.dumps(values))

	said = summed_up(all_results(tmp_path))

	assert "| star, 90 s, all, seed 1 | 1,000 | 20 | 10 | 7 | lost |" in said
	assert said[-1] == "2 runs: 2,000 steps in 3 minutes of work; with 100 of them there was nothing to do"

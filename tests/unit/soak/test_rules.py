"""The soak's rules for conditions and for people who meddle with what came, on histories made by hand."""

import copy

import pytest

from tests.soak.checker import GONE_THERE, check
from tests.soak.evidence import Evidence, Flow, SiteEvidence, Version, evidence_from
from tests.soak.kinds import GUESTS, KEEP, KINDS, LETTER, PARCEL, PLACE, REMOVE
from tests.soak.rules.meddling import plain
from tests.soak.shapes import SHAPES, shape_of

P, C = "http://p", "http://c"
MADE, GONE, TAKEN_AWAY, EDITED = "I", "D", "X", "E"
# the kinds of findings
CONDITION, NOBODY, OWN, LOST, OPEN = (
	"condition",
	"deleted by nobody",
	"in its place",
	"lost among guests",
	"open",
)


def doc(name: str, wanted: int = 1, total: int = 5) -> dict:
	return {"name": name, "wanted": str(wanted), "total": str(total), "files": []}


def version(n: int, key: str, doctype: str, name: str, op: str = MADE, mark: str = "") -> Version:
	return Version(n, doctype, name, op, f"{key}|{mark or key[2:]}")


def taken(key: str, name: str, status: str) -> dict:
	return {
		"update_type": "Update",
		"status": status,
		"event_producer": P,
		"remote_doctype": PLACE,
		"producer_doc": name,
		"position": 1,
		"data": f"{key}|{key[2:]}" if key else "",
		"error": "NameTaken",
	}


def evidence_of(doctype: str, there: dict, here: dict, **of_the_flow) -> Evidence:
	"""Those documents were made on p, or on c, and came to c from p."""
	sites = {"p": SiteEvidence(documents={doctype: there}, url=P)}
	sites["c"] = SiteEvidence(documents={doctype: copy.deepcopy(here)}, cursors=[(P, 0)], url=C)
	for letter, site in sites.items():
		made = [
			(key, values) for key, values in site.documents[doctype].items() if key[0] in ("p", letter, "x")
		]
		site.versions = [version(n, key, doctype, values["name"]) for n, (key, values) in enumerate(made)]
	return Evidence([Flow("p", "c", (doctype,), **of_the_flow)], sites)


def found(evidence: Evidence) -> list[str]:
	return [finding.kind for finding in check(evidence)]


# ---------------------------------------------------------------- under a condition

A, B = "p-paq.1", "p-paq.2"
FITTING = {A: doc("a"), B: doc("b")}
FITS_NO_MORE = {A: doc("a"), B: doc("b", wanted=0, total=9)}
RENAMED = {A: doc("a"), B: doc("c", wanted=0)}
ONE = {A: doc("a")}


@pytest.mark.parametrize(
	("ends", "there", "here", "finding"),
	[
		(KEEP, FITTING, FITTING, []),
		(KEEP, FITTING, ONE, [CONDITION]),
		(KEEP, FITTING, {**ONE, B: doc("b", total=6)}, [CONDITION]),
		(KEEP, FITS_NO_MORE, FITTING, []),
		(KEEP, FITS_NO_MORE, ONE, []),
		(KEEP, RENAMED, FITTING, [CONDITION]),
		(KEEP, ONE, FITTING, [CONDITION]),
		(REMOVE, FITS_NO_MORE, ONE, []),
		(REMOVE, FITS_NO_MORE, FITTING, [CONDITION]),
		(REMOVE, FITTING, ONE, [CONDITION]),
		(REMOVE, ONE, FITTING, [CONDITION]),
	],
)
def test_a_site_has_what_fits_and_keeps_what_has_come_to_it_only_where_it_says_so(ends, there, here, finding):
	assert found(evidence_of(PARCEL, there, here, conditions={PARCEL: ends})) == finding


def test_what_two_sites_write_is_all_on_the_one_that_gives_only_some_of_it():
	mine, other = "x-paq.1", "x-caq.1"
	there = {mine: doc("a", wanted=0), other: doc("b")}
	evidence = evidence_of(LETTER, there, {other: doc("b")}, conditions={LETTER: KEEP})
	assert found(evidence) == []

	evidence.sites["c"].documents[LETTER]["x-caq.5"] = doc("c", wanted=0)
	assert found(evidence) == [CONDITION]


@pytest.mark.parametrize(("origin", "finding"), [(C, []), ("", [CONDITION])])
def test_what_fits_by_a_change_of_the_site_that_takes_it_may_lack_what_that_had_missed(origin, finding):
	key = "x-caq.1"
	evidence = evidence_of(LETTER, {key: doc("a", total=8)}, {key: doc("a")}, conditions={LETTER: KEEP})
	event = {"name": 1, "ref_doctype": LETTER, "docname": "a", "update_type": "Update", "data": ""}
	changes = [{**event, "position": 1, "origin": ""}, {**event, "position": 2, "origin": origin}]
	evidence.sites["p"].update_logs = changes
	evidence.sites["p"].head = 2
	evidence.sites["c"].cursors = [(P, 2)]

	assert found(evidence) == finding


def test_after_a_restore_nothing_is_said_of_what_has_a_condition():
	evidence = evidence_of(PARCEL, FITTING, ONE, conditions={PARCEL: KEEP})
	evidence.restored = {"p": 1.0}

	assert found(evidence) == []


@pytest.mark.parametrize(("conditions", "finding"), [({PARCEL: KEEP}, []), ({}, ["divided"])])
def test_what_is_under_a_condition_need_not_come_with_its_transaction(conditions, finding):
	evidence = evidence_of(PARCEL, FITTING, FITTING, conditions=conditions)
	for letter, trx in (("p", lambda n: 7), ("c", lambda n: n)):
		evidence.sites[letter].versions = [
			Version(n, PARCEL, name, MADE, f"{key}|{key[2:]}", trx=trx(n))
			for n, (key, name) in enumerate(((A, "a"), (B, "b")), start=1)
		]
	evidence.sites["c"].sync_logs = [
		{**taken(key, "", "Synced"), "event_id": key, "remote_doctype": PARCEL, "update_type": "Create"}
		for key in (A, B)
	]

	assert found(evidence) == finding


# ---------------------------------------------------------------- who has deleted what


@pytest.mark.parametrize(("owner", "said", "finding"), [("p", 0, [NOBODY]), ("p", 1, []), ("c", 0, [])])
def test_a_document_goes_from_its_own_site_only_because_somebody_has_said_so(owner, said, finding):
	key = f"{owner}-{owner}aq.1"
	evidence = evidence_of(PARCEL, ONE, ONE, conditions={PARCEL: KEEP})
	versions = evidence.sites["p"].versions
	versions += [version(8, key, PARCEL, "b", TAKEN_AWAY)] * said + [version(9, key, PARCEL, "b", GONE)]

	assert found(evidence) == finding


def test_of_what_two_sites_write_either_may_have_said_so():
	key = "x-caq.1"
	evidence = evidence_of(LETTER, {}, {}, conditions={LETTER: KEEP})
	evidence.sites["p"].versions += [version(9, key, LETTER, "b", GONE)]
	assert found(evidence) == [NOBODY]

	evidence.sites["c"].versions += [version(9, key, LETTER, "b", TAKEN_AWAY)]
	assert found(evidence) == []


# ---------------------------------------------------------------- people who meddle

MINE = "c-cag.1"


def meddled(there: dict, here: dict, **of_the_flow) -> Evidence:
	return evidence_of(PLACE, there, here, guests=(PLACE,), **of_the_flow)


def test_what_people_have_edited_may_be_as_they_left_it_and_nothing_else_of_it():
	evidence = meddled(ONE, {A: doc("a", total=150)})
	assert found(evidence) == [LOST]

	evidence.sites["c"].versions.append(version(9, A, PLACE, "a", EDITED))
	assert found(evidence) == []

	evidence.sites["c"].documents[PLACE][A]["name"] = "b"
	assert found(evidence) == [LOST]


def test_what_people_have_deleted_stays_away_until_it_is_changed_there():
	evidence = meddled(ONE, {})
	assert found(evidence) == [LOST]

	here = evidence.sites["c"].versions
	here += [version(8, A, PLACE, "a"), version(9, A, PLACE, "a", TAKEN_AWAY)]
	assert found(evidence) == []

	evidence.sites["p"].versions.append(version(9, A, PLACE, "a", "U", "paq.7"))
	assert found(evidence) == [LOST]


def test_what_was_deleted_there_has_to_go():
	assert found(meddled({}, ONE)) == [LOST]


def test_one_of_their_own_holds_its_name_and_that_of_what_needs_the_name_of_one_that_waits():
	# b was renamed to what their own has, and a got the name that b has here
	there, here = {A: doc("b"), B: doc("Äx")}, {MINE: doc("ax"), A: doc("a"), B: doc("b", total=7)}
	evidence = meddled(there, here)
	evidence.sites["c"].sync_logs = [taken("", "Äx", "Failed"), taken(A, "b", "Waiting")]
	assert found(evidence) == []

	evidence.sites["c"].sync_logs.append(taken("", "z", "Failed"))
	assert found(evidence) == [OPEN]
	evidence.sites["c"].sync_logs.pop()

	evidence.sites["c"].documents[PLACE][MINE]["name"] = "other"
	assert found(evidence) == [OPEN, OPEN, LOST, LOST, LOST]


def test_what_had_been_renamed_when_it_was_asked_for_comes_by_a_name_that_one_of_their_own_has():
	evidence = meddled({A: doc("b")}, {MINE: doc("b")})
	here = evidence.sites["c"]
	here.sync_logs = [{**taken(A, "a", "Synced"), "outcome": GONE_THERE}]
	assert found(evidence) == []

	here.documents[PLACE][MINE]["name"] = "other"
	assert found(evidence) == ["synced without effect", LOST]


def test_where_a_site_gives_names_by_itself_nothing_waits_and_names_differ():
	evidence = meddled(ONE, {A: doc("KND-1"), MINE: doc("a")}, own_names=(PLACE,))
	assert found(evidence) == []

	del evidence.sites["c"].documents[PLACE][A]
	evidence.sites["c"].sync_logs = [taken(A, "a", "Failed")]
	assert found(evidence) == [OPEN, LOST]


@pytest.mark.parametrize("deleted", [False, True])
def test_one_of_their_own_goes_only_because_somebody_has_said_so(deleted):
	evidence = meddled(ONE, {**ONE, MINE: doc("b")})
	assert found(evidence) == []

	del evidence.sites["c"].documents[PLACE][MINE]
	evidence.sites["c"].versions += [version(9, MINE, PLACE, "b", GONE)] * deleted
	assert found(evidence) == [NOBODY if deleted else OWN]


def test_one_of_their_own_gets_nothing_of_another_and_goes_nowhere():
	evidence = meddled(ONE, {**ONE, MINE: doc("b")})
	evidence.sites["c"].documents[PLACE][MINE]["files"] = ["of another"]
	assert found(evidence) == [OWN]

	evidence.sites["p"].documents[PLACE][MINE] = doc("b")
	assert found(evidence) == [OWN, OWN]


def test_names_are_compared_as_the_database_does():
	assert plain("Ängér LTD") == plain("anger ltd") != plain("anger")


# ---------------------------------------------------------------- shapes with kinds


@pytest.mark.parametrize("name", SHAPES)
def test_without_kinds_a_shape_is_as_it_was(name):
	assert shape_of(name, ()).flows == SHAPES[name]().flows
	assert not any(shape_of(name, ()).roles.values())


@pytest.mark.parametrize("name", SHAPES)
def test_with_kinds_each_of_their_doctypes_flows_and_somebody_is_at_work_on_it(name):
	shape = shape_of(name, KINDS, seed=1)

	flows = {doctype for flow in shape.flows for doctype in flow.doctypes}
	at_work = {role.doctype for roles in shape.roles.values() for role in roles.values()}
	special = {PARCEL, PLACE, LETTER} if name == "star" else {PARCEL, PLACE}
	assert special <= flows and special == at_work
	# where each site gives what it was given, nobody meddles with what came
	assert any(flow.guests for flow in shape.flows) == (name == "star")
	assert not any(flow.guests for flow in shape_of(name, tuple({*KINDS} - {GUESTS})).flows)


def test_what_becomes_of_what_does_not_fit_is_by_lot_and_the_same_for_the_same_seed():
	ends = [
		[flow.conditions.get(PARCEL) for flow in shape_of("ring", KINDS, seed).flows] for seed in range(20)
	]

	assert {each for one in ends for each in one} == {KEEP, REMOVE}
	assert ends[3] == [flow.conditions.get(PARCEL) for flow in shape_of("ring", KINDS, 3).flows]


def test_flows_of_older_runs_have_no_kinds():
	raw = {"flows": [{"source": "p", "target": "c", "doctypes": [PARCEL]}], "sites": {}, "history": []}

	[flow] = evidence_from(raw).flows

	assert flow == Flow("p", "c", (PARCEL,)) and not flow.is_special(PARCEL)

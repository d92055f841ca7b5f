"""Which links a document or a difference holds, where, and how they get their local names."""

import copy

import pytest

from event_streaming.consumer.dependencies.places import (
	Link,
	LinkField,
	Shape,
	links_in_change,
	links_in_document,
	needs_current,
	with_local_names,
)

ROW = Shape((LinkField("item", "Item"), LinkField("source", doctype_field="source_type")))
ORDER = Shape(
	(
		LinkField("customer", "Customer", required=True),
		LinkField("party_type", "DocType"),
		LinkField("party", doctype_field="party_type"),
		LinkField("only_type", "DocType"),
	),
	{"rows": ROW},
)


def found(links: list[Link]) -> list[tuple]:
	return [(link.path, link.doctype, link.name) for link in links]


def test_links_of_a_document_and_of_its_rows():
	order = {
		"customer": "Ann",
		"party_type": "Supplier",
		"party": "Ben",
		"rows": [{"item": "Tea"}, {"item": "Jam", "source_type": "Warehouse", "source": "W1"}],
	}

	links = links_in_document(ORDER, order)

	assert found(links) == [
		(("customer",), "Customer", "Ann"),
		(("party",), "Supplier", "Ben"),
		(("rows", 0, "item"), "Item", "Tea"),
		(("rows", 1, "item"), "Item", "Jam"),
		(("rows", 1, "source"), "Warehouse", "W1"),
	]
	assert links[0].required and not links[1].required
	assert links[1].doctype_path == ("party_type",)


def test_a_doctype_is_a_link_only_where_no_dynamic_link_uses_it():
	links = links_in_document(ORDER, {"party_type": "Supplier", "only_type": "Note"})

	assert found(links) == [(("party_type",), "DocType", "Supplier"), (("only_type",), "DocType", "Note")]


@pytest.mark.parametrize("value", [None, "", [], {}, ["x"], {"a": 1}, True, False, 0, 1.5])
def test_what_can_not_be_a_name_is_no_link(value):
	assert links_in_document(ORDER, {"customer": value, "rows": value}) == []


def test_a_number_is_a_name():
	assert found(links_in_document(ORDER, {"customer": 7})) == [(("customer",), "Customer", "7")]


def test_links_of_a_difference():
	change = {
		"changed": {"customer": "Ann", "total": 3},
		"added": {"rows": [{"name": "r3", "item": "Tea"}]},
		"removed": {"rows": ["r1"]},
		"row_changed": {"rows": [{"name": "r2", "item": "Jam"}], "unknown": [{"item": "x"}]},
	}

	assert found(links_in_change(ORDER, change)) == [
		(("changed", "customer"), "Customer", "Ann"),
		(("added", "rows", 0, "item"), "Item", "Tea"),
		(("row_changed", "rows", 0, "item"), "Item", "Jam"),
	]


def test_a_dynamic_link_without_its_doctype_means_the_one_that_is_here():
	change = {"changed": {"party": "Ben"}, "row_changed": {"rows": [{"name": "r2", "source": "W2"}]}}
	here = {"party_type": "Supplier", "rows": [{"name": "r1"}, {"name": "r2", "source_type": "Warehouse"}]}

	assert needs_current(ORDER, change)
	assert links_in_change(ORDER, change) == []
	links = links_in_change(ORDER, change, here)
	assert found(links) == [
		(("changed", "party"), "Supplier", "Ben"),
		(("row_changed", "rows", 0, "source"), "Warehouse", "W2"),
	]
	assert not any(link.from_remote for link in links)


@pytest.mark.parametrize(
	"change",
	[
		{},
		{"changed": {"customer": "Ann"}},
		{"changed": {"party_type": "Supplier", "party": "Ben"}},
		{"changed": {"party": ""}},
		{"added": {"rows": [{"source": "W1"}]}},
	],
)
def test_the_document_that_is_here_is_not_asked_for_without_need(change):
	assert not needs_current(ORDER, change)


@pytest.mark.parametrize("change", [{"changed": []}, {"added": "x", "row_changed": {"rows": ["r", None, 1]}}])
def test_a_difference_of_the_wrong_shape_has_no_links(change):
	assert links_in_change(ORDER, change) == []
	assert not needs_current(ORDER, change)


def test_names_become_local_and_the_original_stays():
	order = {"customer": "Ann", "party_type": "Supplier", "party": "Ben", "rows": [{"item": "Tea", "qty": 1}]}
	before = copy.deepcopy(order)
	local = {"Ann": ("Customer", "CUS-9"), "Ben": ("Vendor", "V-1"), "Tea": ("Item", "Tea")}

	here = with_local_names(order, links_in_document(ORDER, order), lambda link: local[link.name])

	assert here == {
		"customer": "CUS-9",
		"party_type": "Vendor",
		"party": "V-1",
		"rows": [{"item": "Tea", "qty": 1}],
	}
	assert order == before


def test_a_link_that_has_to_wait_is_left_empty():
	order = {"customer": "Ann", "rows": [{"item": "Tea"}]}

	here = with_local_names(
		order,
		links_in_document(ORDER, order),
		lambda link: None if link.name == "Tea" else ("Customer", "Ann"),
	)

	assert here == {"customer": "Ann", "rows": [{"item": None}]}


def test_nothing_is_copied_when_all_names_are_the_same():
	order = {"customer": "Ann"}

	assert (
		with_local_names(order, links_in_document(ORDER, order), lambda link: (link.doctype, link.name))
		is order
	)

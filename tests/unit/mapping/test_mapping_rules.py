"""What becomes of a remote document or difference under a Document Type Mapping."""

import pytest

from event_streaming.consumer.mapping.records import (
	FAIL,
	KEEP,
	USE_DEFAULT,
	DocumentReference,
	FieldMapping,
	Mapping,
	MappingError,
	ValueMap,
	ValueNotInMap,
)
from event_streaming.consumer.mapping.rules import cast, map_change, map_document, needs_remote_document

ITEM = Mapping(
	"Order Item to Line",
	"Line",
	"Order Item",
	(FieldMapping("product", "item"), FieldMapping("quantity", "qty"), FieldMapping("unit", "uom", "Nos")),
)


def make_mapping(*fields: FieldMapping, name: str = "Order to Deal") -> Mapping:
	return Mapping(name, "Deal", "Order", fields)


def make_order(**values) -> dict:
	return {
		"doctype": "Order",
		"name": "ORD-1",
		"owner": "anna@example.com",
		"creation": "2026-01-01 10:00:00",
		"modified": "2026-01-02 10:00:00",
		"modified_by": "bob@example.com",
		"docstatus": 0,
		"idx": 0,
		**values,
	}


def make_change(**parts) -> dict:
	return {"changed": {}, "added": {}, "removed": {}, "row_changed": {}, **parts}


# whole documents


def test_a_remote_fields_value_goes_to_the_local_field():
	mapping = make_mapping(FieldMapping("client", "customer"), FieldMapping("total", "grand_total"))

	mapped = map_document(mapping, make_order(customer="Ann", grand_total=12.5, remarks="secret"))

	assert mapped.data["client"] == "Ann"
	assert mapped.data["total"] == 12.5
	assert mapped.references == []
	assert set(mapped.data) == {
		"doctype",
		"name",
		"owner",
		"creation",
		"modified",
		"modified_by",
		"docstatus",
		"client",
		"total",
	}


def test_the_document_becomes_one_of_the_local_doctype_and_keeps_its_stamps():
	mapped = map_document(make_mapping(), make_order(docstatus=1))

	assert mapped.data == {
		"doctype": "Deal",
		"name": "ORD-1",
		"owner": "anna@example.com",
		"creation": "2026-01-01 10:00:00",
		"modified": "2026-01-02 10:00:00",
		"modified_by": "bob@example.com",
		"docstatus": 1,
	}


def test_without_a_remote_field_the_default_is_always_used():
	mapping = make_mapping(FieldMapping("source", "", "Head Office"))

	assert map_document(mapping, make_order(source="elsewhere")).data["source"] == "Head Office"


@pytest.mark.parametrize("order", [make_order(), make_order(city=None), make_order(city="")])
def test_the_default_stands_in_for_a_missing_remote_value(order):
	assert (
		map_document(make_mapping(FieldMapping("town", "city", "Chiang Mai")), order).data["town"]
		== "Chiang Mai"
	)


@pytest.mark.parametrize("value", [0, 0.0, False, "0"])
def test_zero_and_a_cleared_check_box_are_values_and_not_missing(value):
	assert (
		map_document(make_mapping(FieldMapping("urgent", "rush", 1)), make_order(rush=value)).data["urgent"]
		== value
	)


def test_a_field_that_the_remote_document_lacks_is_left_to_the_local_doctype():
	assert "town" not in map_document(make_mapping(FieldMapping("town", "city")), make_order()).data


def test_the_remote_name_can_be_mapped_to_a_field():
	assert (
		map_document(make_mapping(FieldMapping("reference", "name")), make_order()).data["reference"]
		== "ORD-1"
	)


def test_one_remote_field_may_feed_two_local_fields():
	mapping = make_mapping(FieldMapping("client", "customer"), FieldMapping("title", "customer"))

	data = map_document(mapping, make_order(customer="Ann")).data

	assert (data["client"], data["title"]) == ("Ann", "Ann")


def test_rows_go_through_the_mapping_of_the_child_table_and_keep_their_names():
	mapping = make_mapping(FieldMapping("lines", "items", mapping_type="Child Table", inner=ITEM))
	rows = [
		{
			"name": "r1",
			"idx": 1,
			"doctype": "Order Item",
			"parent": "ORD-1",
			"item": "Tea",
			"qty": 2,
			"cost": 9,
		},
		{
			"name": "r2",
			"idx": 2,
			"doctype": "Order Item",
			"parent": "ORD-1",
			"item": "Jam",
			"qty": 0,
			"uom": "Jar",
		},
	]

	data = map_document(mapping, make_order(items=rows)).data

	assert data["lines"] == [
		{"doctype": "Line", "name": "r1", "idx": 1, "product": "Tea", "quantity": 2, "unit": "Nos"},
		{"doctype": "Line", "name": "r2", "idx": 2, "product": "Jam", "quantity": 0, "unit": "Jar"},
	]


@pytest.mark.parametrize("rows", [None, "rows", [1, None, "x"], {"a": 1}])
def test_rows_of_the_wrong_shape_are_no_rows(rows):
	mapping = make_mapping(FieldMapping("lines", "items", mapping_type="Child Table", inner=ITEM))

	assert map_document(mapping, make_order(items=rows)).data["lines"] == []


def test_mapping_does_not_touch_the_remote_document():
	mapping = make_mapping(FieldMapping("lines", "items", mapping_type="Child Table", inner=ITEM))
	order = make_order(items=[{"name": "r1", "idx": 1, "item": "Tea"}])
	before = make_order(items=[{"name": "r1", "idx": 1, "item": "Tea"}])

	map_document(mapping, order).data["lines"][0]["product"] = "other"

	assert order == before


# mapped documents


CLIENT = Mapping("Customer to Client", "Client", "Customer", (FieldMapping("full_name", "customer_name"),))


def make_pointer(filters: dict | None, **values) -> FieldMapping:
	return FieldMapping(
		"client",
		**{"remote_fieldname": "customer", **values},
		mapping_type="Document",
		inner=CLIENT,
		remote_value_filters=filters,
	)


def test_a_mapped_document_is_found_by_a_field_of_the_remote_document_or_a_literal():
	mapping = make_mapping(make_pointer({"tax_id": "vat", "country": "Thailand", "disabled": 0}))

	mapped = map_document(mapping, make_order(customer="Ann", vat="TH-1"))

	assert mapped.data["client"] is None
	assert mapped.references == [
		DocumentReference(("client",), CLIENT, {"tax_id": "TH-1", "country": "Thailand", "disabled": 0})
	]


def test_an_expression_in_a_filter_gets_the_remote_document():
	mapping = make_mapping(make_pointer({"country": "eval: doc.country.upper()"}))

	mapped = map_document(
		mapping, make_order(customer="Ann", country="th"), lambda text, doc: f"{text}={doc['country']}"
	)

	assert mapped.references[0].filters == {"country": "doc.country.upper()=th"}


def test_an_expression_that_fails_names_the_mapping_and_the_field():
	mapping = make_mapping(make_pointer({"country": "eval:1/0"}))

	with pytest.raises(MappingError) as caught:
		map_document(mapping, make_order(customer="Ann"), lambda text, doc: 1 / 0)

	assert (caught.value.mapping, caught.value.fieldname) == ("Order to Deal", "client")
	assert "country" in caught.value.problem


def test_without_filters_the_remote_value_is_the_documents_name():
	mapped = map_document(make_mapping(make_pointer(None)), make_order(customer="Ann"))

	assert mapped.references[0].filters == {"name": "Ann"}


@pytest.mark.parametrize("order", [make_order(customer=""), make_order(customer="Ann", vat=None)])
def test_an_empty_remote_field_points_to_no_document(order):
	mapped = map_document(make_mapping(make_pointer({"tax_id": "vat"}, default_value="CLI-0")), order)

	assert mapped.references == []
	assert mapped.data["client"] == "CLI-0"


def test_a_mapped_document_in_a_row_says_where_it_belongs():
	inner = Mapping(
		"Row", "Line", "Order Item", (make_pointer({"code": "item_code"}, remote_fieldname="item_code"),)
	)
	mapping = make_mapping(FieldMapping("lines", "items", mapping_type="Child Table", inner=inner))
	order = make_order(items=[{"name": "r1", "item_code": ""}, {"name": "r2", "item_code": "T"}])

	mapped = map_document(mapping, order)

	assert [(reference.path, reference.filters) for reference in mapped.references] == [
		(("lines", 1, "client"), {"code": "T"})
	]


# differences


def test_a_change_of_a_mapped_field_changes_the_local_field_only():
	mapping = make_mapping(FieldMapping("client", "customer"), FieldMapping("source", "", "Head Office"))

	mapped = map_change(
		mapping, make_change(changed={"customer": "Ben", "remarks": "x", "modified": "2026-01-03"})
	)

	assert mapped.change == make_change(changed={"client": "Ben", "modified": "2026-01-03"})


@pytest.mark.parametrize(
	"change",
	[
		make_change(changed={"remarks": "x", "modified": "2026-01-03", "modified_by": "bob@example.com"}),
		make_change(added={"taxes": [{"name": "t1"}]}, removed={"taxes": ["t0"]}),
		make_change(row_changed={"items": [{"name": "r1", "cost": 3}]}),
		make_change(),
		{},
	],
)
def test_a_change_that_touches_no_mapped_field_is_no_change(change):
	mapping = make_mapping(
		FieldMapping("client", "customer"),
		FieldMapping("lines", "items", mapping_type="Child Table", inner=ITEM),
	)

	assert map_change(mapping, change) is None


@pytest.mark.parametrize("value", ["", None, 0, False])
def test_what_is_emptied_on_the_producer_becomes_empty_here_in_spite_of_a_default(value):
	mapped = map_change(
		make_mapping(FieldMapping("town", "city", "Chiang Mai")), make_change(changed={"city": value})
	)

	assert mapped.change["changed"] == {"town": value}


def test_docstatus_alone_is_a_change():
	assert map_change(make_mapping(), make_change(changed={"docstatus": 1})).change["changed"] == {
		"docstatus": 1
	}


def test_rows_added_changed_removed_and_reordered_go_through_the_inner_mapping():
	mapping = make_mapping(FieldMapping("lines", "items", mapping_type="Child Table", inner=ITEM))
	change = make_change(
		added={"items": [{"name": "r3", "idx": 1, "item": "Jam", "qty": 1, "cost": 4}]},
		removed={"items": ["r1"]},
		row_changed={
			"items": [
				{"name": "r2", "idx": 2},
				{"name": "r4", "qty": 0, "cost": 1},
				{"name": "r5", "cost": 1},
			]
		},
	)

	mapped = map_change(mapping, change)

	assert mapped.change == make_change(
		added={
			"lines": [
				{"doctype": "Line", "name": "r3", "idx": 1, "product": "Jam", "quantity": 1, "unit": "Nos"}
			]
		},
		removed={"lines": ["r1"]},
		row_changed={"lines": [{"name": "r2", "idx": 2}, {"name": "r4", "quantity": 0}]},
	)


@pytest.mark.parametrize(
	"change",
	[
		{"changed": "x"},
		{"changed": None, "added": []},
		{"removed": {"items": "r1"}},
		{"row_changed": {"items": ["r1"]}},
	],
)
def test_a_change_of_the_wrong_shape_changes_nothing(change):
	mapping = make_mapping(FieldMapping("lines", "items", mapping_type="Child Table", inner=ITEM))

	assert map_change(mapping, change) is None


def test_a_changed_pointer_is_found_with_the_whole_remote_document():
	mapping = make_mapping(make_pointer({"tax_id": "vat", "region": "region"}))
	change = make_change(changed={"vat": "TH-2"})

	assert needs_remote_document(mapping, change)
	mapped = map_change(mapping, change, make_order(customer="Ann", vat="TH-1", region="North"))

	assert mapped.references == [
		DocumentReference(("changed", "client"), CLIENT, {"tax_id": "TH-2", "region": "North"})
	]


def test_a_pointer_whose_fields_did_not_change_is_left_alone():
	mapping = make_mapping(make_pointer({"tax_id": "vat"}), FieldMapping("town", "city"))
	change = make_change(changed={"city": "Phrae"})

	assert not needs_remote_document(mapping, change)
	assert map_change(mapping, change).change["changed"] == {"town": "Phrae"}


def test_a_field_named_in_an_expression_counts_as_used():
	mapping = make_mapping(make_pointer({"code": "eval:doc.get('area') + doc.branch"}, remote_fieldname=""))

	assert needs_remote_document(mapping, make_change(changed={"area": "N"}))
	assert needs_remote_document(mapping, make_change(changed={"branch": "N"}))
	assert not needs_remote_document(mapping, make_change(changed={"customer": "N"}))


def test_an_emptied_pointer_becomes_empty():
	mapped = map_change(
		make_mapping(make_pointer({"tax_id": "vat"})),
		make_change(changed={"customer": ""}),
		make_order(customer=""),
	)

	assert mapped.change["changed"] == {"client": None}
	assert mapped.references == []


def test_a_pointer_of_a_document_that_is_gone_is_left_as_it_is():
	change = make_change(changed={"customer": "Ben", "city": "Nan"})

	mapped = map_change(
		make_mapping(make_pointer({"tax_id": "vat"}), FieldMapping("town", "city")), change, {}
	)

	assert mapped.change["changed"] == {"town": "Nan"}


def test_a_pointer_in_a_changed_row_is_found_with_the_whole_row():
	inner = Mapping(
		"Row",
		"Line",
		"Order Item",
		(make_pointer({"code": "code", "kind": "kind"}, remote_fieldname="code"),),
	)
	mapping = make_mapping(FieldMapping("lines", "items", mapping_type="Child Table", inner=inner))
	change = make_change(row_changed={"items": [{"name": "r2", "code": "T"}]})
	order = make_order(
		items=[{"name": "r1", "code": "J", "kind": "a"}, {"name": "r2", "code": "T", "kind": "b"}]
	)

	assert needs_remote_document(mapping, change)
	mapped = map_change(mapping, change, order)

	assert mapped.references == [
		DocumentReference(("row_changed", "lines", 0, "client"), CLIENT, {"code": "T", "kind": "b"})
	]
	assert map_change(mapping, change, make_order(items=[])) is None


# value maps


def make_valued(otherwise: str, default=None) -> Mapping:
	pairs = ValueMap("Companies", {"Head Office": "HO Ltd", "1": "One"}, otherwise)
	return make_mapping(FieldMapping("company", "firm", default, value_map=pairs))


def test_a_value_map_replaces_the_value_on_creates_and_updates():
	mapping = make_valued(KEEP)

	assert map_document(mapping, make_order(firm="Head Office")).data["company"] == "HO Ltd"
	assert map_document(mapping, make_order(firm=1)).data["company"] == "One"
	assert map_change(mapping, make_change(changed={"firm": "Head Office"})).change["changed"] == {
		"company": "HO Ltd"
	}


def test_a_value_that_is_not_in_the_map_is_kept_defaulted_or_refused():
	order = make_order(firm="Branch")

	assert map_document(make_valued(KEEP, "Dflt"), order).data["company"] == "Branch"
	assert map_document(make_valued(USE_DEFAULT, "Dflt"), order).data["company"] == "Dflt"
	with pytest.raises(ValueNotInMap) as caught:
		map_document(make_valued(FAIL, "Dflt"), order)
	assert (caught.value.value, caught.value.value_map, caught.value.fieldname) == (
		"Branch",
		"Companies",
		"company",
	)


def test_places_whose_value_was_chosen_here_are_told():
	row = Mapping("Row", "Deal Line", "Order Item", (FieldMapping("unit", default_value="Nos"),))
	mapping = make_mapping(
		*make_valued(KEEP).fields,
		FieldMapping("city", "town", "Chiang Mai"),
		FieldMapping("title", "reference", "none"),
		FieldMapping("lines", "items", mapping_type="Child Table", inner=row),
	)
	items = [{"name": "r1"}]
	change = make_change(changed={"firm": "Head Office", "reference": "R"}, added={"items": items})

	whole = map_document(mapping, {"firm": "Branch", "reference": "R", "items": items})
	difference = map_change(mapping, change)

	assert whole.places.chosen_here == {("city",), ("lines", 0, "unit")}
	assert difference.places.chosen_here == {("changed", "company"), ("added", "lines", 0, "unit")}


def test_an_empty_value_is_not_looked_up():
	assert map_change(make_valued(FAIL), make_change(changed={"firm": ""})).change["changed"] == {
		"company": ""
	}


# defaults as typed


@pytest.mark.parametrize(
	("text", "fieldtype", "value"),
	[
		("1", "Check", 1),
		("7", "Int", 7),
		("1.5", "Currency", 1.5),
		("07", "Data", "07"),
		("", "Int", None),
		(None, "Data", None),
	],
)
def test_a_default_has_the_type_of_the_local_field(text, fieldtype, value):
	assert cast(text, fieldtype) == value


def test_a_default_that_does_not_fit_the_field_is_refused():
	with pytest.raises(ValueError):
		cast("many", "Int")

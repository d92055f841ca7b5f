"""Two sites' DocTypes -> where documents of the one will not fit into the other."""

from types import SimpleNamespace

import pytest

from event_streaming.consumer.checking import compare
from event_streaming.consumer.checking.compare import (
	Difference,
	differences,
	mapping_differences,
	read_schema,
)


def field(fieldtype="Data", options="", **flags) -> dict:
	return {
		"fieldtype": fieldtype,
		"options": options,
		**dict.fromkeys(("required", "unique", "has_default"), False),
		**flags,
	}


def schema(tables=None, single=False, submittable=False, **fields) -> dict:
	return read_schema(
		{
			"doctype": "Thing",
			"single": single,
			"submittable": submittable,
			"fields": fields,
			"tables": tables or {},
		}
	)


def test_equal_doctypes_do_not_differ():
	one = schema(a=field(), b=field("Select", "X\nY", required=True), tables={"rows": schema(c=field("Int"))})

	assert differences(one, one) == []


@pytest.mark.parametrize(
	("there", "here", "kind"),
	[
		(field(), None, compare.MISSING),
		(field("Data"), field("Int"), compare.OTHER_TYPE),
		(field("Int"), field("Data"), compare.OTHER_TYPE),
		(field("Float"), field("Check"), compare.OTHER_TYPE),
		(field("Brand New"), field("Data"), compare.OTHER_TYPE),
		(field("Long Text"), field("Data"), compare.SHORTER),
		(field("Link", "Customer"), field("Link", "Client"), compare.OTHER_TARGET),
		(field("Select", "A\nB"), field("Select", "\nA"), compare.FEWER_OPTIONS),
		(field(), field(unique=True), compare.UNIQUE),
		(None, field(required=True), compare.REQUIRED),
		(field(), field(required=True), compare.REQUIRED),
	],
)
def test_what_loses_values_or_fails_is_a_difference(there, here, kind):
	found = differences(schema(**({"a": there} if there else {})), schema(**({"a": here} if here else {})))

	assert [(each.kind, each.field) for each in found] == [(kind, "a")]


@pytest.mark.parametrize(
	("there", "here"),
	[
		(field("Data"), field("Text")),
		(field("Int"), field("Float")),
		(field("Check"), field("Int")),
		(field("Brand New"), field("Brand New")),
		(field("Select", "A"), field("Select", "A\nB")),
		(field("Data"), field("Select", "A")),
		(field(required=True), field(required=True)),
		(field(), field(required=True, has_default=True)),
		(field("Check"), field("Check", required=True)),
		(None, field()),
		(field(unique=True), field()),
	],
)
def test_what_every_document_survives_is_none(there, here):
	assert differences(schema(**({"a": there} if there else {})), schema(a=here)) == []


def test_rows_are_compared_too_and_named_with_their_table():
	there = schema(tables={"rows": schema(qty=field("Float"), x=field()), "gone": schema()})
	here = schema(tables={"rows": schema(qty=field("Data"))})

	assert differences(there, here) == [
		Difference(compare.OTHER_TYPE, "rows.qty", "Float", "Data"),
		Difference(compare.MISSING, "rows.x", "Data"),
		Difference(compare.MISSING, "gone", "Table"),
	]


def test_a_doctype_of_another_kind_is_told_once():
	assert differences(schema(submittable=True), schema()) == [
		Difference(compare.OTHER_KIND, "", "submittable", "not submittable")
	]


def mapped(local: str, remote: str, inner=None, value_map=None):
	return SimpleNamespace(local_fieldname=local, remote_fieldname=remote, inner=inner, value_map=value_map)


def mapping(*fields):
	return SimpleNamespace(fields=fields)


def test_through_a_mapping_only_what_it_names_counts():
	there = schema(name_there=field(), total=field("Float"), unmapped=field())
	here = schema(title=field(), total=field("Data"), must=field(required=True))

	found = mapping_differences(
		mapping(mapped("title", "name_there"), mapped("total", "total"), mapped("x", "typo")), there, here
	)

	assert [(each.kind, each.field) for each in found] == [
		(compare.OTHER_TYPE, "total"),
		(compare.NOT_THERE, "typo"),
		(compare.REQUIRED, "must"),
	]


def test_a_value_map_and_an_inner_mapping_take_care_of_the_type():
	there = schema(state=field("Data"), client=field("Link", "Client"))
	here = schema(state=field("Int"), client=field("Int"))

	rows = mapped("state", "state", value_map=object()), mapped("client", "client", inner=object())
	assert mapping_differences(mapping(*rows), there, here) == []


def test_rows_go_through_the_inner_mapping():
	there = schema(tables={"items": schema(code=field())})
	here = schema(tables={"rows": schema(item=field("Int"))})

	rows = mapped("rows", "items", inner=mapping(mapped("item", "code")))
	assert mapping_differences(mapping(rows), there, here) == [
		Difference(compare.OTHER_TYPE, "rows.item", "Data", "Int")
	]


@pytest.mark.parametrize(
	"sent",
	[
		None,
		[],
		{},
		{"fields": []},
		{"fields": {"a": 1}},
		{"fields": {}, "tables": [1]},
		{"fields": {str(number): {} for number in range(5_000)}},
		{
			"fields": {},
			"tables": {
				"a": {
					"fields": {},
					"tables": {
						"a": {"fields": {}, "tables": {"a": {"fields": {}, "tables": {"a": {"fields": {}}}}}}
					},
				}
			},
		},
	],
)
def test_a_description_that_is_none_is_refused(sent):
	with pytest.raises(ValueError):
		read_schema(sent)

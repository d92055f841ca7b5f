"""The block of types in each controller says what Frappe itself would write there from the DocType's file.

Frappe writes the block when a DocType is saved in developer mode; here DocTypes are changed as files, so a test has to
notice a block that was left behind. The rules are those of `frappe.types.exporter`.
"""

import ast
import json
from pathlib import Path

import pytest

MODULE = Path(__file__).parents[3] / "event_streaming" / "event_streaming"
DOCTYPES = {
	definition["name"]: definition
	for definition in (json.loads(file.read_text()) for file in sorted(MODULE.glob("doctype/*/*.json")))
}
# what has no column, or a value only while the form is open
WITHOUT_TYPE = {"Section Break", "Column Break", "Tab Break", "HTML", "Button", "Heading", "Fold", "Image"}
NEVER_NONE = {
	"Check",
	"Currency",
	"Float",
	"Int",
	"Percent",
	"Rating",
	"Select",
	"Table",
	"Table MultiSelect",
}
BEGIN, END = "# begin: auto-generated types", "# end: auto-generated types"


def controller(doctype: str) -> Path:
	name = doctype.replace(" ", "_").lower()
	return MODULE / "doctype" / name / f"{name}.py"


def type_of(field: dict) -> str:
	"""The type that Frappe writes for a field."""
	if field["fieldtype"] == "Select":
		options = [option.strip() for option in (field.get("options") or "").split("\n")]
		return f"DF.Literal{json.dumps(options)}" if field.get("options") else "DF.Literal[None]"
	text = "DF." + field["fieldtype"].replace(" ", "")
	if field["fieldtype"] in ("Table", "Table MultiSelect"):
		return f"{text}[{field['options'].replace(' ', '')}]"
	nullable = not (field["fieldtype"] in NEVER_NONE or field.get("not_nullable") or field.get("reqd"))
	return text + " | None" * nullable


def types_of(definition: dict) -> dict[str, str]:
	"""Each line that Frappe would write for a DocType: field and type."""
	found = {
		field["fieldname"]: type_of(field)
		for field in definition["fields"]
		if field["fieldtype"] not in WITHOUT_TYPE
		if not (field.get("is_virtual") and not field.get("options"))
	}
	if definition.get("istable"):
		found |= dict.fromkeys(("parent", "parentfield", "parenttype"), "DF.Data")
	if definition.get("autoname") == "autoincrement":
		found["name"] = "DF.Int | None"
	return found


def written(doctype: str) -> dict[str, str]:
	"""What stands in the controller's block, as Frappe would spell it."""
	[of_the_doctype] = [
		node for node in ast.parse(controller(doctype).read_text()).body if isinstance(node, ast.ClassDef)
	]
	[block] = [node for node in of_the_doctype.body if isinstance(node, ast.If)]
	return {
		node.target.id: ast.unparse(node.annotation).replace("'", '"')
		for node in block.body
		if isinstance(node, ast.AnnAssign)
	}


@pytest.mark.parametrize("doctype", sorted(DOCTYPES))
def test_the_types_are_those_of_the_file(doctype):
	source = controller(doctype).read_text()

	assert written(doctype) == types_of(DOCTYPES[doctype])
	assert source.count(BEGIN) == source.count(END) == 1


@pytest.mark.parametrize(
	("field", "type_"),
	[
		({"fieldtype": "Small Text"}, "DF.SmallText | None"),
		({"fieldtype": "Data", "reqd": 1}, "DF.Data"),
		({"fieldtype": "Long Int", "not_nullable": 1}, "DF.LongInt"),
		({"fieldtype": "Check"}, "DF.Check"),
		({"fieldtype": "Select", "options": "\nOne\nTwo"}, 'DF.Literal["", "One", "Two"]'),
		(
			{"fieldtype": "Table", "options": "Event Consumer Document Type"},
			"DF.Table[EventConsumerDocumentType]",
		),
	],
)
def test_a_type_is_spelt_as_frappe_spells_it(field, type_):
	assert type_of(field) == type_

"""Two sites' DocTypes -> where documents of the one will not fit into the other. Pure: plain data in, plain data out.

Only what loses values or makes documents fail is a difference. Labels, order and look are everybody's own.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

MISSING = "missing"
NOT_THERE = "not there"
OTHER_TYPE = "other type"
SHORTER = "shorter"
OTHER_TARGET = "other target"
FEWER_OPTIONS = "fewer options"
REQUIRED = "required"
UNIQUE = "unique"
OTHER_KIND = "other kind"

MOST_FIELDS = 2_000
# text of any length; the others hold 140 characters
LONG = {
	"Small Text",
	"Text",
	"Long Text",
	"Text Editor",
	"Code",
	"HTML Editor",
	"Markdown Editor",
	"JSON",
	"Barcode",
	"Signature",
	"Geolocation",
	"Attach",
	"Attach Image",
}
# types whose values are kept alike
FAMILIES = (
	{*LONG, "Data", "Select", "Link", "Dynamic Link", "Read Only", "Phone", "Autocomplete", "Color", "Icon"},
	{"Int", "Long Int", "Check"},
	{"Float", "Currency", "Percent", "Int", "Long Int", "Rating", "Duration"},
	{"Datetime", "Date"},
	{"Time"},
	{"Table", "Table MultiSelect"},
)
# where a document came from is each site's own
OWN_FIELDS = {"remote_docname", "remote_site_name", "lft", "rgt", "old_parent"}


@dataclass(frozen=True)
class Difference:
	"""`field` is "" for the DocType as a whole, "table.field" for one in a table's rows."""

	kind: str
	field: str
	there: str = ""
	here: str = ""


def read_schema(value: Any, depth: int = 0) -> dict[str, Any]:
	"""Another site's description of a DocType, brought into the shape that is compared. Raises ValueError."""
	if not isinstance(value, dict) or not isinstance(value.get("fields"), dict) or depth > 2:
		raise ValueError("The description of a DocType is not an object with fields.")
	tables = value.get("tables") or {}
	if len(value["fields"]) > MOST_FIELDS or not isinstance(tables, dict) or len(tables) > MOST_FIELDS:
		raise ValueError("The description of a DocType has too many fields.")
	return {
		"doctype": str(value.get("doctype") or ""),
		"single": bool(value.get("single")),
		"submittable": bool(value.get("submittable")),
		"fields": {str(name): _read_field(str(name), field) for name, field in value["fields"].items()},
		"tables": {str(name): read_schema(table, depth + 1) for name, table in tables.items()},
	}


def _read_field(name: str, field: Any) -> dict[str, Any]:
	if not isinstance(field, dict):
		raise ValueError("The description of a field is not an object.")
	return {
		"fieldname": name,
		"fieldtype": str(field.get("fieldtype") or ""),
		"options": str(field.get("options") or ""),
		**{key: bool(field.get(key)) for key in ("required", "unique", "has_default")},
	}


def differences(there: dict[str, Any], here: dict[str, Any], prefix: str = "") -> list[Difference]:
	"""What keeps documents of the DocType as it is `there` from fitting into the one `here`. Both are schemas."""
	found = list(_of_the_doctype(there, here)) if not prefix else []
	for name, field in there["fields"].items():
		if name not in OWN_FIELDS:
			found += _of_field(field, here["fields"].get(name), prefix + name)
	for name, field in here["fields"].items():
		if is_demanded(field) and not (there["fields"].get(name) or {}).get("required"):
			found.append(Difference(REQUIRED, prefix + name))
	for name, table in there["tables"].items():
		local = here["tables"].get(name)
		if not local:
			found.append(Difference(MISSING, prefix + name, "Table"))
		else:
			found += differences(table, local, f"{prefix}{name}.")
	return found


def _of_the_doctype(there: dict, here: dict) -> Iterator[Difference]:
	for key in ("single", "submittable"):
		if bool(there.get(key)) != bool(here.get(key)):
			yield Difference(OTHER_KIND, "", _kind(key, there), _kind(key, here))


def _kind(key: str, schema: dict) -> str:
	return key if schema.get(key) else f"not {key}"


def is_demanded(field: dict) -> bool:
	"""Whether a document without a value for it is refused."""
	return bool(field["required"]) and not field["has_default"] and field["fieldtype"] != "Check"


def _of_field(there: dict, here: dict | None, name: str) -> Iterator[Difference]:
	if not here:
		yield Difference(MISSING, name, there["fieldtype"])
		return
	if not is_same_family(there["fieldtype"], here["fieldtype"]):
		yield Difference(OTHER_TYPE, name, there["fieldtype"], here["fieldtype"])
		return
	if there["fieldtype"] in LONG and here["fieldtype"] not in LONG:
		yield Difference(SHORTER, name, there["fieldtype"], here["fieldtype"])
	if here["fieldtype"] == "Link" and there["fieldtype"] == "Link" and there["options"] != here["options"]:
		yield Difference(OTHER_TARGET, name, there["options"], here["options"])
	if here["fieldtype"] == "Select" and (unknown := unknown_options(there, here)):
		yield Difference(FEWER_OPTIONS, name, ", ".join(unknown))
	if here["unique"] and not there["unique"]:
		yield Difference(UNIQUE, name)


def is_same_family(one: str, other: str) -> bool:
	"""Whether values of the one type can be kept in the other. Types that nobody knows here are alike only by name."""
	return one == other or any(one in family and other in family for family in FAMILIES)


def unknown_options(there: dict, here: dict) -> list[str]:
	"""What may be chosen there and not here; of a field that is none to choose from there, nothing is known."""
	if there["fieldtype"] != "Select":
		return []
	known = set(here["options"].split("\n"))
	return [option for option in there["options"].split("\n") if option and option not in known]


def mapping_differences(mapping: Any, there: dict[str, Any], here: dict[str, Any]) -> list[Difference]:
	"""The same through a mapping (`consumer.mapping.Mapping`): only what it names is taken over."""
	found = []
	for field in mapping.fields:
		found += _of_mapped_field(field, there, here)
	mapped = {field.local_fieldname for field in mapping.fields}
	for name, field in here["fields"].items():
		if name not in mapped and is_demanded(field):
			found.append(Difference(REQUIRED, name))
	return found


def _of_mapped_field(field: Any, there: dict, here: dict) -> Iterator[Difference]:
	remote = field.remote_fieldname
	if not remote or remote in ("name", "owner"):
		return
	if remote not in there["fields"] and remote not in there["tables"]:
		yield Difference(NOT_THERE, remote)
		return
	if remote in there["tables"]:
		local = here["tables"].get(field.local_fieldname)
		if local and field.inner:
			for each in mapping_differences(field.inner, there["tables"][remote], local):
				yield Difference(each.kind, f"{field.local_fieldname}.{each.field}", each.there, each.here)
		return
	local = here["fields"].get(field.local_fieldname)
	if local and not field.value_map and not field.inner:
		for each in _of_field(there["fields"][remote], local, field.local_fieldname):
			if each.kind != OTHER_TARGET:
				yield each

"""Pure: what a set-up file may say of each document, from the fields of the DocTypes: key, kind and bounds of each value.

What belongs to one site or one connection is no part of a set-up: keys, users, addresses, certificates, what was decided by the
other side, what happened when.
"""

import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from event_streaming.wire.left_out import names_in

CHECK, WHOLE, CHOICE, NAMES, JSON, LINK, TEXT = (
	"check",
	"whole number",
	"choice",
	"names",
	"json",
	"link",
	"text",
)
LONGEST_DATA = 140

SETTINGS, PRODUCER, PRODUCER_ROW = (
	"Event Streaming Settings",
	"Event Producer",
	"Event Producer Document Type",
)
VALUE_MAP, PAIR = "Document Type Value Map", "Document Type Value Map Pair"
MAPPING, MAPPING_ROW = "Document Type Mapping", "Document Type Field Mapping"
DOCTYPES = (SETTINGS, VALUE_MAP, PAIR, MAPPING, MAPPING_ROW, PRODUCER, PRODUCER_ROW)
# DocType -> fields that are no part of a set-up, or that a file says in another way
LEFT_OUT = {
	SETTINGS: ("public_url", "not_reachable", "realtime_port"),
	VALUE_MAP: ("value_map_name",),
	MAPPING: ("mapping_name",),
	PRODUCER: ("producer_url", "user", "api_key", "ca_certificate", "paused"),
	PRODUCER_ROW: ("has_mapping", "same_names_until"),
}
# lists of names, which are text on the form
LISTS = {
	PRODUCER: ("also_bring", "never_bring"),
	PRODUCER_ROW: ("fields_this_site_decides", "add_up", "field_policies", "match_by"),
}
KEYS = {PRODUCER_ROW: {"ref_doctype": "document_type"}}
NO_VALUE = (
	"Section Break",
	"Column Break",
	"Tab Break",
	"HTML",
	"Button",
	"Heading",
	"Fold",
	"Image",
	"Table",
	"Table MultiSelect",
	"Password",
)


@dataclass(frozen=True)
class Field:
	"""One value that a file may name: `key` there, `fieldname` in the document; `options` are choices or what it links to."""

	fieldname: str
	key: str
	label: str
	kind: str
	options: tuple[str, ...] = ()
	default: Any = ""
	longest: int = 0
	at_least_zero: bool = False
	# between the names of a list, as they are stored
	between: str = "\n"

	def problem(self, value: Any) -> str:
		"""What is wrong with a value of a file; "" when nothing is."""
		if value is None:
			return ""
		return CHECKS[self.kind](self, value)

	def read(self, value: Any) -> Any:
		"""A value of a file that has no problem, as it is compared."""
		if value is None:
			return {CHECK: False, WHOLE: 0, NAMES: []}.get(
				self.kind, self.default if self.kind == CHOICE else ""
			)
		if self.kind == CHECK:
			return bool(value)
		if self.kind == NAMES:
			return list(names_in("\n".join(value)))
		return _plain_json(value) if self.kind == JSON else value

	def current(self, stored: Any) -> Any:
		"""A stored value, as it is compared and exported."""
		if self.kind == CHECK:
			return bool(int(stored or 0))
		if self.kind == WHOLE:
			return int(stored or 0)
		if self.kind == NAMES:
			return list(names_in(stored))
		if self.kind == JSON:
			return _plain_json(stored or "")
		return str(stored) if stored else self.default if self.kind == CHOICE else ""

	def stored(self, value: Any) -> Any:
		"""What is compared, as the document has it."""
		if self.kind == CHECK:
			return int(value)
		if self.kind == NAMES:
			return self.between.join(value)
		if self.kind == JSON and not isinstance(value, str):
			return json.dumps(value, ensure_ascii=False, indent=1)
		return value


def _plain_json(value: Any) -> Any:
	"""JSON as what it says; text that is none stays text, and the mapping says what is wrong with it."""
	try:
		return json.loads(value) if isinstance(value, str) and value else value
	except ValueError:
		return value


def fields_of(doctype: str, descriptions: Iterable[dict[str, Any]]) -> dict[str, Field]:
	"""Key -> field, for the fields of a DocType as Frappe describes them."""
	found: dict[str, Field] = {}
	for df in descriptions:
		fieldname = df["fieldname"]
		if df.get("fieldtype") in NO_VALUE or df.get("read_only") or fieldname in LEFT_OUT.get(doctype, ()):
			continue
		field = _field(doctype, df)
		found[field.key] = field
	return found


def _field(doctype: str, df: dict[str, Any]) -> Field:
	fieldname, fieldtype, options = df["fieldname"], df["fieldtype"], df.get("options") or ""
	kind, choices, default = TEXT, (), ""
	if fieldname in LISTS.get(doctype, ()):
		kind = NAMES
	elif fieldtype == "Check":
		kind = CHECK
	elif fieldtype == "Int":
		kind = WHOLE
	elif fieldtype == "Select":
		kind, choices = CHOICE, tuple(options.split("\n"))
		default = df.get("default") or choices[0]
	elif fieldtype == "Link":
		kind, choices = LINK, (options,)
	elif fieldtype == "Code" and options == "JSON":
		kind = JSON
	return Field(
		fieldname,
		KEYS.get(doctype, {}).get(fieldname, fieldname),
		df.get("label") or fieldname,
		kind,
		choices,
		default,
		LONGEST_DATA if fieldtype in ("Data", "Link", "Autocomplete") else 0,
		bool(df.get("non_negative")),
		", " if fieldtype == "Data" else "\n",
	)


# ---- what a value may be


def _problem_of_check(field: Field, value: Any) -> str:
	return "" if value in (True, False) and isinstance(value, bool | int) else "it must be true or false"


def _problem_of_number(field: Field, value: Any) -> str:
	if not isinstance(value, int) or isinstance(value, bool):
		return "it must be a whole number"
	if field.at_least_zero and value < 0:
		return "it must not be less than 0"
	return "" if abs(value) < 2**31 else "the number is too large"


def _problem_of_choice(field: Field, value: Any) -> str:
	if value in field.options:
		return ""
	return "it must be one of: " + ", ".join(each or '""' for each in field.options)


def _problem_of_names(field: Field, value: Any) -> str:
	if not isinstance(value, list) or not all(isinstance(each, str) for each in value):
		return 'it must be a list of names: ["one", "two"]'
	return _too_long(field, field.between.join(value))


def _problem_of_json(field: Field, value: Any) -> str:
	return "" if isinstance(value, str | dict) else "it must be an object"


def _problem_of_text(field: Field, value: Any) -> str:
	return _too_long(field, value) if isinstance(value, str) else "it must be text"


def _too_long(field: Field, text: str) -> str:
	return (
		f"it is longer than {field.longest} characters" if field.longest and len(text) > field.longest else ""
	)


CHECKS: dict[str, Callable[[Field, Any], str]] = {
	CHECK: _problem_of_check,
	WHOLE: _problem_of_number,
	CHOICE: _problem_of_choice,
	NAMES: _problem_of_names,
	JSON: _problem_of_json,
	LINK: _problem_of_text,
	TEXT: _problem_of_text,
}
Rules = dict[str, dict[str, Field]]

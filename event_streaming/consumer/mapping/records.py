"""Pure: what a Document Type Mapping says, and what a mapped document or difference comes back as. The rules are in `rules`."""

from dataclasses import dataclass, field
from typing import Any

CHILD_TABLE, DOCUMENT = "Child Table", "Document"
KEEP, USE_DEFAULT, FAIL = "Keep the Value", "Use the Default Value", "Fail"

Path = tuple[str | int, ...]


class MappingError(ValueError):
	"""A document can't be mapped. `mapping` and `fieldname` say where."""

	def __init__(self, mapping: str, fieldname: str, problem: str):
		super().__init__(f"{mapping}, {fieldname}: {problem}")
		self.mapping = mapping
		self.fieldname = fieldname
		self.problem = problem


class ValueNotInMap(MappingError):
	"""A value that its value map does not hold, and the value map says Fail."""

	def __init__(self, mapping: str, fieldname: str, value: Any, value_map: str):
		super().__init__(mapping, fieldname, f"{value!r} is not in the value map {value_map}")
		self.value = value
		self.value_map = value_map


@dataclass(frozen=True)
class ValueMap:
	"""Pairs of remote and local values of one field; `otherwise` is for values that are not in it."""

	name: str
	pairs: dict[str, Any]
	otherwise: str = KEEP


@dataclass(frozen=True)
class FieldMapping:
	"""How one local field gets its value. `default_value` has the type of the local field already (`cast`)."""

	local_fieldname: str
	remote_fieldname: str = ""
	default_value: Any = None
	mapping_type: str = ""
	inner: "Mapping | None" = None
	remote_value_filters: dict | None = None
	value_map: ValueMap | None = None


@dataclass(frozen=True)
class Mapping:
	name: str
	local_doctype: str
	remote_doctype: str
	fields: tuple[FieldMapping, ...]


@dataclass(frozen=True)
class DocumentReference:
	"""The value at `path` of the result is the local document that `mapping` makes of the one remote document
	that `filters` find."""

	path: Path
	mapping: Mapping
	filters: dict


@dataclass(frozen=True)
class Places:
	"""What is to be known about places of the result besides their values."""

	references: list[DocumentReference] = field(default_factory=list)
	chosen_here: set[Path] = field(default_factory=set)


class WithPlaces:
	places: Places

	@property
	def references(self) -> list[DocumentReference]:
		return self.places.references


@dataclass(frozen=True)
class MappedDocument(WithPlaces):
	data: dict
	places: Places


@dataclass(frozen=True)
class MappedChange(WithPlaces):
	change: dict
	places: Places

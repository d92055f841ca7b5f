"""Values of the producer's documents for which this site has no word: not in a value map, no state of a workflow. Pure, but for the
words."""

from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import Any

from event_streaming.consumer.checking.finding import ADD_TO_VALUE_MAP, MAY_HURT, STOPS, Found, named
from event_streaming.consumer.mapping.records import CHILD_TABLE, FAIL
from event_streaming.consumer.mapping.records import Mapping as FieldRules
from event_streaming.messages.coded import _

MOST_VALUES = 100


def mapped_fields(rules: FieldRules) -> list[str]:
	"""Remote fields of the document itself whose values go through a value map."""
	return list(
		dict.fromkeys(
			each.remote_fieldname for each in rules.fields if each.value_map and each.remote_fieldname
		)
	)


def values_seen(documents: Iterable[Mapping[str, Any]], rules: FieldRules) -> dict[str, set[str]]:
	"""Value map -> the values that documents have in fields that go through it, rows of tables included."""
	seen: dict[str, set[str]] = {}
	for document in documents:
		for each in rules.fields:
			value = document.get(each.remote_fieldname) if each.remote_fieldname else None
			if each.value_map and isinstance(value, str | int | float) and str(value):
				seen.setdefault(each.value_map.name, set()).add(str(value))
			if each.inner and each.mapping_type == CHILD_TABLE and isinstance(value, list):
				rows = [row for row in value if isinstance(row, dict)]
				for name, values in values_seen(rows, each.inner).items():
					seen.setdefault(name, set()).update(values)
	return seen


def maps_of(rules: FieldRules) -> dict[str, Any]:
	"""The value maps of a mapping by name, those of its tables included."""
	found = {each.value_map.name: each.value_map for each in rules.fields if each.value_map}
	for each in rules.fields:
		if each.inner and each.mapping_type == CHILD_TABLE:
			found |= maps_of(each.inner)
	return found


def of_value_maps(doctype: str, rules: FieldRules, seen: Mapping[str, Collection[str]]) -> Iterator[Found]:
	"""Values that are in no pair of the value map that they go through; where it keeps them, it was asked to."""
	for name, value_map in maps_of(rules).items():
		missing = sorted(set(seen.get(name, ())) - set(value_map.pairs))
		if missing and value_map.otherwise == FAIL:
			yield Found(
				STOPS,
				"value map",
				doctype,
				_(
					"{0} values of {1} have no entry in the value map {2}: {3}. Documents with them fail."
				).format(len(missing), _(doctype), name, named(missing)),
				_("Add an entry for each."),
				ADD_TO_VALUE_MAP,
				{"value_map": name, "values": missing[:MOST_VALUES]},
			)


def of_states(doctype: str, workflow: str, known: Collection[str], seen: Collection[str]) -> Iterator[Found]:
	"""States of documents that the workflow of this site has not: nobody here can take them further."""
	if missing := sorted(set(filter(None, seen)) - set(known)):
		yield Found(
			MAY_HURT,
			"workflow",
			doctype,
			_(
				"The workflow {0} of {1} does not know these states here: {2}. Nobody can go on from them."
			).format(workflow, _(doctype), named(missing)),
			_("Add the states to the workflow here."),
		)

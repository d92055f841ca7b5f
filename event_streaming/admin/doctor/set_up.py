"""What the doctor looks at of recipes and of what they leave to be filled in."""

from collections.abc import Iterator

from event_streaming.admin.doctor.finding import WARNING, Finding
from event_streaming.admin.setup.recipes import HOOK, unreadable
from event_streaming.consumer.mapping.validation import empty_value_maps
from event_streaming.messages.coded import _


def examine() -> Iterator[Finding]:
	"""Recipes that an app names and that can't be chosen."""
	for problem in unreadable():
		yield Finding(
			"recipes",
			HOOK,
			WARNING,
			_("A recipe can't be read: {0}").format(problem),
			_("Correct the file, or take it out of the hook of its app."),
		)


def value_maps(mappings: list[str]) -> Iterator[Finding]:
	"""Value maps of mappings in use that a person still has to fill in."""
	for value_map in empty_value_maps(mappings):
		yield Finding(
			"value map",
			value_map,
			WARNING,
			_("The value map {0} is empty: documents with a value in a field that uses it fail.").format(
				value_map
			),
			_("Fill in the Document Type Value Map, by hand or by Import CSV."),
		)

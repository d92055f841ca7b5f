"""What a kind of failure means, and how it is mended, in plain words. Pure but for `_`."""

from typing import NamedTuple

from event_streaming.consumer.logs.causes import VALUE_NOT_IN_MAP
from event_streaming.messages.coded import _
from event_streaming.messages.kinds import SAME

NAME_TAKEN, CONFLICT = "NameTaken", "ConflictToSettle"


class Remedy(NamedTuple):
	"""`title` says what is the matter, `text` what to do."""

	title: str
	text: str


def remedy_of(kind: str) -> Remedy:
	"""The remedy for a kind of error."""
	known = _remedies()
	return known.get(SAME.get(kind, kind)) or Remedy(
		_("Refused by this site"),
		_(
			"Read the example, remove what it names on this site or correct the document on the producer, then retry."
		),
	)


def _remedies() -> dict[str, Remedy]:
	return {**_of_links_and_names(), **_of_values(), **_of_the_sites()}


def _of_links_and_names() -> dict[str, Remedy]:
	return {
		NAME_TAKEN: Remedy(
			_("Name taken on this site"),
			_(
				"If the local documents are the same as the producer's, adopt them. If not, rename the local ones and retry, or"
				" clear Use Same Name on the Event Producer."
			),
		),
		"LinkValidationError": Remedy(
			_("A linked document is missing"),
			_(
				"Make the linked document on this site, or subscribe to its Document Type as well, then retry."
			),
		),
		"DependencyMissing": Remedy(
			_("A required document can't be fetched"),
			_(
				"The example says which one. The Event Subscriber needs the permission to read it on the producer and to create it on"
				" this site. Then retry."
			),
		),
		"WaitsForAnother": Remedy(
			_("Waits for another document"),
			_("Fix the document that the example names. These events are then applied automatically."),
		),
		"UniqueValidationError": Remedy(
			_("Must be unique"),
			_(
				"Another document of this site has the value. Correct one of both, or make the field not unique here, then retry."
			),
		),
		CONFLICT: Remedy(
			_("Changed on both sites"),
			_(
				"Open each event and pick the values to keep, or choose another Conflict Policy for the next ones."
			),
		),
	}


def _of_values() -> dict[str, Remedy]:
	return {
		VALUE_NOT_IN_MAP: Remedy(
			_("A value has no entry in the value map"),
			_("Enter the value on this site for each of these values. The events are then retried."),
		),
		"MandatoryError": Remedy(
			_("A mandatory field is empty"),
			_(
				"Fill it in on the producer, give it a default or make it optional on this site (Customize Form), or fill it by a"
				" mapping. Then retry."
			),
		),
		"CharacterLengthExceededError": Remedy(
			_("A value is too long"),
			_(
				"Choose a longer type for the field on this site (Customize Form), or shorten the value on the producer, then retry."
			),
		),
		"DataError": Remedy(
			_("A value does not fit"),
			_(
				"Make the field's type and length on this site the same as on the producer (Customize Form), then retry."
			),
		),
		"UpdateAfterSubmitError": Remedy(
			_("A field may not be changed any more"),
			_(
				"Tick Allow on Submit for the field on this site (Customize Form), or leave the field to this site, then retry."
			),
		),
		"TimestampMismatchError": Remedy(
			_("Changed by somebody else meanwhile"),
			_("Usually there is nothing to fix: it is retried automatically."),
		),
		"InvalidPage": Remedy(
			_("The event can't be read"),
			_(
				"Update Event Streaming on both sites, then retry. Skip what still can't be read, and run a verify."
			),
		),
		"CannotApply": Remedy(
			_("Can't be applied as things stand"),
			_("The example says why. Fix that, then retry."),
		),
	}


def _of_the_sites() -> dict[str, Remedy]:
	return {
		"PermissionError": Remedy(
			_("The Event Subscriber lacks a right"),
			_(
				"Give the right to one of its roles in Role Permissions Manager, or the role to the user, then retry."
			),
		),
		"RefusedDocType": Remedy(
			_("The Document Type may not be streamed"),
			_("Remove its row from the Event Producer, and skip these events."),
		),
		"RemoteUnavailable": Remedy(
			_("The producer could not be asked"),
			_("Nothing to fix on this site: it is retried automatically when the producer can be reached."),
		),
		"RemoteRefused": Remedy(
			_("The producer refuses this site"),
			_(
				"Check the API key and secret on the Event Producer, and the roles of that user on the producer, then retry."
			),
		),
		"OSError": Remedy(
			_("A file of this site can't be written"),
			_(
				"The example says which one. Free up disk space, or correct the permissions of the folder, then retry."
			),
		),
		"FileNotSent": Remedy(
			_("A file could not be fetched"),
			_(
				"Attach the file anew on the producer, or raise Largest File in Megabytes on this site, then retry."
			),
		),
		"QueryDeadlockError": Remedy(
			_("The database was busy"),
			_("Usually there is nothing to fix: it is retried automatically."),
		),
		"ModuleNotFoundError": Remedy(
			_("Code of this site is missing"),
			_("Install the app or the Python package that the example names, then retry."),
		),
	}

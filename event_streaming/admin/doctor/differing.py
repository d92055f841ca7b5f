"""What the doctor says about a DocType whose documents do not fit from the one site into the other."""

from collections.abc import Iterator
from typing import Any

from frappe import _

from event_streaming.admin.doctor import compare
from event_streaming.admin.doctor.compare import Difference
from event_streaming.admin.doctor.finding import FAULT, OK, WARNING, Finding
from event_streaming.consumer.mapping.store import MappingStore
from event_streaming.consumer.subscriptions.subscription import Subscription
from event_streaming.exceptions import CannotApply
from event_streaming.site.schema import schema_of

MOST_NAMED = 20
ORDER = (
	compare.OTHER_KIND,
	compare.NOT_THERE,
	compare.REQUIRED,
	compare.OTHER_TYPE,
	compare.OTHER_TARGET,
	compare.SHORTER,
	compare.FEWER_OPTIONS,
	compare.UNIQUE,
	compare.MISSING,
)


def examine(producer: str, wanted: Subscription, answer: Any, user: str) -> Iterator[Finding]:
	"""Compare the producer's DocType with the local one; `answer` is its description, not checked yet."""
	remote = wanted.remote_doctype
	problem = answer.get("problem") if isinstance(answer, dict) else None
	if problem == "not found":
		yield Finding(
			"fields",
			remote,
			FAULT,
			_("{0} has no DocType {1}.").format(producer, remote),
			_("Install the app there that it belongs to, make the DocType there, or use a mapping."),
		)
		return
	if problem == "not permitted":
		yield Finding(
			"permissions",
			remote,
			FAULT,
			_("{0} may not read {1} on {2}: its events are held back.").format(user, remote, producer),
			_("Give the right to one of its roles there, in Role Permissions Manager."),
		)
		return
	try:
		there = compare.read_schema(answer.get("schema") if isinstance(answer, dict) else None)
		found = differences(wanted, there)
	except (ValueError, CannotApply) as error:
		yield Finding(
			"fields",
			remote,
			WARNING,
			_("The fields of {0} can't be compared: {1}").format(remote, error),
			_("Update Event Streaming there."),
		)
		return
	if not found:
		yield Finding("fields", remote, OK, _("Documents of {0} fit into this site.").format(remote))
	for kind in ORDER:
		if alike := [each for each in found if each.kind == kind]:
			yield finding(kind, wanted, alike)


def differences(wanted: Subscription, there: dict) -> list[Difference]:
	here = schema_of(wanted.local_doctype)
	if wanted.mapping:
		found = compare.mapping_differences(MappingStore().get(wanted.mapping), there, here)
		# what is not sent is there all the same
		kept_back = {name.rpartition(".")[2] for name in (*wanted.not_sent, *wanted.not_wanted)}
		return [
			each
			for each in found
			if each.kind != compare.NOT_THERE or each.field.rpartition(".")[2] not in kept_back
		]
	return compare.differences(there, here)


def finding(kind: str, wanted: Subscription, found: list[Difference]) -> Finding:
	"""One sentence for all fields that differ in the same way."""
	level, message, remedy = wording(kind)
	named = [named_field(each) for each in found[:MOST_NAMED]]
	if len(found) > MOST_NAMED:
		named.append("…")
	return Finding(
		"fields", wanted.local_doctype, level, message.format(wanted.local_doctype, ", ".join(named)), remedy
	)


def named_field(difference: Difference) -> str:
	parts = " → ".join(part for part in (difference.there, difference.here) if part)
	if not difference.field:
		return parts
	return f"{difference.field} ({parts})" if parts else difference.field


def wording(kind: str) -> tuple[str, str, str]:
	"""Level, sentence and remedy for a kind of difference; {0} is the DocType, {1} the fields."""
	return {
		compare.OTHER_KIND: (
			FAULT,
			_("{0} is another kind of DocType there: {1}. Its documents can't be applied."),
			_("Use a mapping to a DocType of the same kind."),
		),
		compare.NOT_THERE: (
			FAULT,
			_("The mapping for {0} takes fields that the producer has not: {1}."),
			_("Correct Remote Fieldname in these rows of the Document Type Mapping."),
		),
		compare.REQUIRED: (
			WARNING,
			_("{0} demands fields here that documents there may lack: {1}. Such documents fail."),
			_(
				"Make the fields mandatory there, give them a default here, or make them optional here (Customize Form)."
			),
		),
		compare.OTHER_TYPE: (
			WARNING,
			_("Fields of {0} are of another type here: {1}. Values may be lost or refused."),
			_("Bring the types into line (Customize Form), or use a mapping."),
		),
		compare.OTHER_TARGET: (
			WARNING,
			_("Fields of {0} link to another DocType here: {1}. Such links fail."),
			_("Bring the fields into line (Customize Form), or use a mapping."),
		),
		compare.SHORTER: (
			WARNING,
			_("Fields of {0} hold less text here: {1}. Longer values fail."),
			_("Choose a longer type here (Customize Form)."),
		),
		compare.FEWER_OPTIONS: (
			WARNING,
			_("Fields of {0} know fewer options here; missing are: {1}. Documents with these fail."),
			_("Add the options here (Customize Form), or use a Value Map."),
		),
		compare.UNIQUE: (
			WARNING,
			_("Fields of {0} are unique here and not there: {1}. The second document with a value fails."),
			_("Make the fields unique there too, or not unique here."),
		),
		compare.MISSING: (
			WARNING,
			_("{0} lacks fields here: {1}. Their values are left out."),
			_(
				"Add the fields here (Customize Form) if they are wanted, or use a mapping, which takes only what it names."
			),
		),
	}[kind]

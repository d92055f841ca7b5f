"""What the doctor says about a DocType whose documents do not fit from the one site into the other."""

from collections.abc import Iterator
from typing import Any

from event_streaming.admin.doctor.finding import FAULT, OK, WARNING, Finding
from event_streaming.consumer.checking import compare, fitting
from event_streaming.consumer.checking.compare import Difference
from event_streaming.consumer.checking.finding import STOPS
from event_streaming.consumer.subscriptions.subscription import Subscription
from event_streaming.exceptions import CannotApply
from event_streaming.messages.coded import _


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
		found = fitting.differences(wanted, there)
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
	for kind in fitting.ORDER:
		if alike := [each for each in found if each.kind == kind]:
			yield finding(kind, wanted, alike)


def finding(kind: str, wanted: Subscription, found: list[Difference]) -> Finding:
	"""One sentence for all fields that differ in the same way."""
	severity, message, remedy = fitting.wording(kind)
	return Finding(
		"fields",
		wanted.local_doctype,
		FAULT if severity == STOPS else WARNING,
		message.format(wanted.local_doctype, fitting.listed(found)),
		remedy,
	)

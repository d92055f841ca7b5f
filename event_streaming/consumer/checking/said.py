"""What a trial's documents have said, as findings. Pure, but for the words."""

from collections.abc import Iterable, Iterator

from event_streaming.consumer.checking.causes import put_together, says
from event_streaming.consumer.checking.finding import MAY_HURT, NOTE, STOPS, Found, named
from event_streaming.consumer.checking.trial import Trial
from event_streaming.exceptions import NameTaken, NotInARehearsal
from event_streaming.messages.coded import _

# causes that are told of one DocType
MOST_CAUSES = 20
NOT_TRIED = NotInARehearsal.__name__


def is_told(text: str) -> bool:
	"""Whether a failure is one of those that are found among all documents, not only the first: names and value maps."""
	in_no_map = _(
		"The value {0} for the field {1} is not in the value map {2}: add it there, then resync (mapping {3})."
	)
	return text.startswith(NameTaken.__name__) or says(in_no_map, text)


def of_trial(doctype: str, trial: Trial) -> Iterator[Found]:
	"""The causes of failures, what a trial can't try, warnings, and how many fit."""
	failed = [each for each in trial.failed if NOT_TRIED not in each[1] and not is_told(each[1])]
	untried = [each for each in trial.failed if NOT_TRIED in each[1]]
	yield from _causes(STOPS, _("{0} of the first {1} documents of {2} fail: {3}"), doctype, failed, trial)
	yield from _causes(
		MAY_HURT,
		_("{0} of the first {1} documents of {2} could not be tried: {3}"),
		doctype,
		untried,
		trial,
	)
	if trial.refused:
		yield Found(
			MAY_HURT,
			"trial",
			doctype,
			_("Controllers or hooks of this site commit in the middle of documents of {0}: {1}.").format(
				_(doctype), named(sorted({word.upper() for word in trial.refused}))
			),
			_(
				"If such a document fails later on, what was committed stays. Its app should leave the commit to Frappe."
			),
		)
	if trial.escaped:
		yield Found(
			STOPS,
			"trial",
			doctype,
			_(
				"A hook of this site has ended the trial's database transaction of {0}: check for documents that were left behind."
			).format(_(doctype)),
			_("Find the app whose hook uses the database without Frappe."),
		)
	yield from _causes(NOTE, _("{0} of the first {1} documents of {2}: {3}"), doctype, trial.warned, trial)
	if trial.tried:
		yield Found(
			NOTE,
			"trial",
			doctype,
			_("Tested without errors: {0} of the first {1} documents of {2}. Here already: {3}.").format(
				trial.fits, trial.tried, _(doctype), trial.here
			),
		)


def _causes(
	severity: str, words: str, doctype: str, cases: Iterable[tuple[str, str]], trial: Trial
) -> Iterator[Found]:
	for cause in put_together(cases)[:MOST_CAUSES]:
		yield Found(
			severity,
			"trial",
			doctype,
			words.format(len(cause.documents), trial.tried, _(doctype), cause.text),
			_("For example {0}.").format(named(cause.documents, 3)),
		)

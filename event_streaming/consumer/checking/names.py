"""Names that both sites have: of which documents, and by what they would match. Pure, but for the words."""

from collections.abc import Collection, Iterator, Mapping
from typing import Any

from event_streaming.consumer.checking.finding import MAY_HURT, NOTE, SET_MATCH_BY, STOPS, Found, named
from event_streaming.consumer.subscriptions.subscription import Subscription
from event_streaming.messages.coded import _

# of one row: fields that are unique on both sites
MOST_CANDIDATES = 3


def same_names(there: Collection[str], here: Collection[str], linked: Collection[str]) -> list[str]:
	"""Remote names that a local document has which is not known to be the remote one."""
	return sorted(name for name in there if name in here and name not in linked)


def candidates(there: Mapping[str, Any], here: Mapping[str, Any]) -> list[str]:
	"""Fields by which documents may be matched: unique on both sites. Of schemas, as of `site.schema`."""
	return [
		name
		for name, field in there["fields"].items()
		if field.get("unique") and (here["fields"].get(name) or {}).get("unique")
	][:MOST_CANDIDATES]


def of_names(wanted: Subscription, taken: list[str], unique: list[str]) -> Iterator[Found]:
	"""What it means that names are taken, for a row that keeps the producer's names and matches nothing."""
	if not taken:
		return
	doctype = wanted.local_doctype
	by = _("name") if not unique else ", ".join([_("name"), *unique])
	yield Found(
		STOPS,
		"names",
		doctype,
		_(
			"{0}: other documents here have these names already ({1}): {2}. They are not touched, and what comes under such a name fails."
		).format(_(doctype), len(taken), named(taken)),
		_(
			"If they are the same documents, set Match By (possible: {0}): a copy then overwrites their values here. If not, let this site name them."
		).format(by),
		SET_MATCH_BY,
		{"match_by": "name"},
	)


def of_matching(wanted: Subscription, counts: Mapping[str, int]) -> Iterator[Found]:
	"""What Match By of a row would link; `counts` are those of the preview."""
	doctype, by = wanted.local_doctype, ", ".join(wanted.match_by)
	if counts["found"]:
		yield Found(
			NOTE,
			"names",
			doctype,
			_(
				"{0}: on both sites already ({1}). Match By ({2}) links them before the copy, which then overwrites their values here."
			).format(_(doctype), counts["found"], by),
			_("Check them under Match Existing Documents."),
		)
	if unclear := counts["ambiguous"] + counts["taken"] + counts["forbidden"]:
		yield Found(
			MAY_HURT,
			"names",
			doctype,
			_(
				"{0} matches of {1} by {2} are not clear: more than one document has the values, or it may not be written."
			).format(unclear, _(doctype), by),
			_(
				"Check them under Match Existing Documents, and make the values unique or choose other fields."
			),
		)


def of_series(wanted: Subscription, there: Collection[str], here: Collection[str]) -> Iterator[Found]:
	"""Counters of names that both sites have: each gives the same name to another document."""
	both = sorted(set(there) & set(here))
	if both and wanted.use_same_name:
		yield Found(
			MAY_HURT,
			"naming series",
			wanted.local_doctype,
			_(
				"Both sites count names of {0} by {1}: a document made here may take a name that will come."
			).format(_(wanted.local_doctype), ", ".join(both)),
			_(
				"Give this site a prefix of its own in Document Naming Settings, or clear Use Same Name in the row."
			),
		)

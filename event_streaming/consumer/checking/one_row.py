"""One row of an Event Producer: all that is looked at on both sites, as findings. Asks and reads; it changes nothing."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import frappe

from event_streaming.adapters.doctypes import counters_of, what_will_refuse, why_not_subscribe
from event_streaming.consumer.checking import compare, fitting, names, rights, said, values
from event_streaming.consumer.checking.amounts import Amount, amount_of
from event_streaming.consumer.checking.finding import (
	DECIDE_HERE,
	MAY_HURT,
	NOTE,
	STOPS,
	UNSUBSCRIBE,
	Found,
)
from event_streaming.consumer.checking.trial import Trial, try_first
from event_streaming.consumer.dependencies.unasked import unasked_of
from event_streaming.consumer.first_copy import linking
from event_streaming.consumer.logs.state import PullState
from event_streaming.consumer.mapping.store import MappingStore
from event_streaming.consumer.resolve.local_names import existing_names
from event_streaming.consumer.subscriptions.remote import Producer
from event_streaming.consumer.subscriptions.subscription import Subscription, doctypes_given, subscriptions_of
from event_streaming.consumer.tasks import task
from event_streaming.exceptions import CannotApply, EventStreamingError, RemoteUnavailable
from event_streaming.messages.coded import _
from event_streaming.site.schema import schema_of
from event_streaming.wire.checks import InvalidPage
from event_streaming.wire.facts import DocTypeFacts
from event_streaming.wire.matching import MOST_FIELDS, NAME, Values

# of a thousand documents each
MOST_PAGES = 20
POSTING_DATE = "posting_date"


@dataclass
class Row:
	"""What is known of one row while it is checked. `there`: remote name -> values of `fields`."""

	doc: Any
	producer: Producer
	kept: PullState
	wanted: Subscription
	facts: DocTypeFacts
	fields: list[str] = field(default_factory=list)
	there: dict[str, Values] = field(default_factory=dict)
	roots: dict[str, Any] = field(default_factory=dict)
	trial: Trial = field(default_factory=Trial)

	def column(self, name: str) -> set[str]:
		"""The values of one of the fields that were asked for."""
		if name not in self.fields:
			return set()
		place = self.fields.index(name)
		return {values[place] for values in self.there.values()}


def check_row(
	doc: Any, producer: Producer, kept: PullState, wanted: Subscription
) -> tuple[list[Found], Amount | None]:
	"""All findings of one row, and how much a copy of it brings; the pull's lock is held, `producer.trial` is set.

	Raises RemoteUnavailable when the producer can't be asked. What is open in the transaction is lost.
	"""
	row = Row(doc, producer, kept, wanted, producer.check(wanted.remote_doctype))
	found = [*of_set_up(row), *of_links(row)]
	if row.facts["problem"]:
		return found, None
	if not row.facts["approved"]:
		found.append(not_approved(wanted))
	else:
		found += of_documents(row)
	found += of_books(row)
	return found, amount(row)


def of_set_up(row: Row) -> Iterator[Found]:
	"""What DocTypes, fields and rights say, without a look at documents."""
	wanted, facts = row.wanted, row.facts
	doctype, remote, user = wanted.local_doctype, wanted.remote_doctype, row.doc.user
	yield from rights.of_this_site(doctype, user)
	yield from rights.of_what_is_written_too(doctype, user)
	both_ways = bool(doctypes_given(row.doc.name, {doctype}))
	yield from rights.of_the_producer(doctype, remote, user, row.doc.name, facts, both_ways)
	yield from fitting.of_fields(row.doc.name, wanted, facts["problem"], facts["schema"])
	if reason := why_not_subscribe(doctype):
		yield Found(
			MAY_HURT,
			"made by others",
			doctype,
			reason,
			_("Unsubscribe from it, or remove the row."),
			UNSUBSCRIBE,
		)
	yield from names.of_series(wanted, facts["counted_by"], counters_of(doctype))
	if workflow := workflow_of(doctype):
		yield Found(
			NOTE,
			"workflow",
			doctype,
			_(
				"The workflow {0} is active here: what comes passes over its transitions and their rights."
			).format(workflow.name),
		)


def workflow_of(doctype: str) -> Any:
	"""The workflow that is active for a DocType here."""
	name = frappe.db.get_value("Workflow", {"document_type": doctype, "is_active": 1})
	return frappe.get_cached_doc("Workflow", name) if name else None


def of_links(row: Row) -> Iterator[Found]:
	"""Link fields to DocTypes whose documents are not brought: what has such a link waits, unless the document is here."""
	subscriptions = subscriptions_of(row.doc)
	for entry in unasked_of(row.doc, subscriptions).reached().values():
		source, fieldname = entry.way
		if source != row.wanted.local_doctype or not entry.refused or entry.empty:
			continue
		never = frappe.utils.strip_html(entry.refused).rstrip(".")
		yield Found(
			MAY_HURT,
			"links",
			source,
			_(
				"{0} of {1} links to {2}, whose documents are not brought: {3}. What has such a link waits."
			).format(fieldname, _(source), _(entry.doctype), never),
			_("Add a row for {0}, or leave the field to this site.").format(_(entry.doctype)),
			DECIDE_HERE,
			{"field": fieldname},
		)
	yield from rights.of_linked(row.wanted, row.doc, row.facts["unread"], subscriptions)


def not_approved(wanted: Subscription) -> Found:
	return Found(
		NOTE,
		"approval",
		wanted.local_doctype,
		_("{0} is not approved yet: names, values and the first documents can be checked only then.").format(
			_(wanted.local_doctype)
		),
		_("Check again when the producer's administrator has approved it."),
	)


# ---- what documents say


def of_documents(row: Row) -> Iterator[Found]:
	"""Names, values and a trial of the first documents."""
	try:
		read_there(row)
		yield from of_names(row)
		row.trial = try_first(row.doc, row.producer, row.kept, row.wanted.remote_doctype)
	except RemoteUnavailable:
		raise
	except (EventStreamingError, InvalidPage, frappe.ValidationError) as error:
		frappe.clear_messages()
		yield Found(
			STOPS,
			"trial",
			row.wanted.local_doctype,
			_("The documents of {0} can't be looked at: {1}").format(
				_(row.wanted.local_doctype), frappe.utils.strip_html(str(error))
			),
			_("Fix that first, then check again."),
		)
		return
	yield from of_values(row)
	yield from said.of_trial(row.wanted.local_doctype, row.trial)


def read_there(row: Row) -> None:
	"""Names of the producer's documents with the fields that findings need, page by page, as many as are looked at."""
	if frappe.get_meta(row.wanted.local_doctype).issingle:
		return
	row.fields = [NAME, *fields_to_ask(row)]
	after = ""
	for _page in range(MOST_PAGES):
		page = row.producer.get_match_page(
			row.wanted.remote_doctype, row.fields, after, row.kept.position_of(row.wanted.remote_doctype)
		)
		if page["paused"]:
			raise RemoteUnavailable(_("The producer's administrator has paused this site."))
		for each in page["rows"]:
			row.there[each["name"]], row.roots[each["name"]] = each["values"], each["root"]
		after = page["after"]
		if not page["has_more"]:
			return


def fields_to_ask(row: Row) -> list[str]:
	"""Remote fields whose values are looked at of every document: only of those that the producer says it has."""
	schema = row.facts["schema"] if isinstance(row.facts["schema"], dict) else {}
	known = schema.get("fields") or {}
	asked = [POSTING_DATE]
	if workflow := workflow_of(row.wanted.local_doctype):
		asked.append(workflow.workflow_state_field)
	if row.wanted.mapping:
		asked += values.mapped_fields(MappingStore().get(row.wanted.mapping))
	left_out = {*row.wanted.not_sent, *row.wanted.not_wanted}
	return [name for name in dict.fromkeys(asked) if name in known and name not in left_out][
		: MOST_FIELDS - 1
	]


def of_names(row: Row) -> Iterator[Found]:
	wanted = row.wanted
	if frappe.get_meta(wanted.local_doctype).issingle:
		return
	if wanted.match_by:
		looked = linking.look_with_rights(row.doc, row.producer, wanted)
		yield from names.of_matching(wanted, linking.as_answer(looked)["counts"])
	elif wanted.use_same_name:
		here = existing_names(wanted.local_doctype, row.there)
		linked = linking.linked_before(row.doc.name, wanted, row.roots) if here else {}
		there = row.facts["schema"]
		try:
			unique = names.candidates(compare.read_schema(there), schema_of(wanted.local_doctype))
		except ValueError:
			unique = []
		yield from names.of_names(wanted, names.same_names(row.there, here, linked), unique)


def of_values(row: Row) -> Iterator[Found]:
	wanted = row.wanted
	if wanted.mapping:
		try:
			rules = MappingStore().get(wanted.mapping)
		except CannotApply as error:
			yield Found(
				STOPS, "mapping", wanted.local_doctype, str(error), _("Correct the Document Type Mapping.")
			)
			return
		documents = [
			dict(zip(row.fields, each, strict=False)) for each in row.there.values()
		] + row.trial.documents
		yield from values.of_value_maps(wanted.local_doctype, rules, values.values_seen(documents, rules))
	elif workflow := workflow_of(wanted.local_doctype):
		known = [state.state for state in workflow.states]
		seen = row.column(workflow.workflow_state_field)
		yield from values.of_states(wanted.local_doctype, workflow.name, known, seen)


def of_books(row: Row) -> Iterator[Found]:
	"""Rules of this site's apps that refuse what comes."""
	dates = row.column(POSTING_DATE) if POSTING_DATE in row.fields else None
	for certain, what, remedy in what_will_refuse(
		row.wanted.local_doctype, dates, row.wanted.fields_this_site_decides
	):
		yield Found(STOPS if certain else MAY_HURT, "books", row.wanted.local_doctype, what, remedy)


def amount(row: Row) -> Amount:
	facts, trial = row.facts, row.trial
	before = task.latest(row.doc.name, task.COPY)
	return amount_of(
		row.wanted.local_doctype,
		facts["documents"],
		facts["sampled"],
		facts["sampled_bytes"],
		trial.tried - trial.here,
		trial.seconds,
		before.rate if before else 0.0,
	)

"""Makes a remote document or difference fit this site: mapping, links to documents, and the documents they need.

It stands between applying an event and the modules that know about mappings and dependencies; how a document is made
is told to it by whoever calls.
"""

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

import frappe

from event_streaming.adapters.doctypes import refuse_change_that_cannot_come, refuse_what_cannot_come
from event_streaming.consumer.dependencies.plan import Need, Plan, PlannedDocument, Source, explain_waiting
from event_streaming.consumer.dependencies.planning import Dependencies
from event_streaming.consumer.life_cycle import documents
from event_streaming.consumer.life_cycle.times import convert_times
from event_streaming.consumer.logs import open_rows
from event_streaming.consumer.mapping.rules import needs_remote_document
from event_streaming.consumer.mapping.store import to_local_change, to_local_document
from event_streaming.consumer.subscriptions.subscription import Subscription
from event_streaming.exceptions import (
	CannotApply,
	DependencyMissing,
	NameTaken,
	RefusedDocType,
	RemoteUnavailable,
	WaitsForAnother,
)
from event_streaming.identity.origin import Applied, applied_now, applying
from event_streaming.identity.registry import LocalKey, RemoteKey
from event_streaming.messages.coded import _
from event_streaming.site.settings import get_settings
from event_streaming.wire.events import CREATE, UPDATE, Event, parse_data
from event_streaming.wire.left_out import change_without, document_without

if TYPE_CHECKING:
	from event_streaming.consumer.apply.work import Work

# makes a document that another one needs, from data that fits this site; answers which one it is here
Make = Callable[[PlannedDocument, dict, "Work"], LocalKey]


def open_dependencies(work: "Work") -> Dependencies:
	"""A fresh picture of what is here and what is missing, for one page."""
	return Dependencies(
		Source(
			event_producer=work.event_producer,
			subscriber=work.user,
			subscriptions=work.subscriptions,
			resolver=work.resolver,
			missing_user=get_settings().missing_user,
			fetch=work.fetch,
			search=work.producer.find_names,
			open_events=partial(open_events, work),
			why_not_brought=work.unasked.why_not,
		),
		work.log.event,
	)


def open_events(work: "Work", keys: list[RemoteKey]) -> set[RemoteKey]:
	"""Those of the remote documents that have an event which has not taken effect, in the log or in this page."""
	return work.held_back.intersection(keys) | open_rows.documents_held_back(work.event_producer, keys)


def needs_of_page(work: "Work", events: list[Event]) -> list[list[Need]]:
	"""Look up and fetch together what a page's documents link to; returns what each event needs. What can't be read needs
	nothing, and fails with its own event."""
	items = []
	for event in events:
		made, needs = None, []
		try:
			needs = needs_of_event(event, work)
			made = (event["ref_doctype"], event["docname"]) if event["update_type"] == CREATE else None
		except RemoteUnavailable:
			raise
		except (frappe.ValidationError, ValueError, TypeError, KeyError, AttributeError):
			frappe.local.message_log = []
		items.append((made, needs))
	work.dependencies.fetch_ahead(items)
	return [needs for _made, needs in items]


def needs_of_event(event: Event, work: "Work") -> list[Need]:
	"""What an event's data points to, as far as it says without the document that is here."""
	subscription = work.subscriptions.get(event["ref_doctype"])
	if not subscription or event["update_type"] not in (CREATE, UPDATE) or event["origin"] == work.here:
		return []
	data = parse_data(event)
	if event["update_type"] == CREATE:
		return fit_document(data, subscription, work)[1]
	if subscription.mapping and needs_remote_document(
		work.dependencies.mappings.get(subscription.mapping), data
	):
		return []
	fitted = fit_change(data, (event["ref_doctype"], event["docname"]), subscription, work, None)
	return fitted[1] if fitted else []


def localise_document(
	data: dict, key: RemoteKey, subscription: Subscription, work: "Work", make: Make
) -> tuple[dict, Plan]:
	"""The local document that the remote one becomes; what it links to is there afterwards.

	The plan is for `set_later`, once the document itself is there. Raises DependencyMissing, CannotApply.
	"""
	values, needs = fit_document(data, subscription, work)
	plan = bring_what_is_needed(key, needs, work, make)
	values = work.files.localise(subscription.local_doctype, values, key)
	return work.dependencies.data_here(values, needs, plan.later), plan


def localise_change(
	change: dict, key: RemoteKey, local: LocalKey, subscription: Subscription, work: "Work", make: Make
) -> dict | None:
	"""The local difference that a remote one becomes; None when it touches nothing that is mapped."""
	work.dependencies.arrived(key, local)
	fitted = fit_change(change, key, subscription, work, local)
	if fitted is None:
		return None
	values, needs = fitted
	plan = bring_what_is_needed(key, needs, work, make)
	set_later({}, plan, local, work, make)
	values = work.files.localise(subscription.local_doctype, values, key)
	return work.dependencies.data_here(values, needs)


def set_later(data: dict, plan: Plan, local: LocalKey, work: "Work", make: Make) -> None:
	"""Make what can't be without the document that the plan was made for, then set the links that could not be set before
	the documents they point to were there.

	`data` and `local` are that document, which is there by now.
	"""
	make_planned(plan.afterwards, work, make)
	for planned in plan.every_document:
		if planned.later:
			with applying(planned.local_doctype, origin_of(planned, work), applied(planned, work)):
				set_links(planned.data, planned.later, work.dependencies.local_key(planned.key), work)
	if plan.later:
		set_links(data, plan.later, local, work)


def set_links(data: dict, later: list[Need], local: LocalKey, work: "Work") -> None:
	change = work.dependencies.links_later(data, later)
	# the links belong to the state that was made a moment ago: its stamps stay
	change["changed"] |= {stamp: data[stamp] for stamp in ("modified", "modified_by") if data.get(stamp)}
	documents.update(documents.locked(*local), convert_times(local[0], change, work.time_zone))


def fit_document(data: dict, subscription: Subscription, work: "Work") -> tuple[dict, list[Need]]:
	"""A whole document through its mapping, without what this site decides, and what it points to; names are still the
	producer's."""
	dependencies, places = work.dependencies, None
	if subscription.mapping:
		mapped = to_local_document(dependencies.mappings.get(subscription.mapping), data)
		data, places = mapped.data, mapped.places
	refuse_what_cannot_come(subscription.local_doctype, data)
	data = document_without(data, subscription.fields_this_site_decides)
	return data, dependencies.needs_of_document(subscription.local_doctype, data, places)


def fit_change(
	change: dict, key: RemoteKey, subscription: Subscription, work: "Work", local: LocalKey | None
) -> tuple[dict, list[Need]] | None:
	"""The same for a difference; None when the mapping names nothing of it."""
	dependencies, places = work.dependencies, None
	if subscription.mapping:
		mapping = dependencies.mappings.get(subscription.mapping)
		remote = None
		if needs_remote_document(mapping, change):
			remote = work.fetch([key]).documents.get(key, {})
		mapped = to_local_change(mapping, change, remote)
		if mapped is None:
			return None
		change, places = mapped.change, mapped.places
	if local:
		refuse_change_that_cannot_come(local[0], change, local[1])
	change = change_without(change, subscription.fields_this_site_decides)
	current = None
	if local and dependencies.site.needs_current(subscription.local_doctype, change):
		current = frappe.get_doc(*local).as_dict()
	return change, dependencies.needs_of_change(subscription.local_doctype, change, current, places)


def bring_what_is_needed(key: RemoteKey, needs: list[Need], work: "Work", make: Make) -> Plan:
	"""Make the documents that are missing, each after what it needs itself."""
	dependencies = work.dependencies
	plan = dependencies.plan(key, needs)
	if plan.unresolved:
		if plan.waits_for:
			raise WaitsForAnother(explain_waiting(plan.waits_for), plan.waits_for)
		raise DependencyMissing(plan.explain())
	for other, local, root in plan.recognised:
		# that of a lost document which had its name is none
		if not work.resolver.identities.known(other, root):
			work.resolver.adopt(local)
			work.resolver.keep(other, local, root)
	make_planned(plan.documents, work, make)
	return plan


def make_planned(documents: list[PlannedDocument], work: "Work", make: Make) -> None:
	dependencies = work.dependencies
	for planned in documents:
		values = dependencies.data_here(planned.data, planned.needs, planned.later)
		dependencies.arrived(planned.key, make_or_explain(planned, values, work, make))


def make_or_explain(planned: PlannedDocument, values: dict, work: "Work", make: Make) -> LocalKey:
	"""Make a document that another one needs; an error names it, as the event is of the other one."""
	try:
		with (
			applying(planned.local_doctype, origin_of(planned, work), applied(planned, work)),
			work.resolver.seen.made.by(planned.key),
		):
			values = work.files.localise(planned.local_doctype, values, planned.key)
			return make(planned, values, work)
	except RemoteUnavailable:
		raise
	except NameTaken:
		deleted = work.resolver.is_deleted_here(planned.key, planned.root)
		if work.dependencies.is_streamed(planned.key) and not deleted:
			# its own event comes, or is there and has failed for the same reason
			raise WaitsForAnother(explain_waiting(planned.key), planned.key) from None
		raise CannotApply(
			_(
				"{0} {1} is needed, but another document has this name here, and it did not come from {2}. Let this site"
				" name these documents (subscribe to {0} with Use Same Name cleared), or rename the one that is here;"
				" then resync."
			).format(_(planned.local_doctype), planned.name, work.event_producer)
		) from None
	except (frappe.ValidationError, frappe.PermissionError, frappe.DuplicateEntryError) as error:
		permanent = isinstance(error, CannotApply | RefusedDocType)
		raise (CannotApply if permanent else DependencyMissing)(
			_("{0} {1} is needed and can't be created here: {2}").format(
				_(planned.local_doctype),
				planned.name,
				frappe.utils.strip_html(str(error)) or type(error).__name__,
			)
		) from error


def applied(planned: PlannedDocument, work: "Work") -> Applied:
	"""What is applied while a document is made that another one needs."""
	outer = applied_now()
	quiet = bool(outer and outer.quiet)
	return Applied(work.event_producer, planned.local_doctype, planned.doctype, planned.name, CREATE, quiet)


def origin_of(planned: PlannedDocument, work: "Work") -> str:
	"""The site on which a document that was brought has first been made."""
	return planned.root["site"] if planned.root else work.event_producer

"""The commands of `bench --site … event-streaming` over REST, with the same words: /api/method/event_streaming.api.status

Each checks who asks and calls what the command calls. docs/security.md says who may call what.
"""

from dataclasses import asdict
from typing import Any

import frappe
from werkzeug.wrappers import Response

from event_streaming.admin import decisions, rotating
from event_streaming.admin import health as healthy
from event_streaming.admin.causes import acting, listing
from event_streaming.admin.connection import acting as deciding
from event_streaming.admin.connection import schema as schemas
from event_streaming.admin.connection import settings as set_up
from event_streaming.admin.connection import sites
from event_streaming.admin.connection import status as connections
from event_streaming.admin.connection import timeline as timelines
from event_streaming.admin.daily import findings
from event_streaming.admin.decisions import APPROVED, CONSUMER, PRODUCER, REJECTED
from event_streaming.admin.doctor.examination import examine
from event_streaming.admin.metrics import metrics as exposition
from event_streaming.admin.pairing import inviting, joining
from event_streaming.admin.pairing.offered import parsed
from event_streaming.admin.prometheus import CONTENT_TYPE
from event_streaming.admin.remote import told_in_the_desk
from event_streaming.admin.setup import applying, here
from event_streaming.admin.setup import recipes as own_recipes
from event_streaming.admin.status import site_status
from event_streaming.admin.tracing import tracing
from event_streaming.consumer.checking import checker, mending
from event_streaming.consumer.first_copy import copying, matching
from event_streaming.consumer.logs import task as tasks
from event_streaming.consumer.pull import adopting, by_hand, waiting
from event_streaming.consumer.pull.requests import request_pull
from event_streaming.consumer.verify import repair as repairing
from event_streaming.consumer.verify import verifying as verifying
from event_streaming.messages.coded import _
from event_streaming.producer.log import sequence
from event_streaming.site.roles import ADMIN
from event_streaming.site.settings import get_settings


@frappe.whitelist()
def status() -> dict[str, Any]:
	"""Producers and consumers of this site, how far behind they are, what has failed, what needs a person."""
	frappe.only_for(ADMIN)
	return site_status()


@frappe.whitelist()
def connection(site: str) -> dict[str, Any]:
	"""How one connection stands, a line for each DocType: what comes from the site of this URL, and what goes to it."""
	frappe.only_for(ADMIN)
	return connections.connection(site)


@frappe.whitelist()
def connection_timeline(site: str, after: str = "") -> dict[str, Any]:
	"""What happened to a connection, newest first: a page of it; `after` is what the page before answered."""
	frappe.only_for(ADMIN)
	return timelines.timeline(site, after)


@frappe.whitelist(methods=["POST"])
def connection_schema(site: str, ask: bool | int = True) -> dict[str, Any]:
	"""Where the fields of both sites differ for what comes from a site, since when, and what was decided; the site is asked."""
	frappe.only_for(ADMIN)
	return schemas.schema(site, bool(frappe.utils.cint(ask)))


@frappe.whitelist()
def connection_settings(site: str) -> dict[str, Any]:
	"""What matters of a connection's set-up, as labels and values; no secrets."""
	frappe.only_for(ADMIN)
	return set_up.settings(site)


@frappe.whitelist(methods=["POST"])
def create_field(site: str, difference: str) -> str:
	"""Make a plain field that the other site has and this one lacks; `difference` as `connection_schema` names it."""
	frappe.only_for(ADMIN)
	return schemas.create_field(site, difference)


@frappe.whitelist(methods=["POST"])
def ignore_difference(site: str, difference: str, ignored: bool | int = True) -> None:
	"""Have a difference not asked about any more, or with `ignored` 0 asked about again."""
	frappe.only_for(ADMIN)
	schemas.ignore(site, difference, bool(frappe.utils.cint(ignored)))


@frappe.whitelist()
def map() -> dict[str, Any]:
	"""All sites that this one knows, and the streams between them and this one: rate, delay, what needs a person."""
	frappe.only_for(ADMIN)
	return sites.map_of_sites()


@frappe.whitelist(methods=["POST"])
def set_subscribed(event_producer: str, doctype: str, subscribed: bool | int) -> bool:
	"""Take a DocType of a producer, or no more; returns whether that changed anything."""
	frappe.only_for(ADMIN)
	return deciding.set_subscribed(event_producer, doctype, bool(frappe.utils.cint(subscribed)))


@frappe.whitelist(methods=["POST"])
def doctor(event_producer: str | None = None, event_consumer: str | None = None) -> list[dict[str, str]]:
	"""What is wrong, here and with the other sites, and how to mend it; of one producer or consumer if named."""
	frappe.only_for(ADMIN)
	return [asdict(finding) for finding in examine(event_producer, event_consumer)]


@frappe.whitelist(methods=["POST"])
def put_off(finding: str, until: str, reason: str) -> None:
	"""Be told nothing of a finding of the doctor's daily look until after a date; who and why stand in the audit log."""
	frappe.only_for(ADMIN)
	findings.put_off(finding, until, reason)


@frappe.whitelist(methods=["POST"])
def pull(event_producer: str | None = None) -> list[str]:
	"""Have a background job pull from one producer, or from all that are not paused; returns which."""
	frappe.only_for(ADMIN)
	names = [event_producer] if event_producer else frappe.get_all(PRODUCER, {"paused": 0}, pluck="name")
	for name in names:
		request_pull(name, by_hand=True)
	return names


@frappe.whitelist(methods=["POST"])
def position() -> int:
	"""The position of this site's log up to which everything goes that is committed: for `wait_for` on another site."""
	frappe.only_for(ADMIN)
	return sequence.position_of_all()


@frappe.whitelist(methods=["POST"])
def wait_for(
	position: int | str, seconds: float | str = 5, event_producer: str | None = None
) -> dict[str, Any]:
	"""Wait, 5 seconds at most, until this site has everything of a producer up to `position`; says how far it is if it has not."""
	frappe.only_for(ADMIN)
	return asdict(waiting.wait_for(frappe.utils.cint(position), frappe.utils.flt(seconds), event_producer))


@frappe.whitelist(methods=["POST"])
def resync(event_producer: str | None = None, doctype: str | None = None) -> int:
	"""Try what has failed again, in the background; returns how many events that is."""
	frappe.only_for(ADMIN)
	return by_hand.request_resync_all(event_producer, doctype)


@frappe.whitelist(methods=["POST"])
def approve(
	event_consumer: str, doctypes: str | list | None = None, reject: bool | int = False
) -> dict[str, str]:
	"""Approve, or reject, DocTypes for a consumer, by default all that are pending; returns what has changed."""
	frappe.only_for(ADMIN)
	named = frappe.parse_json(doctypes) if doctypes else None
	if isinstance(named, str):
		named = [named]
	return decisions.approve(event_consumer, named, REJECTED if frappe.utils.cint(reject) else APPROVED)


@frappe.whitelist(methods=["POST"])
def invite(
	doctypes: str | list | None = None,
	recipe: str | None = None,
	invited: str = "",
	both_directions: bool | int = False,
	copy_existing: bool | int = True,
	expires_in_hours: int | str = inviting.HOURS,
	only_address: str = "",
) -> dict[str, Any]:
	"""A one-time code by which another site joins this one: for DocTypes, or those of a recipe. The code is told this once."""
	frappe.only_for(ADMIN)
	return inviting.invite(
		parsed(doctypes),
		recipe,
		invited,
		bool(frappe.utils.cint(both_directions)),
		bool(frappe.utils.cint(copy_existing)),
		frappe.utils.cint(expires_in_hours),
		only_address,
	)


@frappe.whitelist(methods=["POST"])
def withdraw_invitation(invitation: str) -> None:
	"""The code of an invitation is good for nothing any more."""
	frappe.only_for(ADMIN)
	inviting.withdraw(invitation)


@frappe.whitelist(methods=["POST"])
def offered_rows(recipe: str) -> list[dict[str, Any]]:
	"""The DocTypes and conditions of a recipe, for the form that invites a site."""
	frappe.only_for(ADMIN)
	return inviting.rows_to_choose(recipe)


@frappe.whitelist(methods=["POST"])
def look_at_invitation(code: str) -> dict[str, Any]:
	"""What a code offers, and what on this site is against it; nothing is used up or changed."""
	frappe.only_for(ADMIN)
	return joining.without_code_in_a_log(code, lambda: joining.look(code))


@frappe.whitelist(methods=["POST"])
def join(code: str, shown: str | None = None) -> dict[str, Any]:
	"""Join the site that a code is of: keys, Event Producer, approval, first copy. `shown` is what `look_at_invitation` gave.

	Called again with the same code, it goes on where it was interrupted.
	"""
	frappe.only_for(ADMIN)
	return joining.without_code_in_a_log(code, lambda: joining.join(code, shown, joining.tell_desk))


@frappe.whitelist(methods=["POST"])
def pause(event_producer: str | None = None, event_consumer: str | None = None) -> bool:
	"""Pull nothing from a producer, or send nothing to a consumer, until `resume`; returns whether that is new."""
	return _set_paused(event_producer, event_consumer, True)


@frappe.whitelist(methods=["POST"])
def resume(event_producer: str | None = None, event_consumer: str | None = None) -> bool:
	"""Go on after `pause`; returns whether it was paused."""
	return _set_paused(event_producer, event_consumer, False)


@frappe.whitelist(methods=["POST"])
def accept_site(site_id: str, event_producer: str | None = None, event_consumer: str | None = None) -> None:
	"""Go on with the site `site_id`, which was refused as it is not the one that the connection is with."""
	frappe.only_for(ADMIN)
	decisions.accept_site(*_one_of_both(event_producer, event_consumer), site_id)


@frappe.whitelist(methods=["POST"])
def new_site_id(instead_of: str) -> str:
	"""On a copy of a site: make it a site of its own to all others; returns the id. `instead_of` is the one that it has now."""
	frappe.only_for(ADMIN)
	return decisions.new_site_id(instead_of)


@frappe.whitelist(methods=["POST"])
def rotate_keys(event_producer: str | None = None, event_consumer: str | None = None) -> bool:
	"""New keys for both directions; of a producer at once (true), a consumer is asked to make them with its next pull (false)."""
	frappe.only_for(ADMIN)
	with told_in_the_desk():
		return rotating.rotate_keys(event_producer, event_consumer)


@frappe.whitelist(methods=["POST"])
def check(event_producer: str, doctypes: str | list | None = None) -> dict[str, Any]:
	"""Have a background job check what a first copy will meet, also before approval; changes nothing. Returns how far it has got."""
	frappe.only_for(ADMIN)
	return checker.start_check(event_producer, doctypes)


@frappe.whitelist()
def check_report(event_producer: str) -> dict[str, Any] | None:
	"""How far the last check of a producer has got, with its `report`: the findings, and how much a copy brings."""
	frappe.only_for(ADMIN)
	last = tasks.latest(event_producer, tasks.CHECK)
	return {**tasks.as_progress(last), "report": last.report} if last else None


@frappe.whitelist(methods=["POST"])
def mend_finding(task: str, number: int, values: str | dict | None = None) -> str:
	"""What the button of finding `number` (from 0) of a check does; `values` are what it asks a person for. Returns what was done."""
	frappe.only_for(ADMIN)
	return mending.mend(task, frappe.utils.cint(number), frappe.parse_json(values) if values else None)


@frappe.whitelist(methods=["POST"])
def copy(
	event_producer: str, doctypes: str | list | None = None, filters: str | dict | list | None = None
) -> dict[str, Any]:
	"""Have a background job bring over documents that exist already; returns how far it has got."""
	frappe.only_for(ADMIN)
	return copying.start_copy(event_producer, doctypes, filters)


@frappe.whitelist(methods=["POST"])
def match(
	event_producer: str, doctypes: str | list | None = None, apply: bool | int = False
) -> list[dict[str, Any]]:
	"""What Match By would link on both sites, for each DocType; with `apply` it is linked, here and now."""
	frappe.only_for(ADMIN)
	work = matching.apply_match if frappe.utils.cint(apply) else matching.preview_match
	return work(event_producer, doctypes)


@frappe.whitelist(methods=["POST"])
def adopt(
	names: str | list | None = None,
	event_producer: str | None = None,
	doctype: str | None = None,
	preview: bool | int = False,
) -> dict[str, Any]:
	"""Take local documents whose names failed events found taken as the ones meant, and try these again; many in the background.

	Of the named rows of Event Sync Log, or of a producer, or of a DocType. With `preview` nothing is changed.
	"""
	frappe.only_for(ADMIN)
	rows = None if names is None else [str(name) for name in frappe.parse_json(names) or []]
	if rows is None and not event_producer:
		frappe.throw(_("Name rows of Event Sync Log, or an Event Producer."))
	work = adopting.preview if frappe.utils.cint(preview) else adopting.request_adopt
	return work(rows, event_producer, doctype)


@frappe.whitelist()
def causes(event_producer: str | None = None) -> list[dict[str, Any]]:
	"""Why events have failed, are tried again or are in conflict, most events first; of one producer if named."""
	frappe.only_for(ADMIN)
	return listing.open_causes_of(event_producer)


@frappe.whitelist(methods=["POST"])
def retry_cause(cause: str) -> dict[str, Any]:
	"""Try all events of a cause again, many in the background; returns how many were tried, and how many took effect."""
	frappe.only_for(ADMIN)
	return acting.retry(cause)


@frappe.whitelist(methods=["POST"])
def skip_cause(cause: str, reason: str) -> dict[str, Any]:
	"""Apply none of the events of a cause, for a reason that stands in the audit log; many in the background."""
	frappe.only_for(ADMIN)
	return acting.skip(cause, reason)


@frappe.whitelist(methods=["POST"])
def adopt_cause(cause: str, preview: bool | int = False) -> dict[str, Any]:
	"""Link the local documents whose names a cause's events found taken; with `preview` it is only said which."""
	frappe.only_for(ADMIN)
	return acting.adopt(cause, bool(frappe.utils.cint(preview)))


@frappe.whitelist()
def values_of_cause(cause: str) -> dict[str, Any]:
	"""The values that lack an entry in a value map, for a cause of that kind: {"value_map", "values"}."""
	frappe.only_for(ADMIN)
	return listing.values_without_entry(cause)


@frappe.whitelist(methods=["POST"])
def add_to_value_map(cause: str, value_map: str, pairs: str | dict) -> dict[str, Any]:
	"""Enter {value of the producer's: value here} into a value map, and try the events that lacked them again."""
	frappe.only_for(ADMIN)
	given = frappe.parse_json(pairs) or {}
	return acting.add_to_value_map(
		cause, value_map, {str(key): str(value or "") for key, value in given.items()}
	)


@frappe.whitelist(methods=["POST"])
def where_is(doctype: str, name: str, site: str | None = None, ask: bool | int = True) -> dict[str, Any]:
	"""Where a document is, on each connected site or the one named: how far its events have got, and why it is not there.

	For who may read the document. Each other site is asked, with a time limit; without `ask` none is.
	"""
	frappe.only_for(ADMIN)
	return tracing.where_is(doctype, name, site, bool(frappe.utils.cint(ask)))


@frappe.whitelist(methods=["POST"])
def verify(
	event_producer: str,
	doctypes: str | list | None = None,
	filters: str | dict | list | None = None,
	what_has_changed: bool | int = False,
) -> dict[str, Any]:
	"""Have a background job compare the documents of both sites; returns how far it has got. The task has the findings.

	With `what_has_changed`, in place of filters, only what either site knows to have changed since the last comparison.
	"""
	frappe.only_for(ADMIN)
	changed = bool(frappe.utils.cint(what_has_changed))
	return verifying.start_verify(event_producer, doctypes, filters, changed)


@frappe.whitelist(methods=["POST"])
def repair(
	event_producer: str,
	delete_extra: bool | int = False,
	verify_task: str | None = None,
	kinds: str | list | None = None,
) -> dict[str, Any]:
	"""Have a background job bring in line what a verify (by default the last) has compared; returns how far it has got.

	`kinds`: of Missing, Different and Extra those that are mended, by default all.
	"""
	frappe.only_for(ADMIN)
	chosen = None if kinds is None else frappe.parse_json(kinds)
	return repairing.start_repair(event_producer, bool(frappe.utils.cint(delete_extra)), verify_task, chosen)


@frappe.whitelist()
def export_setup() -> str:
	"""Producers, their rows, mappings, value maps and settings as one JSON file, without secrets."""
	frappe.only_for(ADMIN)
	return here.export()


@frappe.whitelist(methods=["POST"])
def apply_setup(
	setup: str | dict | None = None,
	recipe: str | None = None,
	event_producer: str | None = None,
	dry_run: bool | int = False,
	shown: str | None = None,
	for_new_producer: bool | int = False,
) -> dict[str, Any]:
	"""Apply a set-up file, or a recipe of this site; all of it, or nothing if anything is wrong. Returns what was changed.

	With `dry_run` it says what would change, or all that is wrong, and changes nothing. `event_producer`: the one that a file
	without an address is for. `shown` of an answer, given back, has it refused if something else would change by now.
	`for_new_producer`: the rows are given back for a form that is not saved yet.
	"""
	frappe.only_for(ADMIN)
	if bool(setup) == bool(recipe):
		frappe.throw(_("Give one: a set-up file or the name of a recipe."))
	content = own_recipes.recipe_content(recipe) if recipe else setup
	new = bool(frappe.utils.cint(for_new_producer))
	if frappe.utils.cint(dry_run):
		return applying.preview(content, event_producer, new)
	return applying.apply(content, event_producer, shown, new)


@frappe.whitelist()
def recipes() -> list[dict[str, Any]]:
	"""The recipes that the apps of this site bring."""
	frappe.only_for(ADMIN)
	return own_recipes.listed()


@frappe.whitelist(methods=["GET"])
def metrics() -> Response:
	"""The state of this site's streams for Prometheus, for System Managers and the role named in the settings."""
	role = get_settings().metrics_role
	if not {ADMIN, *([role] if role else [])}.intersection(frappe.get_roles()):
		frappe.throw(
			_("Metrics are for System Managers, and for the role that Event Streaming Settings name."),
			frappe.PermissionError,
		)
	return Response(exposition(), content_type=CONTENT_TYPE)


@frappe.whitelist(methods=["GET"], allow_guest=True, xss_safe=True)
def health() -> Response:
	"""For load balancers, to anybody: 200 and {"ok": true} if this site can answer, else 503. It says nothing else."""
	return healthy.health()


def _set_paused(event_producer: str | None, event_consumer: str | None, paused: bool) -> bool:
	frappe.only_for(ADMIN)
	return decisions.set_paused(*_one_of_both(event_producer, event_consumer), paused)


def _one_of_both(event_producer: str | None, event_consumer: str | None) -> tuple[str, str]:
	"""(DocType, name) of the one that is named."""
	if bool(event_producer) == bool(event_consumer):
		frappe.throw(_("Name one: an Event Producer or an Event Consumer."))
	return (PRODUCER, event_producer) if event_producer else (CONSUMER, event_consumer)

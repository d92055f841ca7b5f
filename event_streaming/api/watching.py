"""Commands over REST: how things stand: sites, connections, positions, metrics."""

from dataclasses import asdict
from typing import Any

import frappe
from werkzeug.wrappers import Response

from event_streaming.admin import health as healthy
from event_streaming.admin.connection import settings as set_up
from event_streaming.admin.connection import sites
from event_streaming.admin.connection import status as connections
from event_streaming.admin.connection import timeline as timelines
from event_streaming.admin.daily import findings
from event_streaming.admin.doctor.examination import examine
from event_streaming.admin.metrics import metrics as exposition
from event_streaming.admin.prometheus import CONTENT_TYPE
from event_streaming.admin.status import site_status
from event_streaming.admin.tracing import tracing
from event_streaming.messages.coded import _
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


@frappe.whitelist()
def connection_settings(site: str) -> dict[str, Any]:
	"""What matters of a connection's set-up, as labels and values; no secrets."""
	frappe.only_for(ADMIN)
	return set_up.settings(site)


@frappe.whitelist()
def map() -> dict[str, Any]:
	"""All sites that this one knows, and the streams between them and this one: rate, delay, what needs a person."""
	frappe.only_for(ADMIN)
	return sites.map_of_sites()


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
def where_is(doctype: str, name: str, site: str | None = None, ask: bool | int = True) -> dict[str, Any]:
	"""Where a document is, on each connected site or the one named: how far its events have got, and why it is not there.

	For who may read the document. Each other site is asked, with a time limit; without `ask` none is.
	"""
	frappe.only_for(ADMIN)
	return tracing.where_is(doctype, name, site, bool(frappe.utils.cint(ask)))


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

"""What the form of a streamed document says about it: which site it came from, which sites get it, and whether it is managed there.

Whoever may read the document sees the line; which sites get it, and the links to the logs, are for System Managers.
"""

from typing import Any, TypedDict

import frappe
from frappe import _

from event_streaming.admin.charts import ADMIN, SYNC_LOG, UPDATE_LOG, host
from event_streaming.admin.tracing.words import briefly
from event_streaming.admin.words import ago
from event_streaming.consumer.logs.figures import last_taken
from event_streaming.consumer.managed.guard import why
from event_streaming.consumer.managed.owning import free_fields, manager_of
from event_streaming.database.not_there_yet import unless_missing
from event_streaming.identity import registry
from event_streaming.producer.log.deliveries import DELIVERIES
from event_streaming.producer.reach.history import openly_sent_to
from event_streaming.producer.reach.withheld import (
	COMING,
	SENT,
	WITHHELD,
	Destination,
	asked_doctypes,
	destinations,
)
from event_streaming.producer.subscriptions.streamed import CONSUMER
from event_streaming.site.address import public_url
from event_streaming.site.refused import OWN_MODULE
from event_streaming.wire.tracing import PAUSED


class Line(TypedDict, total=False):
	"""One thing to say in the form, and where it leads to."""

	text: str
	color: str
	title: str
	route: list[str]
	route_options: dict[str, str]
	# fields that can be changed here all the same; only where the document is managed by its producer
	free: list[str]


def boot(bootinfo: Any) -> None:
	"""Hook: tells the Desk, when it is loaded, of which DocTypes a form has to ask."""
	if frappe.session.user == "Guest":
		return
	readable = set((bootinfo.get("user") or {}).get("can_read") or ())
	# the app may be there before its tables are: the Desk has to open all the same
	doctypes = unless_missing(lambda: asked_doctypes() | registry.local_doctypes(), set) & readable
	bootinfo["event_streaming"] = {"doctypes": sorted(doctypes)}


@frappe.whitelist()
def get_streams(doctype: str, name: str) -> list[Line]:
	"""What there is to say about a document: one line for the site it came from, one for the sites that get it."""
	if frappe.get_meta(doctype).module == OWN_MODULE:
		return []
	frappe.has_permission(doctype, "read", doc=name, throw=True)
	admin = ADMIN in frappe.get_roles()
	return [*managed_by(doctype, name), *came_from(doctype, name, admin), *goes_to(doctype, name, admin)]


def managed_by(doctype: str, name: str) -> list[Line]:
	"""That the form is read-only here, and why; nothing for the Event Subscriber, who may change it."""
	row = manager_of(doctype, name)
	if not row or row.user == frappe.session.user:
		return []
	free = free_fields(row, doctype)
	return [{"text": why(row, (doctype, name), [], free), "free": list(free)}]


def came_from(doctype: str, name: str, admin: bool) -> list[Line]:
	lines = []
	for row in registry.find_for_local(doctype, [name]).get(name, []):
		# a document that was first made here and came back from a site that it had gone to
		if registry.made_here(row):
			continue
		line: Line = {"text": _("Streamed from {0}").format(host(row.event_producer)), "color": "blue"}
		if admin:
			last = last_taken(row.event_producer, row.remote_doctype, row.remote_name)
			status = last.status if last else ""
			if status and status != "Synced":
				line |= {"text": f"{line['text']}: {_(status)}", "color": "orange"}
			line["title"] = " · ".join(
				filter(None, [row.remote_name, last and _("last event {0}").format(ago(last.creation))])
			)
			line |= {
				"route": ["List", SYNC_LOG],
				"route_options": {
					"event_producer": row.event_producer,
					"remote_doctype": row.remote_doctype,
					"producer_doc": row.remote_name,
				},
			}
		lines.append(line)
	return lines


def goes_to(doctype: str, name: str, admin: bool) -> list[Line]:
	if doctype not in asked_doctypes():
		return []
	found = destinations(doctype, name)
	if not admin:
		sent = any(each.state == SENT for each in found)
		return [{"text": _("Streamed to other sites"), "color": "green"}] if sent else []
	return [_line_to(doctype, name, each) for each in found]


def _line_to(doctype: str, name: str, found: Destination) -> Line:
	site, reason = host(found.site), _reason(doctype, name, found)
	line: Line = {
		"text": _("Streamed to {0}").format(site),
		"title": _("delivered {0}").format(ago(found.last)) if found.last else reason,
		"color": "green",
		"route": ["List", UPDATE_LOG],
		"route_options": {"ref_doctype": doctype, "docname": name},
	}
	if found.state == SENT:
		return line
	if found.state == COMING and not _is_paused(found):
		return {**line, "text": _("Not yet at {0}").format(site), "title": reason, "color": "blue"}
	# what would have to be changed is in the Event Consumer
	way: Line = {"route": ["Form", CONSUMER, found.site], "route_options": {}}
	if found.state == COMING:
		return {**line, **way, "text": _("Not yet at {0}: {1}").format(site, reason), "color": "blue"}
	text = _("Not sent to {0}: {1}").format(site, reason)
	return {**line, **way, "text": text, "color": "orange" if found.state == WITHHELD else "gray"}


def _reason(doctype: str, name: str, found: Destination) -> str:
	return briefly(found.reason, public_url(), found.site, (doctype, name)) if found.reason else ""


def _is_paused(found: Destination) -> bool:
	return bool(found.reason and found.reason.code == PAUSED)


@frappe.whitelist()
def not_delivered(event: str | int) -> list[str]:
	"""For the form of an event: each consumer to which it was not delivered, with the reason as it is now."""
	frappe.only_for(ADMIN)
	row = frappe.db.get_value(
		UPDATE_LOG, event, ["ref_doctype", "docname", "position", "origin"], as_dict=True
	)
	if not row or not frappe.db.exists(row.ref_doctype, row.docname):
		return []
	delivered = frappe.get_all(DELIVERIES, {"parent": str(event), "parenttype": UPDATE_LOG}, pluck="consumer")
	delivered += openly_sent_to(row.ref_doctype, row.position, row.origin)
	return [
		_("Not sent to {0}: {1}").format(each.site, _reason(row.ref_doctype, row.docname, each))
		for each in destinations(row.ref_doctype, row.docname)
		if each.state != SENT and each.site not in delivered
	]

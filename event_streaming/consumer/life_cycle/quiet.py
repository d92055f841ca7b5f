"""Writes documents without telling anybody: no mails, Notifications, webhooks, assignments, workflow mails, points, calendars.

Frappe's own switch for this (`frappe.flags.in_import`) changes what controllers do as well. So what tells is taken out of the
hooks of this request or job alone, and put back at the end, whatever happens. What else the life cycle does stays as it is.
Not silenced: what a hook tells in a background job of its own; it can ask `event_streaming.is_applying().quiet`.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import frappe

EMAIL_QUEUE = "Email Queue"
# hooks of Frappe that tell people or other systems, by their path in its package, each with the events in which it does
# nothing else (None: in none)
TELLERS = {
	"automation.doctype.assignment_rule.assignment_rule.apply": None,
	"social.doctype.energy_point_rule.energy_point_rule.process_energy_points": None,
	"integrations.doctype.google_calendar.google_calendar.insert_event_in_google_calendar": None,
	"integrations.doctype.google_calendar.google_calendar.update_event_in_google_calendar": None,
	"integrations.doctype.google_calendar.google_calendar.delete_event_from_google_calendar": None,
	"integrations.doctype.google_contacts.google_contacts.insert_contacts_to_google_contacts": None,
	"integrations.doctype.google_contacts.google_contacts.update_contacts_to_google_contacts": None,
	# with a deletion it only tidies up
	"workflow.doctype.workflow_action.workflow_action.process_workflow_actions": (
		"on_update",
		"on_update_after_submit",
		"on_cancel",
	),
}
# Frappe looks for Notifications after the hooks of each of these
EVENTS = (
	*("before_insert", "after_insert", "before_validate", "validate", "before_save", "on_update"),
	*("before_submit", "on_submit", "before_cancel", "on_cancel", "before_update_after_submit"),
	*("on_update_after_submit", "before_change", "on_change", "on_trash", "after_delete"),
	*("before_rename", "after_rename", "before_discard", "on_discard"),
)
HUSH = f"{__name__}.hush"
DROP_EMAIL = f"{__name__}.drop_email"


@contextmanager
def quietly(quiet: bool = True) -> Iterator[None]:
	"""Documents that are written inside the block tell nobody; with `quiet` False it changes nothing."""
	if not quiet:
		yield
		return
	local, hooks = frappe.local, frappe.get_doc_hooks()
	if hooks is (getattr(local, "event_streaming_quiet_hooks", None) or (None, None))[1]:
		# it is quiet already
		yield
		return
	muted = local.flags.mute_emails
	queued = len(getattr(local, "_webhook_queue", None) or ())
	local.doc_events_hooks = quiet_hooks(hooks)
	local.flags.mute_emails = True
	try:
		yield
	finally:
		local.doc_events_hooks = hooks
		local.flags.mute_emails = muted
		# Frappe sends these after the commit; if somebody has committed meanwhile, it has begun a new list
		del (getattr(local, "_webhook_queue", None) or [])[queued:]


def quiet_hooks(hooks: dict[str, dict[str, list[str]]]) -> dict[str, dict[str, list[str]]]:
	"""The hooks of documents without those that tell; made once for each state of them."""
	kept = getattr(frappe.local, "event_streaming_quiet_hooks", None)
	if kept and kept[0] is hooks:
		return kept[1]
	quiet: dict[str, dict[str, list[str]]] = {
		doctype: {
			event: [each for each in handlers if not tells(each, event)] for event, handlers in by.items()
		}
		for doctype, by in hooks.items()
	}
	for event in EVENTS:
		# before what else looks at the document in this event
		quiet.setdefault("*", {}).setdefault(event, []).insert(0, HUSH)
	quiet.setdefault(EMAIL_QUEUE, {}).setdefault("after_insert", []).append(DROP_EMAIL)
	frappe.local.event_streaming_quiet_hooks = hooks, quiet
	return quiet


def tells(handler: str, event: str) -> bool:
	path = handler.partition(".")[2]
	return path in TELLERS and (TELLERS[path] is None or event in TELLERS[path])


def hush(doc: Any, method: str, *args: Any) -> None:
	"""For Frappe, all Notifications of the document have been sent.

	Once in each insert and save, which begin with a new list: by that, capture tells them apart.
	"""
	if not isinstance(doc.flags.notifications_executed, Everything):
		doc.flags.notifications_executed = Everything()


def drop_email(doc: Any, method: str, *args: Any) -> None:
	"""Muted mails are written into Email Queue all the same, and go out from there afterwards."""
	frappe.db.delete("Email Queue Recipient", {"parent": doc.name})
	frappe.db.delete(EMAIL_QUEUE, {"name": doc.name})


class Everything(list):
	"""Holds whatever is looked for. A class, because hooks may pickle the document into a job."""

	def __contains__(self, _name: object) -> bool:
		return True

	def append(self, _name: object) -> None:
		pass

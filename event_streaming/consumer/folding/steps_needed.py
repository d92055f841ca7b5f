"""Who on this site wants each step of a document, so that its events are applied one by one.

What makes a document right (a controller's `validate`, hooks of the same kind, `event_streaming_before_apply` for all DocTypes) sees the
last state and is enough once. What is told of a change once it is made is not: an app's hook for `on_update`, a webhook, a workflow.
Asked once a page for each DocType that has events to be put together.
"""

import frappe
from frappe.model.document import Document
from frappe.utils import cint

from event_streaming.adapters.calls import AFTER_APPLY, BEFORE_APPLY, named_hooks
from event_streaming.consumer.subscriptions.subscription import Subscription
from event_streaming.wire.matching import NAME

# told of every change; others are told as often as before, or make the document right
TOLD = ("on_update", "on_change", "on_update_after_submit")
# of a document that is inserted and submitted in one, Frappe does not call it: what an app sets there would not be set
ONLY_OF_DRAFTS = ("before_save",)
# Frappe, whatever its package is called, and this app: what they have to do with followers is asked below
OURS = (Document.__module__.partition(".")[0], "event_streaming")
# documents of Frappe's by which people of this site follow others: DocType, field with theirs, filters
FOLLOWERS = (
	(
		"Server Script",
		"reference_doctype",
		{
			"script_type": "DocType Event",
			"disabled": 0,
			"doctype_event": ["in", ["After Save", "After Save (Submitted Document)", "On Change"]],
		},
	),
	("Milestone Tracker", "document_type", {"disabled": 0}),
)
# nor these where nobody is told anyhow
LOUD_FOLLOWERS = (
	("Webhook", "webhook_doctype", {"enabled": 1, "webhook_docevent": ["in", TOLD]}),
	("Notification", "document_type", {"enabled": 1, "event": ["in", ["Save", "Value Change", "Method"]]}),
	("Assignment Rule", "document_type", {"disabled": 0}),
)


def are_needed(subscription: Subscription) -> bool:
	"""Whether the events of a DocType are applied one by one."""
	if subscription.one_by_one or subscription.unsubscribed or subscription.mapping:
		return True
	if subscription.together:
		# what can't be applied takes the others of its transaction along, each by itself
		return True
	if subscription.add_up or subscription.match_by not in ((), (NAME,)):
		# what is added is in each event; what is matched is what a document was when it was made, but for its name
		return True
	doctype = subscription.local_doctype
	if not frappe.db.exists("DocType", doctype, cache=True):
		return True
	meta = frappe.get_meta(doctype)
	if any(cint(meta.get(kind)) for kind in ("issingle", "is_tree", "istable", "is_virtual")):
		return True
	return bool(meta.get_workflow()) or has_hooks(doctype) or is_followed(subscription)


def has_hooks(doctype: str) -> bool:
	"""Whether another app than the DocType's own wants to be told of it."""
	if named_hooks(BEFORE_APPLY, doctype) or named_hooks(AFTER_APPLY, doctype, "*"):
		return True
	own = own_app(doctype)
	by_doctype = frappe.get_doc_hooks()
	return any(
		path.partition(".")[0] not in (*OURS, own)
		for each in (doctype, "*")
		for event in (*TOLD, *ONLY_OF_DRAFTS)
		for path in (by_doctype.get(each) or {}).get(event) or []
	)


def own_app(doctype: str) -> str:
	"""The app that a DocType belongs to; "" of one that was made on this site."""
	meta = frappe.get_meta(doctype)
	if cint(meta.get("custom")):
		return ""
	return (frappe.local.module_app or {}).get(frappe.scrub(meta.module)) or ""


def is_followed(subscription: Subscription) -> bool:
	"""Whether something that people of this site have set up looks at each change, or another site takes from here what meets a
	condition: a document may have met it in the middle."""
	doctype = subscription.local_doctype
	followers = FOLLOWERS if subscription.no_notifications else (*FOLLOWERS, *LOUD_FOLLOWERS)
	if any(frappe.db.exists(each, {fieldname: doctype, **filters}) for each, fieldname, filters in followers):
		return True
	rows = frappe.get_all(
		"Event Consumer Document Type",
		filters={"ref_doctype": doctype, "status": "Approved", "unsubscribed": 0},
		pluck="condition",
	)
	return any((condition or "").strip() for condition in rows)

"""The workspace stands under Automation: on Frappe 16 in the sidebar of that name, on Frappe 15 below the workspace of
that module. Frappe's own files know nothing of it, and put theirs back with an update, so it is seen to after each migration.
"""

import frappe

from event_streaming.site.roles import ADMIN

WORKSPACE, PARENT_MODULE = "Event Streaming", "Automation"
SIDEBAR, SIDEBAR_ITEM = "Workspace Sidebar", "Workspace Sidebar Item"


def may_see_app() -> bool:
	"""Hook: whether the user has the app on the screen of apps, and on Frappe 16 on the desktop: who looks after streams."""
	return ADMIN in frappe.get_roles()


def stand_under_automation() -> None:
	"""Hook after installing and migrating: add what is missing."""
	if frappe.db.exists("DocType", SIDEBAR):
		_add_to_sidebar()
		return
	# the same filter in frappe.db.get_value finds no empty text on 15
	parents = frappe.get_all(
		"Workspace",
		{"module": PARENT_MODULE, "public": 1, "parent_page": ["is", "not set"]},
		pluck="title",
		order_by="sequence_id asc",
		limit=1,
	)
	parent = parents[0] if parents else None
	if parent and frappe.db.get_value("Workspace", WORKSPACE, "parent_page") != parent:
		frappe.db.set_value("Workspace", WORKSPACE, "parent_page", parent, update_modified=False)


def _add_to_sidebar() -> None:
	place = {"parent": PARENT_MODULE, "parenttype": SIDEBAR}
	if not frappe.db.exists(SIDEBAR, PARENT_MODULE) or frappe.db.exists(
		SIDEBAR_ITEM, {**place, "link_to": WORKSPACE}
	):
		return
	# not by saving the sidebar: in developer mode that writes into Frappe's own files
	item = frappe.get_doc(
		{
			"doctype": SIDEBAR_ITEM,
			**place,
			"parentfield": "items",
			"idx": frappe.db.count(SIDEBAR_ITEM, place) + 1,
			"type": "Link",
			"label": WORKSPACE,
			"link_type": "Workspace",
			"link_to": WORKSPACE,
			"icon": "refresh-cw",
		}
	)
	item.db_insert()
	frappe.clear_document_cache(SIDEBAR, PARENT_MODULE)


def leave_automation() -> None:
	"""When the app is removed; the workspace itself goes with its module."""
	if frappe.db.exists("DocType", SIDEBAR):
		frappe.db.delete(SIDEBAR_ITEM, {"link_to": WORKSPACE, "link_type": "Workspace"})
		frappe.clear_document_cache(SIDEBAR, PARENT_MODULE)

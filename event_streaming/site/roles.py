"""Who may do what in the name of a site: the role *Event Subscriber*, and System Manager.

The role alone gives a user nothing but the calls of its own Event Consumer; what it may read stands in the rights of its
other roles. It gives nobody a desk.
"""

import frappe

SUBSCRIBER = "Event Subscriber"
ADMIN = "System Manager"
ADMINISTRATOR = "Administrator"
# either will do for the calls of a consumer
MAY_SUBSCRIBE = (SUBSCRIBER, ADMIN)


def make_role() -> None:
	"""Before the DocTypes are synced: Frappe would make a role that it misses there, with access to the Desk."""
	if not frappe.db.exists("Role", SUBSCRIBER):
		frappe.get_doc({"doctype": "Role", "role_name": SUBSCRIBER, "desk_access": 0}).insert(
			ignore_permissions=True
		)


def remove_role() -> None:
	"""When the app is removed: the role, and every right and user that has it."""
	for table in ("Has Role", "Custom DocPerm", "DocPerm"):
		frappe.db.delete(table, {"role": SUBSCRIBER})
	frappe.delete_doc("Role", SUBSCRIBER, force=True, ignore_missing=True, ignore_permissions=True)
	frappe.db.delete("Deleted Document", {"deleted_doctype": "Role", "deleted_name": SUBSCRIBER})


def may_subscribe(user: str) -> bool:
	"""Whether another site may take documents in this user's name."""
	return not set(MAY_SUBSCRIBE).isdisjoint(frappe.get_roles(user))


def only_for_subscribers() -> None:
	"""Raise frappe.PermissionError for whoever has neither of the two roles."""
	frappe.only_for(MAY_SUBSCRIBE)


def has_only_as_subscriber(user: str, doctype: str, right: str = "read") -> bool:
	"""Whether the user's right to a DocType of ours comes from the role Event Subscriber and from no other role."""
	roles = set(frappe.get_roles(user))
	if user == ADMINISTRATOR or SUBSCRIBER not in roles:
		return False
	others = roles - {SUBSCRIBER}
	return not any(
		perm.role in others and not perm.permlevel and perm.get(right)
		for perm in frappe.get_meta(doctype).permissions
	)

"""Who may do what in the name of a site: the role *Event Subscriber*, and System Manager.

The role alone gives a user nothing but the calls of its own Event Consumer; what it may read stands in the rights of its
other roles. It gives nobody a desk.
"""

from collections.abc import Iterable

import frappe
from frappe.model.base_document import get_controller
from frappe.model.document import Document
from frappe.permissions import AUTOMATIC_ROLES, setup_custom_perms
from frappe.utils.user import get_users_with_role

from event_streaming.exceptions import EventStreamingError
from event_streaming.messages.coded import _
from event_streaming.wire.invitations import DOMAIN

SUBSCRIBER = "Event Subscriber"
ADMIN = "System Manager"
ADMINISTRATOR = "Administrator"
# one for each DocType, for the users that invitations make: 'Event Streaming Reads Item'
READS, WRITES = "Event Streaming Reads ", "Event Streaming Writes "
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
	ours = [
		SUBSCRIBER,
		*frappe.get_all("Role", {"name": ["like", f"{READS}%"]}, pluck="name"),
		*frappe.get_all("Role", {"name": ["like", f"{WRITES}%"]}, pluck="name"),
	]
	for role in ours:
		for table in ("Has Role", "Custom DocPerm", "DocPerm"):
			frappe.db.delete(table, {"role": role})
		frappe.delete_doc("Role", role, force=True, ignore_missing=True, ignore_permissions=True)
		frappe.db.delete("Deleted Document", {"deleted_doctype": "Role", "deleted_name": role})


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


# ---- users that invitations make


def make_stream_user(name: str, full_name: str, roles: Iterable[str]) -> None:
	"""The user in whose name one other site is dealt with: it has no password, gets no mail, and has these roles at least.

	Raises EventStreamingError for one that somebody has disabled.
	"""
	if not frappe.db.exists("User", name):
		doc = frappe.new_doc("User")
		doc.update({"email": name, "first_name": full_name[:140], "enabled": 1, "send_welcome_email": 0})
		# Frappe would take the full name, which another user for the same site may have, and would say so to the person
		doc.username = name.partition("@")[0]
		doc.flags.no_welcome_mail = True
	else:
		doc = frappe.get_doc("User", name, for_update=True)
		if not doc.enabled:
			frappe.throw(
				_("The user {0} was disabled here: enable it first.").format(name), EventStreamingError
			)
	missing = set(roles) - {row.role for row in doc.get("roles") or []}
	if not doc.is_new() and not missing:
		return
	for role in sorted(missing):
		doc.append("roles", {"role": role})
	doc.flags.ignore_permissions = True
	doc.save()


def people_to_tell() -> list[str]:
	"""The mail addresses of those who look after this site: System Managers, but nobody in whose name another site is dealt with.

	Where there is nobody else, those who use their own account for that; without these Administrator, who sees it in the Desk.
	"""
	users = [user for user in get_users_with_role(ADMIN) if not user.endswith(f"@{DOMAIN}")]
	connected = {
		*frappe.get_all("Event Producer", pluck="user"),
		*frappe.get_all("Event Consumer", pluck="user"),
	}
	people = [user for user in users if user not in connected] or users or [ADMINISTRATOR]
	emails = frappe.get_all(
		"User", {"name": ["in", people], "enabled": 1}, pluck="email", order_by="email asc"
	)
	return [email for email in emails if email]


def still_let_in(without: str = "") -> dict[str, list[str]]:
	"""Users that invitations have made for other sites, whose keys are good here and that no connection is with any more -> the DocTypes
	that they were given to read. `without` is an Event Consumer that is about to go.

	Disabled ones too: Frappe 15 goes on accepting their keys."""
	users = frappe.get_all(
		"User",
		{"name": ["like", f"stream-%@{DOMAIN}"], "api_key": ["is", "set"]},
		pluck="name",
		order_by="name asc",
	)
	used = {
		*frappe.get_all("Event Producer", pluck="user"),
		*frappe.get_all("Event Consumer", {"name": ["!=", without]}, pluck="user"),
	}
	given: dict[str, list[str]] = {user: [] for user in users if user not in used}
	roles = {"parenttype": "User", "parent": ["in", list(given)], "role": ["like", f"{READS}%"]}
	for row in frappe.get_all("Has Role", roles, ["parent", "role"], order_by="role asc") if given else ():
		given[row.parent].append(row.role.removeprefix(READS))
	# the role alone reads nothing: one that is about to join has no more
	return {user: doctypes for user, doctypes in given.items() if doctypes}


def has_right(user: str, doctype: str, right: str) -> bool:
	"""Whether one of the user's roles gives the right to all documents of a DocType, not only to its own.

	A role that everybody has does not count: with no other one a controller shows each user only their own documents, as ToDo's does.
	"""
	roles = set(frappe.get_roles(user)).difference(AUTOMATIC_ROLES)
	return any(
		perm.role in roles and not perm.permlevel and not perm.if_owner and perm.get(right)
		for perm in frappe.get_meta(doctype).permissions
	)


def has_right_to_all(doctype: str, right: str) -> bool:
	"""Whether the session's user has the right to every document of the DocType, whatever document it is: nothing that Frappe would ask
	of a single one stands in the way. Where that can't be proven, no.
	"""
	user = frappe.session.user
	rights = frappe.permissions.get_role_permissions(frappe.get_meta(doctype), user)
	# not of a share, and not of documents of its own alone
	if not rights.get(right) or right in (rights.get("if_owner") or {}):
		return False
	if frappe.permissions.get_user_permissions(user) or hooks_for("has_permission", doctype):
		return False
	return get_controller(doctype).has_permission is Document.has_permission


def hooks_for(hook: str, doctype: str) -> bool:
	"""Whether an app is asked by this hook about documents of the DocType."""
	asked = frappe.get_hooks(hook)
	return bool(asked.get(doctype) or asked.get("*"))


def reading_role(doctype: str) -> str:
	"""The role that may read documents of a DocType, and nothing else. It is made where it is missing."""
	return _role_for(f"{READS}{doctype}", doctype, ("read",))


def writing_role(doctype: str) -> str:
	"""The role that may do all with documents of a DocType that an event can ask for. It is made where it is missing."""
	meta = frappe.get_meta(doctype)
	rights = ["read", "write"]
	if not meta.issingle:
		rights += ["create", "delete"]
	if meta.is_submittable:
		rights += ["submit", "cancel", "amend"]
	return _role_for(f"{WRITES}{doctype}", doctype, rights)


def _role_for(role: str, doctype: str, rights: Iterable[str]) -> str:
	if not frappe.db.exists("Role", role):
		frappe.get_doc({"doctype": "Role", "role_name": role, "desk_access": 0}).insert(
			ignore_permissions=True
		)
	wanted = dict.fromkeys(rights, 1)
	known = {"parent": doctype, "role": role, "permlevel": 0, "if_owner": 0}
	# a DocType goes by its own rights until it has one of these: they are copied first
	setup_custom_perms(doctype)
	if not frappe.db.exists("Custom DocPerm", {**known, **wanted}):
		name = frappe.db.get_value("Custom DocPerm", known)
		doc = frappe.get_doc("Custom DocPerm", name) if name else frappe.new_doc("Custom DocPerm")
		doc.update({**known, "parenttype": "DocType", "parentfield": "permissions", **wanted})
		doc.save(ignore_permissions=True)
	return role

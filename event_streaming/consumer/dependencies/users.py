"""A user who is named by a streamed document and missing here: made disabled, without roles, keys or password.

Which of the three ways is taken (make, replace, fail) is decided by the caller from Event Streaming Settings.
"""

import frappe

from event_streaming.consumer.unit_of_work.lost_transaction import hooks_run
from event_streaming.identity.origin import writing

NAMES = ("first_name", "last_name")


def disabled_user(name: str, remote: dict | None = None) -> dict:
	"""What the new User holds: of the remote one nothing but the person's name."""
	names = {field: str(remote[field]) for field in NAMES if remote and remote.get(field)}
	return {
		"doctype": "User",
		"name": name,
		"email": name,
		"first_name": name.partition("@")[0],
		**names,
		"enabled": 0,
		"send_welcome_email": 0,
		"user_type": "Website User",
	}


def insert_disabled_user(data: dict) -> str:
	"""Make the user that `disabled_user` describes; returns its name. The subscriber need not be allowed to."""
	doc = frappe.get_doc(data)
	doc.flags.ignore_permissions = True
	doc.flags.no_welcome_mail = True
	doc.flags.ignore_password_policy = True
	before = frappe.flags.in_import
	# Frappe refuses more than 60 new users an hour, except in an import
	frappe.flags.in_import = True
	hooks_run()
	# a user is named by the address alone
	writing("User", data["name"])
	try:
		doc.insert()
	finally:
		frappe.flags.in_import = before
	return doc.name

"""What Frappe is not to take as a login: the keys that stand on our documents are for other sites.

A request may name another DocType than User in the header `Frappe-Authorization-Source`: then Frappe 15 looks there for the API
key, and lets whoever knows key and secret in as the document's `user`. An Event Producer has such fields, and its producer knows both.
"""

import frappe

NOT_FOR_LOGIN = ("event producer", "event consumer")


def refuse_our_documents() -> None:
	"""The hook `auth_hooks`, for every request. Raises frappe.AuthenticationError."""
	source = frappe.get_request_header("Frappe-Authorization-Source") or ""
	if source.strip().casefold() in NOT_FOR_LOGIN:
		raise frappe.AuthenticationError

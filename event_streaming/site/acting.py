"""Acting as another user for a while, also inside a person's own web request."""

from collections.abc import Iterator
from contextlib import contextmanager

import frappe


@contextmanager
def acting_as(user: str) -> Iterator[None]:
	"""Permissions and stamps inside the block are `user`'s.

	`frappe.set_user` alone also empties the session and the request's arguments; a person's browser session would be
	lost with the answer.
	"""
	session = frappe.local.session
	before, sid, data, form_dict = session.user, session.sid, session.data, frappe.local.form_dict
	frappe.set_user(user)
	try:
		yield
	finally:
		frappe.set_user(before)
		session.sid, session.data, frappe.local.form_dict = sid, data, form_dict

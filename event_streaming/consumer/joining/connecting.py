"""Makes the Event Producer of a site that this one has joined, or adds rows to it, and the user in whose name documents are saved.

Saving it registers this site there, as a person's saving does. Never commits.
"""

from typing import Any

import frappe

from event_streaming.adapters.doctypes import also_written
from event_streaming.consumer.joining.asking import PRODUCER
from event_streaming.consumer.subscriptions.subscription import subscriptions_of
from event_streaming.exceptions import WrongSite
from event_streaming.messages.coded import _
from event_streaming.site.roles import ADMIN, ADMINISTRATOR, has_right, make_stream_user, writing_role

# what events may ask for, as far as the DocType knows it
RIGHTS = ("read", "write", "create", "delete")


def make_user(user: str, address: str, doctypes: list[str]) -> None:
	"""The user here: System Manager, as each Event Subscriber, and with the rights that it lacks then on the DocTypes and on what their
	life cycles write beside them."""
	if user == ADMINISTRATOR:
		return
	make_stream_user(user, _("Event Streaming: {0}").format(address), [ADMIN])
	wanted = dict.fromkeys((*doctypes, *also_written(doctypes)))
	missing = [doctype for doctype in wanted if not may_write(doctype, user)]
	if missing:
		make_stream_user(user, user, [writing_role(doctype) for doctype in missing])


def may_write(doctype: str, user: str) -> bool:
	meta = frappe.get_meta(doctype)
	rights = RIGHTS[:2] if meta.issingle else RIGHTS
	if meta.is_submittable:
		rights = (*rights, "submit", "cancel", "amend")
	return all(has_right(user, doctype, right) for right in rights)


def connect(
	producer: Any, address: str, site_id: str, user: str, keys: tuple[str, str], rows: list[dict[str, Any]]
) -> Any:
	"""Make or complete the Event Producer, which registers; returns it. `keys` are new ones, or empty.

	`rows` are values of its rows. What it has for a DocType already is left alone. Raises the Remote* errors and WrongSite.
	"""
	if producer is None:
		doc = frappe.new_doc(PRODUCER)
		doc.producer_url = address
	else:
		doc = frappe.get_doc(PRODUCER, producer.name, for_update=True)
	if keys[0]:
		doc.update({"user": user, "api_key": keys[0], "api_secret": keys[1]})
	known = subscriptions_of(doc) if producer is not None else {}
	missing = [row for row in rows if remote_of(row) not in known]
	for row in missing:
		doc.append("producer_doctypes", row)
	if missing or keys[0]:
		doc.save()
	if doc.site_id and doc.site_id != site_id:
		frappe.throw(
			_("At {0} another site answers than the one that has made the code.").format(doc.name), WrongSite
		)
	return doc


def remote_of(row: dict[str, Any]) -> str:
	"""What the producer calls the documents of a row."""
	if not row.get("mapping"):
		return row["ref_doctype"]
	return frappe.db.get_value("Document Type Mapping", row["mapping"], "remote_doctype") or ""

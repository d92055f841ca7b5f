"""Which site answers as a producer: the id that it was first met with is kept, and from then on another one is refused.

Writes Event Producer's `site_id`, and nothing else.
"""

import frappe

from event_streaming.exceptions import RemoteError, RemoteRefused, WrongSite
from event_streaming.messages.coded import _
from event_streaming.site.site_id import PRODUCER, own_id
from event_streaming.wire.checks import as_site_id
from event_streaming.wire.paths import SITE_ID


def ask_first(doc, client) -> None:
	"""Before this site registers with a producer that it has not met: which site is it? Nothing has been sent to it by then.

	Raises WrongSite for this site itself, and for one that is an Event Producer under another address.
	"""
	if doc.get("site_id"):
		return
	try:
		answer = client.call(SITE_ID)
	except (RemoteError, RemoteRefused):
		# an older version, or keys that are not accepted: the registration says so better
		return
	keep_met(doc, answer.get("site_id") if isinstance(answer, dict) else None)


def keep_met(doc, said: object) -> None:
	"""An answer of the producer says which site it is; "" and None: it says nothing, as older versions do. Raises WrongSite."""
	met = as_site_id(said)
	if not met or met == doc.get("site_id"):
		return
	if doc.get("site_id"):
		raise WrongSite(explain_other(doc.name, doc.site_id, met), met)
	refuse_known(doc.name, met)
	table = frappe.qb.DocType(PRODUCER)
	# two pulls may meet it first: what one has kept the other does not replace
	(
		frappe.qb.update(table)
		.set(table.site_id, met)
		.where((table.name == doc.name) & (table.site_id.isnull() | (table.site_id == "")))
		.run()
	)
	doc.site_id = met


def explain_other(name: str, kept: str, met: str) -> str:
	return _(
		"At {0} another site answers than the one that this connection is with: {1} is expected, {2} answers. Nothing is taken from it."
		" If it has taken the place of the other, press Accept the New Site on the Event Producer; if not, correct the address (DNS, proxy)."
	).format(name, kept, met)


def refuse_known(name: str, met: str) -> None:
	if met == own_id():
		raise WrongSite(
			_(
				"{0} is this site itself under another address, or a copy of it. On a copy, press New Site Id in its Event Streaming"
				" Settings."
			).format(name),
			met,
		)
	if other := frappe.db.get_value(PRODUCER, {"site_id": met, "name": ["!=", name]}):
		raise WrongSite(
			_(
				"{0} leads to the same site as the Event Producer {1} ({2}): put the Document Types into that one. If {0} is a copy of"
				" it, press New Site Id in its Event Streaming Settings."
			).format(name, other, met),
			met,
		)

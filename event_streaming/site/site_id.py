"""Which site this is: an id, made when the app is installed and kept in the database, whatever address leads here.

A restored backup is the same site; a copy under another address has to be given an id of its own. Each request says who sends it
and whom it is for, so that a site which was not meant refuses it.
"""

import uuid

import frappe

from event_streaming.exceptions import WrongSite
from event_streaming.messages.coded import _
from event_streaming.site.address import public_url
from event_streaming.site.settings import DOCTYPE, get_settings
from event_streaming.wire.checks import as_site_id

# of every request between two sites: who sends it, and whom it is for
SENDER, MEANT_FOR = "X-Event-Streaming-Site", "X-Event-Streaming-For"
PRODUCER, CONSUMER, STATE = "Event Producer", "Event Consumer", "Event Producer Last Update"


def own_id() -> str:
	"""The id of this site; "" where none has been made."""
	return get_settings().site_id


def make_id() -> str:
	"""Give this site a new id, and return it."""
	site_id = str(uuid.uuid4())
	# not as a document: whatever else is wrong with the settings is no reason to have none
	frappe.db.set_single_value(DOCTYPE, "site_id", site_id)
	frappe.clear_document_cache(DOCTYPE, DOCTYPE)
	return site_id


def make_id_if_missing() -> None:
	if not frappe.db.get_single_value(DOCTYPE, "site_id", cache=False):
		make_id()


def sender_id() -> str:
	"""The id of the site that sends the request which is being answered; "" where it says none."""
	return as_site_id(_header(SENDER))


def refuse_if_for_another() -> None:
	"""Raises WrongSite when the request was meant for a site with another id: nothing of it is done here."""
	meant, own = as_site_id(_header(MEANT_FOR)), own_id()
	if meant and own and meant != own:
		# for the other side, which lets a person accept it
		frappe.local.response["site_id"] = own
		frappe.throw(
			_("{0} is the site {1}. The request is for the site {2}.").format(public_url(), own, meant),
			WrongSite,
		)


def others_with(site_id: str, doctype: str, name: str) -> list[tuple[str, str]]:
	"""(DocType, address) of whatever else here claims to be the same site under another address."""
	if not site_id:
		return []
	found = [
		(each, other)
		for each in (PRODUCER, CONSUMER)
		for other in frappe.get_all(each, {"site_id": site_id, "name": ["!=", name]}, pluck="name")
	]
	refused = frappe.get_all(
		STATE, {"other_site_id": site_id, "event_producer": ["!=", name]}, pluck="event_producer"
	)
	found += [(PRODUCER, other) for other in refused]
	if doctype == CONSUMER and (claimed := frappe.db.get_value(CONSUMER, name, "claimed_by")):
		found.append((CONSUMER, claimed))
	return list(dict.fromkeys(found))


def claimed_twice(site_id: str, doctype: str, name: str) -> str:
	"""What to tell a person of an id that two addresses claim; "" when only one does."""
	if site_id and site_id == own_id():
		return _(
			"{0} has the id of this site itself: it is this site under another address, or a copy of it. On a copy, press New Site"
			" Id in Event Streaming Settings."
		).format(name)
	others = ", ".join(other for _doctype, other in others_with(site_id, doctype, name))
	if not others:
		return ""
	return _(
		"{0} and {1} claim to be the same site ({2}). If one is a copy of the other, press New Site Id in the Event Streaming"
		" Settings of the copy. If both addresses lead to one site, keep one of them."
	).format(name, others, site_id)


def _header(name: str) -> str:
	request = getattr(frappe.local, "request", None)
	return (request.headers.get(name) or "") if request else ""

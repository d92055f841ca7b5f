"""Which site asks as a consumer: the id that it was first met with is kept, and from then on another one is refused."""

import frappe

from event_streaming.exceptions import WrongSite
from event_streaming.messages.coded import _
from event_streaming.producer.subscriptions.streamed import CONSUMER
from event_streaming.site.address import public_url
from event_streaming.site.site_id import own_id, refuse_if_for_another, sender_id


def check_consumer(consumer) -> None:
	"""Whether this site was meant, and the asking site is the one that `consumer` is kept for. Raises WrongSite.

	A site of an older version says no id; then nothing is checked. Commits what is kept.
	"""
	refuse_if_for_another()
	met = sender_id()
	if not met or met == consumer.get("site_id"):
		return
	if consumer.get("site_id"):
		refuse_other(consumer.name, consumer.site_id, met)
	refuse_known(consumer.name, met, consumer.user)
	table = frappe.qb.DocType(CONSUMER)
	# two requests may be the first ones: what one has kept the other does not replace
	(
		frappe.qb.update(table)
		.set(table.site_id, met)
		.where((table.name == consumer.name) & (table.site_id.isnull() | (table.site_id == "")))
		.run()
	)
	# what answers the request begins with no work open
	frappe.db.commit()
	consumer.site_id = met


def refuse_other(event_consumer: str, kept: str, met: str) -> None:
	"""Another site asks than the one that is on record. Commits what it is: a person may accept it."""
	_remember(event_consumer, other_site_id=met)
	frappe.throw(
		_(
			"{0} knows {1} as the site {2}; this is the site {3}. If it has taken the place of that one, have Accept the New Site"
			" pressed on the Event Consumer {1} there. If it is a copy or another site, correct its Public URL."
		).format(public_url(), event_consumer, kept, met),
		WrongSite,
	)


def refuse_known(callback_url: str, met: str, user: str) -> None:
	"""A site has one Event Consumer: with two, each of them would take a part of the events."""
	if met == own_id():
		frappe.throw(
			_(
				"{0} is {1} itself under another address, or a copy of it: a site can't subscribe to itself. On a copy, press New"
				" Site Id in its Event Streaming Settings."
			).format(callback_url, public_url()),
			WrongSite,
		)
	known = frappe.db.get_value(
		CONSUMER, {"site_id": met, "name": ["!=", callback_url]}, ["name", "user"], as_dict=True
	)
	if not known:
		return
	_remember(known.name, claimed_by=callback_url)
	frappe.throw(
		_(
			"The site {0} is registered on {1} already, as {2}. Set its Public URL back to that, or delete that Event Consumer"
			" there first. If {3} is a copy of that site, press New Site Id in its Event Streaming Settings."
		).format(met, public_url(), known.name if known.user == user else _("another address"), callback_url),
		WrongSite,
	)


def _remember(event_consumer: str, **values) -> None:
	"""For the form and the doctor. Commits: the refusal that follows undoes the rest."""
	(fieldname,) = values
	if frappe.db.get_value(CONSUMER, event_consumer, fieldname) != values[fieldname]:
		frappe.db.set_value(CONSUMER, event_consumer, values, update_modified=False)
		frappe.db.commit()

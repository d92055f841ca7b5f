"""What the Event Subscriber may do on both sites. Asks this site's rights; what the producer says comes as plain data."""

from collections.abc import Collection, Iterator, Mapping
from typing import Any

import frappe
from frappe.permissions import AUTOMATIC_ROLES

from event_streaming.adapters.doctypes import also_written
from event_streaming.consumer.checking.finding import GIVE_RIGHTS, MAY_HURT, STOPS, Found
from event_streaming.consumer.dependencies.unasked import unasked_of
from event_streaming.consumer.subscriptions.subscription import Subscription
from event_streaming.messages.coded import _
from event_streaming.site.roles import SUBSCRIBER

RIGHTS = ("create", "write", "delete")
OF_SUBMITTABLE = ("submit", "cancel")
# what Frappe makes on every site
ON_EVERY_SITE = frozenset(("Country", "Currency", "Gender", "Language", "Salutation"))


def rights_needed(single: bool, submittable: bool) -> tuple[str, ...]:
	"""What events of a DocType may need. Pure."""
	wanted = ("write",) if single else RIGHTS
	return (*wanted, *OF_SUBMITTABLE) if submittable else wanted


def roles_of(user: str) -> list[str]:
	"""Roles of the user that could be given rights: not those that everybody has, nor the one that neighbours' users have, too."""
	return sorted(set(frappe.get_roles(user)) - {*AUTOMATIC_ROLES, SUBSCRIBER})


def of_this_site(doctype: str, user: str) -> Iterator[Found]:
	meta = frappe.get_meta(doctype)
	wanted = rights_needed(bool(meta.issingle), bool(meta.is_submittable))
	lacking = [right for right in wanted if not frappe.has_permission(doctype, right, user=user)]
	frappe.clear_messages()
	if lacking:
		yield Found(
			STOPS if {"create", "write", "submit"} & set(lacking) else MAY_HURT,
			"rights",
			doctype,
			_("{0} has no right here to {1} {2}: such events fail.").format(
				user, ", ".join(lacking), _(doctype)
			),
			_("Give the rights to one of its roles in Role Permissions Manager."),
			GIVE_RIGHTS,
			{"rights": lacking, "roles": roles_of(user)},
		)


def of_what_is_written_too(doctype: str, user: str) -> Iterator[Found]:
	"""What the life cycle of a DocType makes beside its documents: without the right the document fails with it."""
	for other in also_written([doctype]):
		lacking = [
			right for right in ("create", "write") if not frappe.has_permission(other, right, user=user)
		]
		frappe.clear_messages()
		if lacking:
			yield Found(
				MAY_HURT,
				"rights",
				other,
				_("Saving {0} here can make {1}, which {2} has no right to {3}: such events fail.").format(
					_(doctype), _(other), user, ", ".join(lacking)
				),
				_("Give the rights to one of its roles in Role Permissions Manager."),
				GIVE_RIGHTS,
				{"rights": lacking, "roles": roles_of(user)},
			)


def of_the_producer(
	doctype: str, remote: str, user: str, producer: str, facts: Mapping[str, Any], both_ways: bool
) -> Iterator[Found]:
	"""`facts` are what the producer says of one DocType; `both_ways`: it takes documents of it from here, too. Pure, but for the
	words."""
	rights = facts.get("rights") or {}
	if facts.get("problem") == "not permitted":
		yield Found(
			STOPS,
			"rights",
			doctype,
			_("{0} may not read {1} on {2}: its events are held back.").format(user, remote, producer),
			_("Give the right to one of its roles there, in Role Permissions Manager."),
		)
	elif not facts.get("problem") and not facts.get("reads_all"):
		yield Found(
			MAY_HURT,
			"rights",
			doctype,
			_("{0} may read only some documents of {1} on {2}; the others are not sent.").format(
				user, remote, producer
			),
			_("Check its User Permissions and the permissions of {0} there.").format(remote),
		)
	schema = facts.get("schema") or {}
	needed = rights_needed(bool(schema.get("single")), bool(schema.get("submittable")))
	lacking = [right for right in needed if not rights.get(right)] if both_ways and schema else []
	if lacking:
		yield Found(
			STOPS,
			"rights",
			doctype,
			_(
				"{0} has no right to {1} {2} on {3}, which takes documents from here: such events fail there."
			).format(facts.get("writes_as") or user, ", ".join(lacking), remote, producer),
			_("Give the rights to one of its roles there, in Role Permissions Manager."),
		)


def of_linked(
	wanted: Subscription, doc: Any, unread: Collection[tuple[str, str]], others: Any
) -> Iterator[Found]:
	"""What documents there link to and the user may not read there: where it is not here, the document waits for it."""
	left = wanted.fields_this_site_decides
	unasked = unasked_of(doc, others)
	targets = {
		target
		for field, target in unread
		if target not in ON_EVERY_SITE
		and not {field, field.partition(".")[0]} & {*left}
		and not unasked.why_not(target)
	}
	if targets:
		yield Found(
			MAY_HURT,
			"links",
			wanted.local_doctype,
			_(
				"{0} links to what {1} may not read on {2}: {3}. A document that links to one that is not here waits."
			).format(
				_(wanted.local_doctype), doc.user, doc.name, ", ".join(sorted(_(each) for each in targets))
			),
			_("Give the right to read it to one of its roles there, or leave the field to this site."),
		)

"""The fields by which documents of a subscription are matched: here, and what the producer calls them. It only reads."""

from dataclasses import dataclass

import frappe

from event_streaming.consumer.mapping.records import FieldMapping
from event_streaming.consumer.mapping.store import MappingStore
from event_streaming.consumer.subscriptions.subscription import Subscription
from event_streaming.exceptions import CannotApply
from event_streaming.messages.coded import _
from event_streaming.wire.matching import NAME


@dataclass(frozen=True)
class MatchFields:
	"""Local fields, and the remote ones in the same order. `links` are the places of links to a DocType, as here."""

	local: tuple[str, ...]
	remote: tuple[str, ...]
	links: dict[int, str]

	@property
	def by_name(self) -> bool:
		return self.local == (NAME,)


def match_fields(subscription: Subscription) -> MatchFields | None:
	"""What the row's *Match By* says; None when it says nothing. Raises CannotApply when it can't be used."""
	local = subscription.match_by
	meta = frappe.get_meta(subscription.local_doctype)
	if not local or meta.issingle:
		return None
	links = {}
	for number, name in enumerate(local):
		df = meta.get_field(name)
		if df and df.fieldtype == "Link" and df.options != "DocType":
			links[number] = df.options
	return MatchFields(local, tuple(remote_field(subscription, name) for name in local), links)


def remote_field(subscription: Subscription, name: str) -> str:
	"""What the producer calls a local field; with a mapping, one whose values go over as they are."""
	if name == NAME or not subscription.mapping:
		return name
	rows: dict[str, FieldMapping] = {
		each.local_fieldname: each for each in MappingStore().get(subscription.mapping).fields
	}
	row = rows.get(name)
	if not row or not row.remote_fieldname or row.mapping_type or row.value_map:
		raise CannotApply(
			_(
				"Match By of {0}: the mapping {1} gives {2} no value of a remote field as it is, so that documents can't be matched by it."
			).format(_(subscription.local_doctype), subscription.mapping, name)
		)
	return row.remote_fieldname

"""Makes a remote document or difference fit this site: mapping, links to documents, and the documents they need.

It stands between applying an event and the modules that know about mappings and dependencies.
"""

from frappe.model.document import Document

from event_streaming.consumer.page import Work
from event_streaming.consumer.subscription import Subscription
from event_streaming.identity import RemoteKey


def localise_document(data: dict, key: RemoteKey, subscription: Subscription, work: Work) -> dict:
	"""The local document that the remote one becomes; what it links to is there afterwards."""
	return data


def localise_change(change: dict, key: RemoteKey, subscription: Subscription, work: Work) -> dict | None:
	"""The local difference that a remote one becomes; None when it touches nothing that is mapped."""
	return change


def set_later(doc: Document, key: RemoteKey, work: Work) -> None:
	"""Set the links of a new document that could not be set before the documents they point to were there."""

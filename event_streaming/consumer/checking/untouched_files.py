"""Files of documents that are only tried: nothing is asked for, fetched or written; a field for an attachment keeps the address that
it came with."""

from event_streaming.consumer.files.attached import Files
from event_streaming.consumer.subscriptions.subscription import Subscription
from event_streaming.identity.registry import LocalKey, RemoteKey
from event_streaming.wire.events import Event
from event_streaming.wire.files import RemoteFile


class UntouchedFiles(Files):
	"""Stands in for the files of a pull."""

	def ask_ahead(self, events: list[Event]) -> None:
		"""Nothing is asked."""

	def localise(self, doctype: str, data: dict, key: RemoteKey) -> dict:
		"""The document as it came."""
		return data

	def localise_before(self, doctype: str, data: dict, key: RemoteKey) -> dict:
		"""What fields held before, as it came."""
		return data

	def attach(self, remote: RemoteFile, owner: LocalKey, subscription: Subscription | None = None) -> str:
		"""No file is attached."""
		return ""

	def attach_all(self, files: list[RemoteFile], owner: LocalKey, subscription: Subscription | None) -> None:
		"""No file is attached."""

"""Errors by meaning: what happened decides what is done about it.

Never raised for a programming mistake; those keep their own Python classes.
"""

import frappe


class EventStreamingError(frappe.ValidationError):
	"""Base of everything this app raises on purpose."""


class RemoteUnavailable(EventStreamingError):
	"""The other site can't be reached or can't answer now: try again later.

	`retry_after` is the number of seconds that the other site asked for, or None; `timed_out` that it took the request and did not
	answer in time.
	"""

	http_status_code = 503

	def __init__(self, message: str = "", retry_after: float | None = None, timed_out: bool = False):
		super().__init__(message)
		self.retry_after = retry_after
		self.timed_out = timed_out


class RemoteRefused(EventStreamingError):
	"""The other site does not accept the keys or denies the permission (401, 403)."""

	http_status_code = 403


class WrongSite(RemoteRefused):
	"""Another site answers, or asks, than the one that the connection is with; `site_id` is whose id was met, where it is known."""

	def __init__(self, message: str = "", site_id: str = ""):
		super().__init__(message)
		self.site_id = site_id


class AddressNotAllowed(RemoteUnavailable):
	"""The address is outside of the networks that this site may be made to call; nothing was sent."""


class TooManyRegistrations(EventStreamingError):
	"""A user registers more often than is good for the sites that are called back."""

	http_status_code = 429


class RemoteError(EventStreamingError):
	"""The other site understood and said no: status and the name of its exception are kept."""

	def __init__(self, message: str = "", status: int = 0, exc_type: str = ""):
		super().__init__(message)
		self.status = status
		self.exc_type = exc_type


class InvitationRefused(EventStreamingError):
	"""A code was shown that is good for nothing, or not for who shows it; the message is for the administrator of the other site."""


class NotRegistered(EventStreamingError):
	"""The producer has no Event Consumer for the asking site."""

	http_status_code = 404


class NotFinished(EventStreamingError):
	"""Something unforeseen ended a request with keys in it; to the other site it is worth another try.

	Its status is one of those that mean so, and not 500: of a request that ends with that, Frappe logs all of its values.
	"""

	http_status_code = 425


class NameTaken(EventStreamingError):
	"""A local document that did not come from this producer has the name."""


class DependencyMissing(EventStreamingError):
	"""A document that an event's document links to can't be had at the moment."""


class WaitsForAnother(DependencyMissing):
	"""What a document needs waits for an event of its own: it is tried again for as long as that is open.

	`key` is (DocType, name) of what is waited for, as the producer calls it.
	"""

	def __init__(self, message: str, key: tuple[str, str]):
		super().__init__(message)
		self.key = key


class AsItIsNow(EventStreamingError):
	"""What an event says links to what can't be had any more: the document is brought as it is now, once all that was done for
	the event is undone. What is needed may have been half made. It never leaves `attempt`."""


class ConflictToSettle(EventStreamingError):
	"""Both sites have changed the same fields and a person is to decide; `conflicts` has both values of each field."""

	def __init__(self, message: str, conflicts: list[dict]):
		super().__init__(message)
		self.conflicts = conflicts


class PullRunning(EventStreamingError):
	"""Another process is pulling from the producer at the moment."""


class LaneLost(EventStreamingError):
	"""The events that this process works on are another's by now: what it has not committed is to be undone."""


class CannotApply(EventStreamingError):
	"""The event can't be applied here as things stand; trying again without a change won't help."""


class TransactionLost(EventStreamingError):
	"""Something other than the pull has undone the open transaction: what is not committed has to be done again."""


class RefusedDocType(EventStreamingError):
	"""The DocType may not be streamed between these sites."""


class FileNotSent(EventStreamingError):
	"""A file's content can't be given to another site as things stand."""


class FileGone(CannotApply):
	"""A file has been deleted on the producer since it was told of."""


class RowMissing(EventStreamingError):
	"""A row that has changed on the producer is not in the document here: only the whole document says what is right."""


class NotAsOne(EventStreamingError):
	"""Events of a document that were to be applied as one have to be applied one by one."""


class StepsNeeded(EventStreamingError):
	"""What several changes of a document have made together can't be applied as that: they have to come one by one. Nothing of the open
	transaction counts; `key` is (DocType, name) on the producer."""

	def __init__(self, key: tuple[str, str]):
		super().__init__(" ".join(key))
		self.key = key


class NotInARehearsal(EventStreamingError):
	"""Documents are only tried, and what was about to be done could not be taken back."""


class ManagedByProducer(EventStreamingError, frappe.PermissionError):
	"""A document that came from a producer was to be changed here, and the subscription leaves that to the producer."""

	http_status_code = 403


class BrokerUnavailable(EventStreamingError):
	"""The NATS server can't be reached, or does not do what it is asked: go on without it, or try again later."""

	http_status_code = 503


class BrokerMissing(EventStreamingError):
	"""The package that speaks with NATS servers is not installed here."""


class LineWaits(EventStreamingError):
	"""The line to a producer is not to be used now: for its hours, or for its bound. Work goes on later by itself."""

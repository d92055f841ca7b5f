"""For the buttons of the Desk: what the other site answered is shown, whatever its status.

The Desk shows a message of its own for an answer with 403, and drops the text.
"""

from collections.abc import Iterator
from contextlib import contextmanager

import frappe
from frappe import _

from event_streaming.exceptions import (
	EventStreamingError,
	NotRegistered,
	RemoteError,
	RemoteRefused,
	RemoteUnavailable,
)
from event_streaming.wire.checks import InvalidPage

OF_THE_OTHER_SITE = (RemoteUnavailable, RemoteRefused, RemoteError, NotRegistered, InvalidPage)


@contextmanager
def told_in_the_desk() -> Iterator[None]:
	"""Raises EventStreamingError with the text of what the other site, or the way to it, has raised inside."""
	try:
		yield
	except OF_THE_OTHER_SITE as error:
		text = str(error)
	else:
		return
	frappe.throw(text, EventStreamingError, title=_("The other site did not accept it"))

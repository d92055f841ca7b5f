"""What the scheduler calls. Nothing is decided here."""

import frappe

from event_streaming.consumer import pull
from event_streaming.producer import notify


def event_streaming_every_minute() -> None:
	"""Pull what is due and send the notifications that were lost: notifications only make things faster.

	A site is often both, a consumer and a producer: trouble with the one does not keep the other from being done.
	"""
	try:
		pull.pull_due()
	except Exception:
		frappe.db.rollback()
		raise
	finally:
		notify.minutely()

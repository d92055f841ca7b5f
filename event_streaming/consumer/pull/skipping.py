"""Skip: a person decides that events which have failed are not applied. Their documents stay as they are; what comes next of
them is applied again.
"""

from collections.abc import Iterable

import frappe

from event_streaming.consumer.logs import sync_log
from event_streaming.consumer.pull.by_hand import PRODUCER
from event_streaming.consumer.pull.requests import request_pull
from event_streaming.consumer.workers.crew import pull_lock
from event_streaming.exceptions import PullRunning
from event_streaming.messages.coded import _
from event_streaming.site import audit


def skip_logs(event_producer: str, names: Iterable[str], cause: str, reason: str) -> int:
	"""Skip those of a producer's rows that are open for this cause, in one transaction with who and why; returns how many.

	Raises PullRunning when a pull of the producer is running: it may be trying them.
	"""
	with pull_lock(event_producer) as taken:
		if not taken:
			frappe.throw(
				_("A pull from {0} is running: try again in a moment.").format(event_producer), PullRunning
			)
		# what is read from here on has what the last pull committed
		frappe.db.commit()
		told = _("Skipped by {0}: {1}").format(frappe.session.user, reason)
		skipped = sync_log.skip(names, cause, told)
		if skipped:
			values = {"reason": reason, "cause": cause, **audit.listed(skipped)}
			audit.record(audit.SKIPPED, PRODUCER, event_producer, None, values)
		frappe.db.commit()
	# what stood behind them may go on
	if skipped and frappe.db.exists(PRODUCER, event_producer):
		request_pull(event_producer)
	return len(skipped)

"""Comparing a producer's documents with those here, step by step: sums of digests, buckets that differ, documents in them.

The producer adds up digests of its documents in buckets, in requests of some seconds; this site adds up its own. Only of
buckets whose sums differ it asks for single digests, and only documents whose digests differ does it look at. Where only what has
changed since is wanted, there are no sums: see lately.py.

How far it has got stands in the task and is committed after each step. It commits, and changes no document.
"""

import frappe

from event_streaming.consumer.logs import state
from event_streaming.consumer.subscriptions import registration
from event_streaming.consumer.subscriptions.remote import Producer
from event_streaming.consumer.tasks import task
from event_streaming.consumer.tasks.slices import Slice
from event_streaming.consumer.verify.comparison import SUMS, Comparison, is_old
from event_streaming.consumer.verify.lately import list_changed
from event_streaming.consumer.verify.portions import LookAt, look_at_some
from event_streaming.consumer.verify.sums import list_some, sum_up
from event_streaming.exceptions import EventStreamingError, RemoteError
from event_streaming.http.client import is_unknown_method
from event_streaming.messages.coded import _
from event_streaming.wire.pages import PROTOCOL
from event_streaming.wire.paths import DIGESTS


def check_slice(part: Slice, doc, producer: Producer, look: LookAt) -> bool:
	"""Step after step until the end or the deadline; returns whether all is done."""
	kept = registration.ensure_registered(doc, producer, state.load_state(doc.name))
	if kept.protocol < PROTOCOL:
		raise EventStreamingError(
			_("{0} runs the older app, which can't compare documents: install this one there.").format(
				doc.name
			)
		)
	try:
		return run(Comparison(part, doc, producer), look)
	except RemoteError as error:
		if is_unknown_method(error, DIGESTS):
			raise EventStreamingError(
				_(
					"{0} runs a version of this app that can't compare documents yet: update it there first."
				).format(doc.name)
			) from error
		raise


def run(check: Comparison, look: LookAt) -> bool:
	if not check.task.place:
		check.begin()
	elif check.remote and check.task.place["stage"] == SUMS and is_old(check.task):
		# sums of today and of a time long past would be compared
		check.restart_doctype()
	check.part.measure()
	while check.remote:
		if not check.part.see_that_line_is_free(check.remote, check.producer.line):
			return False
		if check.task.place["stage"] == SUMS:
			sum_up(check)
		elif check.task.place["suspects"]:
			if not look_at_some(check, look):
				return False
		elif check.task.place["left"]:
			list_some(check)
		elif check.task.place.get("changed"):
			list_changed(check)
		else:
			check.next_doctype()
		check.part.measure()
		task.save_progress(check.task)
		frappe.db.commit()
		check.part.tell()
		if not task.is_active(check.task):
			return True
		if check.part.over:
			return not check.remote
	return True

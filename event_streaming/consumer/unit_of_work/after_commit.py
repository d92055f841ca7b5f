"""What a document's life cycle has left to do after the commit: jobs, webhooks, messages to open forms.

A rollback to a savepoint takes none of it back, and after a whole rollback Frappe sends no webhook of this process any more.
Other callbacks stay: they clear caches, which is right for an event that is undone, too.
"""

from itertools import islice

import frappe

WEBHOOKS, MESSAGES = "_webhook_queue", "_realtime_log"
# Frappe's module that queues jobs, whatever its package is called
JOBS = ".utils.background_jobs"


class AfterCommit:
	"""What waits as an event begins."""

	def __init__(self):
		self.callbacks = len(frappe.db.after_commit._functions)
		self.queues = {name: len(_queue(name)) for name in (WEBHOOKS, MESSAGES)}

	def withdraw(self) -> None:
		"""Take back what has come since; the transaction is still the same."""
		functions = frappe.db.after_commit._functions
		kept = [each for each in islice(functions, self.callbacks, None) if not _queues_a_job(each)]
		while len(functions) > self.callbacks:
			functions.pop()
		functions.extend(kept)
		for name, count in self.queues.items():
			del _queue(name)[count:]


def forget_webhooks() -> None:
	"""To be called after a whole rollback: Frappe has forgotten that they wait, and would not say so again."""
	_queue(WEBHOOKS).clear()


def _queue(name: str) -> list:
	return getattr(frappe.local, name, None) or []


def _queues_a_job(function) -> bool:
	return (getattr(function, "__module__", None) or "").endswith(JOBS)

"""Requests with keys in them: what nobody has foreseen must not take the keys into Frappe's Error Log.

Of a request that ends with status 500 Frappe logs all of its values; `frappe.log_error` adds the request too.
"""

from collections.abc import Callable, Iterable
from typing import TypeVar

import frappe

from event_streaming.exceptions import NotFinished

Result = TypeVar("Result")


def unlogged(work: Callable[[], Result], secrets: Iterable[object], title: str, message: str) -> Result:
	"""What `work` returns. What it raises that has no meaning for the other site is logged without `secrets`, under `title`.

	Raises NotFinished then, with `message`, whose {0} is the log's name.
	"""
	try:
		return work()
	except Exception as error:
		if getattr(error, "http_status_code", 500) < 500:
			raise
		frappe.db.rollback()
		name = log_without(secrets, title)
	frappe.throw(message.format(name), NotFinished)


def log_without(secrets: Iterable[object], title: str) -> str:
	"""The error that is being handled, in the Error Log; returns its name there, or "" where that can't be written either."""
	try:
		# nor with the values of variables
		trace = frappe.get_traceback(with_context=False)
		for secret in secrets:
			trace = trace.replace(str(secret), "***") if secret else trace
		log = frappe.new_doc("Error Log", method=title, error=trace)
		log.insert(ignore_permissions=True)
		frappe.db.commit()
		return log.name
	except Exception as error:
		frappe.logger("event_streaming").warning(f"{title}: {type(error).__name__}")
		frappe.db.rollback()
		return ""

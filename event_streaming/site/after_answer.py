"""Work that a web worker does when the user has the answer: Frappe's `request.after_response`, kept short and rare.

Only for what is lost without harm: the process may die before it is done. What is called here must end by itself soon.
"""

from collections.abc import Callable

import frappe


def after_answer(work: Callable[[], None], key: str, every_seconds: int) -> bool:
	"""Have `work` done after the answer to the request that is being served; False when that can't be.

	It can't be outside of a web request, and when the same was done within the last `every_seconds`, on whatever worker:
	`key` is where Redis keeps that. Raises redis.exceptions.RedisError.
	"""
	callbacks = getattr(getattr(frappe.local, "request", None), "after_response", None)
	if callbacks is None:
		return False
	if not frappe.cache.set(frappe.cache.make_key(key), 1, nx=True, ex=every_seconds):
		return False
	callbacks.add(lambda: _do(work))
	return True


def _do(work: Callable[[], None]) -> None:
	"""The answer is out: nobody is told of an error, and what Frappe does after this has to be done."""
	try:
		work()
	except Exception as error:
		frappe.db.rollback()
		frappe.logger("event_streaming").warning(f"after an answer: {type(error).__name__}: {error}")

"""A verify to its end."""

from time import perf_counter

import frappe


def change_some(doctype: str, count: int, days_ago: int) -> str:
	"""All documents were changed `days_ago`, and so many of them now, spread over all; returns a moment between the two."""
	table = frappe.qb.DocType(doctype)
	now = frappe.utils.now_datetime()
	frappe.qb.update(table).set(table.modified, frappe.utils.add_days(now, -days_ago)).run()
	names = frappe.get_all(doctype, pluck="name", order_by="name asc", limit=0)
	step = max(len(names) // count, 1)
	for start in range(0, count, 1_000):
		some = names[::step][:count][start : start + 1_000]
		frappe.qb.update(table).set(table.modified, now).where(table.name.isin(some)).run()
	frappe.db.commit()
	return str(frappe.utils.add_days(now, -1))


def timed_verify(event_producer: str, doctype: str, since: str | None = None) -> dict:
	"""A verify to its end, of what has changed since if that is given: seconds, bytes that the producer has answered, documents, and how
	many differ."""
	from event_streaming.consumer.long_work.runner import run_slice
	from event_streaming.consumer.verify import verifying
	from event_streaming.http import client

	received, read = [], client.read_bounded

	def counted(response, url):
		content = read(response, url)
		received.append(len(content))
		return content

	client.read_bounded = counted
	try:
		began = perf_counter()
		scheduled = {"since": {doctype: since}} if since else None
		name = verifying.begin(event_producer, [doctype], scheduled=scheduled).name
		frappe.db.commit()
		while (done := run_slice(name)).more:
			pass
		seconds = perf_counter() - began
	finally:
		client.read_bounded = read
	if done.task.status != "Done":
		raise RuntimeError(done.task.message)
	return {
		"seconds": seconds,
		"bytes": sum(received),
		"requests": len(received),
		"documents": done.task.done,
		"differing": done.task.differing,
	}

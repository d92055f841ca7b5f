"""A verify to its end."""

from time import perf_counter

import frappe


def timed_verify(event_producer: str, doctype: str) -> dict:
	"""A verify to its end: seconds, bytes that the producer has answered, documents, and how many differ."""
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
		name = verifying.begin(event_producer, [doctype]).name
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

"""What is done together after a commit: Frappe's own messages and its own clearing of the cache, and nothing else."""

from doctypes import ORDER


def test_a_message_is_what_frappe_would_send(site):
	ours, frappes = site.run(both_messages)

	assert ours == frappes


def both_messages() -> tuple[dict, dict]:
	import json

	import frappe
	from frappe import realtime
	from frappe.utils import background_jobs

	from event_streaming.consumer.unit_of_work.one_request import CHANNEL, as_sent

	sent = []

	class Recorder:
		def publish(self, channel: str, text: str) -> None:
			assert channel == CHANNEL
			sent.append(text)

	message = {"modified": frappe.utils.now_datetime(), "doctype": ORDER, "name": "ORD-1"}
	original = background_jobs.get_redis_connection_without_auth
	background_jobs.get_redis_connection_without_auth = Recorder
	try:
		realtime.emit_via_redis("doc_update", message, "doc:ORD-1")
	finally:
		background_jobs.get_redis_connection_without_auth = original
	return json.loads(as_sent("doc_update", message, "doc:ORD-1")), json.loads(sent[0])


def test_messages_and_the_cache_of_several_documents_take_one_request_each(site):
	alone, together = (
		site.run(requests_for_three_documents, together=False),
		site.run(requests_for_three_documents, together=True),
	)

	assert (alone["messages"], together["messages"]) == (6, 6)
	assert alone["unlinked"] == together["unlinked"] == 3
	assert (alone["requests"], together["requests"]) == (9, 2)
	assert together["others"] == alone["others"] == ["called"]


def requests_for_three_documents(together: bool) -> dict:
	"""What goes to Redis with the commit after three inserts; "others" says whether a callback of somebody else was called."""
	import frappe
	from redis import Redis
	from redis.client import Pipeline

	from event_streaming.consumer.unit_of_work.one_request import OneRequest

	names = [frappe.get_doc({"doctype": ORDER, "title": "x"}).insert().name for _number in range(3)]
	others, seen = [], []
	frappe.db.after_commit.add(lambda: others.append("called"))
	original, executed = Redis.execute_command, Pipeline.execute

	def counted(self, *args, **options):
		if not isinstance(self, Pipeline):
			seen.append([args])
		return original(self, *args, **options)

	def counted_pipe(self, *args, **options):
		seen.append([command[0] for command in self.command_stack])
		return executed(self, *args, **options)

	Redis.execute_command, Pipeline.execute = counted, counted_pipe
	try:
		done = OneRequest() if together else None
		frappe.db.commit()
		if done:
			done.send()
	finally:
		Redis.execute_command, Pipeline.execute = original, executed
	about = [
		[command for command in request if any(name in str(command) for name in (*names, "list_update"))]
		for request in seen
	]
	commands = [command for request in about for command in request]
	return {
		"requests": len([request for request in about if request]),
		"messages": sum(command[0] == "PUBLISH" for command in commands),
		"unlinked": sum(
			str(each).count("document_cache")
			for command in commands
			if command[0] in ("UNLINK", "DEL")  # 16 has the one, 15 the other
			for each in command
		),
		"others": others,
	}

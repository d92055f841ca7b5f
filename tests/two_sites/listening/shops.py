"""A site that nobody can call, and what a test of its listening does. Functions with a site are called by tests; the others run inside one."""

from tests.doctypes import CITY
from tests.documents import set_settings
from tests.streams import decide, make_event_producer, make_subscriber, wait_for

HERE = "http://shop.invalid"
ROW = {"ref_doctype": CITY, "use_same_name": 1}


def subscribe_from_behind_a_router(producer, consumer, **settings) -> None:
	"""`settings` are those of the producer."""
	producer.run(set_settings, **settings)
	consumer.run(set_settings, public_url=HERE, not_reachable=1)
	for site in (producer, consumer):
		site.run(make_subscriber)
	consumer.run(make_event_producer, url=producer.url, rows=[ROW])
	producer.run(decide, consumer_url=HERE)
	consumer.run(pull_once, event_producer=producer.url)


def pull_once(event_producer: str) -> dict:
	from dataclasses import asdict

	from event_streaming.consumer.pull.loop import pull

	return asdict(pull(event_producer))


def is_known(producer, listens: int = 1) -> None:
	wait_for(lambda: producer.run(listens_of) == listens, f"that the producer has listens = {listens}")


def listens_of() -> int:
	import frappe

	return frappe.db.get_value("Event Consumer", "http://shop.invalid", "listens")


def standing(event_producer: str) -> dict | None:
	from event_streaming.consumer.logs.listener import standing_of

	return standing_of(event_producer)


def save(producer, title: str) -> None:
	"""As a person does it, over HTTP."""
	producer.rest().insert({"doctype": CITY, "title": title})


def has(doctype: str, title: str) -> bool:
	import frappe

	return bool(frappe.db.exists(doctype, {"title": title}))


def comes(consumer, title: str) -> None:
	wait_for(lambda: consumer.run(has, doctype=CITY, title=title), f"{title} on the consumer")


def pulls() -> int:
	"""Pulls that wait in the queues."""
	from frappe.utils.background_jobs import get_queue, get_queue_list

	found = 0
	for queue in get_queue_list():
		found += sum("pull_job" in str(job.kwargs.get("method")) for job in get_queue(queue).jobs if job)
	return found


def last_pull(event_producer: str) -> str:
	from event_streaming.consumer.logs.state import load_state

	return str(load_state(event_producer).last_pull)


def forget_standing(event_producer: str) -> None:
	"""As its expiry does, KEPT_SECONDS after the process was there last."""
	from event_streaming.consumer.logs.listener import forget

	forget(event_producer)


def minute() -> None:
	"""What the scheduler does each minute."""
	from event_streaming.tasks import event_streaming_every_minute

	event_streaming_every_minute()

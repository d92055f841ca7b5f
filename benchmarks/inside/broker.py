"""A broker between the sites: publishing, fetching, and what consumers cost their producer with it and without."""

from time import perf_counter, process_time

import frappe

from benchmarks.inside.feed import add_consumer, fill_log
from tests.doctypes import CITY
from tests.streams import SUBSCRIBER


def set_servers(url: str) -> None:
	settings = frappe.get_doc("Event Streaming Settings")
	settings.nats_servers = url
	settings.save()
	frappe.db.commit()


def set_transport(event_producer: str) -> None:
	doc = frappe.get_doc("Event Producer", event_producer)
	doc.transport = "NATS"
	doc.save()
	frappe.db.commit()


def add_readers(urls: list[str]) -> None:
	"""Consumers that would take events from a broker, and that nobody is behind."""
	for url in urls:
		add_consumer(url, [CITY])
		frappe.db.set_value("Event Consumer", url, "transport", "NATS")
	frappe.db.commit()


def remove_readers(urls: list[str]) -> None:
	for url in urls:
		frappe.delete_doc("Event Consumer", url)
	frappe.db.commit()


def open_publisher():
	from event_streaming.broker.settings import get_broker_settings
	from event_streaming.producer.publishing.publisher import Publisher

	frappe.db.commit()
	return Publisher(get_broker_settings())


def publish(count: int) -> dict[str, float]:
	"""Log and number so many events, then publish them: events in a second, and what this process has computed for it."""
	publisher = open_publisher()
	try:
		# whoever may read what is known by then, as it is after the first second
		publisher.publish_next()
		fill_log(count)
		began, used, published = perf_counter(), process_time(), 0
		while number := publisher.publish_next():
			published += number
		seconds, used = perf_counter() - began, process_time() - used
	finally:
		publisher.close()
	# the first time, the documents that they are of are made, too
	if published < count:
		raise RuntimeError(f"{published} events were published instead of {count}")
	return {"rate": published / seconds, "cpu": used}


def publish_what_is_there() -> int:
	publisher, published = open_publisher(), 0
	try:
		while number := publisher.publish_next():
			published += number
	finally:
		publisher.close()
	return published


def insert_and_publish(count: int) -> int:
	"""Documents that are not on the other site, one event each."""
	publisher, published = open_publisher(), 0
	try:
		publisher.publish_next()
		for number in range(count):
			frappe.get_doc(
				{"doctype": CITY, "title": frappe.generate_hash(length=12), "country_name": "Siam"}
			).insert()
			if number % 100 == 99:
				frappe.db.commit()
		frappe.db.commit()
		while number := publisher.publish_next():
			published += number
	finally:
		publisher.close()
	return published


def ask_the_feed(urls: list[str]) -> dict[str, float]:
	"""What this process computes in a minute for answers of the feed to consumers that take everything over the broker, and
	milliseconds of one answer. As long as events come there, each asks so often; its first answer of all is not counted."""
	from event_streaming.consumer.pull.source import FEED_EVERY, LONGEST_WITHOUT_FEED
	from event_streaming.producer.feed.page import get_page
	from event_streaming.producer.log.sequence import head_position

	frappe.db.commit()
	head, shown = head_position(), {}
	frappe.set_user(SUBSCRIBER)
	try:
		for _each in range(2):
			used = process_time()
			for url in urls:
				page = get_page(url, head, transport="NATS", **shown.get(url, {}))
				frappe.db.commit()
				if not page["broker"]:
					raise RuntimeError(f"{url} is told of no broker")
				shown[url] = {"epoch": page["epoch"], "receipt": page["receipt"]}
			used = process_time() - used
	finally:
		frappe.set_user("Administrator")
	return {"in_a_minute": used * FEED_EVERY / LONGEST_WITHOUT_FEED, "each": 1000 * used / len(urls)}


def read_over_the_feed(urls: list[str], events: int) -> float:
	"""The same for consumers that take the last so many events from the feed."""
	from event_streaming.producer.feed.page import get_page
	from event_streaming.producer.log.sequence import head_position

	frappe.db.commit()
	head = head_position()
	frappe.set_user(SUBSCRIBER)
	used = process_time()
	try:
		for url in urls:
			cursor, more = head - events, True
			while more:
				page = get_page(url, cursor)
				frappe.db.commit()
				cursor, more = page["cursor"], page["has_more"]
	finally:
		frappe.set_user("Administrator")
	return process_time() - used


def fetch(event_producer: str) -> dict[str, float]:
	"""The messages after this site's place, as pages, without applying anything: events in a second."""
	from event_streaming.consumer.logs.state import load_state
	from event_streaming.consumer.pull.source import BrokerPages, kept_said

	kept, said = load_state(event_producer), kept_said(event_producer)
	doc = frappe.get_doc("Event Producer", event_producer)
	pages, events, began = BrokerPages(doc, said.page["broker"]), 0, perf_counter()
	try:
		while page := pages.page_after(kept, said.page):
			events += len(page["events"])
			kept.position, kept.broker_place = page["cursor"], page["place"]
			if not page["has_more"]:
				break
		return {"events": events, "rate": events / (perf_counter() - began)}
	finally:
		pages.close()


def forget_the_feed(event_producer: str) -> None:
	from event_streaming.site.claims import redis_key

	frappe.cache.delete_value(redis_key("broker", event_producer))


def forget_the_standing() -> None:
	"""Whoever publishes says anew who may read what when it begins: see `wait_for_publisher`."""
	from event_streaming.producer.subscriptions.broker_keys import STANDING

	frappe.cache.delete_value(STANDING)


def wait_for_publisher() -> None:
	"""Until the process that publishes has begun to: what its start takes is not what a save meets."""
	from time import monotonic, sleep

	from event_streaming.producer.subscriptions.broker_keys import kept_standing

	until = monotonic() + 60
	while not kept_standing():
		if monotonic() > until:
			raise RuntimeError("nobody publishes")
		sleep(0.05)


def publish_for(seconds: float) -> None:
	"""The command's own loop, for a while."""
	from time import monotonic

	from event_streaming.producer.publishing.publisher import publish_until

	frappe.db.commit()
	until = monotonic() + seconds
	publish_until(lambda: monotonic() > until, lambda line: None)

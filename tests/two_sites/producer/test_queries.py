"""Every query that meets a table that grows finds what it wants by an index: asked of MariaDB itself."""

import pytest
from doctypes import CITY, ORDER, with_orders
from documents import change, insert, unique
from streams import make_event_consumer, make_subscriber, pull, subscribe

CONSUMER_URL, OLD_URL = "http://somebody.example", "http://old.example"

pytestmark = pytest.mark.mariadb("plans are asked for in its words")

USER = "stream@example.com"
ROWS = 10_000
GROWING = (
	"tabEvent Update Log",
	"tabEvent Update Log Consumer",
	"tabEvent Given Document",
	"tabEvent Delivery Hour",
	"tabEvent Document Identity",
	"tabEvent Sync Log",
)


def add_consumers() -> None:
	rows = [
		{"ref_doctype": CITY, "status": "Approved"},
		{"ref_doctype": ORDER, "status": "Approved", "condition": "doc.urgent == 1"},
	]
	for url, protocol in ((CONSUMER_URL, 2), (OLD_URL, 1)):
		make_event_consumer(url, rows, protocol=protocol)


def fill_log(orders: list, count: int) -> int:
	"""Many events of many documents, numbered, delivered to some; returns the head."""
	import frappe

	from event_streaming.identity import registry
	from event_streaming.producer.capture.log import write
	from event_streaming.producer.documents.given import record_given
	from event_streaming.producer.log.deliveries import DELIVERIES
	from event_streaming.producer.log.sequence import assign_positions

	for number in range(count):
		doctype, name = (ORDER, orders[number % len(orders)]) if number % 3 == 0 else (CITY, f"city {number}")
		kind = "Rename" if number % 50 == 1 else "Update"
		write(doctype, name, kind, {"new_name": f"town {number}"} if kind == "Rename" else {"changed": {}})
	frappe.db.commit()
	assign_positions()
	head = assign_positions()
	frappe.db.sql(
		f"""INSERT INTO `tab{DELIVERIES}` (name, parent, parenttype, parentfield, consumer, at_position)
		SELECT UUID(), name, 'Event Update Log', 'consumers', '{CONSUMER_URL}', position FROM `tabEvent Update Log`
		WHERE position < %s""",
		(head - 1_000,),
	)
	for doctype, prefix in ((ORDER, "order"), (CITY, "town")):
		given = {f"{prefix} {number}": number for number in range(count // 4)}
		record_given(CONSUMER_URL, doctype, given)
		record_given("http://third.example", doctype, given)
	for number in range(2_000):
		registry.save(
			registry.Identity(
				OLD_URL, CITY, f"r {number}", CITY, f"city {number}", OLD_URL, CITY, f"r {number}"
			)
		)
	frappe.db.commit()
	frappe.db.sql(f"ANALYZE TABLE {', '.join(f'`{table}`' for table in GROWING)}")
	return head


def explain(work: str, **arguments) -> list[list]:
	"""[table, how it is reached, indexes that can serve, rows, query] of all that `work` asks of the tables that grow."""
	import frappe

	works = {
		"page": read_page,
		"old page": read_old_page,
		"due": look_for_due,
		"positions": give_positions,
		"clearing": clear_log,
		"documents": get_documents,
		"removal": remove_consumer,
		"rename": rename_city,
		"forgetting": forget_consumer,
		"pull": pull_from,
		"resync": try_again,
		"look": look_at_producers,
		"clearing of the sync log": clear_sync_log,
		"open renames": read_open_renames,
		"waiting": look_for_waiting,
	}
	original, seen = frappe.db.sql, []

	def recording(query, values=(), *args, **kwargs):
		result = original(query, values, *args, **kwargs)
		# as it was sent, with its values
		seen.append(str(frappe.db.last_query or query))
		return result

	if work not in (*ON_CONSUMER, "open renames", "waiting"):
		frappe.set_user(USER)
	frappe.db.sql = recording
	try:
		works[work](**arguments)
	finally:
		del frappe.db.sql
		frappe.db.rollback()
		frappe.set_user("Administrator")
	found = []
	for query in dict.fromkeys(seen):
		if not any(f"`{table}`" in query for table in GROWING):
			continue
		if not query.lstrip().upper().startswith(("SELECT", "UPDATE", "DELETE")):
			continue
		for row in frappe.db.sql(f"EXPLAIN {query}", as_dict=True):
			if row.table in GROWING:
				found.append(
					[
						row.table,
						row.type,
						row.possible_keys,
						int(str(row.rows or 0).split()[0]),
						query[:2_000],
					]
				)
	return found


def read_page(cursor: int) -> None:
	from event_streaming.producer.feed import page

	page.get_page(CONSUMER_URL, cursor)


def read_old_page(last_update: str) -> None:
	from event_streaming.producer.feed import old_format

	old_format.old_page(OLD_URL, [CITY, ORDER], last_update)


def look_for_due() -> None:
	from event_streaming.producer.notify import notifications

	notifications.due_consumers()


def give_positions() -> None:
	import frappe

	from event_streaming.producer.capture.log import write
	from event_streaming.producer.log.sequence import assign_positions

	write(CITY, "one more", "Delete", None)
	frappe.db.commit()
	assign_positions()


def clear_log() -> None:
	import frappe

	from event_streaming.producer.log import retention

	frappe.db.sql("UPDATE `tabEvent Consumer` SET position = 9000")
	frappe.db.sql(
		"UPDATE `tabEvent Update Log` SET creation = creation - INTERVAL '9' DAY WHERE position < 2000"
	)
	retention.clear_update_log(1)


def get_documents(orders: list) -> None:
	from event_streaming import endpoints

	endpoints.get_documents(CONSUMER_URL, [[ORDER, name] for name in orders])


def remove_consumer() -> None:
	import frappe

	frappe.delete_doc("Event Consumer", CONSUMER_URL)


def rename_city() -> None:
	import frappe

	from event_streaming.producer.documents import given

	given.document_renamed(frappe._dict(doctype=CITY), None, "town 7", "burg 7")


def forget_consumer() -> None:
	from event_streaming.producer.registration import forgetting

	forgetting.forget(CONSUMER_URL, 0, "2020-01-01")


WORKS = ("page", "old page", "due", "positions", "clearing", "documents", "removal", "rename", "forgetting")


@pytest.fixture
def site(producer):
	with_orders(producer)
	producer.run(make_subscriber)
	producer.run(add_consumers)
	return producer


def time_at(position: int) -> str:
	import frappe

	return str(frappe.db.get_value("Event Update Log", {"position": position}, "sequenced_on"))


def test_no_query_reads_a_growing_table_from_end_to_end(site):
	orders = [
		site.run(insert, doctype=ORDER, title=unique("order"), urgent=number % 2) for number in range(20)
	]
	head = site.run(fill_log, orders=orders, count=ROWS)
	asked = {
		"page": {"cursor": head - 600},
		"old page": {"last_update": site.run(time_at, position=head - 600)},
		"documents": {"orders": orders},
	}

	found = {work: site.run(explain, work=work, **asked.get(work, {})) for work in WORKS}

	for work, plans in found.items():
		assert plans, work
		for _table, how, indexes, _rows, query in plans:
			assert indexes, f"{work}: no index for {query}"
			# what takes a large part of this small log at once may well be quicker without one
			assert how not in ("ALL", "index") or work in ("clearing", "removal"), f"{work}: {query}"


def look_at_the_log() -> int:
	import frappe

	return frappe.db.count("Event Update Log")


def test_numbering_reads_by_the_index_while_what_stood_at_position_0_is_not_cleared_away(site):
	orders = [site.run(insert, doctype=ORDER, title=unique("order")) for _number in range(20)]
	# an open picture of the database: InnoDB keeps what it shows, and counts it among what has no position
	site.shell().run(look_at_the_log, commit=False)
	site.run(fill_log, orders=orders, count=ROWS)

	plans = site.run(explain, work="positions")

	waiting = [(how, query) for _table, how, _indexes, _rows, query in plans if "`position`=0" in query]
	assert waiting
	for how, query in waiting:
		assert how not in ("ALL", "index"), query


def fill_histories(documents: int, events_each: int) -> int:
	"""Events of documents that have been through many; returns the head."""
	import frappe

	from event_streaming.producer.capture.log import write
	from event_streaming.producer.log.sequence import assign_positions

	for number in range(documents * events_each):
		write(CITY, f"city {number % documents}", "Update", {"changed": {}})
	frappe.db.commit()
	head = assign_positions()
	frappe.db.sql("ANALYZE TABLE `tabEvent Update Log`")
	return head


def test_a_page_of_many_documents_does_not_read_all_that_they_have_been_through(site):
	head = site.run(fill_histories, documents=300, events_each=20)

	plans = site.run(explain, work="page", cursor=head - 600)

	by_name = [(rows, query) for _table, _how, _indexes, rows, query in plans if "`docname` IN" in query]
	assert by_name
	for rows, query in by_name:
		assert rows <= 1_000, query


# ---------------------------------------------------------------- the consumer's side

ON_CONSUMER = ("pull", "resync", "look", "clearing of the sync log")


def fill_sync_log(producer: str, count: int) -> None:
	"""Many rows, most of them settled long ago, and the identities of their documents."""
	import frappe

	from event_streaming.consumer.logs import sync_log
	from event_streaming.consumer.logs.sync_log import Outcome
	from event_streaming.identity import registry

	event = {"update_type": "Update", "ref_doctype": CITY, "data": None, "data_before": None, "root": None}
	event |= {"origin": producer, "modified_by": "", "creation": "2026-01-01 00:00:00"}
	event |= {"transaction_id": "", "divided": False}
	for number in range(count):
		name = f"city {number}"
		status = {1: "Failed", 2: "Retrying", 3: "Waiting"}.get(number % 100, "Synced")
		outcome = Outcome(status, CITY, name, next_retry="2020-01-01" if status == "Retrying" else None)
		logged = {**event, "docname": name, "id": f"old {number}", "position": number}
		sync_log.write(producer, [(logged, outcome)])
		if number % 5 == 0:
			registry.save(registry.Identity(producer, CITY, name, CITY, name, producer, CITY, name))
	frappe.db.commit()
	frappe.db.sql(
		"UPDATE `tabEvent Sync Log` SET creation = creation - INTERVAL '9' DAY WHERE position < 1500 AND status = 'Synced'"
	)
	frappe.db.commit()
	frappe.db.sql("ANALYZE TABLE `tabEvent Sync Log`, `tabEvent Document Identity`")


def pull_from(producer: str) -> None:
	from event_streaming.consumer.pull.loop import pull

	assert not pull(producer).error


def try_again(producer: str) -> None:
	from event_streaming.consumer.pull import by_hand

	for selection in ((), (producer,), (None, CITY)):
		by_hand.request_resync_all(*selection)
	names = by_hand.logs_to_resync(producer, CITY)
	by_hand.resync_logs(names[:20])


def look_at_producers(producer: str) -> None:
	from event_streaming.admin import alerts, metrics, status

	status.site_status()
	metrics.metrics()
	alerts.check()


def clear_sync_log(producer: str) -> None:
	from event_streaming.consumer.logs import retention

	retention.clear_sync_log(1)


def test_no_query_of_the_consumer_reads_a_growing_table_from_end_to_end(producer, consumer):
	with_orders(producer, consumer)
	subscribe(consumer, producer, CITY)
	known = [producer.run(insert, doctype=CITY, title=unique("city")) for _number in range(10)]
	pull(consumer, producer)
	consumer.run(fill_sync_log, producer=producer.url, count=ROWS // 2)
	for name in known:
		producer.run(change, doctype=CITY, name=name, country_name="Siam")
	producer.run(insert, doctype=CITY, title=unique("city"))

	found = {work: consumer.run(explain, work=work, producer=producer.url) for work in ON_CONSUMER}

	for work, plans in found.items():
		assert plans, work
		for _table, how, indexes, _rows, query in plans:
			assert indexes, f"{work}: no index for {query}"
			assert how not in ("ALL", "index") or "clearing" in work, f"{work}: {query}"


def change_all(titles: list) -> None:
	import frappe

	for title in titles:
		doc = frappe.get_doc(CITY, title)
		doc.country_name = "Siam"
		doc.save()


def make_cities(prefix: str, count: int) -> list[str]:
	return [insert(CITY, title=f"{prefix} {number}") for number in range(count)]


def pull_and_fail(event_producer: str) -> dict:
	"""A pull of documents that this site refuses."""
	from frappe.model.document import Document

	from event_streaming.event_streaming.doctype.event_producer.event_producer import pull_from_node

	def refuse(doc, *args):
		if doc.doctype == CITY:
			raise ValueError("refused")

	Document.validate = refuse
	try:
		return pull_from_node(event_producer)
	finally:
		del Document.validate


def resync_and_count(event_producer: str) -> dict:
	"""Resync All; what it asks of the producer, and how often it reads Event Sync Log."""
	import frappe

	from event_streaming.consumer.pull import by_hand
	from event_streaming.consumer.subscriptions.remote import Producer

	sql, get_documents, counted = frappe.db.sql, Producer.get_documents, {"requests": 0, "reads": 0}

	def recording(query, *args, **kwargs):
		text = str(query).lstrip().upper()
		counted["reads"] += text.startswith("SELECT") and "TABEVENT SYNC LOG" in text
		return sql(query, *args, **kwargs)

	def asked(self, keys):
		counted["requests"] += 1
		return get_documents(self, keys)

	frappe.db.sql, Producer.get_documents = recording, asked
	try:
		done = by_hand.resync_all("Administrator", event_producer)
	finally:
		del frappe.db.sql
		Producer.get_documents = get_documents
	return {**counted, **done}


def test_documents_that_failed_are_tried_again_together(producer, consumer):
	"""Whole documents have to be fetched for all of them: a request and a few reads for 50."""
	with_orders(producer, consumer)
	titles = producer.run(make_cities, prefix=unique("city"), count=200)
	subscribe(consumer, producer, CITY)
	producer.run(change_all, titles=titles)
	assert consumer.run(pull_and_fail, event_producer=producer.url)["failed"] == 200

	done = consumer.run(resync_and_count, event_producer=producer.url)

	assert (done["tried"], done["synced"]) == (200, 200)
	assert done["requests"] <= 6
	assert done["reads"] <= 40


def read_open_renames(producer: str) -> None:
	from event_streaming.consumer.logs import open_rows

	open_rows.open_renames(producer)


def look_for_waiting(producer: str) -> None:
	from event_streaming.consumer.logs import open_rows

	after = 0
	for _part in range(3):
		_keys, after = open_rows.waiting_for_nothing(producer, after, 20)


def fill_with_open_rows(producer: str, count: int) -> None:
	"""A DocType is missing: nearly all has failed, or waits behind it."""
	import frappe

	from event_streaming.consumer.logs import sync_log
	from event_streaming.consumer.logs.sync_log import Outcome

	event = {"update_type": "Update", "ref_doctype": CITY, "data": None, "data_before": None, "root": None}
	event |= {"origin": producer, "modified_by": "", "creation": "2026-01-01 00:00:00"}
	event |= {"transaction_id": "", "divided": False}
	entries = []
	for number in range(count):
		logged = {**event, "docname": f"city {number // 2}", "id": f"old {number}", "position": number}
		entries.append((logged, Outcome("Waiting" if number % 2 else "Failed", CITY)))
	sync_log.write(producer, entries)
	frappe.db.commit()
	frappe.db.sql("ANALYZE TABLE `tabEvent Sync Log`")


def test_what_a_pull_asks_of_a_log_full_of_open_rows_reads_a_part_of_it(producer, consumer):
	with_orders(producer, consumer)
	subscribe(consumer, producer, CITY)
	consumer.run(fill_with_open_rows, producer=producer.url, count=4_000)

	for work, most in (("open renames", 10), ("waiting", 2_000)):
		for _table, how, _indexes, rows, query in consumer.run(explain, work=work, producer=producer.url):
			assert how not in ("ALL", "index"), query
			assert rows <= most, (rows, query)

"""Subscribing, pulling and waiting: what the tests of two sites do first.

Functions with a site as their first argument are called by tests; the others run inside a site.
"""

import json
import time

from sandbox.sites.remembered import remembered
from tests.database.dialects import tables
from tests.doctypes import CITY, ORDER
from tests.documents import read_doc, read_rows

SUBSCRIBER = "stream@example.com"
PATIENCE = 30
KEYS = ["streamkey", "streamsecret"]
# a consumer that is only on record: nobody is there
NOBODY_URL = "http://somebody.example"
# their subject is how two sites come to know each other: they do so anew in each test
SHAKES_HANDS = {
	"test_handshake.py",
	"test_main_job.py",
	"test_notify.py",
	"test_old_consumer.py",
	"test_rotation.py",
	"test_subscriptions.py",
	"test_tokens.py",
	"test_which_site.py",
}


def make_subscriber(user: str = SUBSCRIBER, keys: list | None = None) -> None:
	"""The same user, with keys, on a site."""
	import frappe

	if not frappe.db.exists("User", user):
		doc = frappe.get_doc(
			{"doctype": "User", "email": user, "first_name": "Stream", "send_welcome_email": 0, "enabled": 1}
		)
		doc.insert(ignore_permissions=True)
		doc.add_roles("System Manager")
	doc = frappe.get_doc("User", user)
	api_key, api_secret = keys or KEYS
	# saving a user takes longer than most that a test does, and nearly every test begins with this
	if (doc.api_key, doc.get_password("api_secret", raise_exception=False)) != (api_key, api_secret):
		doc.api_key, doc.api_secret = api_key, api_secret
		doc.save(ignore_permissions=True)


def make_event_producer(url: str, rows: list[dict], **values) -> str:
	import frappe

	doc = frappe.get_doc(
		{
			"doctype": "Event Producer",
			"producer_url": url,
			"api_key": KEYS[0],
			"api_secret": KEYS[1],
			"user": SUBSCRIBER,
			"producer_doctypes": rows,
			**values,
		}
	)
	return doc.insert().name


def decide(consumer_url: str, status: str = "Approved", doctypes: list | None = None) -> None:
	"""The producer's admin approves or rejects."""
	import frappe

	doc = frappe.get_doc("Event Consumer", consumer_url)
	for row in doc.consumer_doctypes:
		if not doctypes or row.ref_doctype in doctypes:
			row.status = status
	doc.save()


def set_unsubscribed(name: str, doctype: str, unsubscribed: int) -> None:
	import frappe

	doc = frappe.get_doc("Event Producer", name)
	for row in doc.producer_doctypes:
		if row.ref_doctype == doctype:
			row.unsubscribe = unsubscribed
	doc.save()


def pull_now(event_producer: str) -> dict:
	from event_streaming.event_streaming.doctype.event_producer.event_producer import pull_from_node

	return pull_from_node(event_producer)


def pull_at_once(event_producer: str) -> dict:
	"""As a job does it: no waiting for a pull that is running."""
	from dataclasses import asdict

	from event_streaming.consumer.pull.loop import pull

	return asdict(pull(event_producer))


def pull_and_count(event_producer: str) -> dict:
	"""A pull, and how often it asked the producer for documents."""
	from event_streaming.consumer.subscriptions.remote import Producer
	from event_streaming.event_streaming.doctype.event_producer.event_producer import pull_from_node

	asked, original = [], Producer.get_documents

	def counted(self, keys):
		asked.append(len(keys))
		return original(self, keys)

	Producer.get_documents = counted
	try:
		summary = pull_from_node(event_producer)
	finally:
		Producer.get_documents = original
	return {
		"requests": len(asked),
		"documents": sum(asked),
		"synced": summary["synced"],
		"failed": summary["failed"],
	}


def subscribe(consumer, producer, *doctypes, approve: bool = True, **row_values) -> str:
	"""Subscribe `consumer` to DocTypes of `producer`; a DocType or a whole row each. Returns the Event Producer."""
	row_values = {"use_same_name": 1, **row_values}
	rows = [{"ref_doctype": each, **row_values} if isinstance(each, str) else each for each in doctypes]
	for site in (producer, consumer):
		site.run(make_subscriber)

	def shake_hands() -> str:
		name = consumer.run(make_event_producer, url=producer.url, rows=rows)
		if approve:
			producer.run(decide, consumer_url=consumer.url)
		return name

	return remembered([consumer, producer], [rows, approve], SUBSCRIBER, shake_hands)


def pull(consumer, producer) -> dict:
	"""One pull to the end; fails the test when the producer could not be read."""
	summary = consumer.run(pull_now, event_producer=producer.url)
	assert not summary["error"], summary["error"]
	return summary


def settle(*pairs) -> int:
	"""Pull in every direction until a whole round brings nothing; returns the number of events that crossed.

	`pairs` are (consumer, producer). Fails when it does not come to rest.
	"""
	crossed = 0
	for _round in range(8):
		events = sum(pull(consumer, producer)["events"] for consumer, producer in pairs)
		crossed += events
		if not events:
			return crossed
	raise AssertionError(f"still events after 8 rounds, {crossed} so far")


def wait_for(condition, what: str = "what was waited for"):
	"""The condition's first true value; fails after PATIENCE seconds."""
	deadline = time.monotonic() + PATIENCE
	while time.monotonic() < deadline:
		value = condition()
		if value:
			return value
		time.sleep(0.1)
	raise AssertionError(f"{what} did not happen within {PATIENCE} s")


def make_event_consumer(url: str, rows: list[dict], **values) -> None:
	"""An Event Consumer as if a site had registered itself. Runs inside the producer."""
	import frappe

	from event_streaming.producer.subscriptions.streamed import refresh_streamed_doctypes

	frappe.get_doc(
		{
			"doctype": "Event Consumer",
			"callback_url": url,
			"user": SUBSCRIBER,
			"api_key": "key",
			"api_secret": "secret",
			"consumer_doctypes": rows,
			**values,
		}
	).insert()
	frappe.db.commit()
	refresh_streamed_doctypes()


def stream(*doctypes) -> None:
	"""Somebody subscribes to the DocTypes, and is approved. Runs inside the producer."""
	rows = [{"ref_doctype": doctype, "status": "Approved"} for doctype in doctypes]
	make_event_consumer(NOBODY_URL, rows, user="Administrator")


def stream_orders() -> None:
	"""Somebody subscribes to orders and cities, and is approved. Runs inside the producer."""
	stream(ORDER, CITY)


def require_field(doctype: str, fieldname: str) -> None:
	"""A rule of this site's own, as a controller would have it. Runs inside a site.

	That a field is mandatory would be none: what is empty on the producer is empty here.
	"""
	import frappe

	script = f"if not doc.{fieldname}: frappe.throw('{fieldname} is missing')"
	frappe.get_doc(
		{
			"doctype": "Server Script",
			"name": f"{doctype} needs {fieldname}",
			"script_type": "DocType Event",
			"reference_doctype": doctype,
			"doctype_event": "Before Save",
			"script": script,
		}
	).insert(ignore_if_duplicate=True)
	frappe.clear_cache()


def require_nothing(doctype: str) -> None:
	"""Takes such rules away again. Runs inside a site."""
	import frappe

	for name in frappe.get_all("Server Script", {"reference_doctype": doctype}, pluck="name"):
		frappe.delete_doc("Server Script", name, force=True)
	frappe.clear_cache()


# ---- the keys of a connection, looked at from both ends


def rotate_now(event_producer: str) -> None:
	from event_streaming.consumer.subscriptions.rotation import rotate

	rotate(event_producer)


def words(producer, consumer) -> tuple[str, str]:
	"""The secret that the consumer has, and the token that the producer has."""
	return (
		consumer.run(secret_on, doctype="Event Producer", name=producer.url),
		producer.run(secret_on, doctype="Event Consumer", name=consumer.url, fieldname="token"),
	)


def secret_on(doctype: str, name: str, fieldname: str = "api_secret") -> str | None:
	from frappe.utils.password import get_decrypted_password

	return get_decrypted_password(doctype, name, fieldname, raise_exception=False)


def old_keys_work(producer) -> bool:
	"""Whether the keys that every test begins with are still good on the producer."""
	import requests

	answer = requests.get(
		f"{producer.url}/api/method/frappe.auth.get_logged_user",
		headers={"Authorization": f"token {KEYS[0]}:{KEYS[1]}"},
		timeout=60,
	)
	return answer.status_code == 200 and answer.json()["message"] == SUBSCRIBER


def producer_can_call(producer, consumer) -> bool:
	return producer.run(notify, event_consumer=consumer.url)


def notify(event_consumer: str) -> bool:
	from event_streaming.producer.notify.notifications import notify_consumer

	return notify_consumer(event_consumer)


def rotated_on(consumer, name: str = "") -> str | None:
	filters = {"event_producer": name} if name else {}
	(state, *_others) = consumer.run(read_rows, doctype="Event Producer Last Update", filters=filters)
	return state["rotated_on"]


def asked_on(producer, consumer) -> str | None:
	return producer.run(read_doc, doctype="Event Consumer", name=consumer.url)["rotate_asked_on"]


def all_keys() -> list[str]:
	"""Everything secret that this site has for our connections, in plain."""
	import frappe
	from frappe.utils.password import decrypt

	auth = frappe.qb.Table("__Auth")
	rows = (
		frappe.qb.from_(auth)
		.select(auth.password)
		.where(auth.encrypted == 1)
		.where(auth.doctype.isin(["Event Producer", "Event Consumer"]) | (auth.name == SUBSCRIBER))
	).run()
	return [decrypt(row[0]) for row in rows]


def where_it_stands(secrets: list[str]) -> list[str]:
	"""Tables and Redis keys of this site in which one of the secrets can be read."""
	import frappe
	from frappe.deferred_insert import save_to_db
	from frappe.utils.background_jobs import get_redis_conn

	save_to_db()
	found = []
	for table in tables():
		text = repr(frappe.db.sql(f"select * from `{table}`"))
		found += [table for secret in secrets if secret in text]
	for connection in (frappe.cache, get_redis_conn()):
		for key in connection.scan_iter("*") if connection is not frappe.cache else connection.keys("*"):
			if connection.type(key) == b"string":
				text = repr(connection.get(key)) + repr(key)
			elif connection.type(key) == b"hash":
				text = repr(connection.hgetall(key))
			elif connection.type(key) == b"list":
				text = repr(connection.lrange(key, 0, -1))
			else:
				continue
			found += [str(key) for secret in secrets if secret in text]
	return found


def copy_now(
	event_producer: str, doctypes: list | None = None, filters: dict | None = None, pulls: bool = True
) -> dict:
	"""A copy to its end, here and now, as the command does it; without pulls where events are to wait."""
	import frappe

	from event_streaming.consumer.first_copy import copying
	from event_streaming.consumer.long_work.runner import run_slice
	from event_streaming.consumer.tasks import task

	name = copying.begin(event_producer, doctypes, filters).name
	frappe.db.commit()
	pull_first, copying.let_pull = copying.let_pull, copying.let_pull if pulls else print
	try:
		while (done := run_slice(name)).more:
			pass
	finally:
		copying.let_pull = pull_first
	return json.loads(json.dumps({**task.as_progress(done.task), "report": done.task.report}, default=str))

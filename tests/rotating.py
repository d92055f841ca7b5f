"""Keys of a connection, looked at from both ends. Functions with sites as arguments are called by tests; the others run inside one."""

from tests.documents import read_doc, read_rows
from tests.streams import KEYS, SUBSCRIBER


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
	for table in frappe.db.get_tables(cached=False):
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

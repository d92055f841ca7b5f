"""The token that a producer gets in place of keys: it opens three calls, and says nothing to whoever has not got it."""

import json

import pytest
import requests
from doctypes import CITY
from documents import change, read_doc, read_rows, set_settings
from fake_producer import FakeProducer, OlderProducer
from fake_site import FakeSite
from streams import KEYS, SUBSCRIBER, make_event_producer, make_subscriber, pull, pull_now, subscribe

CONFIRM, STATUS, NOTIFY = (
	f"event_streaming.endpoints.{name}" for name in ("confirm", "update_status", "new_event_notification")
)
ROW = {"ref_doctype": CITY, "use_same_name": 1}
PENDING = json.dumps({CITY: {"status": "Rejected", "unsubscribed": 0, "condition": None}})


@pytest.fixture(autouse=True)
def with_subscriber(consumer, orders):
	consumer.run(make_subscriber)


def token_of(event_consumer: str) -> str:
	"""What the producer has. Runs inside it."""
	from event_streaming.producer.subscriptions.calling import token_of

	return token_of(event_consumer)


def ask(site, method: str, token: str | None = None, **arguments) -> requests.Response:
	"""A call as the producer makes it: no session, no keys."""
	headers = {"Accept": "application/json", **({"X-Event-Streaming-Token": token} if token else {})}
	return requests.post(f"{site.url}/api/method/{method}", json=arguments, headers=headers, timeout=60)


def said_to(fake: FakeSite) -> str:
	"""Everything that the other side was told."""
	return json.dumps([request.body for request in fake.requests])


def state_of(consumer) -> dict:
	(state,) = consumer.run(read_rows, doctype="Event Producer Last Update", filters={})
	return state


def notify(event_consumer: str) -> bool:
	from event_streaming.producer.notify.notifications import notify_consumer

	return notify_consumer(event_consumer)


# ---- what goes over


def test_a_producer_gets_a_token_and_no_keys(producer, consumer):
	subscribe(consumer, producer, CITY)

	doc = producer.run(read_doc, doctype="Event Consumer", name=consumer.url)
	assert (doc["api_key"], doc["api_secret"], doc["token_state"]) == (None, None, "In Order")
	token = producer.run(token_of, event_consumer=consumer.url)
	assert len(token) >= 43
	state = state_of(consumer)
	assert state["token_hash"] and token not in json.dumps(state, default=str)
	assert not state["keys_sent_on"]


def test_no_registration_with_a_producer_of_this_kind_has_keys_in_it(consumer):
	with FakeProducer(CITY) as fake:
		consumer.run(make_event_producer, url=fake.url, rows=[ROW])
		consumer.run(change, doctype="Event Producer", name=fake.url, workers=2)

		assert len(fake.calls("register_consumer")) == 2
		assert not [key for key in KEYS if key in said_to(fake)]


def test_a_user_needs_no_keys_on_the_consumer(producer, consumer):
	consumer.run(take_keys)

	subscribe_without_keys(producer, consumer)

	assert consumer.run(read_doc, doctype="Event Producer", name=producer.url)["producer_doctypes"][0][
		"status"
	] == ("Approved")


def take_keys() -> None:
	import frappe

	frappe.db.set_value("User", SUBSCRIBER, "api_key", None)


def subscribe_without_keys(producer, consumer) -> None:
	from streams import decide

	producer.run(make_subscriber)
	consumer.run(make_event_producer, url=producer.url, rows=[ROW])
	producer.run(decide, consumer_url=consumer.url)


class ForgetfulProducer(OlderProducer):
	"""A site with the older app that registers whoever asks, and keeps what it is told."""

	def __init__(self, *doctypes: str):
		super().__init__("http://nobody.example", *doctypes)

	def content_for(self, request):
		if request.path.startswith("/api/method/frappe.") and request.path.endswith("register_consumer"):
			data = json.loads(request.body["data"])
			# as the older app does: KeyError and MandatoryError otherwise
			if not data.get("api_key") or not data.get("api_secret"):
				return 417, json.dumps({"exc_type": "MandatoryError"}).encode()
			rows = [
				{"ref_doctype": each["doctype"], "status": "Pending"}
				for each in json.loads(data["consumer_doctypes"])
			]
			record = {"api_key": data["api_key"], "user": data["user"], "consumer_doctypes": rows}
			if self.documents.setdefault(f"Event Consumer/{data['event_consumer']}", record) is not record:
				return 200, json.dumps({"message": None}).encode()
			return 200, json.dumps({"message": json.dumps({"last_update": "2024-01-01 00:00:00"})}).encode()
		return super().content_for(request)


def test_one_that_runs_the_older_app_gets_keys_and_the_form_says_so(consumer):
	with ForgetfulProducer(CITY) as older:
		messages = consumer.run(make_and_listen, url=older.url)

		assert any("is given the API keys" in message for message in messages)
		assert state_of(consumer)["keys_sent_on"]
		assert all(key in said_to(older) for key in KEYS)


def make_and_listen(url: str) -> list[str]:
	import frappe

	frappe.local.message_log = []
	make_event_producer(url, [ROW])
	return [str(message) for message in frappe.local.message_log]


def test_one_that_runs_the_older_app_gets_no_keys_of_a_site_that_it_can_not_reach(consumer):
	consumer.run(set_settings, public_url="http://shop.invalid", not_reachable=1)
	with ForgetfulProducer(CITY) as older:
		consumer.run(make_event_producer, url=older.url, rows=[ROW])
		assert not consumer.run(pull_now, event_producer=older.url)["error"]

		assert not [key for key in KEYS if key in said_to(older)]
		assert not state_of(consumer)["keys_sent_on"]

		# from now on it can be reached
		consumer.run(set_settings, not_reachable=0)
		consumer.run(change, doctype="Event Producer", name=older.url, workers=2)
		assert older.documents["Event Consumer/http://shop.invalid"]["api_key"] == KEYS[0]


def test_one_that_runs_the_older_app_needs_keys_and_it_is_said_how_to_make_them(consumer):
	from sandbox.sites.shell import RemoteError

	consumer.run(take_keys)
	with ForgetfulProducer(CITY) as older, pytest.raises(RemoteError, match="Generate Keys"):
		consumer.run(make_event_producer, url=older.url, rows=[ROW])


def test_one_that_has_spoken_the_new_protocol_gets_no_keys_when_it_speaks_the_old(consumer):
	with OlderProducer(consumer.url, CITY) as turned:
		turned.upgraded = True
		consumer.run(make_event_producer, url=turned.url, rows=[ROW])
		turned.upgraded = False
		consumer.run(change, doctype="Event Producer", name=turned.url, workers=2)
		state = state_of(consumer)
		assert state["protocol"] == 2 and "answers as the older app does" in state["last_error"]
		consumer.run(pull_now, event_producer=turned.url)
		consumer.run(change, doctype="Event Producer", name=turned.url, workers=3)
		assert not [key for key in KEYS if key in said_to(turned)]


def test_one_that_is_brought_up_to_date_gets_a_token_and_the_keys_are_not_sent_again(consumer):
	with OlderProducer(consumer.url, CITY) as older:
		consumer.run(make_event_producer, url=older.url, rows=[ROW])
		older.upgraded = True
		older.requests.clear()
		consumer.run(ask_again)
		consumer.run(pull_now, event_producer=older.url)

		assert state_of(consumer)["protocol"] == 2
		assert "consumer_token" in said_to(older)
		assert not [key for key in KEYS if key in said_to(older)]


def ask_again() -> None:
	import frappe

	from event_streaming.consumer.subscriptions.old_producer import asked_old_producer

	(name,) = frappe.get_all("Event Producer", pluck="name")
	frappe.cache.delete_value(asked_old_producer(name))


# ---- what it opens


def test_the_token_opens_the_three_calls(producer, consumer):
	subscribe(consumer, producer, CITY)
	token = producer.run(token_of, event_consumer=consumer.url)

	confirmed = ask(consumer, CONFIRM, token, producer_url=producer.url)
	told = ask(consumer, STATUS, token, producer_url=producer.url, subscriptions=PENDING)
	notified = ask(consumer, NOTIFY, token, producer_url=producer.url)

	assert [answer.status_code for answer in (confirmed, told, notified)] == [200, 200, 200]
	assert confirmed.json()["message"]["site"] == consumer.url and confirmed.json()["message"]["token_known"]
	(row,) = consumer.run(read_doc, doctype="Event Producer", name=producer.url)["producer_doctypes"]
	assert row["status"] == "Rejected"


def test_a_decision_is_written_as_the_event_subscriber(producer, consumer):
	subscribe(consumer, producer, CITY)

	assert consumer.run(users_of_a_decision, producer_url=producer.url) == [SUBSCRIBER, "Guest"]


def users_of_a_decision(producer_url: str) -> list[str]:
	"""As whom it is written, and who is logged in afterwards."""
	import frappe

	from event_streaming.consumer.subscriptions import hearing

	seen = []
	hearing.producer_with_token = lambda url: url
	hearing.write_statuses = lambda *_args: seen.append(frappe.session.user)
	frappe.set_user("Guest")
	hearing.update_status(producer_url, PENDING)
	return [*seen, frappe.session.user]


@pytest.mark.parametrize("method", [CONFIRM, STATUS, NOTIFY])
def test_whoever_has_no_right_token_is_told_the_same_and_writes_nothing(producer, consumer, third, method):
	subscribe(consumer, producer, CITY)
	right = producer.run(token_of, event_consumer=consumer.url)
	before = consumer.run(what_is_written)

	answers = [
		ask(consumer, method, token, producer_url=url, subscriptions=PENDING)
		for token, url in (
			(None, producer.url),
			("wrong", producer.url),
			(right[:-1], producer.url),
			("ผิด".encode().decode("latin-1"), producer.url),
			("x" * 5_000, producer.url),
			(right, "http://nobody.example"),
			(right, ""),
			(right, "http://nobody.example:port"),
			(right, third.url),
			(right, "x" * 100_000),
		)
	]
	answers.append(ask(consumer, method, right))

	assert {answer.status_code for answer in answers} == {403}
	assert {first_message(answer) for answer in answers} == {"The token is missing or not valid. (ES-108)"}
	assert len({json.dumps(sorted(answer.json())) for answer in answers}) == 1
	for nonsense in ([], {"a": 1}, 7):
		assert ask(consumer, method, right, producer_url=nonsense).status_code in (403, 417)
	assert consumer.run(what_is_written) == before


def first_message(answer: requests.Response) -> str:
	return json.loads(json.loads(answer.json()["_server_messages"])[0])["message"]


def what_is_written() -> dict:
	"""How many rows each table has that a request might write to, and what is kept of producers."""
	import frappe
	from frappe.deferred_insert import save_to_db

	save_to_db()
	counted = ("Error Log", "Activity Log", "Comment", "Version", "Event Sync Log", "Access Log")
	found = {doctype: frappe.db.count(doctype) for doctype in counted}
	found["sessions"] = frappe.db.sql("select count(*) from tabSessions")[0][0]
	for doctype in ("Event Producer", "Event Producer Document Type", "Event Producer Last Update"):
		found[doctype] = str(frappe.get_all(doctype, fields=["*"]))
	return found


def test_guesses_are_counted_and_the_right_token_is_let_in_all_the_same(producer, consumer):
	subscribe(consumer, producer, CITY)
	token = producer.run(token_of, event_consumer=consumer.url)

	answers = [ask(consumer, NOTIFY, "wrong", producer_url=producer.url).status_code for _each in range(40)]

	assert answers[:10] == [403] * 10 and answers[-1] == 429
	assert ask(consumer, NOTIFY, token, producer_url=producer.url).status_code == 200


def test_a_token_that_the_consumer_does_not_know_any_more_is_replaced_with_its_next_pull(producer, consumer):
	subscribe(consumer, producer, CITY)
	consumer.run(forget_tokens, name=producer.url)

	assert not producer.run(notify, event_consumer=consumer.url)
	doc = producer.run(read_doc, doctype="Event Consumer", name=consumer.url)
	assert doc["token_state"] == "Refused" and "does not accept the token" in doc["last_error"]
	pull(consumer, producer)

	assert producer.run(notify, event_consumer=consumer.url)
	doc = producer.run(read_doc, doctype="Event Consumer", name=consumer.url)
	assert (doc["token_state"], doc["notify_failures"], doc["notify_after"]) == ("In Order", 0, None)


def forget_tokens(name: str) -> None:
	"""As after a restored backup."""
	from event_streaming.consumer.logs import state

	state.save_state(name, token_hash="0" * 64, new_token_hash=None)


def test_a_producer_that_has_keys_from_an_earlier_version_goes_on_with_them_until_the_next_pull(
	producer, consumer
):
	subscribe(consumer, producer, CITY)
	producer.run(back_to_keys, event_consumer=consumer.url)
	consumer.run(never_gave_a_token, name=producer.url)

	assert producer.run(notify, event_consumer=consumer.url)
	assert state_of(consumer)["keys_sent_on"]
	pull(consumer, producer)

	doc = producer.run(read_doc, doctype="Event Consumer", name=consumer.url)
	assert (doc["api_key"], doc["api_secret"], doc["token_state"]) == (None, None, "In Order")
	assert producer.run(notify, event_consumer=consumer.url)
	assert producer.run(stored_secret, event_consumer=consumer.url) is None


def back_to_keys(event_consumer: str) -> None:
	import frappe
	from frappe.utils.password import remove_encrypted_password

	doc = frappe.get_doc("Event Consumer", event_consumer)
	doc.api_key, doc.api_secret = KEYS
	doc.save()
	doc.db_set("token_state", "")
	remove_encrypted_password("Event Consumer", event_consumer, "token")


def never_gave_a_token(name: str) -> None:
	from event_streaming.consumer.logs import state
	from event_streaming.patches.v1_0 import note_keys_that_were_sent

	state.save_state(name, token_hash=None, new_token_hash=None)
	note_keys_that_were_sent.execute()


def stored_secret(event_consumer: str) -> str | None:
	from frappe.utils.password import get_decrypted_password

	return get_decrypted_password("Event Consumer", event_consumer, "api_secret", raise_exception=False)


def test_saving_a_form_that_is_older_than_the_token_keeps_the_token(producer, consumer):
	subscribe(consumer, producer, CITY)

	producer.run(save_an_old_picture, event_consumer=consumer.url)

	doc = producer.run(read_doc, doctype="Event Consumer", name=consumer.url)
	assert doc["token_state"] == "In Order" and doc["paused"] == 1
	assert producer.run(token_of, event_consumer=consumer.url)


def save_an_old_picture(event_consumer: str) -> None:
	import frappe

	doc = frappe.get_doc("Event Consumer", event_consumer)
	doc.token_state, doc.paused = "", 1
	doc.save()


# ---- what is no login


@pytest.mark.parametrize("source", ["Event Producer", "event consumer", " Event Producer "])
def test_keys_on_our_documents_are_no_login(producer, consumer, source):
	"""The producer knows key and secret on the Event Producer here, and Frappe 15 would let it in as the Event Subscriber."""
	subscribe(consumer, producer, CITY)

	assert consumer.run(what_the_hook_says, source=source) == "AuthenticationError"
	assert consumer.run(what_the_hook_says, source="Woocommerce Settings") == ""
	headers = {"Authorization": "token " + ":".join(KEYS), "Frappe-Authorization-Source": source.strip()}
	answer = requests.post(
		f"{consumer.url}/api/method/frappe.auth.get_logged_user", headers=headers, timeout=60
	)
	assert answer.status_code != 200


def what_the_hook_says(source: str) -> str:
	"""All of them: ours has to be among those that Frappe calls."""
	import frappe
	from werkzeug.test import EnvironBuilder
	from werkzeug.wrappers import Request

	frappe.local.request = Request(
		EnvironBuilder(headers={"Frappe-Authorization-Source": source}).get_environ()
	)
	try:
		for hook in frappe.get_hooks("auth_hooks"):
			frappe.get_attr(hook)()
	except frappe.AuthenticationError as error:
		return type(error).__name__
	finally:
		frappe.local.request = None
	return ""

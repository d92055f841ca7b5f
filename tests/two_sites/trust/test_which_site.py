"""A connection is with one site, whatever address leads to it: another one is refused, and the same one is recognised."""

import contextlib
import json

import pytest
from doctypes import CITY, with_orders
from documents import insert, read_doc, read_rows, set_settings, unique
from fake_producer import FakeProducer
from fake_site import Authority, FakeSite
from streams import (
	KEYS,
	SUBSCRIBER,
	decide,
	make_event_consumer,
	make_event_producer,
	make_subscriber,
	pull,
	pull_now,
	subscribe,
)

from sandbox.errors import RestError
from sandbox.sites.rest import RestClient
from sandbox.sites.shell import RemoteError

pytestmark = pytest.mark.usefixtures("orders")
ROWS = [{"ref_doctype": CITY, "use_same_name": 1}]
THIS, OTHER = "11111111-1111-4111-8111-111111111111", "22222222-2222-4222-8222-222222222222"
REGISTER = "event_streaming.event_streaming.doctype.event_consumer.event_consumer.register_consumer"
NOTIFY = "event_streaming.event_streaming.doctype.event_producer.event_producer.new_event_notification"


def site_id() -> str:
	from event_streaming.site.site_id import own_id

	return own_id()


def become(site_id: str) -> None:
	"""As if another site stood at this one's address."""
	import frappe

	frappe.db.set_single_value("Event Streaming Settings", "site_id", site_id)
	frappe.clear_document_cache("Event Streaming Settings", "Event Streaming Settings")


def kept(site, doctype: str, name: str) -> str:
	return site.run(read_doc, doctype=doctype, name=name)["site_id"]


def pull_state(consumer, url: str) -> dict:
	(row,) = consumer.run(read_rows, doctype="Event Producer Last Update", filters={"event_producer": url})
	return row


def refused_pull(consumer, url: str) -> str:
	summary = consumer.run(pull_now, event_producer=url)
	assert summary["events"] == 0
	return summary["error"]


def onload(doctype: str, name: str, key: str) -> str:
	import frappe

	doc = frappe.get_doc(doctype, name)
	doc.run_method("onload")
	return doc.get_onload(key)


def findings(check: str, **which) -> list[str]:
	from event_streaming.admin.doctor.examination import examine

	return [found.message for found in examine(**which) if found.check == check]


def accept(site_id: str, **which) -> None:
	from event_streaming.api import accept_site

	accept_site(site_id, **which)


def failure(site, function, **kwargs) -> str:
	with pytest.raises(RemoteError) as raised:
		site.run(function, **kwargs)
	return raised.value.message


# ---- an id


def test_each_site_has_an_id_of_its_own_that_both_forms_show(producer, consumer):
	subscribe(consumer, producer, CITY)

	assert kept(consumer, "Event Producer", producer.url) == producer.run(site_id)
	assert kept(producer, "Event Consumer", consumer.url) == consumer.run(site_id)
	assert len({producer.run(site_id), consumer.run(site_id), ""}) == 3


def test_a_site_from_before_there_were_ids_gets_one_and_keeps_it(producer):
	producer.run(become, site_id="")
	producer.run(run_patch)
	first = producer.run(site_id)
	producer.run(run_patch)

	assert first and producer.run(site_id) == first


def run_patch() -> None:
	from event_streaming.patches.v1_0.make_site_id import execute

	execute()


def test_no_form_and_no_rest_call_changes_an_id(producer, consumer):
	subscribe(consumer, producer, CITY)
	before = [producer.run(site_id), consumer.run(site_id)]

	consumer.rest().update("Event Producer", producer.url, {"site_id": OTHER})
	producer.rest().update("Event Consumer", consumer.url, {"site_id": OTHER})
	producer.run(set_settings, site_id=OTHER, events_per_page=400)
	consumer.rest().insert({"doctype": "Event Streaming Settings", "site_id": OTHER})

	assert [producer.run(site_id), consumer.run(site_id)] == before
	assert kept(consumer, "Event Producer", producer.url) == before[0]
	assert kept(producer, "Event Consumer", consumer.url) == before[1]


def test_connections_of_an_earlier_version_learn_the_ids_with_the_next_page(producer, consumer):
	subscribe(consumer, producer, CITY)
	for site, doctype, name in (
		(consumer, "Event Producer", producer.url),
		(producer, "Event Consumer", consumer.url),
	):
		site.run(forget_id, doctype=doctype, name=name)
	pull(consumer, producer)

	assert kept(consumer, "Event Producer", producer.url) == producer.run(site_id)
	assert kept(producer, "Event Consumer", consumer.url) == consumer.run(site_id)


def forget_id(doctype: str, name: str) -> None:
	import frappe

	frappe.db.set_value(doctype, name, "site_id", None)


@pytest.mark.parametrize("without", ["producer", "consumer"])
def test_a_site_that_says_no_id_is_taken_as_before(producer, consumer, without):
	subscribe(consumer, producer, CITY)
	{"producer": producer, "consumer": consumer}[without].run(become, site_id="")
	city = producer.run(insert, doctype=CITY, title=unique("city"))

	assert pull(consumer, producer)["events"] == 1
	assert consumer.run(read_doc, doctype=CITY, name=city)


# ---- another site


def test_nothing_comes_from_another_site_behind_the_producers_address_until_it_is_accepted(
	producer, consumer
):
	subscribe(consumer, producer, CITY)
	was = producer.run(site_id)
	producer.run(become, site_id=OTHER)
	city = producer.run(insert, doctype=CITY, title=unique("city"))

	error = refused_pull(consumer, producer.url)

	state = pull_state(consumer, producer.url)
	assert was in error and OTHER in error
	assert (state["connection"], state["other_site_id"]) == ("Refused", OTHER)
	assert not consumer.run(read_doc, doctype=CITY, name=city)
	assert any(OTHER in said for said in consumer.run(findings, check="site", event_producer=producer.url))

	consumer.run(accept, site_id=OTHER, event_producer=producer.url)
	assert pull(consumer, producer)["events"] == 1
	assert consumer.run(read_doc, doctype=CITY, name=city)
	assert pull_state(consumer, producer.url)["other_site_id"] is None


def test_only_what_was_refused_can_be_accepted(producer, consumer):
	subscribe(consumer, producer, CITY)

	assert "open the form again" in failure(consumer, accept, site_id=OTHER, event_producer=producer.url)
	assert "open the form again" in failure(producer, accept, site_id=OTHER, event_consumer=consumer.url)
	assert kept(consumer, "Event Producer", producer.url) == producer.run(site_id)


def test_a_page_of_another_site_is_not_applied_also_where_that_site_refuses_nothing(consumer):
	consumer.run(make_subscriber)
	with FakeProducer(CITY) as fake:
		fake.site_id = THIS
		consumer.run(make_event_producer, url=fake.url, rows=ROWS)
		consumer.run(pull_now, event_producer=fake.url)
		before = pull_state(consumer, fake.url)["position"]
		fake.site_id, name = OTHER, unique("city")
		fake.pages.append({"events": [fake.event(CITY, name, {"title": name})]})

		error = refused_pull(consumer, fake.url)

	assert THIS in error and OTHER in error and "Accept the New Site" in error
	assert not consumer.run(read_doc, doctype=CITY, name=name)
	assert pull_state(consumer, fake.url)["position"] == before


def test_a_decision_of_another_site_is_not_taken_over(producer, consumer):
	subscribe(consumer, producer, CITY)
	producer.run(become, site_id=OTHER)
	producer.run(decide, consumer_url=consumer.url, status="Rejected")

	(row,) = consumer.run(read_doc, doctype="Event Producer", name=producer.url)["producer_doctypes"]
	assert row["status"] == "Approved"


def test_another_site_in_the_consumers_name_gets_nothing_until_it_is_accepted(producer, consumer):
	subscribe(consumer, producer, CITY)
	was = consumer.run(site_id)
	city = producer.run(insert, doctype=CITY, title=unique("city"))
	consumer.run(become, site_id=OTHER)

	error = refused_pull(consumer, producer.url)

	assert was in error and OTHER in error
	assert producer.run(read_doc, doctype="Event Consumer", name=consumer.url)["other_site_id"] == OTHER
	assert not producer.run(read_rows, doctype="Event Delivery Hour", filters={})
	assert any(OTHER in said for said in producer.run(findings, check="site", event_consumer=consumer.url))

	consumer.run(become, site_id=was)
	pull(consumer, producer)
	assert not producer.run(read_doc, doctype="Event Consumer", name=consumer.url)["other_site_id"]

	city = producer.run(insert, doctype=CITY, title=unique("city"))
	consumer.run(become, site_id=OTHER)
	refused_pull(consumer, producer.url)
	producer.run(accept, site_id=OTHER, event_consumer=consumer.url)
	assert pull(consumer, producer)["events"] == 1
	assert consumer.run(read_doc, doctype=CITY, name=city)


def test_another_site_in_the_consumers_name_changes_no_registration(producer, consumer):
	subscribe(consumer, producer, CITY)
	consumer.run(become, site_id=OTHER)

	consumer.run(save_again, name=producer.url)

	doc = producer.run(read_doc, doctype="Event Consumer", name=consumer.url)
	assert (doc["other_site_id"], doc["site_id"] == OTHER) == (OTHER, False)
	assert OTHER in pull_state(consumer, producer.url)["last_error"]


def save_again(name: str) -> None:
	import frappe

	frappe.get_doc("Event Producer", name).save()


def test_a_request_that_is_meant_for_another_site_does_nothing_here(producer, consumer):
	subscribe(consumer, producer, CITY)
	rest = RestClient(consumer.url, *KEYS)
	rest.session.headers["X-Event-Streaming-For"] = OTHER
	status = json.dumps({CITY: {"status": "Rejected", "unsubscribed": 0, "condition": None}})

	for method, values in (
		("event_streaming.endpoints.update_status", {"producer_url": producer.url, "subscriptions": status}),
		("event_streaming.endpoints.confirm", {"token": "x"}),
		(NOTIFY, {"producer_url": producer.url}),
	):
		with pytest.raises(RestError) as raised:
			rest.method(method, **values)
		assert raised.value.exc_type == "WrongSite", method
	del rest.session.headers["X-Event-Streaming-For"]
	(row,) = consumer.run(read_doc, doctype="Event Producer", name=producer.url)["producer_doctypes"]
	assert row["status"] == "Approved"


def test_a_notification_that_reaches_another_site_is_stored_as_that(producer, consumer):
	subscribe(consumer, producer, CITY)
	consumer.run(become, site_id=OTHER)

	assert not producer.run(notify, name=consumer.url)

	doc = producer.run(read_doc, doctype="Event Consumer", name=consumer.url)
	assert OTHER in doc["last_error"] and doc["other_site_id"] == OTHER


def notify(name: str) -> bool:
	from event_streaming.producer.notify.notifications import notify_consumer

	return notify_consumer(name)


class CallBack(FakeSite):
	"""What answers at the address that a consumer gives."""

	def __init__(self, site_id: str):
		super().__init__()
		self.site_id = site_id

	def content_for(self, request) -> tuple[int, bytes]:
		answer = {"site": self.url, "site_id": self.site_id, "token_known": True}
		return 200, json.dumps({"message": answer}).encode()


def registration(url: str, site_id: str, **values) -> str:
	entry = {"doctype": CITY, "condition": None}
	return json.dumps(
		{
			"event_consumer": url,
			"consumer_doctypes": json.dumps([entry]),
			"user": SUBSCRIBER,
			"api_key": KEYS[0],
			"api_secret": KEYS[1],
			"protocol": 2,
			"reachable": 1,
			"token": "token",
			"site_id": site_id,
			**values,
		}
	)


@pytest.mark.parametrize(("answers", "registered"), [(THIS, True), (OTHER, False), ("", True)])
def test_the_call_back_says_whom_the_producer_has_called(producer, answers, registered):
	producer.run(make_subscriber)
	rest = RestClient(producer.url, *KEYS)
	with CallBack(answers) as fake:
		with (
			contextlib.nullcontext() if registered else pytest.raises(RestError, match="another site answers")
		):
			rest.method(REGISTER, data=registration(fake.url, THIS))

	assert bool(producer.run(read_doc, doctype="Event Consumer", name=fake.url)) == registered


# ---- one site under two addresses


def alias(url: str) -> str:
	return url.replace("127.0.0.1", "localhost")


def test_a_producer_is_recognised_under_another_address_before_anything_is_registered(producer, consumer):
	subscribe(consumer, producer, CITY)
	before = producer.run(read_doc, doctype="Event Consumer", name=consumer.url)

	error = failure(
		consumer, make_event_producer, url=alias(producer.url), rows=[{"ref_doctype": "ToDo"}, *ROWS]
	)

	assert f"leads to the same site as the Event Producer {producer.url}" in error
	assert not consumer.run(read_doc, doctype="Event Producer", name=alias(producer.url))
	assert producer.run(read_doc, doctype="Event Consumer", name=consumer.url) == before


def test_a_site_does_not_subscribe_to_itself_under_another_address(producer):
	producer.run(make_subscriber)

	error = failure(producer, make_event_producer, url=alias(producer.url), rows=ROWS)

	assert "is this site itself under another address" in error
	assert producer.run(read_rows, doctype="Event Consumer", filters={}) == []


def test_a_producer_refuses_itself_too(producer):
	producer.run(make_subscriber)

	with pytest.raises(RestError, match="a site can't subscribe to itself"):
		RestClient(producer.url, *KEYS).method(
			REGISTER, data=registration("http://alias.example", producer.run(site_id), reachable=0)
		)


def test_http_and_https_of_one_site_are_one_producer(consumer, tmp_path):
	consumer.run(make_subscriber)
	authority = Authority()
	with FakeProducer(CITY) as plain, FakeProducer(CITY) as secure:
		plain.site_id = secure.site_id = THIS
		secure.speak_tls(authority.context(tmp_path))
		consumer.run(make_event_producer, url=plain.url, rows=ROWS)

		error = failure(
			consumer, make_event_producer, url=secure.url, rows=ROWS, ca_certificate=authority.pem
		)

	assert f"the same site as the Event Producer {plain.url}" in error
	assert not secure.calls("register_consumer")


def test_a_consumer_under_another_address_is_refused_and_both_sides_say_so(producer, consumer):
	subscribe(consumer, producer, CITY)
	consumer.run(set_settings, public_url=alias(consumer.url))

	consumer.run(save_again, name=producer.url)

	error = pull_state(consumer, producer.url)["last_error"]
	assert f"registered on {producer.url} already, as {consumer.url}" in error and "New Site Id" in error
	assert [row["name"] for row in producer.run(read_rows, doctype="Event Consumer", filters={})] == [
		consumer.url
	]
	said = producer.run(onload, doctype="Event Consumer", name=consumer.url, key="claimed_twice")
	assert alias(consumer.url) in said and "New Site Id" in said
	assert producer.run(findings, check="site", event_consumer=consumer.url) == [said]

	# set back: nothing is left of it
	consumer.run(set_settings, public_url=consumer.url)
	consumer.run(save_again, name=producer.url)
	assert not producer.run(onload, doctype="Event Consumer", name=consumer.url, key="claimed_twice")


def test_the_address_of_another_users_consumer_is_not_told(producer, consumer):
	subscribe(consumer, producer, CITY)
	producer.run(make_subscriber, user="other@example.com", keys=["otherkey", "othersecret"])
	data = registration("http://nobody.example", consumer.run(site_id), user="other@example.com", reachable=0)

	with pytest.raises(RestError) as raised:
		RestClient(producer.url, "otherkey", "othersecret").method(REGISTER, data=data)

	assert consumer.url not in str(raised.value) and "another address" in str(raised.value)


def test_a_copy_of_a_site_is_told_to_get_an_id_of_its_own_and_registers_with_that(producer, consumer, third):
	subscribe(consumer, producer, CITY)
	with_orders(third)
	third.run(make_subscriber)
	third.run(become, site_id=consumer.run(site_id))

	error = failure(third, make_event_producer, url=producer.url, rows=ROWS)
	assert "If" in error and f"{third.url} is a copy of that site, press New Site Id" in error

	assert third.command("event-streaming", "new-site-id").returncode == 0
	third.run(make_event_producer, url=producer.url, rows=ROWS)
	assert kept(producer, "Event Consumer", third.url) == third.run(site_id) != consumer.run(site_id)
	assert not producer.run(onload, doctype="Event Consumer", name=consumer.url, key="claimed_twice")


def test_one_site_as_producer_and_consumer_under_two_addresses_is_told(producer, consumer):
	subscribe(consumer, producer, CITY)
	consumer.run(put_consumer, url="http://alias.example", site_id=producer.run(site_id))

	for doctype, name in (("Event Producer", producer.url), ("Event Consumer", "http://alias.example")):
		assert "claim to be the same site" in consumer.run(
			onload, doctype=doctype, name=name, key="claimed_twice"
		)


def put_consumer(url: str, site_id: str) -> None:
	make_event_consumer(url, [{"ref_doctype": CITY}], site_id=site_id)


def test_a_new_id_is_refused_by_the_others_until_a_person_accepts_it_on_the_terminal_too(producer, consumer):
	subscribe(consumer, producer, CITY)
	new = producer.command("event-streaming", "new-site-id").stdout.strip()
	assert new == producer.run(site_id)
	assert new in refused_pull(consumer, producer.url)

	wrong = consumer.command("event-streaming", "accept-site", OTHER, "--producer", producer.url)
	right = consumer.command("event-streaming", "accept-site", new, "--producer", producer.url)

	assert (wrong.returncode, right.returncode) == (1, 0)
	pull(consumer, producer)


# ---- addresses


@pytest.mark.parametrize(
	("written", "known_as"),
	[
		("HTTPS://ERP.Example.COM/", "https://erp.example.com"),
		("https://erp.example.com:443//", "https://erp.example.com"),
		(" http://erp.example.com.:80/?a=1#b ", "http://erp.example.com"),
		("http://erp.example.com:443", "http://erp.example.com:443"),
		("https://Bücher.example", "https://xn--bcher-kva.example"),
		("http://2130706433:8000/", "http://127.0.0.1:8000"),
		("http://0x7f.1", "http://127.0.0.1"),
		("http://[::ffff:127.0.0.1]:8000", "http://127.0.0.1:8000"),
		("http://[2001:DB8::0001]", "http://[2001:db8::1]"),
		("http://user:secret@erp.example.com", ""),
		("http://erp.example.com:port", ""),
		("http://two words.example", ""),
		("http://erp.example.com:0x50", ""),
		("http://[fe80::1%25eth0]", ""),
		("ftp://erp.example.com", ""),
		("erp.example.com", ""),
		("http://", ""),
		("http://a..b", ""),
	],
)
def test_spellings_of_an_address(consumer, written, known_as):
	assert consumer.run(spelled, url=written) == known_as


def spelled(url: str) -> str:
	from event_streaming.site.address import web_address

	return web_address(url)


@pytest.mark.parametrize(
	("written", "said"),
	[
		("http://user:secret@erp.example.com", "a user or a password"),
		("https://erp.example.com/app/todo", "leave out /app/todo"),
		("http://two words.example", "without spaces"),
		("erp.example.com", "begin with http"),
	],
)
def test_what_is_wrong_with_an_address_is_said_without_what_is_secret_in_it(consumer, written, said):
	consumer.run(make_subscriber)

	for error in (
		failure(consumer, make_event_producer, url=written, rows=ROWS),
		failure(consumer, set_settings, public_url=written),
	):
		assert said in error and "secret" not in error


# ---- how often


def test_a_user_that_registers_without_end_is_stopped(producer):
	producer.run(make_subscriber)
	producer.run(use_up_registrations, user=SUBSCRIBER)
	data = registration("http://nobody.example", THIS, reachable=0)

	with pytest.raises(RestError, match="Wait a minute") as raised:
		RestClient(producer.url, *KEYS).method(REGISTER, data=data)

	assert raised.value.status == 429
	assert producer.run(read_rows, doctype="Event Consumer", filters={}) == []
	assert producer.run(seconds_left, user=SUBSCRIBER) > 0


def use_up_registrations(user: str) -> None:
	import frappe

	from event_streaming.producer.registration.rate import MOST, count_registration

	frappe.set_user(user)
	for _number in range(MOST):
		count_registration()
	frappe.set_user("Administrator")


def seconds_left(user: str) -> int:
	import frappe

	return frappe.cache.ttl(frappe.cache.make_key(f"event_streaming:kept:registrations:{user}"))

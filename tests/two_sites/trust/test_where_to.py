"""Where a site may be made to call, and whose certificate it accepts there: every road that leads to another site."""

import json

import pytest
from doctypes import CITY
from documents import insert, read_doc, read_rows, unique
from fake_producer import FakeProducer
from fake_site import Authority, FakeSite
from streams import KEYS, SUBSCRIBER, make_event_consumer, make_event_producer, make_subscriber, subscribe

from sandbox.sites.shell import RemoteError

pytestmark = pytest.mark.usefixtures("orders")
ROWS = [{"ref_doctype": CITY, "use_same_name": 1}]
ELSEWHERE = ["10.0.0.0/8", "erp.example.com"]
HERE = ["127.0.0.0/8"]


@pytest.fixture(autouse=True)
def subscribers(producer, consumer):
	for site in (producer, consumer):
		site.run(make_subscriber)


def bounded(allowed: list | str, ways: list[str], **named) -> dict[str, str]:
	"""What comes of calling the other site, each way, while site_config.json holds `allowed`. Runs inside a site."""
	import frappe

	frappe.conf.event_streaming_allowed_networks = allowed
	try:
		every = {
			"by_pull": by_pull,
			"by_test": by_test,
			"by_saving": by_saving,
			"by_notifying": by_notifying,
			"by_telling": by_telling,
			"by_registering": by_registering,
			"by_doctor": by_doctor,
			"of_this_site": of_this_site,
		}
		return {way: every[way](**named) for way in ways}
	finally:
		del frappe.conf["event_streaming_allowed_networks"]


def by_pull(name: str) -> str:
	from event_streaming.event_streaming.doctype.event_producer.event_producer import pull_from_node

	return pull_from_node(name)["error"] or "done"


def by_test(name: str) -> str:
	from event_streaming.consumer.subscriptions.asking import test_connection

	return outcome(test_connection, name)


def by_saving(name: str) -> str:
	import frappe

	frappe.get_doc("Event Producer", name).save()
	return frappe.db.get_value("Event Producer Last Update", {"event_producer": name}, "last_error") or "done"


def by_notifying(name: str) -> str:
	import frappe

	from event_streaming.producer.notify.notifications import notify_consumer

	frappe.db.set_value("Event Consumer", name, {"notify_after": None, "last_error": None})
	notify_consumer(name)
	return frappe.db.get_value("Event Consumer", name, "last_error") or "done"


def by_telling(name: str) -> str:
	import frappe

	from event_streaming.producer.registration.approval import tell_consumer

	frappe.clear_messages()
	return "done" if tell_consumer(name) else str(frappe.get_message_log())


def by_registering(name: str) -> str:
	import frappe

	from event_streaming.producer.registration.register import register

	frappe.set_user(SUBSCRIBER)
	try:
		return outcome(
			register,
			{
				"event_consumer": name,
				"consumer_doctypes": [{"doctype": CITY, "condition": None}],
				"user": SUBSCRIBER,
				"api_key": KEYS[0],
				"api_secret": KEYS[1],
				"protocol": 2,
				"reachable": 1,
				"token": "token",
			},
		)
	finally:
		frappe.set_user("Administrator")


def by_doctor(name: str) -> str:
	import frappe

	from event_streaming.admin.doctor.examination import examine

	kind = "event_producer" if frappe.db.exists("Event Producer", name) else "event_consumer"
	said = [found for found in examine(**{kind: name}) if found.check in ("networks", "connection")]
	return " ".join(found.message + found.remedy for found in said if found.level == "fault") or "done"


def outcome(function, *args) -> str:
	import frappe

	try:
		function(*args)
	except frappe.ValidationError as error:
		frappe.db.rollback()
		return str(error)
	return "done"


TO_THE_PRODUCER = ["by_pull", "by_test", "by_saving", "by_doctor"]
TO_THE_CONSUMER = ["by_notifying", "by_telling", "by_doctor"]


def test_a_producer_outside_of_the_bound_is_not_called_on_any_road(producer, consumer):
	subscribe(consumer, producer, CITY)
	city = producer.run(insert, doctype=CITY, title=unique("city"))
	heard = producer.run(read_doc, doctype="Event Consumer", name=consumer.url)["last_contact"]

	refused = consumer.run(bounded, allowed=ELSEWHERE, ways=TO_THE_PRODUCER, name=producer.url)

	assert all("event_streaming_allowed_networks" in said for said in refused.values()), refused
	assert producer.run(read_doc, doctype="Event Consumer", name=consumer.url)["last_contact"] == heard
	assert not consumer.run(read_doc, doctype=CITY, name=city)
	for allowed in (HERE, ["10.0.0.0/8", "127.0.0.1"]):
		accepted = consumer.run(bounded, allowed=allowed, ways=TO_THE_PRODUCER, name=producer.url)
		assert set(accepted.values()) == {"done"}, accepted
	assert consumer.run(read_doc, doctype=CITY, name=city)


def test_a_consumer_outside_of_the_bound_is_not_called_on_any_road(producer, consumer):
	subscribe(consumer, producer, CITY)

	refused = producer.run(bounded, allowed=ELSEWHERE, ways=TO_THE_CONSUMER, name=consumer.url)
	accepted = producer.run(bounded, allowed=HERE, ways=TO_THE_CONSUMER, name=consumer.url)

	assert all("event_streaming_allowed_networks" in said for said in refused.values()), refused
	assert set(accepted.values()) == {"done"}, accepted


SPELLINGS = ["127.0.0.1", "localhost", "2130706433", "0x7f.1", "0177.0.0.1", "[::ffff:127.0.0.1]", "[::1]"]


@pytest.mark.parametrize("host", SPELLINGS)
def test_a_registration_makes_the_producer_call_nothing_outside_of_the_bound(producer, host):
	with FakeSite() as inside:
		url = inside.url.replace("127.0.0.1", host)
		said = producer.run(bounded, allowed=ELSEWHERE, ways=["by_registering"], name=url)["by_registering"]

	assert inside.requests == []
	assert "event_streaming_allowed_networks" in said and "keys" not in said
	assert producer.run(read_rows, doctype="Event Consumer", filters={}) == []


@pytest.mark.parametrize(
	"host", ["169.254.169.254", "0xa9fea9fe", "[fe80::1]", "0.0.0.0", "[::]", "224.0.0.1"]
)
def test_a_registration_never_makes_the_producer_call_the_metadata_of_its_cloud(producer, host):
	said = producer.run(by_registering, name=f"http://{host}:1")

	assert "never link-local or metadata addresses" in said
	assert producer.run(read_rows, doctype="Event Consumer", filters={}) == []


def test_a_refusal_does_not_tell_what_a_name_leads_to(producer):
	said = producer.run(bounded, allowed=ELSEWHERE, ways=["by_registering"], name="http://localhost:1/")[
		"by_registering"
	]

	assert "127.0.0.1" not in said.replace(producer.url, "")


@pytest.mark.parametrize("allowed", [["10.0.0.0/33"], {"a": 1}, 7])
def test_with_a_list_that_cannot_be_understood_nobody_is_called_and_the_doctor_says_why(
	producer, consumer, allowed
):
	subscribe(consumer, producer, CITY)

	said = consumer.run(bounded, allowed=allowed, ways=["by_pull", "of_this_site"], name=producer.url)

	assert "is not a list of networks and host names" in said["by_pull"]
	assert "no other site is called" in said["of_this_site"]


def of_this_site(name: str) -> str:
	from event_streaming.admin.doctor.this_site import networks

	return networks().message


def test_a_redirect_is_not_followed_and_sends_the_keys_to_nobody(consumer):
	with FakeSite() as target, FakeProducer(CITY) as fake:
		consumer.run(make_event_producer, url=fake.url, rows=ROWS)
		fake.status, fake.headers = 307, {"Location": f"{target.url}/api/method/x"}
		said = consumer.run(by_pull, name=fake.url)

	assert "redirects to" in said and target.requests == []


# ---- certificates


def failure(site, **values) -> str:
	with pytest.raises(RemoteError) as raised:
		site.run(make_event_producer, rows=ROWS, **values)
	return raised.value.message


@pytest.fixture
def secure(tmp_path):
	"""`secure(fake, authority, …)` has a fake site speak TLS."""

	def begin(fake: FakeSite, authority: Authority, **options) -> None:
		fake.speak_tls(authority.context(tmp_path, **options))

	return begin


def test_a_producer_with_a_certificate_of_ones_own_authority(consumer, secure):
	ours, other = Authority(), Authority("Other")
	with FakeProducer(CITY) as fake:
		secure(fake, ours)
		for values in ({}, {"ca_certificate": other.pem}):
			said = failure(consumer, url=fake.url, **values)
			assert "signed by nobody whom this site trusts" in said and "CA Certificate" in said
		assert fake.requests == []

		name = unique("city")
		fake.pages.append({"events": [fake.event(CITY, name, {"title": name})]})
		consumer.run(make_event_producer, url=fake.url, rows=ROWS, ca_certificate=ours.pem)
		assert consumer.run(by_pull, name=fake.url) == "done"

	assert consumer.run(read_doc, doctype=CITY, name=name)


@pytest.mark.parametrize(
	("options", "said"), [({"days": -1}, "has expired"), ({"address": "127.0.0.2"}, "for another name")]
)
def test_a_certificate_that_is_not_good_is_refused_whoever_signed_it(consumer, secure, options, said):
	ours = Authority()
	with FakeProducer(CITY) as fake:
		secure(fake, ours, **options)

		assert said in failure(consumer, url=fake.url, ca_certificate=ours.pem)
		assert fake.requests == []


def test_a_consumer_with_a_certificate_of_ones_own_authority(producer, secure):
	ours = Authority()
	with FakeSite() as fake:
		secure(fake, ours)
		producer.run(put_consumer, url=fake.url)
		assert "signed by nobody whom this site trusts" in producer.run(by_notifying, name=fake.url)
		producer.run(set_certificate, name=fake.url, pem=ours.pem)

		assert producer.run(by_notifying, name=fake.url) == "done"
		assert len(fake.calls("new_event_notification")) == 1


def put_consumer(url: str) -> None:
	make_event_consumer(url, [{"ref_doctype": CITY, "status": "Approved"}], protocol=2)


def set_certificate(name: str, pem: str) -> None:
	import frappe

	doc = frappe.get_doc("Event Consumer", name)
	doc.ca_certificate = pem
	doc.save()


@pytest.mark.parametrize("pasted", ["/etc/hosts", "../../site_config.json", "file:///etc/hosts"])
def test_a_form_reads_no_file_of_the_server(producer, consumer, pasted):
	said = failure(consumer, url=producer.url, ca_certificate=pasted)

	assert "never the path of a file" in said and pasted not in said


def test_the_file_that_site_config_names_is_for_connections_without_their_own(consumer, secure, tmp_path):
	ours = Authority()
	file = tmp_path / "authority.pem"
	file.write_text(ours.pem)
	with FakeProducer(CITY) as fake:
		secure(fake, ours)
		assert consumer.run(with_file, path=str(file), url=fake.url) == "done"
		file.write_text("secret of the server")
		said = consumer.run(with_file, path=str(file), url=fake.url)

	assert "event_streaming_ca_file" in said
	assert "secret of the server" not in said and str(file) not in said


def with_file(path: str, url: str) -> str:
	"""What comes of asking `url` while site_config.json names `path`."""
	import frappe

	from event_streaming.http.client import SiteClient

	frappe.conf.event_streaming_ca_file = path
	try:
		return outcome(SiteClient(url, "key", "secret").call, "event_streaming.endpoints.describe")
	finally:
		del frappe.conf["event_streaming_ca_file"]


def test_the_certificate_is_kept_as_text_and_sent_to_nobody(consumer, secure):
	ours = Authority()
	with FakeProducer(CITY) as fake:
		secure(fake, ours)
		consumer.run(make_event_producer, url=fake.url, rows=ROWS, ca_certificate=f"# ours\n{ours.pem}")

		assert ours.pem.strip() not in json.dumps([request.body for request in fake.requests])
	doc = consumer.run(read_doc, doctype="Event Producer", name=fake.url)
	assert doc["ca_certificate"].strip() == ours.pem.strip()

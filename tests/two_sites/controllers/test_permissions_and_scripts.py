"""What an administrator or a script sees: plain words, nothing wider than was agreed, and pulls that are done."""

import time

import pytest
from documents import read_doc, unique
from logs import sync_logs
from shop import CUSTOMER, LEAD, make_customer, make_lead, same_on_both, take
from streams import SUBSCRIBER, pull, pull_now, subscribe

from sandbox.errors import RemoteError


def make_private_note(title: str) -> str:
	import frappe

	frappe.set_user(SUBSCRIBER)
	return frappe.get_doc({"doctype": "Note", "title": title, "public": 0}).insert().name


def test_a_private_note_of_the_subscribers_own_arrives(producer, consumer):
	subscribe(consumer, producer, "Note")
	note = producer.run(make_private_note, title=unique("mine"))

	take(consumer, producer)

	assert consumer.run(read_doc, doctype="Note", name=note)["owner"] == SUBSCRIBER


@pytest.fixture
def without_rights(consumer):
	"""Takes from the consumer's subscriber the role that has the rights, when called; they come back at the end."""
	yield lambda: consumer.run(set_role, has_it=False)
	consumer.run(set_role, has_it=True)


def set_role(has_it: bool) -> None:
	import frappe

	user = frappe.get_doc("User", SUBSCRIBER)
	(user.add_roles if has_it else user.remove_roles)("System Manager")


def test_a_right_that_is_missing_is_named_in_the_error(producer, consumer, without_rights):
	subscribe(consumer, producer, LEAD)
	without_rights()
	lead = producer.run(make_lead)

	pull(consumer, producer)

	(log,) = sync_logs(consumer, producer_doc=lead)
	last_line = log["error"].strip().splitlines()
	assert log["status"] != "Synced"
	assert any(LEAD in line and "create" in line.lower() for line in last_line)
	assert any(SUBSCRIBER in line for line in last_line)


def change_condition(event_producer: str, condition: str) -> None:
	import frappe

	doc = frappe.get_doc("Event Producer", event_producer)
	doc.producer_doctypes[0].condition = condition
	doc.save()


def condition_of(doctype: str, name: str, table: str) -> list:
	import frappe

	row = frappe.get_doc(doctype, name).get(table)[0]
	return [row.condition, row.status]


def test_a_condition_that_the_producer_refuses_is_not_saved_here_and_widens_nothing(producer, consumer):
	subscribe(consumer, producer, CUSTOMER, condition="doc.tax_id == 'TAX-1'")
	before = consumer.run(
		condition_of, doctype="Event Producer", name=producer.url, table="producer_doctypes"
	)

	with pytest.raises(RemoteError, match="no_such_function"):
		consumer.run(change_condition, event_producer=producer.url, condition="no_such_function(doc)")

	assert before == ["doc.tax_id == 'TAX-1'", "Approved"]
	for site, doctype, name, table in (
		(consumer, "Event Producer", producer.url, "producer_doctypes"),
		(producer, "Event Consumer", consumer.url, "consumer_doctypes"),
	):
		assert site.run(condition_of, doctype=doctype, name=name, table=table) == before
	customer = producer.run(make_customer, tax_id="another")
	take(consumer, producer)
	assert consumer.run(read_doc, doctype=CUSTOMER, name=customer) is None


def pull_slowly(event_producer: str, seconds: float) -> int:
	"""Takes so long between reading a page and applying it; returns how many pages it has asked for."""
	import time

	from event_streaming.consumer.subscriptions.remote import Producer
	from event_streaming.event_streaming.doctype.event_producer.event_producer import pull_from_node

	original, asked = Producer.get_page, []

	def get_page(self, cursor, *rest, **wishes):
		page = original(self, cursor, *rest, **wishes)
		asked.append(cursor)
		time.sleep(seconds)
		return page

	Producer.get_page = get_page
	try:
		pull_from_node(event_producer)
	finally:
		Producer.get_page = original
	return len(asked)


def test_a_script_that_pulls_while_another_pull_runs_finds_everything_there_afterwards(producer, consumer):
	subscribe(consumer, producer, LEAD)
	lead = producer.run(make_lead)
	running = consumer.shell().start(pull_slowly, event_producer=producer.url, seconds=1.5)
	time.sleep(0.7)

	consumer.run(pull_now, event_producer=producer.url)

	same_on_both(producer, consumer, LEAD, lead)
	# it has not gone round again and again for the one that waits
	assert running.wait() == 1

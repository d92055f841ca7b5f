"""Where is my document? Each site says what it knows of it, and why it is not on the other, and nothing that it may not say."""

import json

import pytest
from doctypes import CITY, with_orders
from documents import change, delete, insert, unique
from logs import sync_logs
from streams import SUBSCRIBER, decide, pull, set_unsubscribed, subscribe

STEPS = ["Logged", "Numbered", "Sent", "Taken", "Applied"]


def where(site, name: str, doctype: str = CITY, **arguments) -> dict:
	"""The one other site that has to do with the document."""
	found = site.rest().method("event_streaming.api.where_is", doctype=doctype, name=name, **arguments)
	[other] = found["sites"]
	return {**other, "there": found["there"]}


def said(site, name: str, **arguments) -> str:
	other = where(site, name, **arguments)
	return " ".join([other["label"], *other["why"]])


def rename(doctype: str, old: str, new: str) -> str:
	import frappe

	return frappe.rename_doc(doctype, old, new, force=True)


@pytest.fixture(autouse=True)
def cities(producer, consumer):
	with_orders(producer, consumer)


def test_a_document_that_went_over_has_all_its_steps_on_both_sites(producer, consumer):
	subscribe(consumer, producer, CITY)
	name = producer.run(insert, doctype=CITY, title=unique("Seen"), country_name="not to be told")
	pull(consumer, producer)
	producer.run(change, doctype=CITY, name=name, country_name="nor this")

	there = where(producer, name)
	here = where(consumer, name)

	for found in (there, here):
		assert (found["answered"], found["here"], found["there"]) == (True, True, True)
		assert found["label"] == "Not up to date: Behind", found
		waiting, arrived = found["events"]
		assert (waiting["status"], arrived["status"], arrived["by"]) == ("Behind", "Synced", "Administrator")
		assert [step["step"] for step in arrived["steps"]] == STEPS
		assert all(step["seconds"] >= 0 for step in arrived["steps"][1:])
		assert "not to be told" not in json.dumps(found) and "nor this" not in json.dumps(found)
	assert "has not taken its last events" in " ".join(there["why"])
	pull(consumer, producer)
	done = producer.command("event-streaming", "where", CITY, name)
	assert done.returncode == 0 and ": Arrived" in done.stdout and "Applied" in done.stdout, (
		done.stdout + done.stderr
	)
	# what it was called when its first events were logged is followed; what had its name before or after is another document
	new = producer.run(rename, doctype=CITY, old=name, new=unique("Renamed"))
	producer.run(change, doctype=CITY, name=new, country_name="Siam")
	pull(consumer, producer)
	producer.run(insert, doctype=CITY, title=name)
	for site in (producer, consumer):
		found = where(site, new)
		assert [each["update_type"] for each in found["events"]] == ["Update", "Rename", "Update", "Create"]
		assert {each["status"] for each in found["events"]} == {"Synced"}
		assert [each["update_type"] for each in where(site, name)["events"]] == ["Create"]
	own = consumer.run(insert, doctype=CITY, title=unique("Own"))
	assert (where(consumer, own)["label"], where(consumer, own)["why"]) == ("Not from there", [])


def test_each_reason_for_which_a_document_is_not_there_is_said_on_both_sites(producer, consumer):
	name = producer.run(insert, doctype=CITY, title=unique("Away"), country_name="Thailand")
	condition = "doc.country_name == 'Laos'"
	subscribe(
		consumer, producer, {"ref_doctype": CITY, "use_same_name": 1, "condition": condition}, approve=False
	)
	for site in (producer, consumer):
		assert "has not approved" in said(site, name)

	producer.run(decide, consumer_url=consumer.url)
	producer.run(change, doctype=CITY, name=name, country_name="Japan")
	pull(consumer, producer)
	for site in (producer, consumer):
		assert "does not meet the condition" in said(site, name)
		assert where(site, name)["events"] == []
	assert "There is no" in said(consumer, "nothing of this name")

	producer.run(set_condition, consumer_url=consumer.url, condition=None)
	consumer.run(set_condition_here, condition=None)
	for site in (producer, consumer):
		assert "has not taken its last events" in said(site, name)
	producer.run(allow, user=SUBSCRIBER, allowed=False)
	try:
		for site in (producer, consumer):
			found = where(site, name)
			assert "may not read it" in " ".join(found["why"]) and found["events"] == []
	finally:
		producer.run(allow, user=SUBSCRIBER, allowed=True)
	# its events are there to be taken, and others before them are not any more
	producer.run(change, doctype="Event Consumer", name=consumer.url, needs_copy=1)
	for site in (producer, consumer):
		found = where(site, name)
		assert "has cleared events" in " ".join(found["why"]) and not found["here"], found
	assert producer.run(headlines) == ["Needs a Fresh Copy"]
	producer.run(change, doctype="Event Consumer", name=consumer.url, needs_copy=0)
	consumer.run(set_unsubscribed, name=producer.url, doctype=CITY, unsubscribed=1)
	for site in (producer, consumer):
		assert "has unsubscribed" in said(site, name)
	producer.run(change, doctype="Event Consumer", name=consumer.url, paused=1)
	consumer.run("frappe.db.set_value", dt="Event Producer", dn=producer.url, field="paused", val=1)
	assert "pulls nothing" in said(consumer, name)


def headlines() -> list[str]:
	from event_streaming.admin.status import site_status

	return [row["headline"]["label"] for row in site_status()["consumers"]]


def set_condition(consumer_url: str, condition: str | None) -> None:
	import frappe

	frappe.db.set_value("Event Consumer Document Type", {"parent": consumer_url}, "condition", condition)
	frappe.clear_document_cache("Event Consumer", consumer_url)


def set_condition_here(condition: str | None) -> None:
	import frappe

	frappe.db.set_value("Event Producer Document Type", {"ref_doctype": CITY}, "condition", condition)


def allow(user: str, allowed: bool) -> None:
	"""Whether a user may read cities, by a User Permission for another one."""
	import frappe

	if allowed:
		frappe.db.delete("User Permission", {"user": user})
		frappe.clear_cache(user=user)
		return
	other = frappe.get_doc({"doctype": CITY, "title": frappe.generate_hash(length=8)}).insert().name
	frappe.get_doc({"doctype": "User Permission", "user": user, "allow": CITY, "for_value": other}).insert()


def test_what_has_failed_or_was_skipped_says_why_and_until_when_without_this_sites_words(producer, consumer):
	subscribe(consumer, producer, CITY)
	name = unique("Taken")
	for site in (consumer, producer):
		site.run(insert, doctype=CITY, title=name)
	pull(consumer, producer)

	there, here = where(producer, name), where(consumer, name)

	assert (
		here["events"][0]["waits_for"]
		== there["events"][0]["waits_for"]
		== "Name taken on this site (ES-417)"
	)
	assert here["events"][0]["log"] == str(sync_logs(consumer)[0]["name"])
	assert "did not come from" in here["events"][0]["problem"]
	# the error's text stays on the site that it is of
	assert there["label"].endswith("Failed") and "did not come from" not in json.dumps(there)
	done = producer.command("event-streaming", "where", CITY, name, "--json")
	assert done.returncode == 3 and json.loads(done.stdout)["sites"][0]["events"][0]["status"] == "Failed"

	[cause] = consumer.rest().method("event_streaming.api.causes")
	consumer.rest().method("event_streaming.api.skip_cause", cause=cause["cause"], reason="our own is right")
	assert where(producer, name)["events"][0]["status"] == "Skipped"
	assert "our own is right" in said(consumer, name) and "our own is right" not in said(producer, name)


def test_an_event_without_a_row_of_its_own_is_no_step_on_the_way_once_a_later_one_has_taken_effect(
	producer, consumer
):
	subscribe(consumer, producer, CITY)
	name = producer.run(insert, doctype=CITY, title=unique("Seen"))
	pull(consumer, producer)
	producer.run(change, doctype=CITY, name=name, country_name="Laos")
	pull(consumer, producer)
	consumer.run(delete, doctype="Event Sync Log", name=sync_logs(consumer)[0]["name"])
	# what a site says of itself with its next request
	pull(consumer, producer)

	for site in (producer, consumer):
		last, first = where(site, name)["events"]
		assert (last["status"], last["waits_for"]) == ("Synced", "")
		assert first["status"] == "Taken" and "Came with a later event" in first["waits_for"], first


def test_a_site_that_can_not_be_asked_is_said_plainly_and_the_rest_is_there(producer, consumer):
	subscribe(consumer, producer, CITY)
	name = producer.run(insert, doctype=CITY, title=unique("Seen"))
	pull(consumer, producer)

	for site in (producer, consumer):
		found = site.run(where_with_nobody_there, doctype=CITY, name=name)
		assert not found["answered"] and "could not be asked" in found["asked"] and "down" in found["asked"]
		assert found["here"] and found["events"][0]["steps"][-1]["step"] in ("Applied", "Sent")


def where_with_nobody_there(doctype: str, name: str) -> dict:
	import json
	from unittest.mock import patch

	import frappe

	from event_streaming.admin.tracing.tracing import where_is
	from event_streaming.exceptions import RemoteUnavailable
	from event_streaming.http.client import SiteClient

	with patch.object(SiteClient, "call", side_effect=RemoteUnavailable("the line is down")):
		return json.loads(frappe.as_json(where_is(doctype, name)["sites"][0]))


def test_who_may_not_read_the_document_is_told_nothing(producer, consumer):
	subscribe(consumer, producer, CITY)
	name = producer.run(insert, doctype=CITY, title=unique("Secret"))
	producer.run(allow, user=SUBSCRIBER, allowed=False)
	try:
		with pytest.raises(Exception, match=r"PermissionError|permission|403"):
			producer.rest(SUBSCRIBER).method("event_streaming.api.where_is", doctype=CITY, name=name)
	finally:
		producer.run(allow, user=SUBSCRIBER, allowed=True)

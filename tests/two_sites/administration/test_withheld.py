"""What a consumer is not sent because its user may not read it is said on both sites, and by the form of the document."""

from doctypes import CITY
from documents import change, insert, read_doc, unique
from streams import SUBSCRIBER, decide, pull, subscribe, wait_for


def restrict_to(city: str) -> None:
	import frappe

	frappe.get_doc(
		{"doctype": "User Permission", "user": SUBSCRIBER, "allow": CITY, "for_value": city}
	).insert()


def lift() -> None:
	import frappe

	for name in frappe.get_all("User Permission", {"user": SUBSCRIBER}, pluck="name"):
		frappe.delete_doc("User Permission", name)


def lines_of(name: str, doctype: str = CITY) -> list[str]:
	from event_streaming.admin.document import get_streams

	return [f"{line['color']}: {line['text']}" for line in get_streams(doctype, name)]


def not_delivered(name: str) -> list[str]:
	import frappe

	from event_streaming.admin.document import not_delivered

	return not_delivered(frappe.get_all("Event Update Log", {"docname": name}, pluck="name")[0])


def headlines() -> list[dict]:
	from event_streaming.admin.status import site_status

	status = site_status()
	return [row["headline"] for row in [*status["producers"], *status["consumers"]]]


def compare(event_producer: str) -> dict:
	import frappe

	from event_streaming.consumer.long_work.runner import run_slice
	from event_streaming.consumer.tasks import task
	from event_streaming.consumer.verify import verifying

	name = verifying.begin(event_producer).name
	frappe.db.commit()
	while task.load(name).active:
		run_slice(name)
	return task.load(name).report


def mean_it(consumer_url: str) -> None:
	import frappe

	doc = frappe.get_doc("Event Consumer", consumer_url)
	doc.consumer_doctypes[0].withholding_meant = 1
	doc.save()


def test_what_the_user_may_not_read_is_counted_and_explained_until_it_may(producer, consumer, orders):
	subscribe(
		consumer, producer, {"ref_doctype": CITY, "use_same_name": 1, "condition": "doc.country_name != 'No'"}
	)
	allowed, hidden = (producer.run(insert, doctype=CITY, title=unique("city")) for _each in range(2))
	unmet = producer.run(insert, doctype=CITY, title=unique("city"), country_name="No")
	producer.run(restrict_to, city=allowed)
	try:
		assert "Not yet at" in producer.run(lines_of, name=allowed)[0]
		pull(consumer, producer)
		producer.run(change, doctype=CITY, name=hidden, country_name="Siam")
		# asked for twice: counted once
		for _each in range(2):
			pull(consumer, producer)

		assert consumer.run(read_doc, doctype=CITY, name=hidden) is None
		assert producer.run(lines_of, name=allowed)[0].startswith("green: Streamed to")
		(line,) = producer.run(lines_of, name=hidden)
		assert line.startswith("orange: Not sent to") and f"{SUBSCRIBER} may not read it" in line
		assert SUBSCRIBER in producer.run(not_delivered, name=hidden)[0]
		producer.run(lift)
		assert "doc.country_name != 'No'" in producer.run(lines_of, name=unmet)[0]
		producer.run(restrict_to, city=allowed)
		for site in (producer, consumer):
			(headline,) = site.run(headlines)
			assert headline["color"] == "orange" and headline["label"].endswith("Withheld"), headline
		report = consumer.run(compare, event_producer=producer.url)
		assert report["doctypes"][CITY]["withheld"] >= 1

		# nothing is to be warned of that is meant
		producer.run(mean_it, consumer_url=consumer.url)
		pull(consumer, producer)
		assert [site.run(headlines)[0]["label"] for site in (producer, consumer)] == ["Up to Date"] * 2
	finally:
		producer.run(lift)

	consumer.run(compare, event_producer=producer.url)
	row = producer.run(read_doc, doctype="Event Consumer", name=consumer.url)["consumer_doctypes"][0]
	assert (row["withheld"], row["withholding_meant"]) == (0, 1)
	(line,) = producer.run(lines_of, name=hidden)
	assert line.startswith("gray: Not sent to") and "could not read it" in line


def test_a_document_says_that_its_doctype_is_not_approved(producer, consumer, orders):
	subscribe(consumer, producer, CITY, approve=False)
	city = producer.run(insert, doctype=CITY, title=unique("city"))
	assert "waiting for approval" in producer.run(lines_of, name=city)[0]

	producer.run(decide, consumer_url=consumer.url, status="Rejected")

	assert wait_for(lambda: "was rejected" in producer.run(lines_of, name=city)[0])


def hide(consumer_url: str, fieldname: str) -> None:
	import frappe

	row = {"parent": consumer_url}
	frappe.db.set_value("Event Consumer Document Type", row, "fields_not_sent", fieldname)
	frappe.clear_document_cache("Event Consumer", consumer_url)


def enable(user: str, enabled: int) -> None:
	import frappe

	frappe.db.set_value("User", user, "enabled", enabled)
	frappe.clear_cache(user=user)


def where(site, name: str) -> dict:
	(other,) = site.rest().method("event_streaming.api.where_is", doctype=CITY, name=name)["sites"]
	return other


def test_the_form_and_where_is_it_say_the_same_of_what_is_hidden_missed_or_held_up(
	producer, consumer, orders
):
	old, moved = (producer.run(insert, doctype=CITY, title=unique("city")) for _each in range(2))
	subscribe(consumer, producer, CITY)
	producer.run(change, doctype=CITY, name=moved, country_name="Siam")
	pull(consumer, producer)
	assert producer.run(lines_of, name=old)[0].startswith("green: Streamed to")
	assert "Nothing of it has been logged" in " ".join(where(producer, old)["why"])

	# a change of hidden fields alone is none for the consumer
	producer.run(hide, consumer_url=consumer.url, fieldname="country_name")
	producer.run(change, doctype=CITY, name=moved, country_name="Thailand")
	for _each in range(2):
		pull(consumer, producer)
	assert producer.run(lines_of, name=moved)[0].startswith("green: Streamed to")
	for site in (producer, consumer):
		found = where(site, moved)
		assert (found["label"], found["why"], len(found["events"])) == ("Arrived", [], 1), found

	# passed over, as it could not be read then
	missed = producer.run(insert, doctype=CITY, title=unique("city"))
	producer.run(restrict_to, city=moved)
	for _each in range(2):
		pull(consumer, producer)
	producer.run(lift)
	assert producer.run(lines_of, name=missed)[0].startswith("gray: Not sent to")
	for site in (producer, consumer):
		found = where(site, missed)
		assert "could not read it" in " ".join(found["why"]) and not found["here"]
		assert found["events"][0]["status"] == "Not Sent", found

	# once it is repaired there, nothing is missed any more
	repaired = consumer.command("event-streaming", "verify", "--repair", "--yes", "--doctype", CITY)
	assert consumer.run(read_doc, doctype=CITY, name=missed), repaired.stdout + repaired.stderr
	assert producer.run(lines_of, name=missed)[0].startswith("green: Streamed to")
	for site in (producer, consumer):
		assert (where(site, missed)["label"], where(site, missed)["why"]) == ("Arrived", [])

	coming = producer.run(insert, doctype=CITY, title=unique("city"))
	producer.run(change, doctype="Event Consumer", name=consumer.url, paused=1)
	(line,) = producer.run(lines_of, name=coming)
	assert line.startswith("blue: Not yet at") and line.endswith("it is paused")
	assert "is paused" in " ".join(where(producer, coming)["why"])
	# what is there already is not held up
	assert producer.run(lines_of, name=moved)[0].startswith("green: Streamed to")
	producer.run(enable, user=SUBSCRIBER, enabled=0)
	try:
		(line,) = producer.run(lines_of, name=coming)
		assert line.startswith("orange: Not sent to") and "is disabled" in line
		assert "is disabled" in " ".join(where(producer, coming)["why"])
	finally:
		producer.run(enable, user=SUBSCRIBER, enabled=1)

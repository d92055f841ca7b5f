"""Verify compares attached files by the hash of their contents, and a repair fetches them again."""

import pytest
from doctypes import CITY
from documents import insert, unique
from streams import pull, subscribe

pytestmark = pytest.mark.usefixtures("orders")


def attach(city: str, file_name: str, content: str) -> None:
	import frappe

	frappe.get_doc(
		{
			"doctype": "File",
			"file_name": file_name,
			"content": content,
			"is_private": 1,
			"attached_to_doctype": CITY,
			"attached_to_name": city,
		}
	).insert()


def contents(cities: list) -> dict:
	import frappe

	found = {}
	for city in cities:
		rows = frappe.get_all("File", {"attached_to_doctype": CITY, "attached_to_name": city}, pluck="name")
		found[city] = sorted(str(frappe.get_doc("File", name).get_content()) for name in rows)
	return found


def spoil(cities: list) -> None:
	"""One file is gone here, one holds something else as far as its hash says, and one city has a file of its own."""
	import frappe

	gone, other, own = cities
	frappe.delete_doc("File", frappe.db.get_value("File", {"attached_to_name": gone}))
	frappe.db.set_value("File", {"attached_to_name": other}, "content_hash", "0" * 32)
	doc = {"doctype": "File", "file_name": f"{own}.txt", "content": f"ours {own}"}
	frappe.get_doc({**doc, "attached_to_doctype": CITY, "attached_to_name": own}).insert()


def compare(event_producer: str, mend: bool = False) -> dict:
	import frappe

	from event_streaming.consumer.long_work.runner import run_slice
	from event_streaming.consumer.tasks import task
	from event_streaming.consumer.verify import repair, verifying

	work = repair.begin(event_producer) if mend else verifying.begin(event_producer, filters=None)
	frappe.db.commit()
	while run_slice(work.name).more:
		pass
	report = task.load(work.name).report
	found = {
		each["remote_name"]: [field[:2] for field in each.get("fields", [])] for each in report["findings"]
	}
	return {"found": found, "repaired": report["repaired"], "message": task.load(work.name).message}


def forget_cities() -> None:
	import frappe

	frappe.db.delete(CITY)
	frappe.db.delete("Event Document Identity", {"local_doctype": CITY})


def test_files_are_compared_by_their_contents_and_fetched_again(producer, consumer):
	for site in (producer, consumer):
		site.run(forget_cities)
	event_producer = subscribe(consumer, producer, CITY)
	cities = [producer.run(insert, doctype=CITY, title=unique("City")) for _each in range(4)]
	for city in cities[:3]:
		producer.run(attach, city=city, file_name=f"{city}.txt", content=f"of {city}")
	pull(consumer, producer)
	equal = consumer.run(compare, event_producer=event_producer)
	assert equal["found"] == {}, equal

	gone, other, _own = cities[:3]
	consumer.run(spoil, cities=cities[:3])
	found = consumer.run(compare, event_producer=event_producer)["found"]
	assert found == {
		gone: [[f"Attached File: {gone}.txt", "missing"]],
		other: [[f"Attached File: {other}.txt", "0" * 32]],
	}

	assert consumer.run(compare, event_producer=event_producer, mend=True)["repaired"] == 2
	assert consumer.run(compare, event_producer=event_producer)["found"] == {}
	here, there = (site.run(contents, cities=cities) for site in (consumer, producer))
	assert {city: here[city] for city in (gone, other)} == {city: there[city] for city in (gone, other)}

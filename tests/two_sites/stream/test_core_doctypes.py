"""Frappe's own DocTypes, as every site has them: ToDo, Note, and Contact with its child tables, in both namings."""

import pytest
from documents import change, delete, find_name, insert, read_doc, unique
from logs import sync_logs
from streams import SUBSCRIBER, pull, subscribe

VALUES = {
	# Frappe lets no System Manager delete another's ToDo, nor read another's Note that is not public
	"ToDo": lambda: {"description": unique("to do"), "allocated_to": SUBSCRIBER},
	"Note": lambda: {"title": unique("note"), "content": "first", "public": 1},
	"Contact": lambda: {
		"first_name": unique("Somchai"),
		"email_ids": [{"email_id": "somchai@example.com", "is_primary": 1}],
		"phone_nos": [{"phone": "+66 2 123 4567"}],
	},
}
CHANGES = {"ToDo": {"priority": "High"}, "Note": {"content": "second"}, "Contact": {"last_name": "Jaidee"}}


@pytest.mark.parametrize("use_same_name", [1, 0], ids=["same name", "local naming"])
@pytest.mark.parametrize("doctype", list(VALUES))
def test_it_appears_changes_and_goes(producer, consumer, doctype, use_same_name):
	subscribe(consumer, producer, doctype, use_same_name=use_same_name)
	name = producer.run(insert, doctype=doctype, **VALUES[doctype]())
	pull(consumer, producer)

	here = name if use_same_name else consumer.run(find_name, doctype=doctype, remote_docname=name)
	assert here, sync_logs(consumer)
	doc = consumer.run(read_doc, doctype=doctype, name=here)
	if doctype == "Contact":
		assert [row["email_id"] for row in doc["email_ids"]] == ["somchai@example.com"]
		assert [row["phone"] for row in doc["phone_nos"]] == ["+66 2 123 4567"]

	producer.run(change, doctype=doctype, name=name, **CHANGES[doctype])
	pull(consumer, producer)
	doc = consumer.run(read_doc, doctype=doctype, name=here)
	assert {key: doc[key] for key in CHANGES[doctype]} == CHANGES[doctype]

	producer.run(delete, doctype=doctype, name=name)
	pull(consumer, producer)
	assert consumer.run(read_doc, doctype=doctype, name=here) is None
	assert {log["status"] for log in sync_logs(consumer)} == {"Synced"}


def test_a_delete_that_the_subscriber_has_no_right_to_says_so(producer, consumer):
	subscribe(consumer, producer, "ToDo")
	name = producer.run(insert, doctype="ToDo", description=unique("of somebody else"))
	pull(consumer, producer)

	producer.run(delete, doctype="ToDo", name=name)
	pull(consumer, producer)

	log = sync_logs(consumer)[-1]
	assert log["status"] == "Retrying"
	assert SUBSCRIBER in log["error"] and "may not delete" in log["error"]
	assert consumer.run(read_doc, doctype="ToDo", name=name)

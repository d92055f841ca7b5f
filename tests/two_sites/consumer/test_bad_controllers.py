"""Whatever a controller of this site does in whatever hook, its event fails alone and whole, and says which document it was.

The misdeeds are patched into the controller of all documents and done for one of them: to be sent to the site as they are.
"""

import pytest
from doctypes import CITY, ORDER, with_orders
from documents import change, insert, read_doc, unique
from logs import make_due, sync_logs
from streams import SUBSCRIBER, pull, pull_now, subscribe

# hooks of an insert, in Frappe's order; a submitted order goes through all of them
HOOKS = (
	"before_insert",
	"before_validate",
	"validate",
	"after_insert",
	"on_update",
	"before_submit",
	"on_submit",
	"on_change",
)
# what is done, and whether the event can take effect all the same
MISDEEDS = {
	"throw": False,
	"raise": False,
	"write and throw": False,
	"commit": True,
	"commit and throw": False,
	"roll back": False,
	"roll back and throw": False,
	"roll back to its savepoint": True,
	"roll back to its savepoint and throw": False,
	"release its savepoint and throw": False,
}
WORDS = "the books are closed"


@pytest.fixture(autouse=True)
def subscribed(producer, consumer):
	with_orders(producer, consumer)
	subscribe(consumer, producer, ORDER, CITY)


def make_three(titles: list) -> list[str]:
	import frappe

	names = []
	for title in titles:
		rows = [{"item": "a"}, {"item": "b"}]
		doc = frappe.get_doc({"doctype": ORDER, "title": title, "rows": rows, "docstatus": 1})
		names.append(doc.insert().name)
	return names


def pull_with(event_producer: str, hook: str, misdeed: str, title: str) -> dict:
	"""A pull on a site whose controllers do this in that hook, for the document with that title."""
	from frappe.model.document import Document

	from event_streaming.event_streaming.doctype.event_producer.event_producer import pull_from_node

	setattr(Document, hook, lambda doc, *args: doc.get("title") == title and misbehave(misdeed, doc))
	try:
		return pull_from_node(event_producer)
	finally:
		delattr(Document, hook)


def misbehave(misdeed: str, doc) -> None:
	import frappe

	if misdeed.startswith("write"):
		frappe.get_doc({"doctype": "Note", "title": f"left by {doc.title}"}).insert(ignore_permissions=True)
	elif misdeed.startswith("commit"):
		frappe.db.commit()
	elif "its savepoint" in misdeed:
		frappe.db.savepoint("of_the_controller")
		frappe.get_doc({"doctype": "Note", "title": f"left by {doc.title}"}).insert(ignore_permissions=True)
		if misdeed.startswith("release"):
			frappe.db.release_savepoint("of_the_controller")
		else:
			frappe.db.rollback(save_point="of_the_controller")
	elif misdeed.startswith("roll back"):
		frappe.db.rollback()
	elif misdeed == "rename itself":
		frappe.rename_doc(doc.doctype, doc.name, f"{doc.name} renamed", force=True)
	elif misdeed == "delete itself":
		frappe.delete_doc(doc.doctype, doc.name, force=True, ignore_permissions=True)
	elif misdeed == "delete its rows":
		frappe.db.delete("Streamed Order Row", {"parent": doc.name})
	if misdeed == "raise":
		raise ValueError(WORDS)
	if misdeed.endswith("throw"):
		frappe.throw(WORDS)


def left_behind(title: str) -> list:
	import frappe

	return [
		*frappe.get_all(ORDER, {"title": title}, pluck="name"),
		*frappe.get_all("Note", {"title": f"left by {title}"}, pluck="name"),
	]


def pull_three(producer, consumer, hook: str, misdeed: str) -> tuple[list[str], list[str]]:
	"""A pull of three orders, of which the middle one's controller misbehaves; their titles, and their names there."""
	titles = [unique("order") for _number in range(3)]
	names = producer.run(make_three, titles=titles)
	summary = consumer.run(
		pull_with, event_producer=producer.url, hook=hook, misdeed=misdeed, title=titles[1]
	)
	assert summary["error"] == ""
	return titles, names


@pytest.mark.parametrize("misdeed", MISDEEDS)
@pytest.mark.parametrize("hook", HOOKS)
def test_a_controller_that_misbehaves_fails_its_own_event_alone(producer, consumer, hook, misdeed):
	titles, names = pull_three(producer, consumer, hook, misdeed)

	for name in (names[0], names[2]):
		assert consumer.run(read_doc, doctype=ORDER, name=name)["docstatus"] == 1
	logs = {log["producer_doc"]: log for log in sync_logs(consumer, remote_doctype=ORDER)}
	assert [logs[name]["status"] for name in (names[0], names[2])] == ["Synced", "Synced"]
	bad = logs[names[1]]
	if MISDEEDS[misdeed]:
		assert bad["status"] == "Synced", bad["error"]
	else:
		assert bad["status"] in ("Retrying", "Waiting"), bad["status"]
		assert f"{ORDER} {names[1]}" in bad["error"].splitlines()[0]
		if misdeed.endswith(("throw", "raise")) and "roll back and" not in misdeed:
			assert WORDS in bad["error"].splitlines()[0]
		if not misdeed.startswith("commit"):
			assert consumer.run(left_behind, title=titles[1]) == []
	consumer.run(make_due)
	pull(consumer, producer)
	assert consumer.run(read_doc, doctype=ORDER, name=names[1])["docstatus"] == 1


@pytest.mark.parametrize("known", [False, True], ids=["create", "update"])
@pytest.mark.parametrize("own_event_failed", [False, True], ids=["not yet tried", "failed"])
@pytest.mark.parametrize("hook", ["after_insert", "on_update", "on_change"])
def test_what_a_document_needs_is_made_whole_or_not_at_all_though_it_has_changed_since(
	producer, consumer, hook, own_event_failed, known
):
	"""An invoice needs an item whose price can't be made. The invoice has other values by now, so that it is brought as it is: the
	item must not stay behind without its price, for the invoice to be booked on."""
	city = unique("city")
	order = producer.run(insert, doctype=ORDER, title=unique("order"))
	if known:
		pull(consumer, producer)
	badly = {"event_producer": producer.url, "hook": hook, "misdeed": "write and throw", "title": city}
	producer.run(insert, doctype=CITY, title=city)
	if own_event_failed:
		consumer.run(pull_with, **badly)
	producer.run(change, doctype=ORDER, name=order, city=city)
	producer.run(change, doctype=ORDER, name=order, note="changed since")

	consumer.run(pull_with, **badly)

	assert consumer.run(read_doc, doctype=CITY, name=city) is None
	assert consumer.run(left_behind, title=city) == []
	here = consumer.run(read_doc, doctype=ORDER, name=order)
	assert not here or not here["city"]
	consumer.run(make_due)
	pull(consumer, producer)
	assert consumer.run(read_doc, doctype=ORDER, name=order)["city"] == city
	assert {log["status"] for log in sync_logs(consumer)} == {"Synced"}


@pytest.mark.parametrize("hook", ["after_insert", "on_update", "on_change"])
def test_a_new_document_that_needs_what_is_half_made_leaves_nothing_of_either(producer, consumer, hook):
	city = unique("city")
	producer.run(insert, doctype=CITY, title=city)
	badly = {"event_producer": producer.url, "hook": hook, "misdeed": "write and throw", "title": city}
	consumer.run(pull_with, **badly)
	order = producer.run(insert, doctype=ORDER, title=unique("order"), city=city)
	producer.run(change, doctype=ORDER, name=order, note="changed since")

	consumer.run(pull_with, **badly)

	assert consumer.run(left_behind, title=city) == []
	assert consumer.run(read_doc, doctype=CITY, name=city) is None
	assert consumer.run(read_doc, doctype=ORDER, name=order) is None


def give_right_to_create(given: int) -> None:
	import frappe

	frappe.db.set_value("DocPerm", {"parent": CITY, "role": "System Manager"}, "create", given)
	frappe.clear_cache(doctype=CITY)


def test_a_missing_right_is_told_with_who_lacks_it_and_the_document(producer, consumer):
	consumer.run(give_right_to_create, given=0)
	try:
		title = producer.run(insert, doctype=CITY, title=unique("city"))
		consumer.run(pull_now, event_producer=producer.url)
	finally:
		consumer.run(give_right_to_create, given=1)

	(log,) = sync_logs(consumer, producer_doc=title)
	told = log["error"].splitlines()[0]
	assert f"{CITY} {title}" in told and SUBSCRIBER in told and "create" in told


def pull_refused_at(event_producer: str, titles: list) -> dict:
	"""The first document is refused in silence by code that reports another error; the second fails without a word."""
	from frappe.model.document import Document

	from event_streaming.event_streaming.doctype.event_producer.event_producer import pull_from_node

	def validate(doc, *args):
		import frappe

		if doc.get("title") == titles[0]:
			frappe.msgprint("something else was wrong")
			frappe.db.rollback()
		if doc.get("title") == titles[1]:
			raise frappe.PermissionError

	Document.validate = validate
	try:
		return pull_from_node(event_producer)
	finally:
		del Document.validate


def test_what_was_said_of_one_document_is_not_told_of_the_next(producer, consumer):
	titles = [unique("city") for _number in range(2)]
	for title in titles:
		producer.run(insert, doctype=CITY, title=title)

	consumer.run(pull_refused_at, event_producer=producer.url, titles=titles)

	(log,) = sync_logs(consumer, producer_doc=titles[1])
	assert "something else" not in log["error"].splitlines()[0]


@pytest.mark.parametrize("misdeed", ["rename itself", "delete itself", "delete its rows"])
@pytest.mark.parametrize("hook", ["after_insert", "on_update", "on_submit", "on_change"])
def test_a_controller_that_takes_its_own_document_away_harms_no_other(producer, consumer, hook, misdeed):
	"""What becomes of its own is said: it took effect and is to be found, or failed, and nothing of it is there."""
	titles, names = pull_three(producer, consumer, hook, misdeed)

	for name in (names[0], names[2]):
		doc = consumer.run(read_doc, doctype=ORDER, name=name)
		assert (doc["docstatus"], len(doc["rows"])) == (1, 2)
	(bad,) = sync_logs(consumer, remote_doctype=ORDER, producer_doc=names[1])
	if bad["status"] == "Synced":
		assert consumer.run(read_doc, doctype=ORDER, name=bad["docname"]), bad
	else:
		assert f"{ORDER} {names[1]}" in bad["error"].splitlines()[0]
		assert consumer.run(left_behind, title=titles[1]) == []


def pull_with_jobs(event_producer: str, failing: str) -> dict:
	"""A pull on a site whose controllers queue a job and a webhook for each document, and then refuse one of them."""
	import frappe
	from frappe.integrations.doctype.webhook import _add_webhook_to_queue
	from frappe.model.document import Document

	from event_streaming.event_streaming.doctype.event_producer.event_producer import pull_from_node

	def on_update(doc, *args):
		import frappe

		if doc.doctype != CITY:
			return
		frappe.enqueue("frappe.ping", queue="long", enqueue_after_commit=True, job_id=f"of {doc.name}")
		_add_webhook_to_queue(frappe._dict(name="a webhook"), doc)
		if doc.name == failing:
			frappe.throw(WORDS)

	sent, webhooks = [], frappe.local
	from frappe.integrations.doctype import webhook as module

	flush = module.flush_webhook_execution_queue

	def flush_seen():
		sent.extend(each.doc.name for each in getattr(webhooks, "_webhook_queue", None) or [])
		webhooks._webhook_queue = []

	Document.on_update, module.flush_webhook_execution_queue = on_update, flush_seen
	try:
		pull_from_node(event_producer)
	finally:
		module.flush_webhook_execution_queue = flush
		del Document.on_update
	return sent


def jobs_of(names: list) -> list[str]:
	from frappe.utils.background_jobs import get_job

	return [name for name in names if get_job(f"of {name}")]


def test_an_event_that_fails_leaves_no_job_and_no_webhook(producer, consumer):
	names = [producer.run(insert, doctype=CITY, title=unique("city")) for _number in range(3)]

	sent = consumer.run(pull_with_jobs, event_producer=producer.url, failing=names[1])

	assert sorted(sent) == sorted([names[0], names[2]])
	assert consumer.run(jobs_of, names=names) == [names[0], names[2]]

"""Verify and repair: what differs on two sites is found with few bytes, shown, and brought in line."""

import json

import pytest
from doctypes import CITY, ORDER, TICKET
from documents import change, delete, insert, read_doc, read_rows, unique
from fake_producer import FakeProducer
from logs import sync_logs, update_logs
from streams import make_event_producer, make_subscriber, pull, subscribe

pytestmark = pytest.mark.usefixtures("orders")


# ---- inside a site


def check(
	event_producer: str,
	kind: str = "Verify",
	doctypes: list | None = None,
	filters: dict | None = None,
	delete_extra: bool = False,
	pulls: bool = True,
) -> dict:
	"""A verify or repair to its end, here and now, with its report, and the bytes that it was answered."""
	import frappe

	from event_streaming.consumer.long_work.runner import run_slice
	from event_streaming.consumer.tasks import task
	from event_streaming.consumer.verify import portions, repair, verifying
	from event_streaming.http import client

	if kind == "Verify":
		name = verifying.begin(event_producer, doctypes, filters).name
	else:
		name = repair.begin(event_producer, delete_extra).name
	frappe.db.commit()
	received, read = [], client.read_bounded

	def counted(response, url):
		content = read(response, url)
		received.append(len(content))
		return content

	pull_first, portions.let_pull = portions.let_pull, portions.let_pull if pulls else print
	client.read_bounded = counted
	try:
		while (done := run_slice(name)).more:
			pass
	finally:
		portions.let_pull, client.read_bounded = pull_first, read
	result = {**task.as_progress(done.task), **done.task.report, "bytes": sum(received)}
	return json.loads(json.dumps(result, default=str))


def set_value(doctype: str, name: str, **values) -> None:
	"""Past the document life cycle: no event tells of it."""
	import frappe

	frappe.db.set_value(doctype, name, values)


def sql(query: str, values: list | None = None) -> None:
	import frappe

	frappe.db.sql(query, values or [])


def make_orders(prefix: str, count: int) -> list[str]:
	import frappe

	city = frappe.get_doc({"doctype": CITY, "title": f"{prefix} city"}).insert()
	names = []
	for number in range(count):
		order = frappe.get_doc(
			{
				"doctype": ORDER,
				"title": f"{prefix} {number}",
				"city": city.name,
				"total": 10.5 * number,
				"due": "2026-05-01 10:00:00",
				"day": "2026-05-02",
				"rows": [{"item": "bolt", "qty": 2}, {"item": "nut", "qty": 3}],
			}
		).insert()
		names.append(order.name)
	frappe.get_doc(ORDER, names[0]).submit()
	return names


def forget_documents() -> None:
	"""What other tests have left would be found, too."""
	import frappe

	for doctype in (ORDER, TICKET, CITY, "Streamed Order Row"):
		frappe.db.delete(doctype)
	frappe.db.delete("Event Document Identity")


# ---- what a test says


@pytest.fixture
def fresh(producer, consumer):
	for site in (producer, consumer):
		site.run(forget_documents)


def verify(consumer, producer, *doctypes, **options) -> dict:
	done = consumer.run(check, event_producer=producer.url, doctypes=list(doctypes) or None, **options)
	assert done["status"] == "Done", done["message"]
	return done


def repair(consumer, producer, **options) -> dict:
	done = consumer.run(check, event_producer=producer.url, kind="Repair", **options)
	assert done["status"] == "Done", done["message"]
	return done


def stopped(event_producer: str, hours_ago: int) -> str:
	"""A verify that was stopped after its first step, so long ago."""
	import frappe
	from frappe.utils import add_to_date, now_datetime

	from event_streaming.consumer.long_work.runner import run_slice
	from event_streaming.consumer.tasks import slices, task
	from event_streaming.consumer.verify import verifying

	name = verifying.begin(event_producer).name
	frappe.db.commit()
	over, slices.Slice.over = slices.Slice.over, True
	try:
		while task.load(name).place.get("number") != 1:
			run_slice(name)
	finally:
		slices.Slice.over = over
	task.stop(event_producer, task.VERIFY)
	ended_on = add_to_date(now_datetime(), hours=-hours_ago)
	frappe.db.set_value(task.DOCTYPE, name, "ended_on", ended_on, update_modified=False)
	return name


@pytest.mark.parametrize("hours_ago", [0, 2])
def test_a_verify_that_was_stopped_goes_on_soon_after_and_begins_anew_later(
	producer, consumer, fresh, hours_ago
):
	(name, *_others) = producer.run(make_orders, prefix=unique("stopped"), count=2)
	subscribe(consumer, producer, ORDER, CITY)
	producer.run(change, doctype=ORDER, name=name, note="came")
	pull(consumer, producer)
	broken_off = consumer.run(stopped, event_producer=producer.url, hours_ago=hours_ago)
	consumer.run(set_value, doctype=ORDER, name=name, note="changed since")

	done = verify(consumer, producer)

	assert (done["task"] == broken_off) is (hours_ago == 0)
	assert (name in found(done)) is (hours_ago > 0)


def found(done: dict) -> dict:
	return {each["remote_name"]: each for each in done["findings"]}


def test_equal_sites_have_nothing_to_show_and_a_change_past_the_life_cycle_is_found_and_repaired(
	producer, consumer, fresh
):
	subscribe(consumer, producer, ORDER, CITY)
	names = producer.run(make_orders, prefix="order", count=30)
	pull(consumer, producer)

	equal = verify(consumer, producer)
	producer.run(set_value, doctype=ORDER, name=names[3], note="past the life cycle", total=99.5)
	differing = verify(consumer, producer)
	untouched = consumer.run(read_doc, doctype=ORDER, name=names[3])["note"]
	repaired = repair(consumer, producer)
	again = verify(consumer, producer)

	assert (equal["done"], equal["here"], equal["differing"], equal["findings"]) == (31, 31, 0, [])
	assert equal["bytes"] < 3_000
	assert (differing["differing"], differing["here"]) == (1, 30)
	(finding,) = differing["findings"]
	assert (finding["kind"], finding["local_name"]) == ("Different", names[3])
	assert finding["fields"] == [["Note", "", "past the life cycle"], ["Total", "31.5", "99.5"]]
	assert untouched in (None, "")
	assert (repaired["made"], repaired["failed"]) == (1, 0)
	assert consumer.run(read_doc, doctype=ORDER, name=names[3])["note"] == "past the life cycle"
	assert again["differing"] == 0
	log = sync_logs(consumer, producer_doc=names[3])[-1]
	assert (log["update_type"], log["status"]) == ("Update", "Synced") and "repair" in log["outcome"]


def test_what_is_missing_extra_and_different_in_rows_is_told_apart_and_extra_is_kept_unless_asked(
	producer, consumer, fresh
):
	subscribe(consumer, producer, ORDER, CITY)
	names = producer.run(make_orders, prefix="order", count=8)
	own = consumer.run(insert, doctype=CITY, title=unique("made here, nobody else's business"))
	pull(consumer, producer)
	row = producer.run(read_doc, doctype=ORDER, name=names[1])["rows"]
	producer.run(
		sql, query="update `tabStreamed Order Row` set qty = 7 where name = %s", values=[row[0]["name"]]
	)
	producer.run(
		sql, query="delete from `tabStreamed Order Row` where parent = %s and idx = 1", values=[names[2]]
	)
	consumer.run(
		sql, query="update `tabStreamed Order Row` set idx = 3 - idx where parent = %s", values=[names[3]]
	)
	producer.run(sql, query="delete from `tabStreamed Order` where name = %s", values=[names[4]])
	consumer.run(sql, query="delete from `tabStreamed Order` where name = %s", values=[names[5]])
	producer.run(set_value, doctype=ORDER, name=names[0], note="submitted, and changed")

	first = verify(consumer, producer)
	repaired = repair(consumer, producer)
	again = verify(consumer, producer)
	deleted = repair(consumer, producer, delete_extra=True)

	kinds = {name: each["kind"] for name, each in found(first).items()}
	assert kinds == {
		names[0]: "Different",
		names[1]: "Different",
		names[2]: "Different",
		names[3]: "Different",
		names[4]: "Extra",
		names[5]: "Missing",
	}
	assert found(first)[names[1]]["fields"] == [["Rows 1: Quantity", "2.0", "7.0"]]
	assert found(first)[names[2]]["fields"] == [["Rows 1", "bolt · 2.0", ""]]
	assert found(first)[names[3]]["fields"][0][0] == "Rows"
	assert own not in kinds
	assert (repaired["made"], repaired["failed"]) == (5, 0), repaired["findings"]
	assert [each["kind"] for each in again["findings"]] == ["Extra"]
	assert deleted["made"] == 1 and not consumer.run(read_doc, doctype=ORDER, name=names[4])
	assert consumer.run(read_doc, doctype=CITY, name=own)
	for name in (*names[:4], names[5]):
		assert look(consumer, name) == look(producer, name)
	assert not update_logs(producer, origin=consumer.url)
	producer.run(change, doctype=ORDER, name=names[1], note="streamed again")
	assert pull(consumer, producer)["synced"] == 1
	assert look(consumer, names[1])["note"] == "streamed again"


def look(site, name: str, doctype: str = ORDER) -> dict | None:
	doc = site.run(read_doc, doctype=doctype, name=name)
	for row in (doc or {}).get("rows", []):
		# rows are numbered without gaps here
		for field in ("creation", "modified", "modified_by", "owner", "idx"):
			row.pop(field)
	return doc


def test_what_is_on_its_way_or_is_not_settled_is_no_difference(producer, consumer, fresh):
	subscribe(consumer, producer, ORDER, CITY, conflict_policy="Ask")
	names = producer.run(make_orders, prefix="order", count=4)
	pull(consumer, producer)
	producer.run(change, doctype=ORDER, name=names[1], note="there")
	consumer.run(change, doctype=ORDER, name=names[1], note="here")
	pull(consumer, producer)
	producer.run(change, doctype=ORDER, name=names[2], note="waiting in the log")
	producer.run(delete, doctype=ORDER, name=names[3])
	new = producer.run(insert, doctype=ORDER, title="new")

	behind = verify(consumer, producer, ORDER, pulls=False)
	caught_up = verify(consumer, producer, ORDER)

	(conflict,) = sync_logs(consumer, status="Conflict")
	kinds = {name: each["kind"] for name, each in found(behind).items()}
	assert kinds == {names[1]: "Open", names[2]: "Under Way", names[3]: "Under Way", new: "Under Way"}
	assert behind["differing"] == 0
	(finding,) = caught_up["findings"]
	assert (finding["kind"], finding["logs"]) == ("Open", [str(conflict["name"])])
	repaired = repair(consumer, producer)
	assert repaired["made"] == 0
	assert consumer.run(read_doc, doctype=ORDER, name=names[1])["note"] == "here"


def test_a_repair_sets_what_the_producer_has_when_its_turn_comes(producer, consumer, fresh):
	subscribe(consumer, producer, CITY)
	title = producer.run(insert, doctype=CITY, title=unique("city"), country_name="first")
	pull(consumer, producer)
	consumer.run(set_value, doctype=CITY, name=title, country_name="changed here")
	verify(consumer, producer)
	producer.run(change, doctype=CITY, name=title, country_name="newer than the verify")
	repair(consumer, producer, pulls=False)
	consumer.run(set_value, doctype=CITY, name=title, country_name="changed here")
	still_waiting = consumer.run(read_doc, doctype=CITY, name=title)["country_name"]
	producer.run(set_value, doctype=CITY, name=title, country_name="newest")

	repaired = repair(consumer, producer)
	pull(consumer, producer)

	assert still_waiting == "changed here"
	assert repaired["made"] == 1
	assert consumer.run(read_doc, doctype=CITY, name=title)["country_name"] == "newest"
	assert {log["status"] for log in sync_logs(consumer)} == {"Synced"}


def test_documents_that_this_site_names_and_links_to_them_are_compared_by_what_they_stand_for(
	producer, consumer, fresh, extra_fields
):
	for site in (producer, consumer):
		extra_fields(
			site,
			ORDER,
			{"fieldname": "ticket", "label": "Ticket", "fieldtype": "Link", "options": TICKET},
			{"fieldname": "of_type", "label": "Of Type", "fieldtype": "Link", "options": "DocType"},
			{"fieldname": "of", "label": "Of", "fieldtype": "Dynamic Link", "options": "of_type"},
		)
	consumer.run(insert, doctype=TICKET, title="so that names differ")
	row = {"ref_doctype": TICKET, "use_same_name": 0}
	subscribe(consumer, producer, ORDER, row)
	tickets = [producer.run(insert, doctype=TICKET, title=f"ticket {number}") for number in range(4)]
	for ticket in tickets:
		producer.run(insert, doctype=ORDER, title="linked", ticket=ticket, of_type=TICKET, of=ticket)
	pull(consumer, producer)
	here = consumer.run(read_rows, doctype=ORDER, filters={"title": "linked"})

	equal = verify(consumer, producer)
	producer.run(
		sql,
		query="update `tabStreamed Order` set ticket = %s where ticket = %s",
		values=[tickets[0], tickets[1]],
	)
	differing = verify(consumer, producer)
	repaired = repair(consumer, producer)

	assert {row["ticket"] for row in here}.isdisjoint({tickets[0]})
	assert (equal["differing"], equal["here"], equal["bytes"] < 4_000) == (0, 8, True)
	first = next(
		row
		for row in consumer.run(read_rows, doctype=TICKET, filters={})
		if row["remote_docname"] == tickets[0]
	)
	assert [each["fields"] for each in differing["findings"]] == [
		[["Ticket", here[1]["ticket"], first["name"]]]
	]
	assert repaired["made"] == 1
	assert consumer.run(read_rows, doctype=ORDER, filters={"ticket": first["name"]}).__len__() == 2


def make_mapping() -> str:
	"""Orders become tickets; the note's values are mapped, the total has a default, rows go through a mapping of their own."""
	import frappe

	frappe.get_doc(
		{
			"doctype": "Document Type Value Map",
			"value_map_name": "Verify Notes",
			"other_values": "Keep the Value",
			"pairs": [
				{"remote_value": "yes", "local_value": "Y"},
				{"remote_value": "ja", "local_value": "Y"},
			],
		}
	).insert()
	frappe.get_doc(
		{
			"doctype": "Document Type Mapping",
			"mapping_name": "Verify Rows",
			"local_doctype": "Streamed Order Row",
			"remote_doctype": "Streamed Order Row",
			"field_mapping": [{"local_fieldname": "item", "remote_fieldname": "item"}],
		}
	).insert()
	return (
		frappe.get_doc(
			{
				"doctype": "Document Type Mapping",
				"mapping_name": "Verify Orders",
				"local_doctype": TICKET,
				"remote_doctype": ORDER,
				"field_mapping": [
					{"local_fieldname": "title", "remote_fieldname": "title"},
					{"local_fieldname": "note", "remote_fieldname": "note", "value_map": "Verify Notes"},
					{"local_fieldname": "urgent", "default_value": "1"},
					{"local_fieldname": "day", "remote_fieldname": "day", "default_value": "2020-01-01"},
					{
						"local_fieldname": "rows",
						"remote_fieldname": "rows",
						"mapping_type": "Child Table",
						"mapping": "Verify Rows",
					},
				],
			}
		)
		.insert()
		.name
	)


def test_a_mapping_is_taken_into_account_and_what_it_leaves_to_this_site_is_left_alone(
	producer, consumer, fresh
):
	mapping = consumer.run(make_mapping)
	subscribe(
		consumer,
		producer,
		{"ref_doctype": TICKET, "has_mapping": 1, "mapping": mapping, "use_same_name": 0},
	)
	names = [
		producer.run(insert, doctype=ORDER, title=f"mapped {note}", note=note, rows=[{"item": "bolt"}])
		for note in ("yes", "ja", "other")
	]
	pull(consumer, producer)
	here = {row["remote_docname"]: row["name"] for row in consumer.run(read_rows, doctype=TICKET, filters={})}
	consumer.run(set_value, doctype=TICKET, name=here[names[0]], urgent=0, total=5)

	equal = verify(consumer, producer)
	producer.run(set_value, doctype=ORDER, name=names[0], note="other", total=77)
	producer.run(set_value, doctype=ORDER, name=names[1], note="yes")
	differing = verify(consumer, producer)
	repair(consumer, producer)

	assert (equal["differing"], equal["here"], equal["bytes"] < 3_000) == (0, 3, True), equal
	assert equal["doctypes"][ORDER]["not_compared"] == ["Urgent"]
	(finding,) = differing["findings"]
	assert (finding["local_name"], finding["fields"]) == (here[names[0]], [["Note", "Y", "other"]])
	mended = consumer.run(read_doc, doctype=TICKET, name=here[names[0]])
	assert (mended["note"], mended["urgent"], mended["total"]) == ("other", 0, 5)


def test_a_condition_decides_what_is_compared_and_what_it_has_left_behind_is_kept(producer, consumer, fresh):
	subscribe(consumer, producer, ORDER, condition="doc.urgent == 1")
	names = [
		producer.run(insert, doctype=ORDER, title=f"order {number}", urgent=int(number != 0))
		for number in range(4)
	]
	pull(consumer, producer)
	equal = verify(consumer, producer)
	producer.run(set_value, doctype=ORDER, name=names[0], urgent=1)
	producer.run(set_value, doctype=ORDER, name=names[1], urgent=0)

	done = verify(consumer, producer)
	repair(consumer, producer, delete_extra=True)

	assert (equal["differing"], equal["findings"]) == (0, [])
	assert {name: each["kind"] for name, each in found(done).items()} == {
		names[0]: "Missing",
		names[1]: "Kept",
	}
	assert consumer.run(read_doc, doctype=ORDER, name=names[0])
	assert consumer.run(read_doc, doctype=ORDER, name=names[1])


def allow_only(doctype: str, name: str, user: str) -> None:
	import frappe

	frappe.get_doc({"doctype": "User Permission", "user": user, "allow": doctype, "for_value": name}).insert()


def test_what_may_not_be_read_there_is_neither_missing_nor_deleted(producer, consumer, fresh):
	subscribe(consumer, producer, CITY)
	titles = [producer.run(insert, doctype=CITY, title=unique("city")) for _each in range(3)]
	pull(consumer, producer)
	consumer.run(sql, query="delete from `tabStreamed City` where name = %s", values=[titles[1]])
	producer.run(allow_only, doctype=CITY, name=titles[0], user="stream@example.com")
	try:
		done = verify(consumer, producer)
		repair(consumer, producer, delete_extra=True)
	finally:
		producer.run(sql, query="delete from `tabUser Permission`")
		producer.run(clear_cache)

	assert {name: each["kind"] for name, each in found(done).items()} == {titles[2]: "Kept"}
	assert consumer.run(read_doc, doctype=CITY, name=titles[2])
	assert not consumer.run(read_doc, doctype=CITY, name=titles[1])


def clear_cache() -> None:
	import frappe

	frappe.clear_cache()


def test_two_sites_that_take_from_each_other_compare_each_its_own_and_a_repair_is_not_echoed(
	producer, consumer, fresh
):
	subscribe(consumer, producer, ORDER, CITY, conflict_policy="Consumer Wins")
	subscribe(producer, consumer, ORDER, CITY)
	there = producer.run(insert, doctype=ORDER, title="made there")
	# the consumer's names go on after it: both would have the same one else
	pull(consumer, producer)
	here = consumer.run(insert, doctype=ORDER, title="made here")
	for _round in range(2):
		pull(producer, consumer)
		pull(consumer, producer)
	equal = verify(consumer, producer), verify(producer, consumer)
	consumer.run(change, doctype=ORDER, name=there, note="not taken yet")
	waiting = verify(consumer, producer)
	for _round in range(2):
		# the second one says that the first has arrived
		pull(producer, consumer)
	consumer.run(sql, query="update `tabStreamed Order` set note = 'meant', modified = '2099-01-01'")
	producer.run(sql, query="update `tabStreamed Order` set total = 5 where name = %s", values=[here])
	logged = len(update_logs(consumer))

	done = verify(consumer, producer)
	repair(consumer, producer)

	assert [(each["differing"], each["done"]) for each in equal] == [(0, 2), (0, 2)]
	assert [each["kind"] for each in waiting["findings"]] == ["Under Way"]
	assert list(found(done)) == [there] and "Consumer Wins" in found(done)[there]["reason"]
	assert found(done)[there]["kept_here"]
	assert consumer.run(read_doc, doctype=ORDER, name=there)["note"] == "not taken yet"
	assert [log["origin"] for log in update_logs(consumer)[logged:]] == [producer.url]
	assert pull(producer, consumer)["events"] == 0
	assert list(found(verify(producer, consumer))) == [here]


def test_the_same_instant_in_another_time_zone_is_the_same(producer, consumer, fresh):
	subscribe(consumer, producer, ORDER)
	producer.set_time_zone("America/New_York")
	try:
		for number in range(3):
			producer.run(
				insert, doctype=ORDER, title=f"order {number}", due="2026-05-01 10:00:00", day="2026-05-01"
			)
		pull(consumer, producer)
		done = verify(consumer, producer)
	finally:
		producer.set_time_zone("Asia/Bangkok")

	assert {str(row["due"]) for row in consumer.run(read_rows, doctype=ORDER, filters={})} != {
		"2026-05-01 10:00:00"
	}
	assert (done["differing"], done["here"], done["bytes"] < 2_500) == (0, 3, True)


def test_filters_narrow_it_down(producer, consumer, fresh):
	subscribe(consumer, producer, CITY)
	titles = [producer.run(insert, doctype=CITY, title=unique("city")) for _each in range(3)]
	pull(consumer, producer)
	producer.run(sql, query="update `tabStreamed City` set country_name = 'Siam'")

	done = verify(consumer, producer, CITY, filters={"name": titles[0]})
	repair(consumer, producer)

	assert (done["done"], list(found(done))) == (1, [titles[0]])
	assert [consumer.run(read_doc, doctype=CITY, name=title)["country_name"] for title in titles] == [
		"Siam",
		None,
		None,
	]


def test_what_can_not_be_repaired_is_said(producer, consumer, fresh):
	subscribe(consumer, producer, ORDER, CITY)
	names = [producer.run(insert, doctype=ORDER, title=f"order {number}") for number in range(2)]
	pull(consumer, producer)
	consumer.run(sql, query="update `tabStreamed Order` set docstatus = 1 where name = %s", values=[names[0]])
	consumer.run(sql, query="delete from `tabStreamed Order` where name = %s", values=[names[1]])
	producer.run(sql, query="update `tabStreamed Order` set title = '' where name = %s", values=[names[1]])
	refused = consumer.run(refusal, event_producer=producer.url)
	verify(consumer, producer)

	done = repair(consumer, producer)

	assert "Verify" in refused
	assert (done["made"], done["failed"]) == (1, 1)
	assert "can't be taken back" in found(done)[names[0]]["outcome"]
	# a mandatory field that is empty there is empty here, too
	assert [log["status"] for log in sync_logs(consumer, producer_doc=names[1])] == ["Synced", "Synced"]


def repair_with_a_hook_that_rolls_back(event_producer: str) -> dict:
	import frappe
	from frappe.model.document import Document

	Document.on_update = lambda doc: doc.doctype == ORDER and frappe.db.rollback()
	try:
		return check(event_producer, "Repair")
	finally:
		del Document.on_update


def test_what_is_undone_again_and_again_is_said_and_makes_no_event_that_nobody_sent(
	producer, consumer, fresh
):
	subscribe(consumer, producer, ORDER)
	names = [producer.run(insert, doctype=ORDER, title=f"order {number}") for number in range(2)]
	pull(consumer, producer)
	producer.run(set_value, doctype=ORDER, name=names[1], note="past the life cycle")
	verify(consumer, producer)

	done = consumer.run(repair_with_a_hook_that_rolls_back, event_producer=producer.url)

	assert (done["status"], done["made"], done["failed"]) == ("Done", 0, 1)
	assert "rolled back" in found(done)[names[1]]["outcome"]
	assert {log["status"] for log in sync_logs(consumer, producer_doc=names[1])} == {"Synced"}


def refusal(event_producer: str) -> str:
	import frappe

	from event_streaming.consumer.verify import repair

	try:
		repair.begin(event_producer)
	except frappe.ValidationError as error:
		return str(error)
	return ""


def begun_from(event_producer: str, verified: str) -> list | str:
	"""The DocTypes that a repair of one verify would look at, or why there is none."""
	import frappe

	from event_streaming.consumer.tasks import task
	from event_streaming.consumer.verify import repair

	try:
		begun = repair.begin(event_producer, True, verified)
	except frappe.ValidationError as error:
		return str(error)
	task.stop(event_producer, task.REPAIR)
	return begun.scope["doctypes"]


def test_a_repair_does_what_the_verify_shows_that_it_was_asked_for_from(consumer, producer):
	subscribe(consumer, producer, CITY, ORDER)
	seen = verify(consumer, producer, CITY)
	verify(consumer, producer, ORDER)

	assert consumer.run(begun_from, event_producer=producer.url, verified=seen["task"]) == [CITY]
	other = consumer.run(begun_from, event_producer=producer.url + ".example", verified=seen["task"])
	assert "Verify" in other


# ---- a producer that is not what it should be


class Liar(FakeProducer):
	"""Answers whatever it is given to requests for digests and documents."""

	digests: object = None
	look: object = None

	def content_for(self, request):
		if request.path.endswith("count_documents"):
			return 200, json.dumps({"message": {"total": 1}}).encode()
		if request.path.endswith("get_digests"):
			if self.digests is None:
				return 404, json.dumps({"exc_type": "AttributeError"}).encode()
			wanted = request.body.get("wanted")
			answer = self.digests if not isinstance(self.digests, dict) else {**self.digests}
			if isinstance(answer, dict) and wanted is None:
				answer |= {"digests": pack([1] * 16), "names": []}
			return 200, json.dumps({"message": answer}).encode()
		if request.path.endswith("look_at"):
			return 200, json.dumps({"message": self.look}).encode()
		return super().content_for(request)


def pack(numbers: list[int]) -> str:
	from event_streaming.wire import digests

	return digests.pack(numbers)


LISTED = {"names": ["x"], "digests": pack([1])}
FOREIGN = {"position": 1, "ref_doctype": "User", "docname": "x", "update_type": "Create"}


@pytest.mark.parametrize(
	("digests", "look", "said"),
	[
		(None, None, "can't compare documents yet"),
		("nothing", None, "is not an object"),
		({"has_more": True, "after": ""}, None, "do not go on"),
		({"names": ["x", "y"], "digests": pack([1])}, None, "are not 2"),
		(LISTED, [], "is not an object"),
		(LISTED, {"events": [FOREIGN]}, "not asked for"),
		(LISTED, {"gone": [["y", "not found", 1]]}, "not asked for"),
		(LISTED, {"coming": ["x"], "gone": [["x", "not found", 1]]}, "not asked for"),
		(LISTED, {}, "says nothing"),
	],
)
def test_a_producer_that_answers_nonsense_ends_the_verify_with_what_is_wrong(consumer, digests, look, said):
	with Liar(CITY) as liar:
		liar.digests, liar.look = digests, look
		consumer.run(make_subscriber)
		rows = [{"ref_doctype": CITY, "use_same_name": 1}]
		consumer.run(make_event_producer, url=liar.url, rows=rows)

		done = consumer.run(check, event_producer=liar.url)

	assert done["status"] == "Failed" and said in done["message"], done["message"]

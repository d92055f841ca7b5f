"""One page serves all open readers; whoever is not one of them, or has made something in it, gets its own."""

import pytest
from doctypes import CITY, ORDER, with_orders
from documents import change, insert, unique
from streams import make_event_consumer, make_subscriber

NAMES = ("first", "second", "third")
USER = "stream@example.com"


def url(name: str) -> str:
	return f"http://{name}.example"


def read(name: str, cursor: int = 0, **arguments) -> dict:
	"""A page, and from where it came: how often the log was read, and whether anything was kept."""
	import frappe

	from event_streaming.producer.feed import page, shared

	original, seen = shared.read_slice, []

	def counting(*args):
		seen.append(args)
		return original(*args)

	shared.read_slice = counting
	frappe.set_user(USER)
	try:
		answer = page.get_page(url(name), cursor, **arguments)
		frappe.db.commit()
		return {**answer, "read": len(seen)}
	finally:
		shared.read_slice = original
		frappe.set_user("Administrator")


@pytest.fixture
def site(producer):
	with_orders(producer)
	producer.run(make_subscriber)
	producer.run(forget_pages)
	return producer


def forget_pages() -> None:
	import frappe

	for key in frappe.cache.get_keys("event_streaming:page:"):
		frappe.cache.delete(key)


@pytest.fixture
def readers(site):
	def make(*names, **row) -> None:
		for name in names or NAMES:
			row = {"ref_doctype": ORDER, "status": "Approved", **row}
			site.run(make_event_consumer, url=url(name), rows=[row], user=USER, protocol=2)

	return make


def order(site, **values) -> str:
	return site.run(insert, doctype=ORDER, title=unique("order"), **values)


def told(page: dict) -> list[tuple]:
	return [(event["update_type"], event["docname"]) for event in page["events"]]


def test_the_third_that_asks_is_served_without_reading_the_log(site, readers):
	readers()
	name = order(site, rows=[{"item": "bolt", "qty": 1}])
	site.run(change, doctype=ORDER, name=name, note="more")

	pages = [site.run(read, name=each) for each in NAMES]

	assert [page["read"] for page in pages] == [1, 1, 0]
	assert told(pages[0]) == [("Create", name), ("Update", name)]
	assert pages[0]["events"] == pages[1]["events"] == pages[2]["events"]
	assert [page["cursor"] for page in pages] == [pages[0]["cursor"]] * 3
	assert len({page["receipt"] for page in pages}) == 3


def test_what_is_new_is_in_the_page_at_once(site, readers):
	readers()
	first = order(site)
	for name in NAMES:
		site.run(read, name=name)
	second = order(site)

	assert told(site.run(read, name="third")) == [("Create", first), ("Create", second)]


def test_cursors_that_differ_by_what_is_not_asked_for_ask_for_the_same_page(site, readers):
	readers()
	site.run(make_event_consumer, url=url("cities"), rows=[{"ref_doctype": CITY, "status": "Approved"}])
	start = site.run(read, name="first")["cursor"]
	for _each in range(3):
		site.run(insert, doctype=CITY, title=unique("city"))
	name = order(site)

	pages = [site.run(read, name=each, cursor=start + number) for number, each in enumerate(NAMES)]

	assert [told(page) for page in pages] == [[("Create", name)]] * 3
	assert [page["read"] for page in pages] == [1, 1, 0]


def test_what_one_has_made_itself_is_not_sent_to_it(site, readers):
	readers()
	first, second = order(site), order(site)
	site.run(make_of, name=second, origin=url("third"))

	pages = {name: site.run(read, name=name) for name in (*NAMES, "first")}

	assert told(pages["first"]) == [("Create", first), ("Create", second)] and not pages["first"]["read"]
	assert told(pages["third"]) == [("Create", first)]
	site.run(forget_pages)
	site.run(read, name="first")
	assert told(site.run(read, name="third")) == [("Create", first)]


def make_of(name: str, origin: str) -> None:
	import frappe

	frappe.db.set_value("Event Update Log", {"docname": name}, "origin", origin)


@pytest.mark.parametrize(
	"values",
	[{"status": "Rejected"}, {"status": "Pending"}, {"unsubscribed": 1}, {"condition": "doc.urgent"}],
)
def test_what_is_withdrawn_or_narrowed_is_gone_at_once(site, readers, values):
	readers()
	order(site)
	for name in (*NAMES, *NAMES):
		site.run(read, name=name)

	site.run(decide, name="third", **values)

	assert told(site.run(read, name="third")) == []
	assert site.run(read, name="second")["read"] == 0


def decide(name: str, **values) -> None:
	import frappe

	doc = frappe.get_doc("Event Consumer", url(name))
	doc.consumer_doctypes[0].update(values)
	doc.save()


def test_hidden_fields_are_in_no_page_of_others(site, readers):
	readers()
	name = order(site, note="secret")
	for each in NAMES:
		site.run(read, name=each)

	site.run(decide, name="third", fields_not_sent="note")
	page = site.run(read, name="third")

	assert told(page) == [("Create", name)] and "secret" not in page["events"][0]["data"]
	assert "secret" in site.run(read, name="second")["events"][0]["data"]


def test_a_user_that_may_not_read_all_any_more_gets_what_it_may(site, readers):
	readers()
	cities = [site.run(insert, doctype=CITY, title=unique("city")) for _each in range(2)]
	names = [order(site, city=city) for city in cities]
	for each in NAMES:
		site.run(read, name=each)
	site.run(restrict_to_city, city=cities[0])
	try:
		for each in (*NAMES, *NAMES):
			assert told(site.run(read, name=each)) == [("Create", names[0])]
	finally:
		site.run(lift_restrictions)


def restrict_to_city(city: str) -> None:
	import frappe

	frappe.get_doc({"doctype": "User Permission", "user": USER, "allow": CITY, "for_value": city}).insert()


def lift_restrictions() -> None:
	import frappe

	for name in frappe.get_all("User Permission", {"user": USER}, pluck="name"):
		frappe.delete_doc("User Permission", name)


def test_readers_of_other_doctypes_or_sizes_have_pages_of_their_own(site, readers):
	readers()
	rows = [{"ref_doctype": doctype, "status": "Approved"} for doctype in (ORDER, CITY)]
	site.run(make_event_consumer, url=url("more"), rows=rows, user=USER, protocol=2)
	city, name = site.run(insert, doctype=CITY, title=unique("city")), order(site)
	for each in NAMES:
		site.run(read, name=each)

	assert told(site.run(read, name="more")) == [("Create", city), ("Create", name)]
	assert site.run(read, name="first", limit=1)["read"] == 1


def test_what_is_kept_is_bounded(site, readers):
	readers()
	site.run(large_event, characters=1_500_000)
	pages = [site.run(read, name=each)["read"] for each in (*NAMES, "first")]
	assert pages == [1, 1, 1, 1]

	for _each in range(20):
		order(site)
		for each in NAMES:
			site.run(read, name=each, cursor=site.run(last_position) - 1)
	kept = site.run(kept_pages)
	assert 0 < len(kept) <= 16
	assert all(0 < seconds <= 30 and size <= 512 * 1024 for seconds, size in kept)


def large_event(characters: int) -> None:
	import secrets

	from event_streaming.producer.capture.log import write

	write(
		ORDER,
		insert(ORDER, title="large"),
		"Update",
		{"changed": {"note": secrets.token_hex(characters // 2)}},
	)


def last_position() -> int:
	from event_streaming.producer.log.sequence import assign_positions

	return assign_positions()


def kept_pages() -> list:
	import frappe

	keys = [key for key in frappe.cache.get_keys("event_streaming:page:") if b"asked" not in key]
	return [[frappe.cache.ttl(key), frappe.cache.strlen(key)] for key in keys]


def test_without_redis_the_page_is_read_from_the_log(site, readers):
	readers()
	name = order(site)

	for each in NAMES:
		page = site.run(read_without_redis, name=each)
		assert (told(page), page["read"]) == ([("Create", name)], 1)


def read_without_redis(name: str) -> dict:
	from unittest.mock import MagicMock, patch

	from redis.exceptions import ConnectionError as RedisUnreachable

	from event_streaming.producer.feed import shared

	unreachable = MagicMock()
	unreachable.cache.get.side_effect = unreachable.cache.set.side_effect = RedisUnreachable
	unreachable.qb = shared.frappe.qb
	with patch.object(shared, "frappe", unreachable):
		return read(name)


def test_a_page_that_can_not_be_read_is_read_from_the_log(site, readers):
	readers()
	name = order(site)
	for each in NAMES:
		site.run(read, name=each)
	site.run(spoil)

	page = site.run(read, name="third")

	assert (told(page), page["read"]) == ([("Create", name)], 1)


def spoil() -> None:
	import frappe

	for key in frappe.cache.get_keys("event_streaming:page:"):
		if b"asked" not in key:
			frappe.cache.set(key, frappe.cache.get(key)[:70] + b"\x00")

"""A site that nobody can call hears of a change at once; whatever is said, withdrawn or cut off costs no more than time.

No scheduler runs here: what comes, comes without the pull of the minute, unless a test does what that does.
"""

import json
import subprocess

import pytest
from doctypes import CITY
from documents import change, delete, insert, set_settings, unique
from logs import with_statements
from shops import (
	HERE,
	comes,
	forget_standing,
	is_known,
	last_pull,
	minute,
	pull_once,
	pulls,
	save,
	standing,
	subscribe_from_behind_a_router,
)
from streams import (
	SUBSCRIBER,
	decide,
	make_event_consumer,
	make_subscriber,
	wait_for,
)


def start_workers(*sites) -> None:
	for site in sites:
		site.start_worker()


@pytest.fixture
def realtime(cluster):
	cluster.realtime.start()
	yield cluster.realtime
	cluster.realtime.stop()


@pytest.fixture
def listening(producer, consumer, orders, realtime):
	"""The consumer can't be reached, listens, and the producer knows it."""
	subscribe_from_behind_a_router(producer, consumer, realtime_port=realtime.port)
	start_workers(producer, consumer)
	consumer.start_listener()
	is_known(producer)
	yield
	consumer.stop_listener()


def publish(position: object, times: int = 1) -> None:
	"""A message as the producer sends it, or as nobody should."""
	import frappe

	from event_streaming.wire.paths import position_event

	for _each in range(times):
		frappe.publish_realtime(
			position_event("http://shop.invalid"), {"position": position}, user="stream@example.com"
		)


def test_a_change_comes_without_the_minute_and_without_a_call(producer, consumer, listening):
	title = unique("Heard")

	save(producer, title)

	comes(consumer, title)
	assert producer.run(notified) == [0, None]


def notified() -> list:
	import frappe

	fields = ["notify_failures", "notify_after"]
	return list(frappe.db.get_value("Event Consumer", "http://shop.invalid", fields))


def test_it_comes_from_a_job_on_the_producer_too(producer, consumer, listening):
	title = unique("From a job")

	producer.run(insert, doctype=CITY, title=title)

	comes(consumer, title)


def test_what_was_missed_is_asked_for_when_the_connection_stands(producer, consumer, orders, realtime):
	subscribe_from_behind_a_router(producer, consumer, realtime_port=realtime.port)
	title = unique("Before")
	save(producer, title)
	start_workers(producer, consumer)

	consumer.start_listener()

	comes(consumer, title)


def test_messages_that_are_old_doubled_or_nonsense_ask_for_nothing(producer, consumer, listening):
	title = unique("First")
	save(producer, title)
	comes(consumer, title)
	consumer.stop_worker()
	heard = wait_for(lambda: consumer.run(standing, event_producer=producer.url)["heard_on"], "a message")
	before = consumer.run(last_pull, event_producer=producer.url)

	for position in (0, 1, -5, True, "99999", 1.5, None, {"position": 9}, 2**70):
		producer.run(publish, position=position)
	producer.run(publish, position=1, times=200)

	wait_for(
		lambda: consumer.run(standing, event_producer=producer.url)["heard_on"] > heard, "messages are heard"
	)
	assert consumer.run(pulls) == 0
	assert consumer.run(last_pull, event_producer=producer.url) == before


def test_a_flood_of_numbers_is_one_pull_at_once_and_one_job(producer, consumer, listening):
	consumer.stop_worker()
	before = consumer.run(last_pull, event_producer=producer.url)

	for _each in range(4):
		producer.run(publish, position=10**9, times=300)

	wait_for(lambda: consumer.run(pulls), "a job is asked for")
	assert consumer.run(pulls) == 1
	assert consumer.run(last_pull, event_producer=producer.url) != before


def test_an_invented_position_costs_one_pull_that_finds_nothing(producer, consumer, listening):
	before = consumer.run(last_pull, event_producer=producer.url)

	producer.run(publish, position=10**9)

	wait_for(lambda: consumer.run(last_pull, event_producer=producer.url) != before, "a pull")
	title = unique("After it")
	save(producer, title)
	comes(consumer, title)


def test_a_message_that_is_lost_costs_the_minute(producer, consumer, listening, realtime):
	realtime.stop()
	title = unique("Lost")

	save(producer, title)
	consumer.run(minute)

	comes(consumer, title)


def test_the_realtime_server_comes_back_and_so_does_the_listener(producer, consumer, listening, realtime):
	realtime.stop()
	wait_for(
		lambda: not consumer.run(standing, event_producer=producer.url)["connected"], "the cut is noticed"
	)
	missed, title = unique("Missed"), unique("Heard again")
	save(producer, missed)
	realtime.start()

	comes(consumer, missed)
	wait_for(lambda: consumer.run(standing, event_producer=producer.url)["connected"], "a connection")
	save(producer, title)

	comes(consumer, title)


def test_a_listener_that_is_killed_is_not_counted_on_any_more(producer, consumer, listening):
	consumer.kill_listener()
	consumer.run(forget_standing, event_producer=producer.url)
	consumer.run(pull_once, event_producer=producer.url)

	is_known(producer, 0)
	title = unique("Killed")
	save(producer, title)
	consumer.run(minute)
	comes(consumer, title)


def test_a_realtime_server_that_brings_nothing_is_not_relied_on(
	producer, consumer, cities_streamed, realtime
):
	"""It lets in, and its messages go elsewhere, as with another Redis: the producer goes on calling."""
	producer.run(set_settings, realtime_port=realtime.port)
	consumer.run(pull_once, event_producer=producer.url)
	consumer.run(pretend_to_listen, event_producer=producer.url)
	consumer.run(pull_once, event_producer=producer.url)

	assert producer.run(who_listens) == []
	assert producer.run(due) == [consumer.url]
	examined = consumer.command("event-streaming", "doctor", "--producer", producer.url).stdout
	assert "no message comes" in examined


def pretend_to_listen(event_producer: str) -> None:
	import time

	from event_streaming.consumer.logs.listener import keep

	since = time.time() - 1_000
	standing = {"connected": True, "hears": False, "since": since, "heard_on": 0, "problem": ""}
	keep(event_producer, standing)


def test_what_is_kept_of_a_dead_listener_ends_by_itself(producer, consumer, listening):
	assert 0 < consumer.run(seconds_kept, event_producer=producer.url) <= 75


def seconds_kept(event_producer: str) -> int:
	import frappe

	from event_streaming.site.claims import redis_key

	return frappe.cache.ttl(frappe.cache.make_key(redis_key("listener", event_producer)))


def test_it_ends_cleanly_and_the_producer_learns_it(producer, consumer, listening):
	child = consumer.processes.running["listener"]

	consumer.stop_listener()

	assert child.process.wait(1) == 0
	assert consumer.run(standing, event_producer=producer.url) is None
	consumer.run(pull_once, event_producer=producer.url)
	is_known(producer, 0)


def test_keys_that_are_withdrawn_close_the_connection_and_open_none(producer, consumer, realtime, listening):
	producer.run(change, doctype="User", name=SUBSCRIBER, api_secret="anothersecret")

	if realtime.asks_apps:
		wait_for(
			lambda: "Unauthorized" in problem_of(consumer, producer),
			"the connection is closed and not opened again",
		)
	# and when the pull has found it out too, nobody tries any more
	consumer.run(pull_once, event_producer=producer.url)
	wait_for(lambda: consumer.run(standing, event_producer=producer.url) is None, "no line is held")
	producer.run(make_subscriber)
	consumer.run(pull_once, event_producer=producer.url)
	title = unique("Keys again")
	wait_for(
		lambda: (consumer.run(standing, event_producer=producer.url) or {}).get("connected"), "connected"
	)
	save(producer, title)
	comes(consumer, title)


def problem_of(consumer, producer) -> str:
	kept = consumer.run(standing, event_producer=producer.url) or {}
	return "" if kept.get("connected") else kept.get("problem") or ""


def test_nothing_is_published_for_a_user_that_may_not_sign_in_or_that_is_paused(
	producer, consumer, listening
):
	assert producer.run(told) == [HERE]

	producer.run(change, doctype="Event Consumer", name=HERE, paused=1)
	assert producer.run(told) == []
	producer.run(change, doctype="Event Consumer", name=HERE, paused=0)
	producer.run(change, doctype="User", name=SUBSCRIBER, enabled=0)
	try:
		assert producer.run(told) == []
	finally:
		producer.run(change, doctype="User", name=SUBSCRIBER, enabled=1)


@pytest.mark.parametrize("condition, told", [("", 30), ("doc.country_name == 'branch {}'", 1)])
def test_a_look_takes_as_many_statements_for_thirty_listeners_as_for_one_and_one_message_to_each_it_is_for(
	producer, orders, condition, told
):
	producer.run(make_subscriber)

	one = producer.run(a_look, listeners=1, condition=condition)
	many = producer.run(a_look, listeners=30, condition=condition)

	assert (one["told"], many["told"]) == (1, told)
	assert one["statements"] == many["statements"]
	assert (one["round_trips"], many["round_trips"]) == (1, 1)


def a_look(listeners: int, condition: str = "") -> dict[str, int]:
	"""With so many Event Consumers that listen, one city of the first one's branch was made."""
	import uuid

	import frappe

	from event_streaming.producer.log.sequence import assign_positions
	from event_streaming.producer.notify import listeners as room

	for number in range(listeners):
		url = f"http://listener-{number}.example"
		if not frappe.db.exists("Event Consumer", url):
			row = {"ref_doctype": "Streamed City", "status": "Approved"}
			make_event_consumer(url, [{**row, "condition": condition.format(number)}], listens=1)
	pipes, original = [], room.get_redis_connection_without_auth

	class Redis:
		def pipeline(self, **how):
			pipes.append(original().pipeline(**how))
			return pipes[-1]

	room.get_redis_connection_without_auth = Redis
	try:
		# what is kept in the process is read with the first look
		for _each in range(2):
			pipes.clear()
			city = {"doctype": "Streamed City", "title": uuid.uuid4().hex, "country_name": "branch 0"}
			frappe.get_doc(city).insert()
			frappe.db.commit()
			head = assign_positions()
			told, seen = with_statements(lambda head=head: room.tell_listeners(head))
	finally:
		room.get_redis_connection_without_auth = original
	return {"told": told, "statements": len(seen), "round_trips": len(pipes)}


def test_only_those_hear_of_a_change_for_whom_it_may_be(producer, orders):
	"""As those who are called: what is looked up wakes nobody else, what has to be evaluated wakes."""
	producer.run(make_subscriber)
	conditions = {
		"north": "doc.country_name == 'North'",
		"south": "doc.country_name == 'South'",
		"evaluated": "doc.country_name != 'North'",
		"all": "",
		"later": "",
	}
	for name, condition in conditions.items():
		producer.run(make_listener, name=name, condition=condition)
	producer.run(from_far_on, name="later")

	assert producer.run(who_is_told, country_name="North") == ["all", "evaluated", "north"]
	assert producer.run(who_is_told, country_name="South") == ["all", "evaluated", "south"]
	assert producer.run(who_is_told, country_name="South", origin="all") == ["evaluated", "south"]
	assert producer.run(who_is_told, country_name="South", origin="south") == ["all", "evaluated"]


def test_who_has_a_document_hears_that_it_is_another_branch_s(producer, orders):
	producer.run(make_subscriber)
	for name in ("north", "south"):
		producer.run(make_listener, name=name, condition=f"doc.country_name == '{name}'")
	producer.run(insert, doctype=CITY, title="Moving", country_name="north")
	producer.run(take_up_to_now)

	producer.run(change, doctype=CITY, name="Moving", country_name="south")

	assert producer.run(who_is_told) == ["north", "south"]


def make_listener(name: str, condition: str) -> None:
	row = {"ref_doctype": "Streamed City", "status": "Approved", "condition": condition}
	make_event_consumer(f"http://{name}.example", [row], listens=1)


def from_far_on(name: str) -> None:
	"""Its subscription begins after all that is logged."""
	import frappe

	rows = {"parenttype": "Event Consumer", "parent": f"http://{name}.example"}
	frappe.db.set_value("Event Consumer Document Type", rows, "from_position", 10**9)
	frappe.db.commit()


def take_up_to_now() -> None:
	from event_streaming.producer.log.sequence import assign_positions
	from event_streaming.producer.notify import listeners

	listeners._remember(assign_positions())


def who_is_told(country_name: str = "", origin: str = "") -> list[str]:
	"""By the next look; after a city of that country was made, or taken over from a consumer."""
	import uuid

	import frappe

	from event_streaming.producer.log.sequence import assign_positions
	from event_streaming.producer.subscriptions.streamed import refresh_streamed_doctypes

	if country_name:
		take_up_to_now()
		city = {"doctype": "Streamed City", "title": uuid.uuid4().hex, "country_name": country_name}
		frappe.get_doc(city).insert()
	if origin:
		newest = frappe.get_last_doc("Event Update Log", order_by="name desc").name
		frappe.db.set_value("Event Update Log", newest, "origin", f"http://{origin}.example")
	frappe.db.commit()
	refresh_streamed_doctypes()
	found = published_by_a_look(assign_positions())
	return sorted(name.split("//")[1].split(".")[0] for name in found)


def published_by_a_look(head: int) -> list[str]:
	from event_streaming.producer.notify import listeners

	published, original = [], listeners.publish_all
	listeners.publish_all = published.extend
	try:
		listeners.tell_listeners(head)
	finally:
		listeners.publish_all = original
	return published


def told() -> list[str]:
	"""To whom the next look publishes, after a city was made."""
	import uuid

	import frappe

	from event_streaming.producer.log.sequence import assign_positions

	frappe.get_doc({"doctype": "Streamed City", "title": uuid.uuid4().hex}).insert()
	frappe.db.commit()
	return published_by_a_look(assign_positions())


def test_what_many_are_told_says_how_far_to_spread_and_a_handful_asks_at_once(producer, orders):
	assert producer.run(messages_to, count=3) == [{"position": 7}]
	assert producer.run(messages_to, count=200) == [{"position": 7, "within": 2.0}]
	assert producer.run(messages_to, count=2_000) == [{"position": 7, "within": 10.0}]


def messages_to(count: int) -> list[dict]:
	"""The messages, each kind once, that so many consumers are told."""
	import json

	from event_streaming.producer.notify import listeners as room

	said, original = [], room.get_redis_connection_without_auth

	class Redis:
		def pipeline(self, **_how):
			return self

		def publish(self, channel, text):
			said.append(json.loads(text)["message"])

		def execute(self):
			pass

	room.get_redis_connection_without_auth = Redis
	try:
		room.publish_all({f"http://shop{number}.example": ("a@b.example", 7) for number in range(count)})
	finally:
		room.get_redis_connection_without_auth = original
	assert len(said) == count
	return [json.loads(each) for each in {json.dumps(each, sort_keys=True) for each in said}]


def test_how_connections_stand_is_kept_and_ended_while_the_database_is_away(consumer, orders):
	assert consumer.run(stand_without_a_database, event_producer="http://head.example") == [True, False]


def stand_without_a_database(event_producer: str) -> list[bool]:
	"""In a thread, as the process does it."""
	import threading

	import frappe

	from event_streaming.consumer.listening.bench import Bench

	site, original, troubles = frappe.local.site, frappe.connect, []
	kept = {"connected": True, "hears": True, "since": 1.0, "heard_on": 1.0, "problem": ""}

	def connect(*_args, **_how):
		raise RuntimeError("the database is away")

	def there(do) -> bool:
		def work() -> None:
			try:
				do()
			except Exception as error:
				troubles.append(error)

		thread = threading.Thread(target=work)
		thread.start()
		thread.join()
		return bool(standing(event_producer))

	frappe.connect = connect
	try:
		found = [
			there(lambda: Bench().keep(site, {event_producer: kept})),
			there(lambda: Bench().forget(site, [event_producer])),
		]
	finally:
		frappe.connect = original
	assert not troubles, troubles
	return found


def test_an_approval_is_heard_of_at_once(producer, consumer, orders, realtime):
	subscribe_from_behind_a_router(producer, consumer, realtime_port=realtime.port)
	producer.run(decide, consumer_url=HERE, status="Rejected")
	start_workers(producer, consumer)
	consumer.start_listener()
	is_known(producer)
	wait_for(lambda: consumer.run(status_of) == "Rejected", "the first answer")

	producer.run(decide, consumer_url=HERE, status="Approved")

	wait_for(lambda: consumer.run(status_of) == "Approved", "the decision")


def status_of() -> str:
	import frappe

	return frappe.db.get_value("Event Producer Document Type", {"ref_doctype": "Streamed City"}, "status")


def test_producers_that_come_and_go_are_noticed(producer, consumer, orders, realtime):
	start_workers(producer, consumer)
	consumer.start_listener()
	subscribe_from_behind_a_router(producer, consumer, realtime_port=realtime.port)
	wait_for(lambda: (consumer.run(standing, event_producer=producer.url) or {}).get("connected"), "it came")

	consumer.run(change, doctype="Event Producer", name=producer.url, paused=1)
	wait_for(lambda: consumer.run(standing, event_producer=producer.url) is None, "it is paused")
	consumer.run(change, doctype="Event Producer", name=producer.url, paused=0)
	wait_for(
		lambda: (consumer.run(standing, event_producer=producer.url) or {}).get("connected"), "it is back"
	)

	consumer.run(delete, doctype="Event Producer", name=producer.url)
	wait_for(lambda: consumer.run(standing, event_producer=producer.url) is None, "it is gone")


def test_a_producer_that_offers_nothing_is_not_listened_to(producer, consumer, listening):
	producer.run(set_settings, listen_through="Off")
	consumer.run(pull_once, event_producer=producer.url)

	wait_for(lambda: consumer.run(standing, event_producer=producer.url) is None, "no line is held")
	assert producer.run(told) == []


def test_a_reachable_site_that_listens_is_not_called_either(producer, consumer, cities_streamed, realtime):
	producer.run(set_settings, realtime_port=realtime.port)
	consumer.run(pull_once, event_producer=producer.url)
	start_workers(producer, consumer)
	consumer.start_listener()
	wait_for(lambda: producer.run(who_listens) == [consumer.url], "the producer knows it")
	title = unique("Both")

	assert producer.run(due) == []
	save(producer, title)

	comes(consumer, title)


def who_listens() -> list[str]:
	import frappe

	return frappe.get_all("Event Consumer", {"listens": 1}, pluck="name")


def due() -> list[str]:
	"""Who would be called after a change."""
	import uuid

	import frappe

	from event_streaming.producer.notify import notifications

	frappe.get_doc({"doctype": "Streamed City", "title": uuid.uuid4().hex}).insert()
	return notifications.due_consumers()


def test_a_site_that_there_is_not_is_an_error(consumer):
	done = consumer.command("event-streaming", "listen", "--only", "nosuch.example")

	assert done.returncode == 1 and "There is no site nosuch.example on this bench" in done.stderr


def test_the_help_says_what_it_needs(consumer):
	done = consumer.command("event-streaming", "listen", "--help")

	assert done.returncode == 0 and "event_streaming[listen]" in done.stdout


def test_without_the_packages_it_says_what_to_install(consumer):
	"""In a process of its own, in which they can't be imported."""
	processes = consumer.processes
	done = subprocess.run(
		[processes.python, "-c", WITHOUT_PACKAGES, "event-streaming", "listen"],
		env=processes.env,
		cwd=processes.run_folder,
		capture_output=True,
		text=True,
		timeout=60,
	)

	assert done.returncode == 1
	assert "event_streaming[listen]" in done.stderr and "Traceback" not in done.stderr


WITHOUT_PACKAGES = """
import sys
sys.modules["socketio"] = None
from sandbox.engine import command
command.main()
"""


def test_the_log_of_the_listener_holds_no_key(producer, consumer, listening):
	assert producer.url in consumer.log("listener")
	assert json.dumps("streamsecret")[1:-1] not in consumer.log("listener")

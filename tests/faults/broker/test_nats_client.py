"""The connection with a NATS server: whatever the server answers, or does not answer, is a BrokerUnavailable, and says why."""

import json

from fake_nats import CREATED, FakeNats, Frame, message, refused, said, status

PASSWORD = "word of the readers"
READ = [["open_reader", "stream", ["an.event"], 0], ["fetch", 10]]


def ask(url: str, steps: list, answer_seconds: float = 5, seconds_left: float | None = None) -> list:
	"""What each step comes to; for a failure its reason. Runs in a site."""
	import time

	from event_streaming.broker import nats_client
	from event_streaming.broker.addresses import server_at
	from event_streaming.exceptions import BrokerUnavailable

	before, nats_client.ANSWER_SECONDS = nats_client.ANSWER_SECONDS, answer_seconds
	until = None if seconds_left is None else time.monotonic() + seconds_left
	came: list = []
	client, reader = None, None
	try:
		client = nats_client.NatsClient([server_at(url)], "reader", PASSWORD, until=until)
		for step, *args in steps:
			try:
				if step == "open_reader":
					reader = client.open_reader(*args)
				elif step == "close_reader":
					client.close_reader(reader)
				elif step == "fetch":
					fetched = client.fetch(reader, *args)
					came.append([[number for number, _payload in fetched.messages], fetched.left])
				elif step == "awaited":
					came.append(reader.awaited)
				elif step == "stream":
					state = client.stream(*args)
					came.append(state and [state.created, state.last])
				elif step == "carried":
					came.append(client.carried)
				elif step == "seconds":
					came.append(client._seconds(5))
			except BrokerUnavailable as error:
				came.append(f"failed: {error}")
	finally:
		nats_client.ANSWER_SECONDS = before
		if client:
			client.close()
	return came


def subjects(server: FakeNats, what: str) -> list[str]:
	return [subject for subject, _payload in server.requests if what in subject]


def silent(_payload: bytes) -> list[Frame]:
	return []


def test_a_stream_is_what_the_server_says(consumer):
	gone = {"error": {"code": 404, "description": "stream not found"}}
	with FakeNats() as there, FakeNats(STREAM__INFO=lambda _payload: said(gone)) as lost:
		assert consumer.run(ask, url=there.url, steps=[["stream", "stream"]]) == [[CREATED, 7]]
		assert consumer.run(ask, url=lost.url, steps=[["stream", "stream"]]) == [None]


def test_what_can_not_be_read_is_a_failure(consumer):
	for answer in ([], {}, {"error": "no"}, {"error": ["no"]}, {"error": {"code": 503}}, b"\xff"):
		with FakeNats(STREAM__INFO=lambda _payload, answer=answer: said(answer)) as server:
			(came,) = consumer.run(ask, url=server.url, steps=[["stream", "stream"]])
		assert came.startswith("failed")
	for odd in (Frame(b"x", "an.inbox", "", "an.event"), Frame(b"x", "", "", "an.event")):
		with FakeNats(MSG__NEXT=lambda _payload, odd=odd: [odd]) as server:
			(came,) = consumer.run(ask, url=server.url, steps=READ)
		assert came.startswith("failed")


def test_messages_are_fetched_with_their_numbers_and_what_is_left(consumer):
	with FakeNats(MSG__NEXT=lambda _payload: [message(3, 2), message(4, 1, b"")]) as server:
		steps = [READ[0], ["fetch", 2]]
		assert consumer.run(ask, url=server.url, steps=steps) == [[[3, 4], 1]]


def test_nothing_is_there_where_the_server_says_so_and_nowhere_else(consumer):
	for code in (404, 408):
		with FakeNats(MSG__NEXT=lambda _payload, code=code: [status(code)]) as server:
			assert consumer.run(ask, url=server.url, steps=READ) == [[[], 0]]
	for code in (100, 400, 409, 503):
		with FakeNats(MSG__NEXT=lambda _payload, code=code: [status(code)]) as server:
			(came,) = consumer.run(ask, url=server.url, steps=READ)
		assert came.startswith("failed") and str(code) in came
	with FakeNats(MSG__NEXT=silent) as server:
		(came,) = consumer.run(ask, url=server.url, steps=READ, answer_seconds=0.2)
	assert came == "failed: No answer in time."


def test_what_is_still_on_its_way_is_waited_for_and_not_asked_for_again(consumer):
	"""On a slow line it comes while what has come is being applied."""
	with FakeNats(MSG__NEXT=lambda _payload: [message(1, 2)]) as server:
		steps = [READ[0], ["fetch", 3], ["awaited"], ["fetch", 3]]
		came = consumer.run(ask, url=server.url, steps=steps, answer_seconds=0.2)

	assert came == [[[1], 2], 2, "failed: No answer in time."]
	assert len(subjects(server, "MSG.NEXT")) == 1


def test_what_is_said_of_an_earlier_request_is_no_answer_to_this_one(consumer):
	"""All of the first has come by then, so that what is said of it was not waited for."""
	asked = []

	def answer(_payload: bytes) -> list[Frame]:
		asked.append(1)
		return [message(1, 0), status(408)] if len(asked) == 1 else [message(2, 0)]

	with FakeNats(MSG__NEXT=answer) as server:
		came = consumer.run(ask, url=server.url, steps=[*READ, ["fetch", 10]])

	assert came == [[[1], 0], [[2], 0]]


def test_a_message_that_is_larger_than_all_were_to_be_comes_alone(consumer):
	def answer(payload: bytes) -> list[Frame]:
		return [status(409, "Message Size Exceeds MaxBytes") if b"max_bytes" in payload else message(1, 4)]

	with FakeNats(MSG__NEXT=answer) as server:
		came = consumer.run(ask, url=server.url, steps=[READ[0], ["fetch", 10, 100]])

	assert came == [[[1], 4]]


def test_a_reader_has_a_name_of_its_own_is_closed_and_else_soon_forgotten(consumer):
	with FakeNats() as server:
		steps = [READ[0], ["close_reader"], READ[0], ["close_reader"], ["stream", "stream"]]
		consumer.run(ask, url=server.url, steps=steps)

	made = [(subject, json.loads(body)) for subject, body in server.requests if "CONSUMER.CREATE" in subject]
	names = [body["config"]["name"] for _subject, body in made]
	assert len(set(names)) == 2
	assert [subject for subject, _body in made] == [
		f"$JS.API.CONSUMER.CREATE.stream.{name}" for name in names
	]
	assert all(body["config"]["inactive_threshold"] <= 10 * 10**9 for _subject, body in made)
	assert subjects(server, "DELETE") == [f"$JS.API.CONSUMER.DELETE.stream.{name}" for name in names]


# ---- what the server refuses


def test_what_the_server_refuses_is_the_reason_and_is_not_waited_for(consumer):
	subject = "$JS.API.CONSUMER.CREATE.stream.reader"
	with FakeNats(CONSUMER__CREATE=lambda _payload: refused(subject)) as server:
		came = consumer.run(ask, url=server.url, steps=READ[:1], answer_seconds=3_600)

	assert "permissions violation" in came[0].lower()
	assert "consumer.create" in came[0].lower()


def test_who_may_not_close_a_reader_reads_on(consumer):
	subject = "$JS.API.CONSUMER.DELETE.stream.reader"
	with FakeNats(CONSUMER__DELETE=lambda _payload: refused(subject)) as server:
		steps = [READ[0], ["close_reader"], ["stream", "stream"], ["stream", "stream"]]
		assert consumer.run(ask, url=server.url, steps=steps) == [[CREATED, 7]] * 2


def test_a_reason_holds_no_password_whatever_the_server_says(consumer):
	says = {"error": {"code": 500, "description": f"no {PASSWORD}\nand\x00 more " + "x" * 1_000}}
	with FakeNats(STREAM__INFO=lambda _payload: said(says)) as server:
		(came,) = consumer.run(ask, url=server.url, steps=[["stream", "stream"]])

	assert came.startswith("failed: ")
	assert PASSWORD not in came
	assert came.isprintable()
	assert len(came) < 320


def test_a_mistake_is_in_the_log_and_whoever_calls_goes_on(consumer):
	with FakeNats() as server:
		came, logged = consumer.run(ask_with_a_mistake, url=server.url)

	assert came == ["failed: KeyError: 'no such thing'"]
	assert logged


def ask_with_a_mistake(url: str) -> list:
	import frappe

	from event_streaming.broker import answers

	logged: list = []

	class Log:
		def exception(self, text: str) -> None:
			logged.append(text)

	before, read = frappe.logger, answers.stream_state
	frappe.logger = lambda *_args, **_values: Log()
	answers.stream_state = lambda told: told["no such thing"]
	try:
		return [ask(url, [["stream", "stream"]]), logged]
	finally:
		frappe.logger, answers.stream_state = before, read


# ---- how long is waited, and what is counted


def test_whoever_has_no_time_waits_a_second_for_all_servers_together(consumer):
	for left in (-10, 0.5, 1):
		waited = consumer.run(wait_for_servers, left=left)
		assert len(waited) == 3
		assert waited[0] <= 1 / 3
		assert all(each <= 1 for each in waited)


def wait_for_servers(left: float) -> list:
	"""How long each of five servers would be waited for, none of which is there."""
	import time

	import nats

	from event_streaming.broker.addresses import server_at
	from event_streaming.broker.nats_client import NatsClient
	from event_streaming.exceptions import BrokerUnavailable

	waited: list = []

	class Away:
		async def connect(self, _url: str, **values) -> None:
			waited.append(values["connect_timeout"])
			raise OSError("away")

	before, nats.NATS = nats.NATS, Away
	servers = [server_at(f"nats://127.0.0.1:{port}") for port in range(1, 6)]
	try:
		NatsClient(servers, "", "", until=time.monotonic() + left)
	except BrokerUnavailable:
		return waited
	finally:
		nats.NATS = before
	return []


def test_whoever_has_no_time_waits_a_second_for_an_answer(consumer):
	with FakeNats() as server:
		assert consumer.run(ask, url=server.url, steps=[["seconds"]], seconds_left=-10) == [1]
		assert consumer.run(ask, url=server.url, steps=[["seconds"]]) == [5]


def test_what_goes_over_the_line_is_counted(consumer):
	with FakeNats(MSG__NEXT=lambda _payload: [message(1, 0, b"x" * 5_000)]) as server:
		before, _came, after = consumer.run(
			ask, url=server.url, steps=[READ[0], ["carried"], READ[1], ["carried"]]
		)

	assert 5_000 < after - before < 6_000

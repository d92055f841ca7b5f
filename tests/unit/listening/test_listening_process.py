"""The process that listens, with sites and a back end that are made up: what it asks, and how it goes on after trouble."""

import asyncio
import threading
from collections.abc import Callable

import pytest

from event_streaming.consumer.listening import process as listening
from event_streaming.consumer.listening.back_ends import (
	Connection,
	Hears,
	NotListening,
	position_in,
	within_in,
)
from event_streaming.consumer.listening.process import Process, Threads
from event_streaming.http.confidential import Confidential
from event_streaming.http.networks import parse_bound

SITE, PRODUCER = "shop.example", "https://head.example"


def connection(
	key: str = "one", producer: str = PRODUCER, back_end: str = "realtime", site: str = SITE, **more
) -> Connection:
	return Connection(
		site, producer, back_end, 0, "head.example", "an event", Confidential(f"token {key}"), **more
	)


class MadeUpSites:
	"""Remembers what it is asked."""

	def __init__(self, *connections: Connection):
		self.connections = list(connections)
		self.calls: list[tuple] = []
		self.standings: list[dict] = []
		self.trouble = False

	def sites(self) -> list[str]:
		return [SITE]

	def wanted(self, site: str) -> list[Connection]:
		if self.trouble:
			raise RuntimeError("the database is away")
		return list(self.connections)

	def connected(self, site: str, producer: str, standing: dict) -> None:
		self.calls.append(("connected", producer))
		self.standings.append(standing)

	def heard(self, site: str, producer: str, position: int) -> None:
		self.calls.append(("heard", producer, position))

	def keep(self, site: str, standings: dict) -> None:
		self.calls.append(("keep", standings))

	def forget(self, site: str, producers: list) -> None:
		self.calls.append(("forget", *producers))

	def of(self, kind: str) -> list[tuple]:
		return [call for call in self.calls if call[0] == kind]


class MadeUpBackEnd:
	"""Does with each try what the test says."""

	def __init__(self, *tries: Callable):
		self.tries = list(tries)
		self.held: list[Connection] = []
		self.ended = 0

	async def hold(self, connection: Connection, hears: Hears) -> None:
		self.held.append(connection)
		try:
			await (self.tries.pop(0) if self.tries else stay)(hears)
		finally:
			self.ended += 1


async def stay(hears: Hears) -> None:
	hears.connected()
	await asyncio.Event().wait()


async def refused(hears: Hears) -> None:
	raise NotListening("Unauthorized")


async def broken(hears: Hears) -> None:
	raise ZeroDivisionError


def run(
	sites: MadeUpSites, back_end: MadeUpBackEnd, until: Callable[[], bool], look: float = 0.02
) -> Process:
	"""Run the process until something is so."""
	said: list[str] = []
	process = Process(sites, lambda name: back_end, lambda text, site: said.append(text), look)
	process.said = said

	async def watch() -> None:
		task = asyncio.create_task(process.run())
		for _each in range(500):
			if until():
				break
			await asyncio.sleep(0.01)
		process.stop()
		await task

	asyncio.run(watch())
	assert until()
	return process


@pytest.fixture(autouse=True)
def no_pauses(monkeypatch):
	monkeypatch.setattr(listening, "FIRST_PAUSE", 0.01)
	monkeypatch.setattr(listening, "ASK_SECONDS", 0.05)


def test_a_connection_that_stands_asks_once():
	sites = MadeUpSites(connection())

	run(sites, MadeUpBackEnd(), lambda: len(sites.of("keep")) > 3)

	assert sites.of("connected") == [("connected", PRODUCER)]


def test_the_first_message_shows_that_they_come_and_the_producer_is_told():
	async def one(hears: Hears) -> None:
		hears.connected()
		await asyncio.sleep(0.1)
		hears.position(0)
		await asyncio.Event().wait()

	sites = MadeUpSites(connection())

	run(sites, MadeUpBackEnd(one), lambda: len(sites.of("connected")) == 2)

	assert [standing["hears"] for standing in sites.standings] == [False, True]


def test_many_messages_are_one_question_for_the_newest():
	async def flood(hears: Hears) -> None:
		hears.connected()
		hears.position(0)
		await asyncio.sleep(0.2)
		for position in [*range(1_000), 17, 17]:
			hears.position(position)
		await asyncio.Event().wait()

	sites = MadeUpSites(connection())

	run(sites, MadeUpBackEnd(flood), lambda: bool(sites.of("heard")))

	assert sites.of("heard") == [("heard", PRODUCER, 999)]


def test_what_many_were_told_is_followed_at_a_moment_of_its_own(monkeypatch):
	drawn = []
	monkeypatch.setattr(listening.random, "uniform", lambda *bounds: drawn.append(bounds) or 1_000.0)
	sites = MadeUpSites(connection())

	async def told_with_many(hears: Hears) -> None:
		hears.connected()
		hears.position(0, 0.0)
		while not sites.of("connected"):
			await asyncio.sleep(0.01)
		await asyncio.sleep(3 * listening.ASK_SECONDS)
		hears.position(7, 10.0)
		hears.position(8, 10.0)
		await asyncio.Event().wait()

	def time_goes_by() -> bool:
		return len(sites.of("keep")) > 40

	run(sites, MadeUpBackEnd(told_with_many), time_goes_by)

	assert drawn[-1] == (0, 10.0) and len(drawn) == 2
	assert not sites.of("heard")


def test_who_is_told_alone_meanwhile_does_not_wait(monkeypatch):
	monkeypatch.setattr(listening.random, "uniform", lambda _lowest, highest: highest * 100)
	sites = MadeUpSites(connection())

	async def told_twice(hears: Hears) -> None:
		hears.connected()
		hears.position(0, 0.0)
		while not sites.of("connected"):
			await asyncio.sleep(0.01)
		await asyncio.sleep(3 * listening.ASK_SECONDS)
		hears.position(9, 10.0)
		before = len(sites.of("keep"))
		while len(sites.of("keep")) < before + 5:
			await asyncio.sleep(0.01)
		assert not sites.of("heard")
		hears.position(8, 0.0)
		await asyncio.Event().wait()

	run(sites, MadeUpBackEnd(told_twice), lambda: bool(sites.of("heard")))

	assert sites.of("heard") == [("heard", PRODUCER, 9)]


@pytest.mark.parametrize(
	"within, read",
	[
		(0.25, 0.25),
		(3, 3.0),
		(10**400, 10.0),
		(float("inf"), 10.0),
		(float("nan"), 0.0),
		(-1, 0.0),
		(True, 0.0),
		("5", 0.0),
		(None, 0.0),
		([5], 0.0),
	],
)
def test_nobody_is_kept_waiting_for_long_whatever_is_said(within, read):
	assert within_in({"position": 5, "within": within}) == read


@pytest.mark.parametrize("message", [None, 5, "5", [], {}, {"position": 5}])
def test_a_message_that_says_nothing_of_others_is_followed_at_once(message):
	assert within_in(message) == 0.0


def test_whatever_ends_a_connection_it_is_made_again_and_asks_again():
	async def cut_off(hears: Hears) -> None:
		hears.connected()
		await asyncio.sleep(0.1)

	sites = MadeUpSites(connection())
	back_end = MadeUpBackEnd(refused, broken, cut_off)

	process = run(sites, back_end, lambda: len(sites.of("connected")) == 2)

	assert len(back_end.held) == 4
	assert any("Unauthorized" in line for line in process.said)
	assert any("ZeroDivisionError" in line for line in process.said)


def test_other_keys_make_another_connection_and_a_producer_that_is_gone_none():
	sites = MadeUpSites(connection("one"), connection(producer="https://other.example"))
	back_end = MadeUpBackEnd()

	def change() -> bool:
		if len(back_end.held) == 2:
			sites.connections = [connection("two")]
		return len(back_end.held) == 3 and bool(sites.of("forget"))

	run(sites, back_end, change)

	assert back_end.held[2] == connection("two")
	assert sites.of("forget")[0] == ("forget", "https://other.example")


def test_a_site_that_can_not_be_looked_at_keeps_its_connections():
	sites = MadeUpSites(connection())
	back_end = MadeUpBackEnd()

	def away() -> bool:
		sites.trouble = bool(sites.of("connected"))
		return len(sites.of("keep")) > 6

	run(sites, back_end, away)

	assert len(back_end.held) == 1


class SitesOneOfWhichHangs(MadeUpSites):
	"""Looking at some of the sites ends only when the test does."""

	def __init__(self, hanging: list[str], *connections: Connection):
		super().__init__(*connections)
		self.hanging = hanging
		self.is_over = threading.Event()
		self.lock = threading.Lock()
		self.at_once = self.most_at_once = 0

	def sites(self) -> list[str]:
		return [*self.hanging, SITE]

	def wanted(self, site: str) -> list[Connection]:
		with self.lock:
			self.at_once += 1
			self.most_at_once = max(self.at_once, self.most_at_once)
		if site in self.hanging and self.hangs(site):
			self.is_over.wait(30)
		with self.lock:
			self.at_once -= 1
		return [each for each in self.connections if each.site == site]

	def hangs(self, site: str) -> bool:
		return True


def test_a_site_that_does_not_answer_holds_up_no_other():
	sites = SitesOneOfWhichHangs(["hanging.example"], connection())
	back_end = MadeUpBackEnd()

	def change() -> bool:
		if len(back_end.held) == 1:
			sites.connections.append(connection(producer="https://other.example"))
		return len(sites.of("connected")) == 2 and len(sites.of("keep")) > 10

	try:
		process = run(sites, back_end, change)
	finally:
		sites.is_over.set()

	assert not any("can't be looked at" in line for line in process.said)


def test_that_connections_stand_is_said_however_many_sites_do_not_answer():
	"""Who has come so far as to listen does not lose it as the databases of others are away."""
	others = [f"shop{number}.example" for number in range(2 * listening.LOOK_THREADS)]
	sites = SitesOneOfWhichHangs(others, *(connection(site=site) for site in [*others, SITE]))
	sites.hangs = lambda site: bool(sites.of("connected"))
	kept: list[str] = []
	sites.keep = lambda site, standings: kept.append(site)

	try:
		run(sites, MadeUpBackEnd(), lambda: kept.count(SITE) > 10 and kept.count(others[0]) > 10)
	finally:
		sites.is_over.set()


def test_sites_are_looked_at_side_by_side_up_to_a_bound():
	others = [f"shop{number}.example" for number in range(3 * listening.LOOK_THREADS)]
	sites = SitesOneOfWhichHangs(others)

	try:
		run(sites, MadeUpBackEnd(), lambda: sites.most_at_once == listening.LOOK_THREADS)
	finally:
		sites.is_over.set()


def test_sites_in_trouble_leave_half_of_the_threads_to_the_others():
	others = [f"shop{number}.example" for number in range(2 * listening.LOOK_THREADS)]
	sites = SitesOneOfWhichHangs(others, connection())
	tried: list[str] = []

	def hangs(site: str) -> bool:
		"""The first try fails, the next one hangs."""
		with sites.lock:
			tried.append(site)
			if tried.count(site) == 1:
				sites.at_once -= 1
				raise RuntimeError("the database is away")
		return True

	sites.hangs = hangs
	back_end = MadeUpBackEnd()

	def change() -> bool:
		if (
			all(tried.count(site) for site in others)
			and len(tried) >= len(others) + listening.LOOK_THREADS // 2
		):
			sites.connections = [connection(producer="https://other.example")]
		return any(each.event_producer == "https://other.example" for each in back_end.held)

	try:
		run(sites, back_end, change)
	finally:
		sites.is_over.set()

	assert len(tried) == len(others) + listening.LOOK_THREADS // 2


def test_a_site_whose_calls_hang_leaves_others_be_followed():
	hanging = [
		connection(site="hanging.example", producer=f"https://head{number}.example")
		for number in range(2 * listening.THREADS)
	]
	sites = SitesOneOfWhichHangs(["hanging.example"], *hanging)
	sites.hangs = lambda site: False
	hung: list[str] = []
	followed: list[str] = []

	def connected(site: str, producer: str, standing: dict) -> None:
		if site == "hanging.example":
			hung.append(producer)
			sites.is_over.wait(30)
		else:
			followed.append(producer)

	sites.connected = connected
	back_end = MadeUpBackEnd()

	def the_other_is_followed() -> bool:
		if len(back_end.held) == len(hanging) and len(hung) >= listening.THREADS // 2:
			sites.connections = [*hanging, connection()]
		return bool(followed)

	try:
		run(sites, back_end, the_other_is_followed)
	finally:
		sites.is_over.set()

	assert len(hung) == listening.THREADS // 2


def test_calls_that_hang_count_for_their_site_after_nobody_waits_for_them():
	"""Connections that are dropped and made again meanwhile do not take the threads of others."""
	is_over = threading.Event()
	begun: list[int] = []

	def hang() -> None:
		begun.append(1)
		is_over.wait(30)

	async def drop_and_begin_again() -> str:
		threads = Threads(4, "test", {})
		for _each in range(2):
			calls = [asyncio.create_task(threads.run("hanging.example", hang)) for _each in range(2)]
			while len(begun) < 2:
				await asyncio.sleep(0.01)
			await asyncio.sleep(0)
			for call in calls:
				call.cancel()
			await asyncio.gather(*calls, return_exceptions=True)
		try:
			return await asyncio.wait_for(threads.run(SITE, lambda: "an answer"), 10)
		finally:
			is_over.set()

	assert asyncio.run(drop_and_begin_again()) == "an answer"
	assert len(begun) == 2


def test_a_site_has_its_threads_back_when_its_calls_are_over():
	async def many() -> list[int]:
		threads = Threads(4, "test", {SITE: "the database was away"})
		return await asyncio.gather(*(threads.run(SITE, int, number) for number in range(20)))

	assert asyncio.run(many()) == list(range(20))


def test_the_end_closes_everything_and_says_so_to_the_sites():
	sites = MadeUpSites(connection())
	back_end = MadeUpBackEnd()

	run(sites, back_end, lambda: bool(sites.of("connected")))

	assert back_end.ended == 1
	assert sites.calls[-1] == ("forget", PRODUCER)


def test_a_back_end_of_a_later_version_is_a_problem_that_is_told():
	sites = MadeUpSites(connection(back_end="telepathy"))

	def told() -> bool:
		return any("telepathy" in call[1].get(PRODUCER, {}).get("problem", "") for call in sites.of("keep"))

	run(sites, MadeUpBackEnd(), told)


@pytest.mark.parametrize(
	"message",
	[None, 5, "5", [], {}, {"position": True}, {"position": -1}, {"position": 2**63}, {"position": "5"}],
)
def test_only_a_number_is_a_position(message):
	assert position_in(message) is None


def test_a_position_is_read():
	assert position_in({"position": 5, "and": "more"}) == 5


def test_only_the_producers_own_host_is_connected_to():
	assert connection().url == PRODUCER
	assert Connection(SITE, "https://head.example:8443", "realtime", 9000, "x", "e", "k").url == (
		"https://head.example:9000"
	)
	assert Connection(SITE, "http://[::1]:8000", "realtime", 9000, "x", "e", "k").url == "http://[::1]:9000"


def test_keys_do_not_show_where_a_connection_is_printed():
	assert "secret" not in repr(connection("secret"))


@pytest.mark.parametrize("bound", [["10.0.0.0/8"], []])
def test_an_address_outside_of_the_bound_is_not_connected_to(bound):
	from event_streaming.consumer.listening.realtime import BackEnd

	outside = connection(producer="http://127.0.0.1:9", bound=parse_bound(bound))

	with pytest.raises(NotListening, match="outside of the networks"):
		asyncio.run(BackEnd().hold(outside, Hears(lambda: None, lambda position, within: None)))


def test_a_name_that_leads_outside_of_the_bound_is_not_connected_to():
	from event_streaming.consumer.listening.realtime import BackEnd

	outside = connection(producer="http://localhost:9", bound=parse_bound(["10.0.0.0/8"]))

	with pytest.raises(NotListening):
		asyncio.run(BackEnd().hold(outside, Hears(lambda: None, lambda position, within: None)))

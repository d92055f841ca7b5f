"""The process: one task for each connection, which connects again with growing pauses, and a look every few seconds at what is wanted.

It knows sites only through `Sites`, and back ends only through `hold`. It keeps nothing: what it knows is gone with it, and the pull
of each minute does without. A message costs at most one look at a cursor for each ASK_SECONDS and producer, however many come; one
that many others have had too is followed a little later. Sites are looked at side by side: one that does not answer holds up no other.
"""

import asyncio
import contextlib
import random
import signal
import time
from collections import defaultdict
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Protocol

from event_streaming.consumer.listening.back_ends import (
	BACK_ENDS,
	BackEnd,
	Connection,
	Hears,
	NoLibrary,
	NotListening,
)
from event_streaming.http.pauses import Pauses

LOOK_SECONDS = 15
# between two questions for one producer, whatever it says
ASK_SECONDS = 0.1
# before the next try: those whom a restart has cut off must not come all at once
FIRST_PAUSE, LONGEST_PAUSE = 5.0, 300.0
# that follow what is heard, and that look at what is wanted; half of them at most wait for one site, or for sites in trouble
THREADS, LOOK_THREADS = 8, 8
Key = tuple[str, str]


class Sites(Protocol):
	"""What the process needs of the sites; each call may block, and may raise whatever a site raises."""

	def sites(self) -> list[str]: ...
	def wanted(self, site: str) -> list[Connection]: ...
	def connected(self, site: str, event_producer: str, standing: dict) -> None: ...
	def heard(self, site: str, event_producer: str, position: int) -> None: ...
	def keep(self, site: str, standings: dict[str, dict]) -> None: ...
	def forget(self, site: str, event_producers: list[str]) -> None: ...


class Threads:
	"""For one kind of work at sites. A call may take as long as a database needs to be given up, or never end: one site takes half of the
	threads at most, and so do all sites in trouble together. `troubles`: site -> what the last try has come to, of those in trouble."""

	def __init__(self, number: int, name: str, troubles: dict[str, str]):
		self.pool = ThreadPoolExecutor(number, thread_name_prefix=name)
		half = max(number // 2, 1)
		self.apart = asyncio.Semaphore(half)
		self.of_site: dict[str, asyncio.Semaphore] = defaultdict(lambda: asyncio.Semaphore(half))
		self.troubles = troubles

	async def run(self, site: str, do: Callable, *arguments: object) -> object:
		"""Do something at a site. Raises what that raises."""
		with contextlib.ExitStack() as places:
			await _take(self.of_site[site], places)
			if site in self.troubles:
				await _take(self.apart, places)
			call = self.pool.submit(do, *arguments)
			# who waits may be cancelled, a thread can't be: it has its places until it is done
			_when_done(call, places.pop_all().close)
		return await asyncio.wrap_future(call)


async def _take(place: asyncio.Semaphore, places: contextlib.ExitStack) -> None:
	await place.acquire()
	places.callback(place.release)


def _when_done(call: Future, do: Callable[[], None]) -> None:
	"""Do something in this loop when a call in a thread is over."""
	loop = asyncio.get_running_loop()

	def over(_call: Future) -> None:
		# the process may have ended before the call
		with contextlib.suppress(RuntimeError):
			loop.call_soon_threadsafe(do)

	call.add_done_callback(over)


class Line:
	"""One connection, held for as long as it is wanted."""

	def __init__(self, connection: Connection, back_end: BackEnd | None, process: "Process"):
		self.connection = connection
		self.back_end = back_end
		self.process = process
		self.is_connected = False
		self.hears = False
		self.since = time.time()
		self.heard_on = 0.0
		self.problem = ""
		# the newest position that was heard and not followed yet, and when it is to be
		self.newest, self.follow_at = 0, 0.0
		# the producer is to be asked, or what is kept of the connection is not true any more
		self.asked = self.changed = False
		self.news = asyncio.Event()

	def standing(self) -> dict:
		"""How it stands, as people see it."""
		return {
			"connected": self.is_connected,
			"hears": self.hears,
			"since": self.since,
			"heard_on": self.heard_on,
			"problem": "" if self.is_connected else self.problem,
		}

	async def run(self) -> None:
		"""Hold the connection, and hand on what is heard, until this is cancelled."""
		following = asyncio.create_task(self._follow())
		try:
			await self._hold_on()
		finally:
			following.cancel()

	async def _hold_on(self) -> None:
		pauses = Pauses(FIRST_PAUSE, LONGEST_PAUSE)
		while True:
			began = time.monotonic()
			try:
				if self.back_end is None:
					raise NotListening(f"this version can't listen over {self.connection.back_end}")
				await self.back_end.hold(self.connection, Hears(self._connected, self._position))
				self._ended("the connection has ended")
			except NotListening as error:
				self._ended(str(error))
			except Exception as error:
				# of a library, or a mistake of ours: the other connections go on
				self._ended(f"{type(error).__name__}: {error}")
			await asyncio.sleep(pauses.after(time.monotonic() - began))

	def _connected(self) -> None:
		self.is_connected, self.hears, self.since, self.problem = True, False, time.time(), ""
		self.process.say(f"listens to {self.connection.event_producer}", self.connection.site)
		self.asked = True
		self.news.set()

	def _ended(self, problem: str) -> None:
		if self.is_connected or problem != self.problem:
			self.process.say(f"{self.connection.event_producer}: {problem}", self.connection.site)
		if self.is_connected:
			self.since = time.time()
		self.is_connected, self.hears, self.problem = False, False, problem
		self.changed = True
		self.news.set()

	def _position(self, position: int, within: float = 0.0) -> None:
		self.heard_on = time.time()
		if not self.hears:
			# the producer is told that it need not call any more
			self.hears = self.asked = True
		now = time.monotonic()
		if self.newest:
			self.follow_at = min(self.follow_at, now + within)
		else:
			self.follow_at = now + random.uniform(0, within)
		self.newest = max(self.newest, position)
		self.news.set()

	def _is_time(self) -> bool:
		return bool(self.newest) and time.monotonic() >= self.follow_at

	async def _something(self) -> None:
		"""Until there is something to ask or to say, or the time of what was heard has come."""
		while not (self.asked or self.changed or self._is_time()):
			self.news.clear()
			wait = max(self.follow_at - time.monotonic(), 0) if self.newest else None
			with contextlib.suppress(TimeoutError, asyncio.TimeoutError):
				await asyncio.wait_for(self.news.wait(), wait)

	async def _follow(self) -> None:
		"""What was heard since the last question is one question."""
		process, sites = self.process, self.process.sites
		site, name = self.connection.site, self.connection.event_producer
		while True:
			await self._something()
			asked, newest = self.asked, self.newest if self._is_time() else 0
			self.asked = self.changed = False
			if asked or newest:
				# whoever asks has asked for what was heard too
				self.newest = 0
			if asked:
				await process.at_site(process.following, site, sites.connected, site, name, self.standing())
			elif newest:
				await process.at_site(process.following, site, sites.heard, site, name, newest)
			else:
				await process.at_site(process.keeping, site, sites.keep, site, {name: self.standing()})
			await asyncio.sleep(ASK_SECONDS)


class Missing:
	"""A back end whose packages are not installed: each connection over it says so."""

	def __init__(self, problem: str):
		self.problem = problem

	async def hold(self, connection: Connection, hears: Hears) -> None:
		raise NotListening(self.problem)


class Process:
	"""All connections of all sites. `load` gives a back end by its name; `say` writes a line to the log."""

	def __init__(
		self,
		sites: Sites,
		load: Callable[[str], BackEnd],
		say: Callable[[str, str], None],
		look_seconds: float = LOOK_SECONDS,
	):
		self.sites = sites
		self.load = load
		self.say = say
		self.look_seconds = look_seconds
		self.lines: dict[Key, Line] = {}
		self.tasks: dict[Key, asyncio.Task] = {}
		self.back_ends: dict[str, BackEnd | None] = {}
		self.stopping = asyncio.Event()
		troubles: dict[str, str] = {}
		self.following = Threads(THREADS, "follow", troubles)
		self.looking = Threads(LOOK_THREADS, "look", troubles)
		# needs no database, so that nobody waits for one
		self.keeping = Threads(1, "keep", {})
		# sites that are being looked at
		self.looks: dict[str, asyncio.Task] = {}

	async def run(self) -> None:
		"""Listen until `stop` is called."""
		try:
			while not self.stopping.is_set():
				await self._look()
				with contextlib.suppress(TimeoutError, asyncio.TimeoutError):
					await asyncio.wait_for(self.stopping.wait(), self.look_seconds)
		finally:
			await self._end()

	def stop(self) -> None:
		self.stopping.set()

	async def at_site(self, threads: Threads, site: str, do: Callable, *arguments: object) -> object:
		"""Do something at a site, in a thread; trouble there is said once, and keeps nothing else from being done."""
		try:
			found = await threads.run(site, do, *arguments)
		except Exception as error:
			self._say_trouble(threads, site, error)
			return None
		threads.troubles.pop(site, None)
		return found

	def _say_trouble(self, threads: Threads, site: str, error: Exception) -> None:
		trouble = f"{type(error).__name__}: {error}"
		if threads.troubles.get(site) != trouble:
			self.say(f"can't be looked at: {trouble}", site)
		threads.troubles[site] = trouble

	async def _look(self) -> None:
		"""Begin to look at each site, side by side, unless that of before is not over; nobody waits for it here."""
		sites = await self.at_site(self.keeping, "", self.sites.sites)
		if sites is None:
			return
		for site in {*sites, *(site for site, _producer in self.lines)}:
			if site in self.looks:
				await self._keep(site)
			else:
				self.looks[site] = asyncio.create_task(self._look_at(site, site in sites))

	async def _look_at(self, site: str, is_there: bool) -> None:
		"""Producers and keys that have come, changed or gone; and how each connection stands."""
		try:
			wanted = await self.at_site(self.looking, site, self.sites.wanted, site) if is_there else []
			# a database that is away for a moment is no reason to hang up
			if wanted is not None:
				await self._hold_only(site, {each.event_producer: each for each in wanted})
			await self._keep(site)
		except Exception as error:
			# a mistake of ours: the other sites go on
			self._say_trouble(self.looking, site, error)
		finally:
			del self.looks[site]

	async def _keep(self, site: str) -> None:
		standings = {name: line.standing() for (of, name), line in self.lines.items() if of == site}
		if standings:
			await self.at_site(self.keeping, site, self.sites.keep, site, standings)

	async def _hold_only(self, site: str, wanted: dict[str, Connection]) -> None:
		held = [key for key in self.lines if key[0] == site]
		gone = [key for key in held if wanted.get(key[1]) != self.lines[key].connection]
		if gone:
			await self._drop(gone)
		if lost := [name for _site, name in gone if name not in wanted]:
			await self.at_site(self.keeping, site, self.sites.forget, site, lost)
		for name, connection in wanted.items():
			if (site, name) not in self.lines:
				line = self.lines[site, name] = Line(connection, self._back_end(connection.back_end), self)
				self.tasks[site, name] = asyncio.create_task(line.run())

	def _back_end(self, name: str) -> BackEnd | None:
		if name not in self.back_ends:
			try:
				self.back_ends[name] = self.load(name) if name in BACK_ENDS else None
			except NoLibrary as error:
				# the others go on
				self.back_ends[name] = Missing(str(error))
		return self.back_ends[name]

	async def _drop(self, keys: list[Key]) -> None:
		tasks = [self.tasks.pop(key) for key in keys]
		for key, task in zip(keys, tasks, strict=True):
			self.say(f"does not listen to {key[1]} any more", key[0])
			del self.lines[key]
			task.cancel()
		await asyncio.gather(*tasks, return_exceptions=True)

	async def _end(self) -> None:
		looks = list(self.looks.values())
		for look in looks:
			look.cancel()
		await asyncio.gather(*looks, return_exceptions=True)
		by_site: dict[str, list[str]] = {}
		for site, name in self.lines:
			by_site.setdefault(site, []).append(name)
		await self._drop(list(self.lines))
		for site, names in by_site.items():
			await self.at_site(self.keeping, site, self.sites.forget, site, names)
		for threads in (self.following, self.looking, self.keeping):
			threads.pool.shutdown(wait=False, cancel_futures=True)


def listen(
	sites: Sites, load: Callable[[str], BackEnd], say: Callable[[str, str], None], look_seconds: float
) -> None:
	"""Listen until SIGTERM or SIGINT. Raises NoLibrary at once when the usual back end can't be had."""

	async def until_stopped() -> None:
		process = Process(sites, load, say, look_seconds)
		for number in (signal.SIGTERM, signal.SIGINT):
			asyncio.get_running_loop().add_signal_handler(number, process.stop)
		await process.run()

	load("realtime")
	asyncio.run(until_stopped())

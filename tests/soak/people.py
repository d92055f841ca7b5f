"""Who is at work in a soak, each with a process of its own inside a site: people, pulls, the minute's sweep, administrators.

A thread here drives each process, and writes down what came of every call. A process that is killed is started again.
"""

import random
import string
import threading
import time

from sandbox.errors import SandboxError
from sandbox.sites.shell import Shell
from tests.doctypes import ORDER
from tests.soak.history import FAILED, NOTHING, OK, UNKNOWN
from tests.soak.kinds import Role
from tests.soak.shapes import MASTERS
from tests.soak.sites import inside
from tests.soak.world import INSIDE, PLAYING, World

CALL_SECONDS = 60
# whoever finds nothing to do looks again a little later
NOTHING_SECONDS, NO_SERVER_SECONDS = 0.3, 1.0
# the connection or the server is gone: whether it was committed, nobody has been told
DONT_KNOW = ("OperationalError", "InterfaceError", "InternalError", "ConnectionError", "BrokenPipeError")
# the same, as PostgreSQL's driver calls it
DONT_KNOW += ("AdminShutdown", "CrashShutdown")
# of MariaDB and of PostgreSQL, which is not there: nothing was begun
NO_SERVER = ("(2002,", "(2003,", "connection to server on socket")
# in one transaction
TOGETHER = ("together", "make_together")
# of each of the masters that a site owns, there from the beginning
FIRST = 4


class Actor(threading.Thread):
	"""`step` is what it does again and again; `shell` is its process."""

	pause = (0.0, 0.2)

	def __init__(self, world: World, letter: str, name: str, seed: int):
		super().__init__(name=name, daemon=True)
		self.world, self.letter = world, letter
		self.random = random.Random(f"{seed} {name}")
		self.shell: Shell | None = None
		self.ending = threading.Event()
		self.number = 0
		self.busy = False
		world.actors.append(self)

	def run(self) -> None:
		while not self.ending.is_set():
			self.busy = True
			if self.letter not in self.world.closed:
				self.step()
			elif self.shell:
				self.shell.kill()
				self.shell = None
			self.busy = False
			# whoever has died waits a little: what it needs may be down
			self.ending.wait(self.random.uniform(*self.pause) + (0 if self.shell else 0.5))
		if self.shell:
			self.shell.kill()

	def step(self) -> None:
		raise NotImplementedError

	def call(self, line: dict, function: str, module: str = INSIDE, **values):
		"""Let the process do something; the line has what came of it. Gives the result, None where there is none."""
		try:
			self.shell = self.shell or self.world.sites[self.letter].shell()
			answer = self.shell.start(f"{module}.{function}", **values).fetch(CALL_SECONDS)
		except (SandboxError, TimeoutError, OSError, ValueError) as error:
			line["error"] = f"{type(error).__name__}: {str(error)[:100]}"
			if self.shell:
				self.shell.kill()
			self.shell = None
			return None
		if "error" in answer:
			error = answer["error"]
			line["error"] = f"{error['exc_type']}: {error['message'][:200]}"
			line["outcome"] = UNKNOWN if error["exc_type"] in DONT_KNOW else FAILED
			if error["exc_type"] in DONT_KNOW and error["message"].startswith(NO_SERVER):
				line["outcome"] = NOTHING
				self.ending.wait(NO_SERVER_SECONDS)
			return None
		line["outcome"] = OK
		return answer.get("result")


class Person(Actor):
	"""Makes and changes documents that its site owns, or those that two sites write."""

	pause = (0.0, 0.15)

	def __init__(self, world: World, letter: str, name: str, seed: int, contested: bool = False):
		super().__init__(world, letter, name, seed)
		self.owner = "x" if contested else letter
		self.doctypes = (world.shape.contested if contested else world.shape.writes)[letter]
		weights = inside.WEIGHTS
		if contested:
			left_out = ("delete", "rename", "merge", "burst", *TOGETHER, "cancel", "amend", "rows", "refused")
		else:
			left_out = () if ORDER in self.doctypes else ("delete", "rename", "merge", "attach", "rows")
		weights = {what: weight for what, weight in weights.items() if what not in left_out}
		self.kinds, self.weights = list(weights), list(weights.values())

	@property
	def doing(self) -> dict:
		"""What it does things with: a function inside its site, and what that is to know besides."""
		return {"function": "act"}

	def step(self) -> None:
		self.number += 1
		(what,) = self.random.choices(self.kinds, self.weights)
		number, self.number = self.number, self.number + (inside.BURST * 2 if what == "burst" else 5)
		with self.world.history.operation(self.name, self.letter, what) as line:
			done = self.call(
				line,
				**self.doing,
				what=what,
				letter=self.owner,
				process=self.name,
				number=number,
				doctypes=list(self.doctypes),
				seed=self.random.randrange(2**32),
			)
			if done:
				line.update(document=done["document"], marks=done["marks"])
			elif line["outcome"] == OK:
				line["outcome"] = NOTHING
				self.ending.wait(NOTHING_SECONDS)
			elif line["outcome"] == FAILED and what != "burst":
				line["marks"] = [f"{self.name}.{number}"]


class Player(Person):
	"""Plays one of the roles that a storm has besides: see `kinds`."""

	def __init__(self, world: World, letter: str, name: str, seed: int, role: Role):
		super().__init__(world, letter, name, seed, contested=role.contested)
		self.role, self.doctypes = role, (role.doctype,)
		self.kinds, self.weights = list(role.weights), list(role.weights.values())

	@property
	def doing(self) -> dict:
		return {"function": "act", "module": PLAYING, "of": self.role.of}


class Puller(Actor):
	"""Pulls from one producer, as a job does it."""

	pause = (0.1, 1.5)

	def __init__(self, world: World, letter: str, name: str, seed: int, source: str):
		super().__init__(world, letter, name, seed)
		self.source = source

	def step(self) -> None:
		with self.world.history.operation(self.name, self.letter, "pull", source=self.source) as line:
			line["summary"] = self.call(line, "pull", event_producer=self.world.url(self.source))


class Minute(Actor):
	"""The scheduler, whose minutes are short here; what is to be tried again comes due at once."""

	pause = (4.0, 8.0)

	def step(self) -> None:
		with self.world.history.operation(self.name, self.letter, "minute") as line:
			self.call(line, "make_retries_due")
			self.call(line, "minute")


class Settler(Actor):
	"""Picks the values of what both sites have changed, where a person is to be asked."""

	pause = (0.5, 3.0)

	def step(self) -> None:
		with self.world.history.operation(self.name, self.letter, "settle") as line:
			seed = self.random.randrange(2**32)
			line["result"] = self.call(line, "settle_conflicts", seed=seed)


class Administrator(Actor):
	"""Pauses and goes on, compares, copies what is there already, tries again what has failed."""

	pause = (3.0, 10.0)

	def step(self) -> None:
		flows = [flow for flow in self.world.shape.flows if flow.target == self.letter]
		flow = self.random.choice(flows)
		url = self.world.url(flow.source)
		(what,) = self.random.choices(["pause", "verify", "copy", "resync"], [3, 2, 1, 2])
		with self.world.history.operation(self.name, self.letter, what, source=flow.source) as line:
			if what == "pause":
				self.call(line, "set_paused", event_producer=url, paused=1)
				time.sleep(self.random.uniform(0.2, 3))
				self.go_on(line, url)
			elif what == "resync":
				self.call(line, "resync_failed", event_producer=url)
			else:
				doctypes = [self.random.choice(flow.doctypes)]
				line["result"] = self.call(
					line, "long_work", kind=what, event_producer=url, doctypes=doctypes
				)

	def go_on(self, line: dict, url: str) -> None:
		for _try in range(30):
			self.call(line, "set_paused", event_producer=url, paused=0)
			if line["outcome"] == OK:
				return
			time.sleep(0.5)


def lay_out(world: World) -> None:
	"""What others will name is there on all sites, or they would find nothing to do at first."""
	for letter in world.sites:
		masters = [doctype for doctype in world.shape.writes[letter] if doctype in MASTERS]
		process = f"{letter}first"
		for number in range(FIRST if masters else 0):
			values = {"what": "make_together", "letter": letter, "process": process, "seed": number}
			with world.history.operation(process, letter, "make_together") as line:
				done = world.run(letter, f"{INSIDE}.act", number=number * 10, doctypes=masters, **values)
				line.update(outcome=OK, **done)
		for called, role in world.shape.roles.get(letter, {}).items():
			if "make" in role.weights:
				lay_out_for(world, letter, f"{letter}first{called}", role)
	for _hop in world.shape.flows[:-1]:
		for flow in world.shape.flows:
			world.run(flow.target, f"{INSIDE}.pull", event_producer=world.url(flow.source))


def lay_out_for(world: World, letter: str, process: str, role: Role) -> None:
	owner = "x" if role.contested else letter
	for number in range(FIRST):
		values = {"what": "make", "letter": owner, "process": process, "seed": number, "number": number * 10}
		with world.history.operation(process, letter, "make") as line:
			done = world.run(letter, f"{PLAYING}.act", doctypes=[role.doctype], **values)
			line.update(outcome=OK, **(done or {}))


def begin(world: World, seed: int, writers: int, calm: bool = False) -> None:
	"""Everybody begins. When it is `calm`, nobody pulls by hand and no administrator is at work."""
	world.rounds += 1
	# a name is never used again: changes are called after it
	part = string.ascii_lowercase[world.rounds]
	for letter in world.sites:
		for number in range(writers):
			Person(world, letter, f"{letter}{part}{string.ascii_lowercase[number]}", seed)
		if world.shape.contested[letter]:
			Person(world, letter, f"{letter}{part}x", seed, contested=True)
		for called, role in world.shape.roles.get(letter, {}).items():
			Player(world, letter, f"{letter}{part}{called}", seed, role)
	if not calm:
		for flow in world.shape.flows:
			Puller(world, flow.target, f"{flow.target}{flow.source}pull", seed, flow.source)
		for letter in world.sites:
			Minute(world, letter, f"{letter}minute", seed)
			Administrator(world, letter, f"{letter}admin", seed)
			if world.shape.contested[letter] and world.policy == "Ask":
				Settler(world, letter, f"{letter}settler", seed)
	for actor in world.actors:
		actor.start()


def end(world: World) -> None:
	for actor in world.actors:
		actor.ending.set()
	for actor in world.actors:
		actor.join(CALL_SECONDS + 30)
	world.actors.clear()

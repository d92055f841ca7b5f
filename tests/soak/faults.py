"""What goes wrong, on purpose: each fault is a small class with start and stop, and is written into the history.

Real: SIGKILL of the database, of Redis and of any process of the app; Redis emptied; rows that somebody else has locked. The
lines between the sites are bad in the project's own proxy (tests/soak/line.py). Both sides of a fault are random moments.
"""

import random
import threading
import time
from typing import ClassVar

from sandbox.errors import RemoteError, SandboxError
from tests.soak.history import OK
from tests.soak.people import Actor, Person, Puller
from tests.soak.world import World


class Fault:
	"""`start` gives what it has struck; `stop` ends it, after some seconds of `lasts`."""

	lasts: ClassVar[tuple[float, float]] = (0.0, 0.3)

	def __init__(self, world: World, chance: random.Random):
		self.world, self.random = world, chance
		self.letter = chance.choice(list(world.sites))

	@property
	def site(self):
		return self.world.sites[self.letter]

	def start(self) -> str:
		raise NotImplementedError

	def stop(self) -> None:
		"""Most strike once."""


class KillPull(Fault):
	"""kill -9 of a process that pulls."""

	among: ClassVar[type[Actor]] = Puller

	def start(self) -> str:
		found = [actor for actor in self.world.actors if isinstance(actor, self.among) and actor.shell]
		if not found:
			return "nobody"
		actor = self.random.choice(found)
		if shell := actor.shell:
			shell.child.process and _kill(shell)
		return actor.name


class KillPerson(KillPull):
	"""kill -9 of a process in which somebody saves."""

	among: ClassVar[type[Actor]] = Person


class KillWorker(Fault):
	"""kill -9 of a background worker and its job."""

	def start(self) -> str:
		self.site.kill_worker()
		return f"worker of {self.letter}"

	def stop(self) -> None:
		self.site.start_worker()


class KillWeb(Fault):
	"""kill -9 of a web server."""

	lasts: ClassVar[tuple[float, float]] = (0.0, 2.0)

	def start(self) -> str:
		self.site.kill_web()
		return f"web server of {self.letter}"

	def stop(self) -> None:
		self.site.start_web()


class KillDatabase(Fault):
	"""kill -9 of mariadbd, which has innodb_flush_log_at_trx_commit=1."""

	lasts: ClassVar[tuple[float, float]] = (0.0, 2.0)

	def start(self) -> str:
		self.world.cluster.engine.mariadb.stop()
		return "mariadbd"

	def stop(self) -> None:
		self.world.cluster.engine.mariadb.start()


class KillRedis(Fault):
	"""kill -9 of Redis; what it had is lost."""

	lasts: ClassVar[tuple[float, float]] = (0.0, 2.0)

	def start(self) -> str:
		self.world.cluster.engine.redis.stop()
		return "Redis"

	def stop(self) -> None:
		self.world.cluster.engine.redis.start()


class EmptyRedis(Fault):
	"""FLUSHALL."""

	def start(self) -> str:
		import redis

		redis.Redis(port=self.world.cluster.engine.redis.port).flushall()
		return "Redis"


class Weather(Fault):
	"""A line in which requests and answers are slow, lost, cut, doubled, trickle, hang."""

	lasts: ClassVar[tuple[float, float]] = (2.0, 8.0)
	kinds: ClassVar[dict[str, float]] = {
		"delay": 0.3,
		"jitter": 0.5,
		"loss": 0.4,
		"lost": 0.4,
		"cut": 0.4,
		"error": 0.4,
		"doubled": 0.5,
		"trickle": 0.5,
		"half_open": 0.3,
	}

	def start(self) -> str:
		kinds = self.random.sample(list(self.kinds), self.random.randint(1, 3))
		self.world.lines[self.letter].weather = {kind: self.kinds[kind] for kind in kinds}
		return f"line of {self.letter}: {', '.join(kinds)}"

	def stop(self) -> None:
		self.world.lines[self.letter].weather = {}


class Partition(Weather):
	"""Nobody reaches the site, which reaches the others (or none, where theirs are down too)."""

	def start(self) -> str:
		both = self.random.random() < 0.3
		self.cut_off = list(self.world.lines) if both else [self.letter]
		for letter in self.cut_off:
			self.world.lines[letter].weather = {"down": 1}
		return f"lines of {', '.join(self.cut_off)}"

	def stop(self) -> None:
		for letter in self.cut_off:
			self.world.lines[letter].weather = {}


class LockRows(Fault):
	"""Somebody locks rows in no order for a while: deadlocks and lock wait time-outs."""

	lasts: ClassVar[tuple[float, float]] = (0.5, 3.0)
	TABLES = ("tabShop Item", "tabStreamed Order", "tabShop Customer", "tabEvent Producer Last Update")

	def start(self) -> str:
		self.shell = self.site.shell()
		tables = self.random.sample(self.TABLES, 2)
		self.pending = self.shell.start("tests.soak.faults.lock_rows", commit=False, tables=tables)
		return f"{tables} of {self.letter}"

	def stop(self) -> None:
		_kill(self.shell)


class Rules(Fault):
	"""A site's own rules refuse some of what is saved: events fail at their start, in their middle or near their end."""

	lasts: ClassVar[tuple[float, float]] = (5.0, 12.0)

	def start(self) -> str:
		self.site.run("tests.soak.inside.make_rules")
		return f"rules of {self.letter}"

	def stop(self) -> None:
		self.site.run("tests.soak.inside.forget_rules")


class Restore(Fault):
	"""A site's database is put back to what it was some seconds ago, as a backup is: its processes are stopped for it, files
	stay. Once in a run."""

	lasts: ClassVar[tuple[float, float]] = (6.0, 10.0)

	def start(self) -> str:
		if self.world.restored:
			return "nobody"
		self.letter = "p"
		self.database = "_" + self.site.name
		self.backup = self.world.history.path.with_name("backup.sql")
		self.world.cluster.engine.mariadb.dump(self.database, self.backup)
		return f"database of {self.letter}"

	def stop(self) -> None:
		if self.world.restored:
			return
		self.world.closed.add(self.letter)
		while any(actor.busy for actor in self.world.actors if actor.letter == self.letter):
			time.sleep(0.05)
		self.site.stop()
		self.world.cluster.engine.mariadb.load(self.database, self.backup)
		self.site.start_web()
		self.site.start_worker()
		self.world.restored[self.letter] = self.world.history.now()
		self.world.closed.discard(self.letter)


def lock_rows(tables: list[str]) -> None:
	"""Runs inside a site."""
	import frappe

	for table in tables:
		order = "ORDER BY name DESC" if "Last Update" not in table else ""
		frappe.db.sql(f"SELECT name FROM `{table}` {order} LIMIT 5 FOR UPDATE")
		time.sleep(0.2)


def _kill(shell) -> None:
	import os
	import signal

	try:
		os.killpg(shell.child.pid, signal.SIGKILL)
	except ProcessLookupError:
		pass


KILLS = {"pull": KillPull, "person": KillPerson, "worker": KillWorker, "web": KillWeb}
SERVERS = {"database": KillDatabase, "redis": KillRedis, "empty-redis": EmptyRedis}
LINES = {"weather": Weather, "partition": Partition}
OTHERS = {"locks": LockRows, "rules": Rules, "restore": Restore}
FAULTS: dict[str, type[Fault]] = {**KILLS, **SERVERS, **LINES, **OTHERS}
# what comes when nothing else is asked for; a restore loses what it loses, and makes other checks weaker
USUAL = tuple(name for name in FAULTS if name != "restore")
# how often each comes, where all do
OFTEN = {"pull": 12, "person": 6, "worker": 4, "web": 2, "database": 2, "redis": 2, "empty-redis": 4}


class Fate(threading.Thread):
	"""Lets faults of some kinds come one after the other, with `calm` seconds in between."""

	def __init__(self, world: World, seed: int, names: list[str], calm: tuple[float, float]):
		super().__init__(name=f"fate of {' '.join(names)}", daemon=True)
		self.world, self.names, self.calm = world, names, calm
		self.random = random.Random(f"{seed} {names}")
		self.ending = threading.Event()

	def run(self) -> None:
		weights = [OFTEN.get(name, 3) for name in self.names]
		while not self.ending.wait(self.random.uniform(*self.calm)):
			(name,) = self.random.choices(self.names, weights)
			fault = FAULTS[name](self.world, self.random)
			with self.world.history.operation("fate", fault.letter, f"fault {name}") as line:
				try:
					line["struck"] = fault.start()
					self.ending.wait(self.random.uniform(*fault.lasts))
					fault.stop()
					line["outcome"] = OK
				except (SandboxError, RemoteError, OSError) as error:
					# another fault is going on as well; all is brought up in the end
					line["error"] = str(error)[:200]

	def end(self) -> None:
		self.ending.set()
		self.join(90)

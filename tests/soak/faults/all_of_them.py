"""All faults by their names, and the fate that lets them come one after the other."""

import random
import threading

from sandbox.errors import RemoteError, SandboxError
from tests.soak.faults.backups import Restore, RestoreConsumer
from tests.soak.faults.base import Fault
from tests.soak.faults.clocks import Clock, Zones
from tests.soak.faults.disks import FullDisk
from tests.soak.faults.inside_the_site import LockRows, Rules
from tests.soak.faults.lines import Partition, Weather
from tests.soak.faults.processes import KillPerson, KillPull, KillWeb, KillWorker
from tests.soak.faults.servers import EmptyRedis, KillDatabase, KillRedis
from tests.soak.faults.subscriptions import Ask, Resubscribe
from tests.soak.history import OK
from tests.soak.world import World

KILLS = {"pull": KillPull, "person": KillPerson, "worker": KillWorker, "web": KillWeb}
SERVERS = {"database": KillDatabase, "redis": KillRedis, "empty-redis": EmptyRedis}
LINES = {"weather": Weather, "partition": Partition}
OTHERS = {"locks": LockRows, "rules": Rules}
# these have to be asked for: they need root, or a package, or weaken what can be checked (what a restore loses is lost, and what was
# not subscribed to comes only with a repair)
ASKED_FOR = {
	"full-disk": FullDisk,
	"clock": Clock,
	"restore": Restore,
	"restore-consumer": RestoreConsumer,
	"resubscribe": Resubscribe,
	"ask": Ask,
	"zones": Zones,
}
# there all the time
STANDING = ("ask", "zones")
RESTORES = ("restore", "restore-consumer")
FAULTS: dict[str, type[Fault]] = {**KILLS, **SERVERS, **LINES, **OTHERS, **ASKED_FOR}
# what "all" means
USUAL = tuple(name for name in FAULTS if name not in ASKED_FOR)
# how often each comes, where all do
OFTEN = {
	"pull": 12,
	"person": 6,
	"worker": 4,
	"web": 2,
	"database": 2,
	"redis": 2,
	"empty-redis": 4,
	"rules": 6,
}


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

"""kill -9 of any process of the app: whoever pulls, whoever saves, background workers, web servers."""

from typing import ClassVar

from tests.soak.faults.base import Fault, kill
from tests.soak.people import Actor, Person, Puller


class KillPull(Fault):
	"""kill -9 of a process that pulls."""

	among: ClassVar[type[Actor]] = Puller

	def start(self) -> str:
		found = [actor for actor in self.world.actors if isinstance(actor, self.among) and actor.shell]
		if not found:
			return "nobody"
		actor = self.random.choice(found)
		if shell := actor.shell:
			kill(shell)
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

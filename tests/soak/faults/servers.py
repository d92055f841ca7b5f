"""kill -9 of the database and of Redis; Redis emptied."""

from typing import ClassVar

from tests.soak.faults.base import Fault


class KillDatabase(Fault):
	"""kill -9 of the database's server, which has written each commit before it said so."""

	lasts: ClassVar[tuple[float, float]] = (0.0, 2.0)

	def start(self) -> str:
		self.world.cluster.engine.database.stop()
		return self.world.cluster.engine.database.title

	def stop(self) -> None:
		self.world.cluster.engine.database.start()


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

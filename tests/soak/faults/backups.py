"""An old backup that is restored."""

import time
from typing import ClassVar

from tests.soak.faults.base import Fault


class Restore(Fault):
	"""A site's database is put back to what it was some seconds ago, as a backup is: its processes are stopped for it, files
	stay. Once in a run."""

	lasts: ClassVar[tuple[float, float]] = (6.0, 10.0)
	of: ClassVar[str] = "p"

	def start(self) -> str:
		if self.world.restored:
			return "nobody"
		self.letter = self.of
		self.database = "_" + self.site.name
		self.backup = self.world.history.path.with_name("backup.sql")
		self.world.cluster.engine.database.dump(self.database, self.backup)
		return f"database of {self.letter}"

	def stop(self) -> None:
		if self.world.restored:
			return
		self.world.closed.add(self.letter)
		while any(actor.busy for actor in self.world.actors if actor.letter == self.letter):
			time.sleep(0.05)
		self.site.stop()
		self.load()
		self.site.start_web()
		self.site.start_worker()
		self.world.restored[self.letter] = self.world.history.now()
		self.world.closed.discard(self.letter)

	def load(self) -> None:
		"""MariaDB is not to write its log with each of so many statements."""
		database = self.world.cluster.engine.database
		on_mariadb = database.db_type == "mariadb"
		if on_mariadb:
			database.sql("SET GLOBAL innodb_flush_log_at_trx_commit = 0;")
		database.load(self.database, self.backup)
		if on_mariadb:
			database.sql("SET GLOBAL innodb_flush_log_at_trx_commit = 1;")


class RestoreConsumer(Restore):
	"""The same of a site that takes the masters, and makes invoices of its own."""

	of: ClassVar[str] = "c"

"""What stands in the way on a site itself: rows that somebody has locked, rules that refuse."""

from typing import ClassVar

from tests.soak.faults.base import Fault, kill


class LockRows(Fault):
	"""Somebody locks rows in no order for a while: deadlocks and lock wait time-outs."""

	lasts: ClassVar[tuple[float, float]] = (0.5, 3.0)
	TABLES = ("tabShop Item", "tabStreamed Order", "tabShop Customer", "tabEvent Producer Last Update")

	def start(self) -> str:
		self.shell = self.site.shell()
		tables = self.random.sample(self.TABLES, 2)
		self.pending = self.shell.start("tests.soak.sites.inside.lock_rows", commit=False, tables=tables)
		return f"{tables} of {self.letter}"

	def stop(self) -> None:
		kill(self.shell)


class Rules(Fault):
	"""Rules of all sites refuse some of what is saved: events fail at their start, in their middle or near their end."""

	lasts: ClassVar[tuple[float, float]] = (5.0, 12.0)

	def start(self) -> str:
		for site in self.world.sites.values():
			site.run("tests.soak.sites.inside.make_rules")
		return "rules of all sites"

	def stop(self) -> None:
		for site in self.world.sites.values():
			site.run("tests.soak.sites.inside.forget_rules")

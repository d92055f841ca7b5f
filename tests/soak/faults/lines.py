"""Bad lines between the sites, and none: in the project's own proxy, see tests/soak/line.py."""

from typing import ClassVar

from tests.soak.faults.base import Fault


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

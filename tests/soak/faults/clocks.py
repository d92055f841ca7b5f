"""Clocks that jump, forwards and back, that run fast or slow, and that show the time of other zones: a small library is preloaded into each site's processes, see clock.c."""

import struct
import subprocess
import time
from pathlib import Path
from typing import ClassVar

from sandbox.errors import SandboxError
from sandbox.servers import packages
from tests.soak.faults.base import Fault
from tests.soak.world import World


class Clock(Fault):
	"""The clock of one site is wrong for a while, by seconds, an hour or a day, or runs faster or slower; it is right again in the end."""

	lasts: ClassVar[tuple[float, float]] = (3.0, 10.0)
	WRONG = (3600, -3600, -90, 45, -86400)
	# in thousandths faster
	SPEEDS = (500, 4000, -300)

	@classmethod
	def prepare(cls, world: World) -> None:
		packages.ensure(packages.MODELS)
		library = world.history.path.with_name("clock.so")
		words = [
			"gcc",
			"-shared",
			"-fPIC",
			"-O2",
			"-o",
			str(library),
			str(Path(__file__).with_name("clock.c")),
		]
		made = subprocess.run(words, capture_output=True, text=True)
		if made.returncode:
			raise SandboxError(f"Clocks can't be set here: {made.stderr}")
		for letter, site in world.sites.items():
			site.stop()
			set_clock(world, letter, 0)
			site.processes.env |= {"LD_PRELOAD": str(library), "SOAK_CLOCK": str(clock_of(world, letter))}
			site.start_web()

	def start(self) -> str:
		if self.random.random() < 0.3:
			speed = self.random.choice(self.SPEEDS)
			set_clock(self.world, self.letter, 0, speed)
			return f"clock of {self.letter}: {1 + speed / 1000} times as fast"
		wrong = self.random.choice(self.WRONG)
		set_clock(self.world, self.letter, wrong)
		return f"clock of {self.letter}: {wrong:+} s"

	def stop(self) -> None:
		set_clock(self.world, self.letter, 0)


def clock_of(world: World, letter: str) -> Path:
	return world.history.path.with_name(f"clock-{letter}")


class Zones(Fault):
	"""Each site is in a time zone of its own, all the time."""

	ZONES = ("Asia/Bangkok", "America/Bogota", "Asia/Tokyo")

	@classmethod
	def prepare(cls, world: World) -> None:
		for site, zone in zip(world.sites.values(), cls.ZONES, strict=True):
			site.set_time_zone(zone)


def set_clock(world: World, letter: str, seconds: int, speed: int = 0) -> None:
	"""In place: the processes have the file mapped. `speed` is from now on, in thousandths that it is faster."""
	path = clock_of(world, letter)
	with path.open("r+b" if path.exists() else "wb") as file:
		file.write(struct.pack("qqq", seconds, int(time.time()) if speed else 0, speed))

"""Clocks that jump, forwards and back: a small library is preloaded into each site's processes, see clock.c."""

import struct
import subprocess
from pathlib import Path
from typing import ClassVar

from sandbox.errors import SandboxError
from sandbox.servers import packages
from tests.soak.faults.base import Fault
from tests.soak.world import World


class Clock(Fault):
	"""The clock of one site is wrong for a while, by seconds, an hour or a day; it is right again in the end."""

	lasts: ClassVar[tuple[float, float]] = (3.0, 10.0)
	WRONG = (3600, -3600, -90, 45, -86400)

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
		wrong = self.random.choice(self.WRONG)
		set_clock(self.world, self.letter, wrong)
		return f"clock of {self.letter}: {wrong:+} s"

	def stop(self) -> None:
		set_clock(self.world, self.letter, 0)


def clock_of(world: World, letter: str) -> Path:
	return world.history.path.with_name(f"clock-{letter}")


def set_clock(world: World, letter: str, seconds: int) -> None:
	"""In place: the processes have the file mapped."""
	path = clock_of(world, letter)
	with path.open("r+b" if path.exists() else "wb") as file:
		file.write(struct.pack("q", seconds))

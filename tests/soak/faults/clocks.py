"""Clocks that jump, forwards and back, and run fast: Debian's faketime."""

from pathlib import Path
from typing import ClassVar

from sandbox.errors import SandboxError
from sandbox.servers import packages
from tests.soak.faults.base import Fault
from tests.soak.world import World


class Clock(Fault):
	"""The clock of one site jumps, forwards or back, or runs fast (Debian's faketime); it is right again in the end."""

	lasts: ClassVar[tuple[float, float]] = (3.0, 10.0)
	WRONG = ("+3600", "-3600", "-90", "+45", "+0 x1.5", "-86400")
	PACKAGE: ClassVar[dict[str, str]] = {"faketime": "faketime"}

	@classmethod
	def prepare(cls, world: World) -> None:
		packages.ensure(cls.PACKAGE)
		library = next(iter(Path("/usr/lib").glob("*/faketime/libfaketime.so.1")), None)
		if library is None:
			raise SandboxError("Clocks can't be set here: libfaketime is not where Debian puts it.")
		for letter, site in world.sites.items():
			site.stop()
			file = clock_of(world, letter)
			file.write_text("+0")
			site.processes.env |= {
				"LD_PRELOAD": str(library),
				"FAKETIME_TIMESTAMP_FILE": str(file),
				"FAKETIME_CACHE_DURATION": "1",
				"FAKETIME_DONT_FAKE_MONOTONIC": "1",
				"NO_FAKE_STAT": "1",
			}
			site.start_web()

	def start(self) -> str:
		wrong = self.random.choice(self.WRONG)
		clock_of(self.world, self.letter).write_text(wrong)
		return f"clock of {self.letter}: {wrong}"

	def stop(self) -> None:
		clock_of(self.world, self.letter).write_text("+0")


def clock_of(world: World, letter: str) -> Path:
	return world.history.path.with_name(f"clock-{letter}")

"""What all faults have: a start, an end, how long they last."""

import contextlib
import os
import random
import signal
from typing import ClassVar

from sandbox.sites.shell import Shell
from tests.soak.world import World


class Fault:
	"""`start` gives what it has struck; `stop` ends it, after some seconds of `lasts`."""

	lasts: ClassVar[tuple[float, float]] = (0.0, 0.3)

	def __init__(self, world: World, chance: random.Random):
		self.world, self.random = world, chance
		self.letter = chance.choice(list(world.sites))

	@classmethod
	def prepare(cls, world: World) -> None:
		"""Before anybody begins: what it needs. Raises SandboxError where it can't be had, and says why."""

	@property
	def site(self):
		return self.world.sites[self.letter]

	def start(self) -> str:
		raise NotImplementedError

	def stop(self) -> None:
		"""Most strike once."""


def kill(shell: Shell) -> None:
	"""SIGKILL, from another thread than the one that waits for its answers."""
	with contextlib.suppress(ProcessLookupError):
		os.killpg(shell.child.pid, signal.SIGKILL)

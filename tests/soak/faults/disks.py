"""A disk that is full."""

import contextlib
import subprocess
from typing import ClassVar

from sandbox.errors import SandboxError
from tests.soak.faults.base import Fault
from tests.soak.world import World


class FullDisk(Fault):
	"""The disk of the database is full: its data lies on a small tmpfs, which a file fills up."""

	lasts: ClassVar[tuple[float, float]] = (1.0, 5.0)
	MEGABYTES = 1500

	@classmethod
	def prepare(cls, world: World) -> None:
		database = world.cluster.engine.database
		database.stop()
		aside = database.data.with_name("data-aside")
		database.data.rename(aside)
		database.data.mkdir()
		words = ["mount", "-t", "tmpfs", "-o", f"size={cls.MEGABYTES}m", "none", str(database.data)]
		mounted = subprocess.run(words, capture_output=True, text=True)
		if mounted.returncode:
			raise SandboxError(f"A small disk can't be had here: {mounted.stderr.strip()} (it takes root)")
		world.stack.callback(subprocess.run, ["umount", "-l", str(database.data)], check=True)
		world.stack.callback(database.stop)
		subprocess.run(["cp", "-a", f"{aside}/.", str(database.data)], check=True)
		database.start()

	def start(self) -> str:
		self.database = self.world.cluster.engine.database
		self.ballast = self.database.data / "ballast"
		with contextlib.suppress(OSError), self.ballast.open("wb", buffering=0) as file:
			while file.write(b"0" * 2**20):
				pass
		return f"the disk of {self.database.title}"

	def stop(self) -> None:
		self.ballast.unlink(missing_ok=True)
		# PostgreSQL ends where it can't write its log
		if not (self.database.child and self.database.child.is_running()):
			self.database.start()

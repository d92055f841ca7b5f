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
		mariadb = world.cluster.engine.database
		data = mariadb.run_folder / "mariadb"
		mariadb.stop()
		aside = data.with_name("mariadb-aside")
		data.rename(aside)
		data.mkdir()
		words = ["mount", "-t", "tmpfs", "-o", f"size={cls.MEGABYTES}m", "none", str(data)]
		mounted = subprocess.run(words, capture_output=True, text=True)
		if mounted.returncode:
			raise SandboxError(f"A small disk can't be had here: {mounted.stderr.strip()} (it takes root)")
		world.stack.callback(subprocess.run, ["umount", "-l", str(data)], check=True)
		world.stack.callback(mariadb.stop)
		subprocess.run(["cp", "-a", f"{aside}/.", str(data)], check=True)
		mariadb.start()

	def start(self) -> str:
		self.ballast = self.world.cluster.engine.database.run_folder / "mariadb" / "ballast"
		with contextlib.suppress(OSError), self.ballast.open("wb", buffering=0) as file:
			while file.write(b"0" * 2**20):
				pass
		return "the disk of mariadbd"

	def stop(self) -> None:
		self.ballast.unlink(missing_ok=True)

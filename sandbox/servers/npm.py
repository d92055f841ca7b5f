"""npm packages as a package-lock.json names them, by version and content: installed once into the work folder, then kept."""

import hashlib
import os
import shutil
import subprocess
from pathlib import Path

from sandbox.errors import SandboxError
from sandbox.progress import step
from sandbox.servers import packages
from sandbox.servers.locks import building_alone

FILES = ("package.json", "package-lock.json")
OUTPUT_SHOWN = 4000
CI = ("ci", "--ignore-scripts", "--no-audit", "--no-fund", "--no-update-notifier")


def install(wanted: Path, into: Path) -> Path:
	"""The node_modules folder with what the two files in `wanted` name, below `into`. Raises SandboxError."""
	digest = hashlib.sha256()
	for name in FILES:
		digest.update(name.encode() + b"\0" + (wanted / name).read_bytes() + b"\0")
	folder = into / f"npm-{digest.hexdigest()[:16]}"
	if not folder.exists():
		# whoever builds what needs them holds the other lock
		with building_alone("npm.lock"):
			if not folder.exists():
				_install(wanted, folder)
	return folder / "node_modules"


def _install(wanted: Path, folder: Path) -> None:
	partial = folder.with_suffix(".part")
	shutil.rmtree(partial, ignore_errors=True)
	partial.mkdir(parents=True)
	for name in FILES:
		shutil.copyfile(wanted / name, partial / name)
	with step(f"npm packages for {wanted.name}"):
		result = subprocess.run(
			[packages.program("npm"), *CI],
			cwd=partial,
			env=dict(os.environ),
			stdin=subprocess.DEVNULL,
			stdout=subprocess.PIPE,
			stderr=subprocess.STDOUT,
			text=True,
			errors="replace",
		)
	if result.returncode != 0:
		raise SandboxError(
			f"npm packages for {wanted.name} could not be installed:\n{result.stdout[-OUTPUT_SHOWN:]}"
		)
	partial.rename(folder)

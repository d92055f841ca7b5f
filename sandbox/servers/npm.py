"""npm packages as a package-lock.json names them, by version and content: installed once into the work folder, then kept."""

import hashlib
import shutil
import subprocess
from pathlib import Path

from sandbox.progress import step
from sandbox.servers import packages
from sandbox.servers.commands import run_checked
from sandbox.servers.locks import building_alone

FILES = ("package.json", "package-lock.json")
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
		run_checked(
			[packages.program("npm"), *CI],
			f"npm packages for {wanted.name} could not be installed:",
			cwd=partial,
			stderr=subprocess.STDOUT,
		)
	partial.rename(folder)

"""The Desk's bundles: built once from the engine's sources and npm packages, then served by every site.

`build_desk()` before the sites come up is all there is to do, as sites remember the names of the bundles; where
they are built already, it takes no time. `python -m sandbox.desk` does the same by hand. A site serves
`.work/assets` as /assets:

assets.json    the file of each bundle, which Frappe reads to answer a page
monoframe/     the engine's public folder with its bundles in dist/, as bench would have it

Without a build there is an empty assets.json and the public folder alone: REST, jobs and tests without a
browser need no more. The app's own public folder, if it has one, is there by `sandbox.sites.clones`; its bundles are
built with the engine's.

Nothing is written into the engine's package. What the build needs mended it has in a copy: see `stage`.
"""

import hashlib
import os
import shutil
import subprocess
import time
from pathlib import Path

from sandbox.desk.stage import lay_out
from sandbox.engine.monoframe import ENGINE, ENGINE_VERSION
from sandbox.paths import APP, PROJECT, assets_folder, work_folder
from sandbox.progress import step
from sandbox.servers import npm, packages
from sandbox.servers.commands import run_checked
from sandbox.servers.locks import building_alone

HERE = Path(__file__).parent
BUILDERS = ("__init__.py", "stage.py", "build.js")
BUILDS_KEPT = 3


def build_desk() -> Path:
	"""Sees to it that the sites serve the Desk of this engine and app. Gives the folder that they serve."""
	folder = _desk_folder() / _key()
	if not (folder / "assets.json").exists():
		with building_alone():
			if not (folder / "assets.json").exists():
				_build(folder)
	os.utime(folder)
	install_assets(folder)
	_forget_old_builds()
	return assets_folder()


def install_assets(build: Path) -> None:
	"""Puts a build where sites serve it from. Sites that are up read a whole file or link, old or new."""
	assets_folder().mkdir(parents=True, exist_ok=True)
	link = assets_folder() / f"{ENGINE}.{os.getpid()}"
	link.symlink_to(build / ENGINE / "public")
	link.replace(assets_folder() / ENGINE)
	names = assets_folder() / f"assets.json.{os.getpid()}"
	shutil.copyfile(build / "assets.json", names)
	names.replace(assets_folder() / "assets.json")


def _build(folder: Path) -> None:
	packages.ensure(packages.NODE)
	node_modules = npm.install(HERE, _desk_folder())
	partial = folder.with_suffix(".part")
	shutil.rmtree(partial, ignore_errors=True)
	with step("The Desk's bundles"):
		lay_out(partial, node_modules)
		_run(
			["node", str(HERE / "build.js"), str(partial), *map(str, _public_folders(partial))],
			"The Desk's bundles could not be built.",
			NODE_PATH=str(node_modules),
		)
	shutil.rmtree(folder, ignore_errors=True)
	partial.rename(folder)


def _public_folders(stage: Path) -> list[Path]:
	"""Where bundles are looked for: the engine's public folder, and the app's if it has one."""
	return [folder for folder in (stage / ENGINE / "public", PROJECT / APP / "public") if folder.exists()]


def _run(command: list[str], failure: str, cwd: Path = PROJECT, **environment: str) -> None:
	program = packages.program(command[0])
	run_checked(
		[program, *command[1:]],
		f"{failure} `{' '.join(command)}` says:",
		cwd=cwd,
		env={**os.environ, **environment},
		stderr=subprocess.STDOUT,
	)


def _forget_old_builds() -> None:
	"""Those of earlier versions, save the last few and what another run may just be making."""
	for pattern in ("npm-*", "[0-9a-f]*"):
		builds = sorted(_desk_folder().glob(pattern), key=lambda build: build.stat().st_mtime)
		for build in builds[:-BUILDS_KEPT]:
			if time.time() - build.stat().st_mtime > 3600:
				shutil.rmtree(build, ignore_errors=True)


def _desk_folder() -> Path:
	return work_folder() / "desk"


def _key() -> str:
	"""Changes whenever a build would."""
	own = [HERE / name for name in (*npm.FILES, *BUILDERS)]
	apps = sorted(file for file in (PROJECT / APP / "public").rglob("*") if file.is_file())
	return _fingerprint([*own, *apps], f"{ENGINE} {ENGINE_VERSION}")


def _fingerprint(files, *words: str) -> str:
	digest = hashlib.sha256(repr(words).encode())
	for file in files:
		digest.update(file.name.encode() + b"\0" + file.read_bytes() + b"\0")
	return digest.hexdigest()[:16]

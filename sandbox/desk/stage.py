"""A copy of the engine's sources in which the Desk's imports find what they ask for.

The fork renamed `frappe` to `monoframe` inside its scripts, style sheets and templates, also where they name a
file, and left the files and folders with their old names: desk.bundle.js imports "./monoframe/provide.js", which
lies in js/frappe, and each page asks for an icon images/monoframe-favicon.svg. Here the files have the names that
they are asked for.
"""

import importlib.util
import shutil
from pathlib import Path

from sandbox.engine.monoframe import ENGINE

# website/ has what the bundle of the login page imports from beside the public folder.
COPIED = ("public", "website/js", "website/css")
# The logo that hooks.py and the login page name is not in the fork under any name.
STAND_INS = {"images/monoframe-logo.svg": "images/monoframe-framework-logo.svg"}


def engine_folder() -> Path:
	"""The engine's installed Python package."""
	return Path(importlib.util.find_spec(ENGINE).origin).parent


def lay_out(stage: Path, node_modules: Path) -> None:
	"""Copies the sources to `stage`/monoframe and gives them the names that the fork's imports have."""
	for name in COPIED:
		shutil.copytree(engine_folder() / name, stage / ENGINE / name)
	rename_files(stage)
	public = stage / ENGINE / "public"
	for missing, stand_in in STAND_INS.items():
		shutil.copyfile(public / stand_in, public / missing)
	# As on a bench: pages load the code editor and a few more straight from /assets/monoframe/node_modules.
	(public / "node_modules").symlink_to(node_modules)


def rename_files(folder: Path) -> None:
	# The deepest first, so that no path changes before its turn.
	for path in sorted(folder.rglob("*frappe*"), key=lambda path: -len(path.parts)):
		path.rename(path.with_name(path.name.replace("frappe", ENGINE)))

"""The environment of processes inside a site: what `entry` reads there, and nothing that misleads Frappe."""

import os
from pathlib import Path

from sandbox.paths import PROJECT, TEST_APP_SOURCE

# A developer's own settings for databases, Frappe and pytest are not meant for these sites; CI would make the
# fork's jobs run in Frappe's test mode.
LEFT_OUT = ("SANDBOX_", "MONOFRAME_", "FRAPPE_", "DB_", "REDIS_", "PYTEST_", "PYTHON")
LEFT_OUT_NAMES = {"CI", "VIRTUAL_ENV", "DEV_SERVER"}


def entry_environment(engine: str, site_folder: Path) -> dict[str, str]:
	kept = {
		name: value
		for name, value in os.environ.items()
		if name not in LEFT_OUT_NAMES and not name.startswith(LEFT_OUT)
	}
	return {
		**kept,
		"SANDBOX_ENGINE": engine,
		"SANDBOX_SITE": site_folder.name,
		"SANDBOX_SITES": str(site_folder.parent),
		"PYTHONPATH": python_path(),
		"PYTHONUNBUFFERED": "1",
	}


def python_path() -> str:
	"""The project, and the test app, which is no package of its own on any machine."""
	return os.pathsep.join([str(PROJECT), str(TEST_APP_SOURCE)])

"""Where everything of the sandbox lies: the work folder and what is in it.

Nothing outside the work folder is ever written, with one exception: a socket's folder under the system's
temporary folder where the work folder's own path is too long for a Unix socket.
"""

import os
from pathlib import Path

PROJECT = Path(__file__).resolve().parent.parent
APP = "event_streaming"
# what tests and demo stream; installed beside the app, and no part of it
TEST_APP = "streamed_shop"
TEST_APP_SOURCE = PROJECT / "tests" / "apps" / TEST_APP


def work_folder() -> Path:
	"""`.work` in the project, or what EVENT_STREAMING_WORK says."""
	return Path(os.environ.get("EVENT_STREAMING_WORK") or PROJECT / ".work").resolve()


def cache_folder() -> Path:
	"""What is built once and kept: the empty database server, templates of sites, tools."""
	return work_folder() / "cache"


def runs_folder() -> Path:
	"""One folder for each run that is going on: its servers' data, its sites, its process ids."""
	return work_folder() / "runs"


def logs_folder() -> Path:
	"""Logs of every process, one folder for each run; those of the last few runs are kept."""
	return work_folder() / "logs"


def assets_folder() -> Path:
	"""What the sites serve under /assets: the apps' public folders and, once built, the Desk's bundles."""
	return work_folder() / "assets"

"""Makes sites: a template once, from which each site is cloned in a second or two.

Two templates are kept, each a database dump: one with the framework alone (key: the engine's version and what
builds it), and on top of it one with the app (key: also the app's DocTypes, hooks and whatever else installing
reads). So a change of the app costs its installation, not a new framework.
"""

import base64
import contextlib
import datetime
import hashlib
import importlib.util
import json
import os
import shutil
import sys
import time
import uuid
import zoneinfo
from collections.abc import Iterable
from pathlib import Path

from sandbox.engine.monoframe import ENGINE, ENGINE_VERSION
from sandbox.errors import SandboxError
from sandbox.paths import APP, PROJECT, TEST_APP, TEST_APP_SOURCE, assets_folder, cache_folder
from sandbox.progress import step
from sandbox.servers import children
from sandbox.servers.databases import MariaDB, Redis
from sandbox.servers.locks import building_alone
from sandbox.servers.postgres import Postgres
from sandbox.sites.environment import entry_environment
from sandbox.sites.template import TIME_ZONE

TEMPLATE = "template"
TEMPLATES_KEPT = 4
SITE_FOLDERS = ("public/files", "private/files", "private/backups", "locks", "logs")
BUILDERS = (
	"engine/alias.py",
	"engine/apps.py",
	"engine/install.py",
	"engine/repairs.py",
	"sites/template.py",
)
READ_BY_INSTALLING = (
	"hooks.py",
	"install.py",
	"modules.txt",
	"patches.txt",
	"**/*.json",
	"**/doctype/*/*.py",
)
ENCRYPTION_KEY = base64.urlsafe_b64encode(hashlib.sha256(b"event streaming sandbox").digest()).decode()


class SiteMaker:
	"""Makes sites on the servers of one run."""

	def __init__(self, run_folder: Path, logs: Path, database: MariaDB | Postgres, redis: Redis):
		self.sites = run_folder / "sites"
		self.logs = logs
		self.database = database
		self.redis = redis
		self.made = 0

	def clone(self, name: str, host_name: str, with_app: bool = True) -> Path:
		"""A new site from the template. Gives its folder."""
		dump = self._app_template() if with_app else self._framework_template()
		folder = self._new_folder(name, host_name)
		self.database.load(_database(name), dump)
		database, quote = _database(name), self.database.quote
		self.database.sql(_no_scheduled_job_is_overdue(quote), database)
		if with_app:
			self.database.sql(_standard_data_is_its_own(quote, self.made), database)
			self.database.sql(_site_id_is_its_own(quote), database)
		return folder

	def drop(self, name: str) -> None:
		self.database.drop_database(_database(name))
		shutil.rmtree(self.sites / name, ignore_errors=True)

	def _new_folder(self, name: str, host_name: str) -> Path:
		"""A site's folder, configuration and empty database."""
		folder = self.sites / name
		for below in SITE_FOLDERS:
			(folder / below).mkdir(parents=True)
		_prepare_assets()
		(folder / "assets").symlink_to(assets_folder())
		config = self._config(name, host_name)
		self.database.create_database(config["db_name"], config["db_user"], config["db_password"])
		(folder / "site_config.json").write_text(json.dumps(config, indent=1, sort_keys=True))
		return folder

	def _config(self, name: str, host_name: str) -> dict:
		database = self.made * 2
		self.made += 1
		return {
			"db_type": self.database.db_type,
			"db_name": _database(name),
			"db_user": _database(name),
			"db_password": "sandbox",
			**self.database.address(),
			"redis_cache": self.redis.url(database),
			"redis_queue": self.redis.url(database + 1),
			"bench_id": f"sandbox-{name}",
			"encryption_key": ENCRYPTION_KEY,
			"host_name": host_name,
			"developer_mode": 0,
			"background_process_niceness": 0,
			"server_script_enabled": 1,
			"mute_emails": 1,
		}

	def _framework_template(self) -> Path:
		key = _fingerprint(
			[f"{ENGINE} {ENGINE_VERSION} {self.database.db_type}"], _files(PROJECT / "sandbox", BUILDERS)
		)
		return self._template("framework", key, None)

	def _app_template(self) -> Path:
		framework = self._framework_template()
		key = app_fingerprint(framework.name)
		return self._template("app", key, framework)

	def _template(self, kind: str, key: str, base: Path | None) -> Path:
		"""The dump of a template; builds it first where there is none with this key."""
		folder = cache_folder() / "templates"
		dump = folder / f"{kind}-{key}.sql"
		if not dump.exists():
			with building_alone():
				if not dump.exists():
					folder.mkdir(parents=True, exist_ok=True)
					what = (
						"a Frappe site" if kind == "framework" else f"installing {APP} and the test app on it"
					)
					with step(f"Template: {what}"):
						self._build_template(kind, base, dump)
					_forget_old(folder, kind)
		os.utime(dump)
		return dump

	def _build_template(self, kind: str, base: Path | None, dump: Path) -> None:
		folder = self._new_folder(TEMPLATE, "http://127.0.0.1")
		try:
			if base:
				self.database.load(_database(TEMPLATE), base)
			_run_inside(kind, folder, self.sites.parent, self.logs / f"template-{kind}.log")
			partial = dump.with_suffix(".part")
			self.database.dump(_database(TEMPLATE), partial)
			partial.rename(dump)
		finally:
			self.drop(TEMPLATE)


def app_fingerprint(word: str = "") -> str:
	"""Changes whenever installing or migrating the app, or the test app, might do something else."""
	folders = (PROJECT / APP, TEST_APP_SOURCE / TEST_APP)
	return _fingerprint([word], [file for folder in folders for file in _files(folder, READ_BY_INSTALLING)])


def _run_inside(kind: str, folder: Path, run_folder: Path, log: Path) -> None:
	child = children.start(
		f"The making of the template ({kind})",
		[sys.executable, "-m", "sandbox.sites.template", kind],
		run_folder=run_folder,
		log=log,
		cwd=PROJECT,
		env=entry_environment(ENGINE, folder),
	)
	try:
		failed = child.process.wait() != 0
	finally:
		child.kill()
	if failed:
		raise SandboxError(f"The template site could not be made. The log ({log}) ends:\n{child.log_tail()}")


def _prepare_assets() -> None:
	"""What every page needs to be served at all. The Desk's bundles are put here by `sandbox.desk`.

	Another run may be doing the same: whoever comes second finds it done.
	"""
	folder = assets_folder()
	folder.mkdir(parents=True, exist_ok=True)
	with contextlib.suppress(FileExistsError), (folder / "assets.json").open("x") as names:
		names.write("{}")
	engine = Path(importlib.util.find_spec(ENGINE).origin).parent
	for app, public in ((ENGINE, engine / "public"), (APP, PROJECT / APP / "public")):
		if public.exists() and not (folder / app).exists():
			link = folder / f"{app}.{os.getpid()}"
			link.symlink_to(public)
			link.replace(folder / app)


def _no_scheduled_job_is_overdue(quote: str) -> str:
	"""Or else, as the template is older, the scheduler's first look would queue every job that Frappe has."""
	now = datetime.datetime.now(zoneinfo.ZoneInfo(TIME_ZONE))
	table = f"{quote}tabScheduled Job Type{quote}"
	return f"UPDATE {table} SET last_execution = '{now:%Y-%m-%d %H:%M:%S}';"


def _standard_data_is_its_own(quote: str, number: int) -> str:
	"""Sites that are set up one by one make their standard data at different moments, and that is how they are
	told from documents that came over; clones of one template would have made it at the same one."""
	later = f"INTERVAL '{number}' MINUTE"
	return (
		f"UPDATE {quote}tabShop Unit{quote} SET creation = creation + {later}, modified = modified + {later};"
	)


def _site_id_is_its_own(quote: str) -> str:
	"""Clones are sites of their own, not copies of one."""
	return (
		f"UPDATE {quote}tabSingles{quote} SET value = '{uuid.uuid4()}' "
		"WHERE doctype = 'Event Streaming Settings' AND field = 'site_id';"
	)


def _database(site: str) -> str:
	return "_" + "".join(c if c.isalnum() else "_" for c in site)


def _files(folder: Path, patterns: Iterable[str]) -> list[Path]:
	return sorted({file for pattern in patterns for file in folder.glob(pattern)})


def _fingerprint(words: list[str], files: list[Path]) -> str:
	digest = hashlib.sha256(repr(words).encode())
	for file in files:
		digest.update(str(file.relative_to(PROJECT)).encode() + b"\0" + file.read_bytes() + b"\0")
	return digest.hexdigest()[:16]


def _forget_old(folder: Path, kind: str) -> None:
	dumps = sorted(folder.glob(f"{kind}-*.sql"), key=lambda dump: dump.stat().st_mtime)
	for dump in dumps[:-TEMPLATES_KEPT]:
		if time.time() - dump.stat().st_mtime > 3600:
			dump.unlink(missing_ok=True)

"""Three sites, the lines between them, and who subscribes to whom."""

import contextlib
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import requests

from sandbox.errors import RemoteError, SandboxError
from sandbox.sites.cluster import Cluster, open_cluster
from sandbox.sites.site import Site
from tests.doctypes import TICKET
from tests.soak.evidence import Flow
from tests.soak.history import History
from tests.soak.kinds import CONDITION, KINDS_DOCTYPES, LETTER
from tests.soak.line import Line
from tests.soak.shapes import NAMES, Shape
from tests.streams import decide, make_event_producer, make_subscriber, set_unsubscribed

INSIDE, LOOKING = "tests.soak.sites.inside", "tests.soak.sites.looking"
PLAYING = "tests.soak.sites.playing"
# small groups and pages, so that there are many edges at which something can break; short waits for answers
SETTINGS = {
	"events_per_page": 100,
	"events_per_commit": 8,
	"slice_seconds": 10,
	"connect_timeout": 3,
	"read_timeout": 6,
	"no_alerts": 1,
}
WORKERS = 3
RISE_SECONDS = 120
# the database took all of the call back, because of somebody who was at work at the same time
TAKEN_BACK = ("QueryDeadlockError", "QueryTimeoutError", "SerializationFailure", "DeadlockDetected")
TRIES, AGAIN_SECONDS = 10, 0.2


class World:
	"""`sites` and `lines` by letter. `down` are faults that are going on."""

	def __init__(self, cluster: Cluster, shape: Shape, lines: dict[str, Line], history: History):
		self.cluster, self.shape, self.lines, self.history = cluster, shape, lines, history
		self.sites: dict[str, Site] = {letter: cluster.site(name) for letter, name in NAMES.items()}
		self.actors: list = []
		# what has to be put right when the run is over
		self.stack = ExitStack()
		# sites on which nobody is at work for a moment, and when backups were restored
		self.closed: set[str] = set()
		self.restored: dict[str, float] = {}
		# DocTypes that were unsubscribed from for a while, by (consumer, producer)
		self.resubscribed: dict[tuple[str, str], dict[str, None]] = {}
		# what becomes of documents that two sites write
		self.policy = "Newest Wins"
		# how often people have begun
		self.rounds = 0

	def url(self, letter: str) -> str:
		return self.lines[letter].url

	def run(self, letter: str, function: Callable | str, /, **values: Any) -> Any:
		"""Runs a function inside a site that others are at work in, again when the database has taken it back."""
		for _try in range(TRIES):
			try:
				return self.sites[letter].run(function, **values)
			except RemoteError as error:
				if error.exc_type not in TAKEN_BACK:
					raise
			time.sleep(AGAIN_SECONDS)
		return self.sites[letter].run(function, **values)

	def subscribe(self) -> None:
		for letter in self.sites:
			self.run(letter, f"{LOOKING}.prepare", public_url=self.url(letter), settings=SETTINGS)
			self.run(letter, make_subscriber)
		for flow in self.shape.flows:
			rows = [self.row(flow, doctype) for doctype in flow.doctypes]
			self.run(flow.target, make_event_producer, url=self.url(flow.source), rows=rows, workers=WORKERS)
			self.run(flow.source, decide, consumer_url=self.url(flow.target))
		for letter, site in self.sites.items():
			self.run(letter, f"{LOOKING}.watch")
			site.start_worker()

	def row(self, flow: Flow, doctype: str) -> dict:
		written_by_two = doctype in (TICKET, LETTER)
		row = {
			"ref_doctype": doctype,
			"use_same_name": int(doctype not in (TICKET, *flow.own_names)),
			"conflict_policy": self.policy if written_by_two else "Producer Wins",
			"together": int(flow.together and doctype not in KINDS_DOCTYPES),
		}
		if ends := flow.conditions.get(doctype):
			row |= {"condition": CONDITION, "when_condition_ends": ends}
		return row

	def bring_up(self) -> None:
		"""Whatever a fault has ended runs again."""
		for line in self.lines.values():
			line.weather = {}
		engine = self.cluster.engine
		for server in (engine.database, engine.redis):
			if not (server.child and server.child.is_running()):
				server.start()
		self.closed.clear()
		deadline = time.monotonic() + RISE_SECONDS
		for letter, site in self.sites.items():
			while True:
				try:
					site.start_web()
					site.start_worker()
					break
				except (SandboxError, requests.RequestException):
					if time.monotonic() > deadline:
						raise
					site.kill_web()
					time.sleep(0.5)
			self.run(letter, f"{INSIDE}.forget_rules")
		for (target, source), doctypes in self.resubscribed.items():
			for doctype in doctypes:
				row = {"name": self.url(source), "doctype": doctype, "unsubscribed": 0}
				self.run(target, set_unsubscribed, **row)


@contextlib.contextmanager
def open_world(shape: Shape, seed: int, folder: Path) -> Iterator[World]:
	folder.mkdir(parents=True, exist_ok=True)
	with open_cluster(list(NAMES.values())) as cluster, ExitStack() as stack:
		keep_each_commit(cluster)
		lines = {
			letter: stack.enter_context(Line(cluster.site(name).url, seed + number))
			for number, (letter, name) in enumerate(NAMES.items())
		}
		history = History(folder / "history.jsonl")
		stack.callback(history.close)
		world = World(cluster, shape, lines, history)
		stack.enter_context(world.stack)
		yield world


def keep_each_commit(cluster: Cluster) -> None:
	"""MariaDB writes its log with each commit, as it does when nobody tells it otherwise, and a server that is killed has lost nothing.

	It does not wait for the disk: that is for machines that lose power, and three sites take minutes to be made that way.
	"""
	database = cluster.engine.database
	if database.db_type == "mariadb":
		database.options = [*database.options, "--innodb-flush-log-at-trx-commit=1"]
		database.sql("SET GLOBAL innodb_flush_log_at_trx_commit = 1;")

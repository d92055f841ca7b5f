"""The two sites of the demo as its steps use them: clients that call them, and waiting for what is to appear."""

import contextlib
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TypeVar

from sandbox.demo.company import (
	AT_THE_BRANCH,
	AT_THE_OFFICE,
	BRANCH_HAS,
	MAPPINGS,
	OFFICE_HAS,
	ON_BOTH,
	make_all,
	make_subscriber,
)
from sandbox.demo.screen import Screen
from sandbox.desk import build_desk
from sandbox.engine.monoframe import ENGINE
from sandbox.errors import RestError, SandboxError
from sandbox.progress import step
from sandbox.sites.cluster import Cluster, open_cluster
from sandbox.sites.rest import RestClient
from sandbox.sites.site import Site

OFFICE, BRANCH = "head-office", "branch"
# MariaDB and Redis, two sites, their web servers, workers, what they hold
STEPS_OF_EVERY_SET_UP = 6
PATIENCE = 60
SECONDS_BETWEEN_LOOKS = 0.02

Seen = TypeVar("Seen")


class DidNotHappen(SandboxError):
	"""Something did not appear in time."""


@dataclass
class Side:
	"""One site, a client of its Administrator, and one of the subscription's user."""

	site: Site
	admin: RestClient
	subscriber: RestClient


class Sites:
	"""Both sites; `office` and `branch` call them as Administrator."""

	def __init__(self, office: Side, branch: Side):
		self.office_site, self.office, self.office_subscriber = office.site, office.admin, office.subscriber
		self.branch_site, self.branch, self.branch_subscriber = branch.site, branch.admin, branch.subscriber

	def wait_for(self, what: str, look: Callable[[], Seen]) -> Seen:
		"""The first true value of `look`. Says after PATIENCE seconds what was missing, and how the branch is."""
		deadline = time.monotonic() + PATIENCE
		while True:
			if seen := look():
				return seen
			if time.monotonic() > deadline:
				raise DidNotHappen(
					f"After {PATIENCE} s still not seen: {what}.\n{self._state_of_the_branch()}"
				)
			time.sleep(SECONDS_BETWEEN_LOOKS)

	def at_the_branch(self, doctype: str, name: str) -> dict | None:
		"""The branch's document of this name."""
		try:
			return self.branch.get_doc(doctype, name)
		except RestError as error:
			if error.status == 404:
				return None
			raise

	def arrived(self, doctype: str, remote_name: str) -> dict | None:
		"""The branch's document that stands for the head office's one of this name."""
		filters = {"remote_docname": remote_name, "remote_site_name": self.office.url}
		found = self.branch.list(doctype, filters=filters)
		return self.at_the_branch(doctype, found[0]["name"]) if found else None

	def sync_logs(self, **filters) -> list[dict]:
		"""Rows of the branch's Event Sync Log, oldest first."""
		return self.branch.list(
			"Event Sync Log", fields=["*"], filters=filters, order_by="name asc", limit=5000
		)

	def _state_of_the_branch(self) -> str:
		lines = []
		for state in self.branch.list("Event Producer Last Update", fields=["*"]):
			lines.append(
				f"The branch's connection: {state['connection']}, {state['events_behind']} events behind, "
				f"last pull {state['last_pull']}. {state['last_error'] or ''}"
			)
		for row in self.sync_logs(status=["!=", "Synced"])[-5:]:
			error = (row["error"] or row["outcome"] or "").strip().splitlines()
			lines.append(
				f"{row['status']}: {row['remote_doctype']} {row['producer_doc']}: {error[0] if error else ''}"
			)
		lines.append(f"Logs of all processes: {self.branch_site.processes.logs}")
		return "\n".join(lines)


@contextlib.contextmanager
def two_sites(screen: Screen, with_desk: bool) -> Iterator[Sites]:
	"""Head office and branch, complete and in use, with nothing streamed between them yet."""
	with contextlib.ExitStack() as stack:
		with screen.setting_up(STEPS_OF_EVERY_SET_UP) as bar, bar:
			if with_desk:
				build_desk()
			cluster = stack.enter_context(open_cluster([OFFICE, BRANCH], engine=ENGINE, with_app=True))
			with step("Workers and schedulers"):
				for site in cluster.sites.values():
					site.start_worker()
					site.start_scheduler()
			with step("Users with API keys, DocTypes, and what both sites have already"):
				sites = Sites(*_prepare(cluster))
		yield sites


def _prepare(cluster: Cluster) -> list[Side]:
	"""Both sites at the same time."""
	with ThreadPoolExecutor(max_workers=2) as both:
		office = both.submit(_prepare_site, cluster.site(OFFICE), [ON_BOTH, AT_THE_OFFICE, OFFICE_HAS])
		branch = both.submit(
			_prepare_site, cluster.site(BRANCH), [ON_BOTH, AT_THE_BRANCH, MAPPINGS, BRANCH_HAS]
		)
		return [office.result(), branch.result()]


def _prepare_site(site: Site, documents: list[list[dict]]) -> Side:
	admin = site.rest()
	subscriber = make_subscriber(admin)
	make_all(admin, *documents)
	return Side(site, admin, subscriber)

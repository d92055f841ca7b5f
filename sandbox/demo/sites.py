"""The two sites of the demo as its steps use them: clients that call them, and waiting for what is to appear."""

import contextlib
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TypeVar

from sandbox.demo.company import BRANCH_HAS, MAPPINGS, OFFICE_HAS, make_all, make_subscriber
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

	name: str
	site: Site
	admin: RestClient
	subscriber: RestClient

	@property
	def url(self) -> str:
		return self.admin.url

	def find(self, doctype: str, name: str) -> dict | None:
		"""The site's document of this name."""
		try:
			return self.admin.get_doc(doctype, name)
		except RestError as error:
			if error.status == 404:
				return None
			raise

	def arrived(self, other: "Side", doctype: str, remote_name: str) -> dict | None:
		"""The document that stands for the other site's one of this name."""
		filters = {"remote_docname": remote_name, "remote_site_name": other.url}
		found = self.admin.list(doctype, filters=filters)
		return self.find(doctype, found[0]["name"]) if found else None

	def sync_logs(self, **filters) -> list[dict]:
		"""Rows of the site's Event Sync Log, oldest first."""
		return self.admin.list(
			"Event Sync Log", fields=["*"], filters=filters, order_by="name asc", limit=5000
		)

	def state(self) -> list[str]:
		"""How its connection and its open events are, a line each."""
		lines = []
		for state in self.admin.list("Event Producer Last Update", fields=["*"]):
			lines.append(
				f"The {self.name}'s connection: {state['connection']}, {state['events_behind']} events behind, "
				f"last pull {state['last_pull']}. {state['last_error'] or ''}"
			)
		for row in self.sync_logs(status=["!=", "Synced"])[-5:]:
			error = (row["error"] or row["outcome"] or "").strip().splitlines()
			lines.append(
				f"{self.name}: {row['status']}: {row['remote_doctype']} {row['producer_doc']}: "
				f"{error[0] if error else ''}"
			)
		return lines


@dataclass
class Sites:
	"""Both sides of the demo."""

	office: Side
	branch: Side

	def wait_for(self, what: str, look: Callable[[], Seen], patience: float = PATIENCE) -> Seen:
		"""The first true value of `look`. Says after so many seconds what was missing, and how both sites are."""
		deadline = time.monotonic() + patience
		while True:
			if seen := look():
				return seen
			if time.monotonic() > deadline:
				state = [*self.office.state(), *self.branch.state()]
				logs = f"Logs of all processes: {self.branch.site.processes.logs}"
				raise DidNotHappen(
					"\n".join([f"After {patience:.0f} s still not seen: {what}.", *state, logs])
				)
			time.sleep(SECONDS_BETWEEN_LOOKS)


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
			with step("Users with API keys, companies, and what both sites have already"):
				sites = Sites(*_prepare(cluster))
		yield sites


def _prepare(cluster: Cluster) -> list[Side]:
	"""Both sites at the same time."""
	with ThreadPoolExecutor(max_workers=2) as both:
		office = both.submit(_prepare_site, "head office", cluster.site(OFFICE), [OFFICE_HAS])
		branch = both.submit(_prepare_site, "branch", cluster.site(BRANCH), [MAPPINGS, BRANCH_HAS])
		return [office.result(), branch.result()]


def _prepare_site(name: str, site: Site, documents: list[list[dict]]) -> Side:
	admin = site.rest()
	subscriber = make_subscriber(admin)
	make_all(admin, *documents)
	return Side(name, site, admin, subscriber)

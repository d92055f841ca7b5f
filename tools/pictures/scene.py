"""A head office and three branches, complete sites that have been at work for a day.

What can be seen then: sales that came, a price that two sites have changed, an order whose name is taken, a branch that is
paused.
"""

import contextlib
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

from sandbox.demo.company import COMPANY, INVOICE, ITEM, ORDER, approve, make_all, make_subscriber, subscribe
from sandbox.demo.sites import Side
from sandbox.desk import build_desk
from sandbox.engine.monoframe import ENGINE
from sandbox.errors import SandboxError
from sandbox.progress import step
from sandbox.sites.cluster import Cluster, open_cluster
from sandbox.sites.site import Site
from tools.pictures import inside
from tools.pictures.company import (
	BRANCHES,
	CHIANG_MAI,
	CUSTOMERS,
	DOMAIN,
	ITEMS,
	KHON_KAEN,
	OFFICE,
	OFFICE_HAS,
	PEOPLE,
	PHUKET,
	SALES,
	THAI,
	TO_BRANCHES,
	TO_OFFICE,
)

PATIENCE_SECONDS = 90
PASSWORD = "not-a-secret-on-a-pictured-site"
CONFLICTED = "BEANS-1KG"
REPRICED, TAKEN = 24, 3


@dataclass
class Scene:
	"""The sites, and the names of documents that pictures show."""

	sides: dict[str, Side]
	shown: dict[str, str] = field(default_factory=dict)

	@property
	def office(self) -> Side:
		return self.sides[OFFICE]

	@property
	def branches(self) -> list[Side]:
		return [self.sides[name] for name in BRANCHES]

	def addresses(self) -> dict[str, str]:
		"""The address of each site here -> the one that a picture shows."""
		return {side.url.split("://")[1]: f"{name}.{DOMAIN}" for name, side in self.sides.items()}

	def wait_for(self, what: str, look: Callable[[], object]) -> object:
		"""The first true value of `look`."""
		until = time.monotonic() + PATIENCE_SECONDS
		while not (seen := look()):
			if time.monotonic() > until:
				raise SandboxError(f"Not seen within {PATIENCE_SECONDS} s: {what}. {self.state()}")
			time.sleep(0.1)
		return seen

	def state(self) -> str:
		return "\n".join(line for side in self.sides.values() for line in side.state())


@contextlib.contextmanager
def open_scene() -> Iterator[Scene]:
	"""The sites, after their day's work, for as long as this is open."""
	build_desk()
	with open_cluster([OFFICE, *BRANCHES], engine=ENGINE, with_app=True) as cluster:
		with step("Four sites, their users and what they have"):
			scene = Scene(_sides(cluster))
		with step("Connections and first copies"):
			_connect(scene)
		with step("A day's work"):
			_work(scene)
		yield scene


def _sides(cluster: Cluster) -> dict[str, Side]:
	for site in cluster.sites.values():
		site.start_worker()
		site.start_scheduler()
	with ThreadPoolExecutor(max_workers=2) as some:
		return dict(zip(cluster.sites, some.map(_side, cluster.sites.values()), strict=True))


def _side(site: Site) -> Side:
	admin = site.rest()
	subscriber = make_subscriber(admin)
	site.run(inside.forget_bundles)
	for email, name in PEOPLE.values():
		site.run(inside.make_person, email=email, name=name, password=PASSWORD)
	site.run(inside.translate, language="th", texts=THAI)
	# from here on everything is a person's doing
	person = site.rest(PEOPLE[site.name][0])
	if site.name == OFFICE:
		make_all(person, OFFICE_HAS)
	else:
		company, abbr = BRANCHES[site.name]
		make_all(person, [{"doctype": COMPANY, "company_name": company, "abbr": abbr}])
	return Side(site.name, site, person, subscriber)


def _connect(scene: Scene) -> None:
	for branch in scene.branches:
		for taker, giver, rows in ((branch, scene.office, TO_BRANCHES), (scene.office, branch, TO_OFFICE)):
			subscribe(taker.admin, giver.subscriber, rows)
			approve(giver.admin, taker.url)
			scene.wait_for("the approval", lambda taker=taker, giver=giver: _approved(taker, giver))
	for branch in scene.branches:
		scene.wait_for(f"the first copy of {branch.name}", lambda branch=branch: _copied(branch))


def _approved(taker: Side, giver: Side) -> bool:
	rows = taker.admin.get_doc("Event Producer", giver.url)["producer_doctypes"]
	return all(row["status"] == "Approved" for row in rows)


def _copied(branch: Side) -> bool:
	tasks = branch.admin.list("Event Streaming Task", fields=["status"])
	return (
		bool(tasks)
		and all(task["status"] == "Done" for task in tasks)
		and bool(branch.find(ITEM, CONFLICTED))
	)


def _work(scene: Scene) -> None:
	office = scene.office
	items = [(code, rate) for code, _name, _unit, rate in ITEMS]
	office.site.run(
		inside.reprice,
		number=REPRICED,
		by=PEOPLE[OFFICE][0],
		items=[row for row in items if row[0] != CONFLICTED],
		seed=5,
	)
	for number, branch in enumerate(scene.branches):
		selling = {"company": BRANCHES[branch.name][0], "customers": list(CUSTOMERS), "items": items}
		by = PEOPLE[branch.name][0]
		branch.site.run(inside.sell, number=SALES[branch.name], by=by, seed=number, **selling)
	total = sum(SALES.values())
	scene.wait_for(f"{total} invoices", lambda: _count(office, INVOICE) >= total)
	for branch in scene.branches:
		scene.wait_for("the prices", lambda branch=branch: _prices(branch) == _prices(office))
	for number, side in enumerate(scene.sides.values()):
		side.site.run(inside.spread_over_a_day, seed=number)
	_taken_names(scene)
	_verify(scene, office, scene.sides[CHIANG_MAI])
	_conflict(scene)
	_last_sales(scene)
	office.admin.update("Event Producer", scene.sides[PHUKET].url, {"paused": 1})


def _taken_names(scene: Scene) -> None:
	"""Both sites count their orders, and the head office has taken the first names."""
	office, branch = scene.office, scene.sides[KHON_KAEN]
	for side, company in ((office, OFFICE_HAS[0]["company_name"]), (branch, BRANCHES[KHON_KAEN][0])):
		for customer in CUSTOMERS[:TAKEN]:
			rows = [{"item": "DRIP-BOX", "qty": 20, "rate": 150}]
			side.admin.insert({"doctype": ORDER, "company": company, "customer": customer, "items": rows})
	scene.wait_for(
		"the orders whose names are taken", lambda: len(office.sync_logs(status="Failed")) >= TAKEN
	)


def _prices(side: Side) -> dict[str, float]:
	return {row["name"]: row["rate"] for row in side.admin.list(ITEM, fields=["name", "rate"])}


def _count(side: Side, doctype: str) -> int:
	return side.admin.method("frappe.client.get_count", doctype=doctype, filters={"docstatus": 1})


def _verify(scene: Scene, here: Side, there: Side) -> None:
	"""So that the connection's page says when both were compared."""
	task = here.admin.method("event_streaming.api.verify", event_producer=there.url)["task"]
	scene.wait_for(
		"the end of a verify", lambda: here.admin.get_doc("Event Streaming Task", task)["status"] == "Done"
	)


def _conflict(scene: Scene) -> None:
	"""Both change the price and the name of one item."""
	branch = scene.sides[CHIANG_MAI]
	branch.admin.update(ITEM, CONFLICTED, {"rate": 495, "item_name": "Doi Chang Beans 1 kg, Dark Roast"})
	scene.office.admin.update(
		ITEM, CONFLICTED, {"rate": 510, "item_name": "Doi Chang Beans 1 kg, Medium Roast"}
	)
	row = scene.wait_for("a conflict", lambda: branch.sync_logs(status="Conflict"))
	scene.shown["conflict"] = str(row[0]["name"])


def _last_sales(scene: Scene) -> None:
	"""One invoice a moment ago, for the pictures of a document and its way."""
	branch = scene.sides[CHIANG_MAI]
	rows = [{"item": "BEANS-1KG", "qty": 5, "rate": 480}, {"item": "FILTER-V60", "qty": 2, "rate": 120}]
	values = {
		"doctype": INVOICE,
		"company": BRANCHES[CHIANG_MAI][0],
		"customer": CUSTOMERS[0],
		"tax_rate": 7,
		"items": rows,
	}
	name = branch.admin.insert({**values, "docstatus": 1})["name"]
	here = scene.wait_for("the last invoice", lambda: scene.office.arrived(branch, INVOICE, name))
	scene.shown["invoice there"], scene.shown["invoice here"] = name, here["name"]

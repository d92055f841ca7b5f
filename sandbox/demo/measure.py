"""How fast it is on this machine: a burst of documents, and single saves.

What is measured is seen from outside: from the time that the branch has committed until the head office shows it,
and for single saves the other way round.
"""

import statistics
import time
from dataclasses import dataclass

from sandbox.demo.company import BRANCH, CAFE, INVOICE, ITEM
from sandbox.demo.sites import Sites

BURST = 100
ROWS = 3
SAVES = 15
PATIENCE_OF_BURST = 120


@dataclass
class Burst:
	"""Seconds count from the first commit at the branch."""

	documents: int
	saved_after: float
	arrived_after: float

	@property
	def documents_per_second(self) -> float:
		return self.documents / self.arrived_after


@dataclass
class Latency:
	"""Seconds from the head office's answer to a save until the branch shows it."""

	saves: int
	median: float
	slowest: float


def burst(sites: Sites) -> Burst:
	"""Many submitted invoices with rows, made one by one in a loop at the branch, each with its own commit."""
	before = count(sites)
	# inside the site, as 300 requests one after the other would measure the web server
	saving = sites.branch.site.start(save_invoices, number=BURST, rows=ROWS)
	first, last = saving.wait()
	sites.wait_for(f"{BURST} invoices", lambda: count(sites) >= before + BURST, PATIENCE_OF_BURST)
	arrived = time.time()
	return Burst(BURST, last - first, arrived - first)


def save_invoices(number: int, rows: int) -> list[float]:
	"""Runs at the branch. Gives the times of the first and the last commit."""
	import time

	import frappe

	times = []
	for each in range(number):
		items = [{"item": "BEANS", "qty": row + 1, "rate": 480 + each} for row in range(rows)]
		doc = frappe.get_doc({"doctype": INVOICE, "company": BRANCH, "customer": CAFE, "items": items})
		doc.docstatus = 1
		doc.insert()
		frappe.db.commit()
		times.append(time.time())
	return [times[0], times[-1]]


def count(sites: Sites) -> int:
	filters = {"company": BRANCH, "docstatus": 1}
	return sites.office.admin.method("frappe.client.get_count", doctype=INVOICE, filters=filters)


def latency(sites: Sites) -> Latency:
	"""Single saves over REST, each after the one before has arrived."""
	seconds = []
	for number in range(SAVES):
		name = f"Sugar {number}"
		sites.office.admin.update(ITEM, "SUGAR", {"item_name": name})
		saved = time.monotonic()
		sites.wait_for(f"the item's name {name}", lambda name=name: has_name(sites, name))
		seconds.append(time.monotonic() - saved)
	return Latency(SAVES, statistics.median(seconds), max(seconds))


def has_name(sites: Sites, name: str) -> bool:
	return sites.branch.admin.get_doc(ITEM, "SUGAR")["item_name"] == name

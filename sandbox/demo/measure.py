"""How fast it is on this machine: a burst of documents, and single saves.

What is measured is seen from outside: from the time that the head office has committed until the branch shows it.
"""

import statistics
import time
from dataclasses import dataclass

from sandbox.demo.company import INVOICE, ITEM
from sandbox.demo.sites import Sites

BURST = 300
ROWS = 3
SAVES = 15


@dataclass
class Burst:
	"""Seconds count from the first commit at the head office."""

	documents: int
	saved_after: float
	arrived_after: float

	@property
	def events_per_second(self) -> float:
		return self.documents / self.arrived_after


@dataclass
class Latency:
	"""Seconds from the head office's answer to a save until the branch shows it."""

	saves: int
	median: float
	slowest: float


def burst(sites: Sites) -> Burst:
	"""Many submitted invoices with rows, saved one by one in a loop at the head office, each with its own commit."""
	before = count(sites)
	# inside the site, as 300 requests one after the other would measure the web server
	times = sites.office_site.run(save_invoices, number=BURST, rows=ROWS)
	sites.wait_for(f"{BURST} invoices", lambda: count(sites) >= before + BURST)
	arrived = time.time()
	first, last = times
	return Burst(BURST, last - first, arrived - first)


def save_invoices(number: int, rows: int) -> list[float]:
	"""Runs at the head office. Gives the times of the first and the last commit."""
	import time

	import frappe

	times = []
	for each in range(number):
		items = [{"item": "BEANS", "qty": row + 1, "rate": 480} for row in range(rows)]
		doc = frappe.get_doc(
			{"doctype": INVOICE, "customer": "Doi Suthep Café", "total": 480 * each, "items": items}
		)
		doc.docstatus = 1
		doc.insert()
		frappe.db.commit()
		times.append(time.time())
	return [times[0], times[-1]]


def count(sites: Sites) -> int:
	return sites.branch.method("frappe.client.get_count", doctype=INVOICE)


def latency(sites: Sites) -> Latency:
	"""Single saves over REST, each after the one before has arrived."""
	seconds = []
	for number in range(SAVES):
		name = f"Sugar {number}"
		sites.office.update(ITEM, "SUGAR", {"item_name": name})
		saved = time.monotonic()
		sites.wait_for(f"the item's name {name}", lambda name=name: has_name(sites, name))
		seconds.append(time.monotonic() - saved)
	return Latency(SAVES, statistics.median(seconds), max(seconds))


def has_name(sites: Sites, name: str) -> bool:
	return sites.branch.get_doc(ITEM, "SUGAR")["item_name"] == name

"""`make demo`: a head office and a branch, two complete sites, and documents that go from the one to the other.

Ends with 0 only if both sites hold the same at the end. With KEEP=1 in the environment both stay up afterwards,
Desk included, until Ctrl-C.
"""

import os
import shlex
import signal
import sys
import time

from sandbox.demo import check
from sandbox.demo.broker import over_a_broker
from sandbox.demo.company import SUBSCRIBER
from sandbox.demo.disagreement import verify_and_repair
from sandbox.demo.measure import BURST, ROWS, burst, latency
from sandbox.demo.screen import Screen
from sandbox.demo.sites import Sites, two_sites
from sandbox.demo.story import tell
from sandbox.errors import SandboxError
from sandbox.sites.rest import RestClient
from sandbox.sites.template import ADMIN_PASSWORD

INTERRUPTED = 130
NEWEST_SYNC_LOG = "Event%20Sync%20Log?fields=[%22*%22]&order_by=creation%20desc&limit_page_length=1"
# of the differences
SHOWN = 20


def main() -> int:
	signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
	# also where a shell started us in its background
	signal.signal(signal.SIGINT, signal.default_int_handler)
	screen = Screen()
	try:
		return run(screen, keep=os.environ.get("KEEP", "") not in ("", "0"))
	except SandboxError as error:
		screen.plain()
		screen.failed(str(error))
		return 1
	except KeyboardInterrupt:
		screen.plain("\nStopped; both sites are gone.")
		return INTERRUPTED


def run(screen: Screen, keep: bool) -> int:
	screen.title(
		"Event Streaming: a head office and a branch",
		"Two complete Frappe sites: each has a web server, a worker and a scheduler, on a private MariaDB and Redis.",
	)
	began = time.monotonic()
	with two_sites(screen, with_desk=keep) as sites:
		for side in (sites.office, sites.branch):
			screen.seen(side.name, side.url)
		screen.note(f"Set up in {time.monotonic() - began:.0f} s.")
		own = check.read(sites.office.site), check.read(sites.branch.site)
		tell(sites, screen)
		if os.environ.get("NATS", "") not in ("", "0"):
			over_a_broker(sites, screen)
		show_sync_logs(sites, screen)
		show_speed(sites, screen)
		verify_and_repair(sites, screen)
		same = show_comparison(sites, own, screen)
		screen.note(f"All of it took {time.monotonic() - began:.0f} s.")
		if keep:
			show_how_to_go_on(sites, screen)
			wait_for_ctrl_c(screen)
	return 0 if same else 1


def show_sync_logs(sites: Sites, screen: Screen) -> None:
	screen.chapter("What Event Sync Log says of all this: a row for each event, with what became of it")
	for side, other in ((sites.branch, "head office"), (sites.office, "branch")):
		screen.plain()
		screen.table(
			("Rows", f"From the {other}", f"At the {side.name}", "Status", "Outcome"),
			grouped(side.sync_logs()),
		)


def grouped(logs: list[dict]) -> list[tuple]:
	"""Rows that say the same of documents of one DocType, counted, in the order of the first of each."""
	counts: dict[tuple, int] = {}
	for row in logs:
		what = (
			f"{row['update_type']} {row['remote_doctype']}",
			row["ref_doctype"],
			row["status"],
			row["outcome"] or "",
		)
		counts[what] = counts.get(what, 0) + 1
	return [(number, *what) for what, number in counts.items()]


def show_speed(sites: Sites, screen: Screen) -> None:
	screen.chapter("How fast it is here")
	done = burst(sites)
	screen.at(
		"branch",
		f"submits {BURST} invoices of {ROWS} rows in {done.saved_after:.1f} s, a commit each",
	)
	screen.seen("head office", f"has the last of them {done.arrived_after:.1f} s after the first commit")
	single = latency(sites)
	screen.plain()
	screen.table(
		("Figure", "", "How it was measured"),
		(
			(
				"Documents per second",
				f"{done.documents_per_second:.0f}",
				f"{done.documents} invoices with their ledger lines on both sites, from the first commit to the last arrival",
			),
			(
				"Latency, median",
				f"{single.median * 1000:.0f} ms",
				f"{single.saves} saves over REST, from the answer until the branch's REST API shows it",
			),
			("Latency, slowest", f"{single.slowest * 1000:.0f} ms", "of the same"),
			(
				"Processor cores",
				os.cpu_count(),
				f"for both sites, their servers and the demo; load now {os.getloadavg()[0]:.1f}",
			),
		),
	)


def show_comparison(sites: Sites, own: tuple[check.Documents, check.Documents], screen: Screen) -> bool:
	screen.chapter("Do both sites hold the same?")
	result = check.compare(sites, own)
	for side in (sites.office, sites.branch):
		for row in side.sync_logs(status=["!=", "Synced"]):
			result.differences.append(
				f"Event Sync Log {row['name']} of the {side.name} is {row['status']}: {row['error'] or row['outcome']}"
			)
	for difference in result.differences[:SHOWN]:
		screen.failed(difference)
	if result.differences:
		screen.plain(f"\nNo: {len(result.differences)} differences.")
		return False
	numbers = ", ".join(f"{doctype} {number}" for doctype, number in result.compared.items())
	screen.seen("same", f"{numbers}: {result.fields} values and {result.lines} ledger lines compared")
	screen.seen("untouched", "what each site had of its own before")
	screen.plain("\nYes: both sites hold the same.")
	return True


def show_how_to_go_on(sites: Sites, screen: Screen) -> None:
	office, branch = sites.office.subscriber, sites.branch.subscriber
	screen.title("Both sites stay up. Have a look:")
	for place, client in (("head office", office), ("branch", branch)):
		screen.plain(f"   {place:11}  {client.url}/app/event-streaming")
		screen.plain(f"                log in as Administrator / {ADMIN_PASSWORD}")
		screen.plain(f"                API key:secret of {SUBSCRIBER}: {keys(client)}\n")
	screen.plain(
		"Make an item at the head office, read it at the branch, and see what the branch logged last:\n"
	)
	doc = '{"item_code": "TEA", "item_name": "Tea", "unit": "Kg", "rate": 900}'
	screen.plain(curl(office, "/api/resource/Shop%20Item", "-H", "Content-Type: application/json", "-d", doc))
	screen.plain(curl(branch, "/api/resource/Shop%20Item/TEA"))
	screen.plain(curl(branch, f"/api/resource/{NEWEST_SYNC_LOG}", "--globoff"))
	screen.plain("\nCtrl-C ends both sites and removes their data.")


def keys(client: RestClient) -> str:
	return f"{client.api_key}:{client.api_secret}"


def curl(client: RestClient, path: str, *options: str) -> str:
	return shlex.join(["curl", "-s", "-u", keys(client), client.url + path, *options])


def wait_for_ctrl_c(screen: Screen) -> None:
	try:
		signal.pause()
	except KeyboardInterrupt:
		screen.plain("\nEnding both sites …")


if __name__ == "__main__":
	sys.exit(main())

"""What the chapters of the story share: waiting for a document and saying so, and refusing what must not be."""

import time
from collections.abc import Callable

from sandbox.demo.check import ledger_of
from sandbox.demo.screen import Screen
from sandbox.demo.sites import DidNotHappen, Side, Sites


def arrives(sites: Sites, screen: Screen, side: Side, what: str, look: Callable):
	"""Waits, and says how long it took from the other site's answer until it was seen."""
	began = time.monotonic()
	seen = sites.wait_for(f"the {side.name} {what}", look)
	screen.seen(side.name, f"{what}, {time.monotonic() - began:.1f} s later")
	return seen


def refuse(wrong: object, message: str) -> None:
	"""Ends the demo where something is so that must not be."""
	if wrong:
		raise DidNotHappen(message)


def is_submitted(doc: dict | None) -> dict | None:
	return doc if doc and doc["docstatus"] == 1 else None


def show_ledger(sites: Sites, screen: Screen, there: str, here: str) -> None:
	"""What a voucher of the branch has posted on both sites, line by line."""
	lines = ledger_of(sites.branch, there)
	sites.wait_for(f"the ledger lines of {there}", lambda: ledger_of(sites.office, here) == lines)
	debit = sum(line["debit"] for line in lines)
	screen.seen(
		sites.office.name,
		f"posted {len(lines)} ledger lines for {here} by its own code, {debit:,.2f} in debit: equal to the branch's",
	)

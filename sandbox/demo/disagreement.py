"""Chapters: both sites change the same field, and a person decides; Verify finds what was written past Frappe."""

import json

from sandbox.demo.company import ITEM
from sandbox.demo.screen import Screen
from sandbox.demo.sites import Side, Sites
from sandbox.demo.steps import arrives, refuse

SETTLE = "event_streaming.event_streaming.doctype.event_sync_log.event_sync_log.settle"
PAST_FRAPPE = "Sugar, brown"


def both_change_the_same_price(sites: Sites, screen: Screen) -> None:
	screen.chapter("A conflict: both sites change the same price, and a person decides")
	screen.note(
		"The branch's subscription to items says Ask. (The default is Producer Wins, which asks nobody.)"
	)
	office, branch = sites.office, sites.branch
	branch.admin.update(ITEM, "SUGAR", {"rate": 27})
	screen.at(branch.name, "changes the price of SUGAR from 25 to 27")
	office.admin.update(ITEM, "SUGAR", {"rate": 26})
	screen.at(office.name, "changes it to 26")
	row = arrives(
		sites,
		screen,
		branch,
		"has a row with the status Conflict in its Event Sync Log",
		lambda: (branch.sync_logs(status="Conflict") or [None])[0],
	)
	(conflict,) = json.loads(row["conflicts"])
	refuse(branch.find(ITEM, "SUGAR")["rate"] != 27, "The branch's price was overwritten.")
	screen.seen(
		branch.name,
		f"shows both values: {conflict['here']:g} here, {conflict['there']:g} there; until somebody decides, its own stays",
	)
	branch.admin.method(SETTLE, name=row["name"], choices={conflict["key"]: "there"})
	screen.at(branch.name, "picks the head office's (its administrator does, in that row)")
	arrives(sites, screen, branch, "has 26 as well", lambda: branch.find(ITEM, "SUGAR")["rate"] == 26)


def verify_and_repair(sites: Sites, screen: Screen) -> None:
	screen.chapter("Verify: both sites are compared by digests, and what differs is repaired")
	screen.note("SQL leaves no event behind. Verify finds what it changed, without moving the documents.")
	office, branch = sites.office, sites.branch
	office.site.run(write_past_frappe, doctype=ITEM, name="SUGAR", item_name=PAST_FRAPPE)
	screen.at(office.name, "changes the name of SUGAR by SQL, past the document life cycle")
	found = compare(sites, branch, office)
	refuse(found["differing"] != 1, f"Verify found {found['differing']} differences: {found['report']}")
	finding = json.loads(found["report"])["findings"][0]
	label, here, there = finding["fields"][0]
	screen.seen(
		branch.name,
		f"runs Verify: of {found['done']} documents 1 differs: {finding['local_name']}, {label}: “{here}” here, “{there}” there",
	)
	start(sites, branch, office, "repair")
	refuse(branch.find(ITEM, "SUGAR")["item_name"] != PAST_FRAPPE, "The repair did not repair it.")
	screen.seen(branch.name, f"runs Repair, and has “{PAST_FRAPPE}” as well")
	for here, there in ((branch, office), (office, branch)):
		found = compare(sites, here, there)
		refuse(found["differing"] or found["failed"], f"Verify found differences: {found['report']}")
		screen.seen(
			here.name, f"runs Verify: {found['done']} documents, none differs from the {there.name}'s"
		)


def write_past_frappe(doctype: str, name: str, **values) -> None:
	"""Runs inside a site."""
	import frappe

	frappe.db.set_value(doctype, name, values)


def compare(sites: Sites, here: Side, there: Side) -> dict:
	"""A verify on the one site, to its end."""
	return start(sites, here, there, "verify")


def start(sites: Sites, here: Side, there: Side, what: str) -> dict:
	"""A verify or repair on the one site, by its job, to its end; gives the task."""
	task = here.admin.method(f"event_streaming.api.{what}", event_producer=there.url)["task"]

	def ended() -> dict | None:
		doc = here.admin.get_doc("Event Streaming Task", task)
		return doc if doc["status"] in ("Done", "Failed", "Stopped") else None

	done = sites.wait_for(f"the end of the {here.name}'s {what}", ended)
	refuse(
		done["status"] != "Done",
		f"The {what} of the {here.name} ended as {done['status']}: {done.get('message')}",
	)
	return done

"""Uninstalling leaves the documents that were streamed and nothing of ours; the app can be installed again."""

import pytest
from streams import TICKET, find_name, insert, make_subscriber, pull, subscribe, with_orders

# Frappe 16 takes these away in a dry run too
NAVIGATION = ("tabDesktop Icon", "tabWorkspace Sidebar")
APP, MODULE = "event_streaming", "Event Streaming"


@pytest.fixture
def site(producer, third):
	"""A consumer and producer that has been at work."""
	with_orders(producer, third)
	subscribe(third, producer, TICKET, use_same_name=0)
	third.run(make_subscriber)
	yield third
	if APP not in third.run(installed_apps):
		third.run(install)


def installed_apps() -> list[str]:
	import frappe

	return frappe.get_installed_apps()


def install() -> None:
	from frappe.installer import install_app

	install_app("event_streaming")


def uninstall(dry_run: bool = False) -> None:
	from frappe.installer import remove_app

	remove_app("event_streaming", dry_run=dry_run, yes=True, no_backup=True)


def doctypes() -> list[str]:
	import frappe

	return frappe.get_all("DocType", {"module": MODULE}, pluck="name")


def traces(doctypes: list[str]) -> list[str]:
	"""Tables, columns, sequences and rows that are ours or name something of ours."""
	import frappe

	found = []
	columns: dict[str, list[str]] = {}
	for table, column, kind in frappe.db.sql(
		"""SELECT table_name, column_name, data_type FROM information_schema.columns
		WHERE table_schema = DATABASE()"""
	):
		if column in ("remote_docname", "remote_site_name") or table.removeprefix("tab") in doctypes:
			found.append(f"{table}.{column}")
		if kind in ("varchar", "text", "longtext", "mediumtext"):
			columns.setdefault(table, []).append(column)
	names = [*doctypes, MODULE]
	# Frappe's own record of what was deleted has the definitions, as of every app; of documents it must have none
	columns["tabDeleted Document"] = ["deleted_doctype"]
	for table, searched in columns.items():
		tests = " OR ".join(
			f"`{column}` IN %(names)s OR `{column}` LIKE '%%event_streaming.%%'" for column in searched
		)
		count = frappe.db.sql(f"SELECT COUNT(*) FROM `{table}` WHERE {tests}", {"names": names})[0][0]
		if count:
			found.append(f"{table}: {count} rows")
	return found


def test_nothing_of_ours_is_left_and_it_can_be_installed_again(producer, site):
	ticket = producer.run(insert, doctype=TICKET, title="streamed")
	pull(site, producer)
	local = site.run(find_name, doctype=TICKET, remote_docname=ticket)
	ours = site.run(doctypes)
	before = site.run(traces, doctypes=ours)

	site.run(uninstall, dry_run=True)
	gone = set(before) - set(site.run(traces, doctypes=ours))
	assert not {each for each in gone if not each.startswith(NAVIGATION)}

	site.run(uninstall)
	assert site.run(traces, doctypes=ours) == []
	assert site.run(find_name, doctype=TICKET, name=local) == local

	site.run(install)
	assert sorted(site.run(doctypes)) == sorted(ours)
	subscribe(site, producer, TICKET, use_same_name=0)
	again = producer.run(insert, doctype=TICKET, title="again")
	pull(site, producer)
	assert site.run(find_name, doctype=TICKET, remote_docname=again)

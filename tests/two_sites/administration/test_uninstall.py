"""What the app brings stays as it is with each migration. Uninstalling leaves the documents that were streamed and nothing
of ours; the app can be installed again."""

import pytest
from doctypes import TICKET, with_orders
from documents import delete, find_name, insert
from streams import make_subscriber, pull, subscribe

# Frappe 16 takes these away in a dry run too

pytestmark = pytest.mark.mariadb("the older app's tables are made in its words")

NAVIGATION = ("tabDesktop Icon", "tabWorkspace Sidebar")
APP, MODULE = "event_streaming", "Event Streaming"
# documents that the app installs, with the field by which they are found, and a start of that
BROUGHT = {
	"Number Card": "module",
	"Dashboard Chart": "module",
	"Dashboard Chart Source": "module",
	"Module Onboarding": "module",
	"Page": "module",
	"Workspace": "module",
	"Notification": "module",
	"Onboarding Step": "name",
	"List Filter": "reference_doctype",
	"Workspace Sidebar": "name",
	"Workspace Sidebar Item": "link_to",
}


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


def brought(found_by: dict) -> dict:
	"""DocType -> name -> when it was last modified."""
	import frappe

	return {
		doctype: {
			str(row.name): str(row.modified)
			for row in frappe.get_all(
				doctype,
				or_filters=[[field, "like", "Event Streaming%"], [field, "=", "Event Sync Log"]],
				fields=["name", "modified"],
				limit=0,
			)
		}
		for doctype, field in found_by.items()
		if frappe.db.exists("DocType", doctype)
	}


def sync_again() -> None:
	"""As a migration does with the files of an app, and its hook after that."""
	import frappe
	from frappe.model.sync import sync_for
	from frappe.utils.dashboard import sync_dashboards

	sync_for("event_streaming")
	sync_dashboards("event_streaming")
	for method in frappe.get_hooks("after_migrate", app_name="event_streaming"):
		frappe.get_attr(method)()


def complete_a_step() -> None:
	import frappe

	frappe.db.set_value("Onboarding Step", "Event Streaming Address", "is_complete", 1)


def step_is_complete() -> bool:
	import frappe

	return bool(frappe.db.get_value("Onboarding Step", "Event Streaming Address", "is_complete"))


def stands_under() -> list:
	"""On Frappe 16 the sidebars that lead to the workspace, on 15 the workspace that it is below."""
	import frappe

	if frappe.db.exists("DocType", "Workspace Sidebar"):
		links = {"link_to": "Event Streaming", "link_type": "Workspace"}
		return sorted(frappe.get_all("Workspace Sidebar Item", links, pluck="parent"))
	parent = frappe.db.get_value("Workspace", "Event Streaming", "parent_page")
	return ["Automation", "Event Streaming"] if parent else []


def role_and_who_has_it() -> list:
	import frappe

	tables = ("Has Role", "Custom DocPerm", "DocPerm")
	counts = [frappe.db.count(table, {"role": "Event Subscriber"}) for table in tables]
	return [frappe.db.get_value("Role", "Event Subscriber", "desk_access"), sum(counts)]


def give_the_role() -> None:
	import frappe

	frappe.get_doc("User", "stream@example.com").add_roles("Event Subscriber")


def test_what_the_app_brings_is_kept_by_migrations(site):
	site.run(complete_a_step)
	before = site.run(brought, found_by=BROUGHT)
	assert [doctype for doctype, documents in before.items() if not documents] == []

	for _time in range(2):
		site.run(sync_again)

	assert site.run(brought, found_by=BROUGHT) == before
	assert site.run(step_is_complete)
	assert site.run(stands_under) == ["Automation", "Event Streaming"]


def test_nothing_of_ours_is_left_and_it_can_be_installed_again(producer, site):
	ticket = producer.run(insert, doctype=TICKET, title="streamed")
	pull(site, producer)
	local = site.run(find_name, doctype=TICKET, remote_docname=ticket)
	ours = site.run(doctypes)
	site.run(give_the_role)
	there = site.run(role_and_who_has_it)
	assert there[0] == 0 and there[1] >= 2
	before = site.run(traces, doctypes=ours)

	site.run(uninstall, dry_run=True)
	gone = set(before) - set(site.run(traces, doctypes=ours))
	assert not {each for each in gone if not each.startswith(NAVIGATION)}

	site.run(uninstall)
	assert site.run(traces, doctypes=ours) == []
	assert site.run(role_and_who_has_it) == [None, 0]
	left = site.run(brought, found_by=BROUGHT)
	assert {doctype: list(documents) for doctype, documents in left.items() if documents} == {}
	assert site.run(find_name, doctype=TICKET, name=local) == local

	site.run(install)
	assert sorted(site.run(doctypes)) == sorted(ours)
	assert site.run(role_and_who_has_it) == [0, 1]
	assert site.run(brought, found_by=BROUGHT).keys() == left.keys()
	assert site.run(stands_under) == ["Automation", "Event Streaming"]
	# installed anew it is another site to the producer, which keeps the log for the one that is gone
	producer.run(delete, doctype="Event Consumer", name=site.url)
	subscribe(site, producer, TICKET, use_same_name=0)
	again = producer.run(insert, doctype=TICKET, title="again")
	pull(site, producer)
	assert site.run(find_name, doctype=TICKET, remote_docname=again)

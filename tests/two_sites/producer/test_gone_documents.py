"""Whole events of a document that is gone go to a user who provably might have read it; to others goes its deletion alone."""

import pytest
from doctypes import CITY, with_orders
from documents import delete, insert, unique
from streams import NOBODY_URL, SUBSCRIBER, make_event_consumer, make_subscriber

ROLE = "Event Subscriber"


@pytest.fixture
def site(producer):
	with_orders(producer)
	producer.run(make_subscriber)
	producer.run(make_event_consumer, url=NOBODY_URL, rows=[{"ref_doctype": CITY, "status": "Approved"}])
	yield producer
	producer.run(put_back)


def gone_city(site) -> str:
	city = site.run(insert, doctype=CITY, title=unique("city"))
	site.run(delete, doctype=CITY, name=city)
	return city


def read_events(hooks: dict | None = None, part: str = "docname") -> list[list]:
	"""A page for the subscriber, with such hooks of other apps: of each event its type, and a part."""
	import frappe

	from event_streaming.producer.feed import page

	original = frappe.get_hooks

	def with_hooks(hook=None, *arguments, **options):
		found = original(hook, *arguments, **options)
		return {**found, **hooks[hook]} if hooks and hook in hooks else found

	frappe.get_hooks = with_hooks
	frappe.set_user(SUBSCRIBER)
	try:
		answer = page.get_page(NOBODY_URL, 0)
		frappe.db.commit()
	finally:
		frappe.get_hooks = original
		frappe.set_user("Administrator")
	return [[event["update_type"], event[part]] for event in answer["events"]]


def put_back() -> None:
	import frappe

	frappe.db.delete("Custom DocPerm", {"parent": CITY})
	frappe.db.delete("DocShare", {"share_doctype": CITY})
	frappe.db.delete("User Permission", {"user": SUBSCRIBER})
	frappe.db.delete("Server Script", {"reference_doctype": CITY})
	user = frappe.get_doc("User", SUBSCRIBER)
	user.set("roles", [])
	user.add_roles("System Manager")
	frappe.clear_cache()


def only_with(**rights) -> None:
	"""The subscriber has the role alone, and the role such rights."""
	import frappe
	from frappe.permissions import setup_custom_perms

	user = frappe.get_doc("User", SUBSCRIBER)
	user.set("roles", [])
	user.add_roles(ROLE)
	setup_custom_perms(CITY)
	if rights:
		frappe.get_doc(
			{
				"doctype": "Custom DocPerm",
				"parent": CITY,
				"parenttype": "DocType",
				"parentfield": "permissions",
				"role": ROLE,
				**rights,
			}
		).insert()
	frappe.clear_cache()


def share_everything() -> None:
	"""One document is shared with it, by which Frappe says that it may read the DocType."""
	import frappe

	name = frappe.get_all(CITY, pluck="name", limit=1)[0]
	frappe.share.add(CITY, name, SUBSCRIBER, read=1)


def restrict_to_a_city() -> None:
	import frappe

	name = frappe.get_all(CITY, pluck="name", limit=1)[0]
	frappe.get_doc(
		{"doctype": "User Permission", "user": SUBSCRIBER, "allow": CITY, "for_value": name}
	).insert()


def query_script() -> None:
	import frappe

	frappe.get_doc(
		{
			"doctype": "Server Script",
			"name": "Only some cities",
			"script_type": "Permission Query",
			"reference_doctype": CITY,
			"script": "conditions = '1 = 1'",
		}
	).insert()
	frappe.clear_cache()


def test_who_may_read_all_gets_all(site):
	city = gone_city(site)

	assert site.run(read_events) == [["Create", city], ["Delete", city]]


def test_with_the_role_and_the_right_to_read_all_is_enough(site):
	site.run(only_with, read=1)
	city = gone_city(site)

	assert site.run(read_events) == [["Create", city], ["Delete", city]]


@pytest.mark.parametrize("restriction", [restrict_to_a_city, query_script], ids=lambda each: each.__name__)
def test_what_restricts_single_documents_leaves_the_deletion_alone(site, restriction):
	site.run(insert, doctype=CITY, title=unique("stays"))
	site.run(restriction)
	city = gone_city(site)

	assert [event for event in site.run(read_events) if event[1] == city] == [["Delete", city]]


def test_a_right_to_its_own_documents_leaves_the_deletion_alone(site):
	site.run(only_with, read=1, if_owner=1)
	city = gone_city(site)

	assert site.run(read_events) == [["Delete", city]]


def test_a_share_leaves_the_deletion_alone(site):
	site.run(insert, doctype=CITY, title=unique("shared"))
	site.run(only_with)
	site.run(share_everything)
	city = gone_city(site)

	assert [event for event in site.run(read_events) if event[1] == city] == [["Delete", city]]


def merge_cities(old: str, new: str) -> None:
	import frappe

	frappe.rename_doc(CITY, old, new, merge=True, show_alert=False, rebuild_search=False)


def test_a_deletion_that_ends_a_merge_names_the_other_document_only_to_who_may_read_all(site):
	old, new = (site.run(insert, doctype=CITY, title=unique(title)) for title in ("old", "new"))
	site.run(merge_cities, old=old, new=new)

	told = site.run(read_events, part="data_before")
	site.run(only_with, read=1, if_owner=1)
	told_alone = site.run(read_events, part="data_before")

	assert [new in before for update_type, before in told if update_type == "Delete"] == [True]
	assert [new in before for update_type, before in told_alone if update_type == "Delete"] == [False]


@pytest.mark.parametrize("hook", ["has_permission", "permission_query_conditions"])
@pytest.mark.parametrize("doctype", [CITY, "*"])
def test_what_another_app_asks_of_single_documents_leaves_the_deletion_alone(site, hook, doctype):
	city = gone_city(site)

	# a function that forbids nothing: that it may forbid is enough
	hooks = {hook: {doctype: ["frappe.utils.now" if hook == "has_permission" else "frappe.utils.cstr"]}}
	assert site.run(read_events, hooks=hooks) == [["Delete", city]]

"""The user of a consumer decides nothing about Event Consumers, whatever road it takes: REST, the Desk's own calls, Frappe's
generic functions, ours, an import, a restored document; and not where it is a System Manager either.
"""

import json

import pytest
import requests
from doctypes import CITY, ORDER, TICKET, with_orders
from documents import read_doc
from streams import KEYS, NOBODY_URL, SUBSCRIBER, make_event_consumer, make_subscriber

from sandbox.sites.rest import RestError

CONSUMER, ROWS = "Event Consumer", "Event Consumer Document Type"
OTHER_URL, OTHER_USER = "http://neighbour.example", "other-stream@example.com"
NEW_URL = "http://new.example"
OUR_FORM = "event_streaming.event_streaming.doctype.event_consumer.event_consumer"
ROLES = {"role": ["Event Subscriber"], "system manager": ["System Manager"]}
# what would be more than it was given, on the document
WANTED = {
	"paused": 0,
	"needs_copy": 0,
	"user": OTHER_USER,
	"api_key": "mine",
	"api_secret": "mine",
	"position": 99,
}


@pytest.fixture
def site(producer):
	with_orders(producer)
	producer.run(make_subscriber)
	producer.run(make_subscriber, user=OTHER_USER, keys=["roadskey", "roadssecret"])
	rows = [
		{"ref_doctype": CITY, "status": "Pending"},
		{"ref_doctype": ORDER, "status": "Approved", "condition": "doc.docstatus == 1"},
		{"ref_doctype": TICKET, "status": "Rejected"},
	]
	for url, user in ((NOBODY_URL, SUBSCRIBER), (OTHER_URL, OTHER_USER)):
		producer.run(make_event_consumer, url=url, rows=rows, user=user, paused=1, needs_copy=1, position=7)
	yield producer
	producer.run(set_roles, user=SUBSCRIBER, roles=["System Manager"])


def set_roles(user: str, roles: list) -> None:
	import frappe

	doc = frappe.get_doc("User", user)
	doc.set("roles", [])
	doc.add_roles(*roles)
	# what a test gives the user itself, not what came with it
	assert set(roles) <= set(frappe.get_roles(user))


def all_consumers() -> dict:
	"""Everything that is stored of every Event Consumer, secrets too."""
	import frappe
	from frappe.utils.password import get_decrypted_password

	found = {}
	for name in frappe.get_all(CONSUMER, pluck="name"):
		doc = frappe.get_doc(CONSUMER, name)
		values = {
			field: doc.get(field)
			for field in ("user", "api_key", "paused", "needs_copy", "position", "docstatus", "callback_url")
		}
		values["secret"] = get_decrypted_password(CONSUMER, name, "api_secret")
		values["rows"] = [
			[row.ref_doctype, row.status, row.condition, row.from_position] for row in doc.consumer_doctypes
		]
		found[name] = values
	return json.loads(json.dumps(found, default=str))


def refused_by_us() -> int:
	import frappe

	return frappe.db.count("Event Streaming Audit Log", {"user": SUBSCRIBER, "outcome": "Refused"})


class Neighbour:
	"""Somebody who has the keys of the consumer's user, and tries."""

	def __init__(self, site):
		self.site = site
		self.headers = {**site.rest(SUBSCRIBER).session.headers, "Content-Type": "application/json"}

	def call(self, verb: str, path: str, body: dict | None = None) -> int:
		answer = requests.request(
			verb, f"{self.site.url}/api/{path}", data=json.dumps(body or {}), headers=self.headers, timeout=60
		)
		return answer.status_code

	def method(self, path: str, **arguments) -> int:
		return self.call("POST", f"method/{path}", arguments)

	def document(self, name: str) -> dict:
		"""As a form has it."""
		return self.site.run(read_doc, doctype=CONSUMER, name=name)

	def row(self, name: str, doctype: str = CITY) -> str:
		return next(
			row["name"] for row in self.document(name)["consumer_doctypes"] if row["ref_doctype"] == doctype
		)

	def wishes(self, name: str) -> list[dict]:
		"""What it would have saved on the document, one after the other."""
		rows = self.document(name)["consumer_doctypes"]
		approved = [{**row, "status": "Approved"} for row in rows]
		return [
			*({field: value} for field, value in WANTED.items()),
			{"consumer_doctypes": approved},
			{"consumer_doctypes": [{"ref_doctype": CITY, "status": "Approved"}, *rows[1:]]},
			{"consumer_doctypes": [{**rows[0], "ref_doctype": "Note", "status": "Approved"}, *rows]},
			{
				"consumer_doctypes": [{**row, "from_position": 1, "status": row["status"]} for row in rows],
				"paused": 0,
			},
		]


def quoted(name: str) -> str:
	return requests.utils.quote(name, safe="")


# ---- the roads: each tries all it can on the Event Consumer `name`


def rest(me: Neighbour, name: str) -> None:
	for wish in me.wishes(name):
		me.call("PUT", f"resource/{quoted(CONSUMER)}/{quoted(name)}", wish)
		me.call("PUT", f"resource/{quoted(CONSUMER)}/{quoted(name)}", {**wish, "flags": {"from_consumer": 1}})


def rest_as_the_older_app(me: Neighbour, name: str) -> None:
	for wish in me.wishes(name):
		me.call(
			"PUT",
			f"resource/{quoted(CONSUMER)}/{quoted(name)}",
			{**me.document(name), **wish, "incoming_change": 1},
		)


def rest_2(me: Neighbour, name: str) -> None:
	for wish in me.wishes(name):
		for verb in ("PUT", "PATCH"):
			me.call(verb, f"v2/document/{quoted(CONSUMER)}/{quoted(name)}/", wish)


def rows_by_themselves(me: Neighbour, name: str) -> None:
	row = me.row(name)
	for base in ("resource", "v2/document"):
		for verb in ("PUT", "PATCH"):
			me.call(verb, f"{base}/{quoted(ROWS)}/{row}", {"status": "Approved"})
		me.call("DELETE", f"{base}/{quoted(ROWS)}/{row}")
		new = {
			"parent": name,
			"parenttype": CONSUMER,
			"parentfield": "consumer_doctypes",
			"ref_doctype": "Note",
		}
		me.call("POST", f"{base}/{quoted(ROWS)}", {"doctype": ROWS, "status": "Approved", **new})
	me.method("frappe.client.set_value", doctype=ROWS, name=row, fieldname="status", value="Approved")
	me.method("frappe.client.insert", doc={"doctype": ROWS, "status": "Approved", **new})
	me.method("run_doc_method", dt=ROWS, dn=row, method="discard")


def new_documents(me: Neighbour, name: str) -> None:
	new = {
		"doctype": CONSUMER,
		"callback_url": NEW_URL,
		"user": SUBSCRIBER,
		"api_key": "k",
		"api_secret": "s",
		"consumer_doctypes": [{"ref_doctype": CITY, "status": "Approved"}],
	}
	for doc in (new, {**new, "user": OTHER_USER}, {**new, "consumer_doctypes": [{"ref_doctype": CITY}]}):
		me.call("POST", f"resource/{quoted(CONSUMER)}", doc)
		me.call("POST", f"v2/document/{quoted(CONSUMER)}", doc)
		me.method("frappe.client.insert", doc=doc)
		me.method("frappe.client.insert_many", docs=json.dumps([doc]))
		me.method("frappe.desk.form.save.savedocs", doc=json.dumps({**doc, "__islocal": 1}), action="Save")


def frappe_client(me: Neighbour, name: str) -> None:
	for wish in me.wishes(name):
		me.method("frappe.client.set_value", doctype=CONSUMER, name=name, fieldname=wish)
		me.method("frappe.client.save", doc={**me.document(name), **wish, "doctype": CONSUMER})
		docs = json.dumps([{"doctype": CONSUMER, "docname": name, **wish}])
		me.method("frappe.client.bulk_update", docs=docs)


def the_desk(me: Neighbour, name: str) -> None:
	for wish in me.wishes(name):
		doc = json.dumps({**me.document(name), **wish, "doctype": CONSUMER}, default=str)
		me.method("frappe.desk.form.save.savedocs", doc=doc, action="Save")
		me.method(
			"frappe.desk.doctype.bulk_update.bulk_update.submit_cancel_or_update_docs",
			doctype=CONSUMER,
			docnames=json.dumps([name]),
			action="update",
			data=json.dumps(wish),
		)
	moved = json.dumps({"doctype": CONSUMER, "name": name, "paused": 0, "needs_copy": 0})
	fields = json.dumps({"start": "paused", "end": "needs_copy", "allDay": None})
	me.method("frappe.desk.calendar.update_event", args=moved, field_map=fields)
	me.method(
		"frappe.client.attach_file",
		doctype=CONSUMER,
		docname=name,
		docfield="api_key",
		filename="a.txt",
		filedata="a",
	)
	me.method("frappe.desk.form.save.discard", doctype=CONSUMER, name=name)


def methods_of_the_document(me: Neighbour, name: str) -> None:
	arguments = {
		"rename": {"name": NEW_URL, "force": 1},
		"discard": {},
		"submit": {},
		"cancel": {},
		"save": {},
	}
	for method, args in arguments.items():
		me.method("run_doc_method", dt=CONSUMER, dn=name, method=method, args=json.dumps(args))
		docs = json.dumps({**me.document(name), "doctype": CONSUMER, "paused": 0}, default=str)
		me.method("run_doc_method", docs=docs, method=method, args=json.dumps(args))
		me.call("POST", f"v2/document/{quoted(CONSUMER)}/{quoted(name)}/method/{method}", args)


def renaming(me: Neighbour, name: str) -> None:
	me.method("frappe.client.rename_doc", doctype=CONSUMER, old_name=name, new_name=NEW_URL)
	me.method("frappe.rename_doc", doctype=CONSUMER, old=name, new=NEW_URL, force=True)
	titles = {"doctype": CONSUMER, "docname": name, "title": NEW_URL, "name": NEW_URL}
	me.method("frappe.model.rename_doc.update_document_title", **titles)


def our_functions(me: Neighbour, name: str) -> None:
	me.method("event_streaming.api.approve", event_consumer=name)
	me.method("event_streaming.api.approve", event_consumer=name, doctypes=json.dumps([TICKET]))
	me.method("event_streaming.api.resume", event_consumer=name)
	me.method("event_streaming.api.pause", event_consumer=name)


def importing(me: Neighbour, name: str) -> None:
	me.site.run(import_as, user=SUBSCRIBER, name=name)


def import_as(user: str, name: str) -> None:
	"""As the background job of Data Import does it, in the name of whoever asked for it."""
	import frappe
	from frappe.core.doctype.data_import.importer import Importer

	frappe.set_user(user)
	content = f'ID,Paused,"ID (Event Consumer Document Types)","Approval Status (Event Consumer Document Types)"\n{name},0,,\n'
	try:
		data_import = frappe.get_doc(
			{
				"doctype": "Data Import",
				"reference_doctype": CONSUMER,
				"import_type": "Update Existing Records",
			}
		)
		data_import.flags.ignore_permissions = True
		data_import.flags.ignore_validate = True
		data_import.insert()
		file = frappe.get_doc({"doctype": "File", "file_name": "import.csv", "content": content})
		file.insert(ignore_permissions=True)
		data_import.db_set("import_file", file.file_url)
		Importer(CONSUMER, data_import=data_import).import_data()
	except Exception as error:
		frappe.db.rollback()
		print(type(error).__name__, error)
	finally:
		frappe.set_user("Administrator")


def deleting(me: Neighbour, name: str) -> None:
	"""Of another's; its own it may delete where its rights allow it."""
	if name == NOBODY_URL:
		return
	me.call("DELETE", f"resource/{quoted(CONSUMER)}/{quoted(name)}")
	me.call("DELETE", f"v2/document/{quoted(CONSUMER)}/{quoted(name)}/")
	me.method("frappe.client.delete", doctype=CONSUMER, name=name)
	me.method("frappe.desk.reportview.delete_items", doctype=CONSUMER, items=json.dumps([name]))


ROADS = [
	rest,
	rest_as_the_older_app,
	rest_2,
	rows_by_themselves,
	new_documents,
	frappe_client,
	the_desk,
	methods_of_the_document,
	renaming,
	our_functions,
	importing,
	deleting,
]
# on these it also says what it may: that it wants one more (which is Pending), or one less
MAY_WISH = (rest_as_the_older_app, rows_by_themselves)


@pytest.mark.parametrize("road", ROADS, ids=lambda road: road.__name__)
@pytest.mark.parametrize("roles", ROLES)
def test_no_road_leads_to_more_than_was_given(site, roles, road):
	site.run(set_roles, user=SUBSCRIBER, roles=ROLES[roles])
	before = site.run(all_consumers)
	me = Neighbour(site)

	for name in (NOBODY_URL, OTHER_URL):
		road(me, name)

	after = site.run(all_consumers)
	if road in MAY_WISH:
		after[NOBODY_URL]["rows"] = [row for row in after[NOBODY_URL]["rows"] if row[1] != "Pending"]
		before[NOBODY_URL]["rows"] = [
			row for row in before[NOBODY_URL]["rows"] if row in after[NOBODY_URL]["rows"]
		]
	assert after == before
	if roles == "system manager":
		# its rights would have let it: what refused it is ours, and it is known that it tried
		assert site.run(refused_by_us) > 0


def test_what_was_deleted_can_not_be_restored_with_its_approvals_only_registered_again(site):
	me = Neighbour(site)
	# other tests have deleted some too; one that had nothing approved may come back
	before = set(site.run(deleted_consumers))
	assert me.call("DELETE", f"resource/{quoted(CONSUMER)}/{quoted(NOBODY_URL)}") == 202

	mine = set(site.run(deleted_consumers)) - before
	assert mine
	for deleted in mine:
		me.method("frappe.core.doctype.deleted_document.deleted_document.restore", name=deleted)
		me.method(
			"frappe.core.doctype.deleted_document.deleted_document.bulk_restore",
			docnames=json.dumps([deleted]),
		)
	assert NOBODY_URL not in site.run(all_consumers)

	entries = [{"doctype": CITY, "status": "Approved"}, {"doctype": ORDER, "status": "Approved", "paused": 0}]
	data = {
		"event_consumer": NOBODY_URL,
		"consumer_doctypes": json.dumps(entries),
		"user": SUBSCRIBER,
		"api_key": KEYS[0],
		"api_secret": KEYS[1],
		"protocol": 2,
		"reachable": 0,
	}
	assert me.method(f"{OUR_FORM}.register_consumer", data=json.dumps(data)) == 200
	assert [row[:2] for row in site.run(all_consumers)[NOBODY_URL]["rows"]] == [
		[CITY, "Pending"],
		[ORDER, "Pending"],
	]


def deleted_consumers() -> list[str]:
	import frappe

	return frappe.get_all("Deleted Document", {"deleted_doctype": CONSUMER, "restored": 0}, pluck="name")


@pytest.mark.parametrize("roles", ROLES)
@pytest.mark.parametrize("older_app", [0, 1])
def test_it_may_say_what_it_wishes(site, roles, older_app):
	"""Want less, want it under another condition (which somebody has to look at), and want more (the same)."""
	site.run(set_roles, user=SUBSCRIBER, roles=ROLES[roles])
	client = site.rest(SUBSCRIBER)
	rows = [
		{"ref_doctype": CITY, "unsubscribed": 1},
		{"ref_doctype": ORDER, "condition": "doc.docstatus == 2"},
		{"ref_doctype": "Note"},
	]
	if older_app:
		rows = [{**row, "status": "Approved"} for row in rows]

	client.update(CONSUMER, NOBODY_URL, {"consumer_doctypes": rows, "incoming_change": older_app})

	doc = site.run(read_doc, doctype=CONSUMER, name=NOBODY_URL)
	stored = [[row["ref_doctype"], row["status"], row["unsubscribed"]] for row in doc["consumer_doctypes"]]
	assert stored == [[CITY, "Pending", 1], [ORDER, "Pending", 0], ["Note", "Pending", 0]]
	assert doc["paused"] == 1


def test_with_the_role_alone_it_sees_its_own_consumer_and_no_other(site):
	site.run(set_roles, user=SUBSCRIBER, roles=ROLES["role"])
	client = site.rest(SUBSCRIBER)

	assert client.list(CONSUMER) == [{"name": NOBODY_URL}]
	assert client.get_doc(CONSUMER, NOBODY_URL)["user"] == SUBSCRIBER
	with pytest.raises(RestError) as refused:
		client.get_doc(CONSUMER, OTHER_URL)
	assert refused.value.status == 403
	rows = client.method(
		"frappe.client.get_list", doctype=ROWS, parent=CONSUMER, fields=["parent"], limit_page_length=50
	)
	assert {row["parent"] for row in rows} == {NOBODY_URL}


def test_what_lists_are_asked_for_names_its_own_alone(site):
	"""Frappe 15 asks this hook for rows; the fork asks that of their documents."""
	site.run(set_roles, user=SUBSCRIBER, roles=ROLES["role"])

	assert site.run(listed_for, user=SUBSCRIBER) == [[NOBODY_URL], [NOBODY_URL]]
	assert site.run(listed_for, user="Administrator") == [sorted((NOBODY_URL, OTHER_URL))] * 2


def listed_for(user: str) -> list[list]:
	import frappe

	found = []
	for doctype, column in ((CONSUMER, "name"), (ROWS, "parent")):
		[hook] = frappe.get_hooks("permission_query_conditions")[doctype]
		condition = frappe.call(frappe.get_attr(hook), user, doctype=doctype) or "1 = 1"
		rows = frappe.db.sql(f"select distinct `{column}` from `tab{doctype}` where {condition}")
		found.append(sorted(name for (name,) in rows))
	return found


def test_a_role_that_somebody_else_gave_reads_as_ever(site):
	"""The rule for neighbours takes nothing from an auditor who was given the right by another role."""
	site.run(set_roles, user=OTHER_USER, roles=["System Manager", "Event Subscriber"])

	assert {row["name"] for row in site.rest(OTHER_USER).list(CONSUMER)} == {NOBODY_URL, OTHER_URL}


def test_another_system_manager_decides(site):
	site.run(make_decider, user="decider@example.com")
	client = site.rest("decider@example.com")

	assert client.method("event_streaming.api.approve", event_consumer=NOBODY_URL) == {CITY: "Approved"}
	assert client.method("event_streaming.api.resume", event_consumer=NOBODY_URL) is True
	client.update(CONSUMER, NOBODY_URL, {"needs_copy": 0, "user": OTHER_USER})

	stored = site.run(all_consumers)[NOBODY_URL]
	assert [stored[field] for field in ("paused", "needs_copy", "user")] == [0, 0, OTHER_USER]


def make_decider(user: str) -> None:
	import frappe

	if not frappe.db.exists("User", user):
		doc = frappe.get_doc(
			{"doctype": "User", "email": user, "first_name": "Decider", "send_welcome_email": 0}
		)
		doc.insert()
		doc.add_roles("System Manager")


def test_administrator_at_the_terminal_decides_also_about_its_own(site):
	"""Who is there looks after the machine; the same over REST is the other site."""
	site.run(make_event_consumer, url=NEW_URL, rows=[{"ref_doctype": CITY}], user="Administrator")

	with pytest.raises(RestError) as refused:
		site.rest().method("event_streaming.api.approve", event_consumer=NEW_URL)
	assert refused.value.status == 403
	done = site.command("event-streaming", "approve", NEW_URL, "--yes")
	assert done.returncode == 0, done.stderr
	assert site.run(all_consumers)[NEW_URL]["rows"][0][1] == "Approved"


@pytest.mark.parametrize(
	"endpoint", ["get_page", "get_documents", "describe", "count_documents", "site_facts"]
)
def test_a_user_that_has_lost_the_role_is_not_answered(site, endpoint):
	site.run(set_roles, user=SUBSCRIBER, roles=["Event Subscriber"])
	arguments = {
		"get_page": {"cursor": 0},
		"get_documents": {"documents": "[]"},
		"describe": {"doctypes": "[]"},
		"count_documents": {"doctype": ORDER},
		"site_facts": {},
	}[endpoint]
	if endpoint != "site_facts":
		arguments["event_consumer"] = NOBODY_URL
	me = Neighbour(site)
	with_role = me.method(f"event_streaming.endpoints.{endpoint}", **arguments)

	site.run(set_roles, user=SUBSCRIBER, roles=[])

	assert me.method(f"event_streaming.endpoints.{endpoint}", **arguments) == 403
	assert with_role in (200, 403) and (with_role == 200 or endpoint == "count_documents")

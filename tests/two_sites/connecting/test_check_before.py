"""Check before you begin: all that will not fit is found at once, and nothing of either site is changed by looking."""

import json

import pytest
from doctypes import CITY, field, make_doctype, remove_custom_fields, with_orders
from documents import delete, insert, read_doc, read_rows
from streams import SUBSCRIBER, decide, make_event_producer, make_subscriber

from tests.database.dialects import checksums, columns, next_numbers, tables

# differs on both sites; goes through a mapping; not there any more
SHEET, PLACE, ONLY_HERE = "Checked Sheet", "Checked Place", "Checked Only Here"
# of another kind there; made by other documents; not to be read there; each site takes it from the other
FORM, BOARD, SHUT, TOWN = "Checked Form", "Checked Board", "Checked Shut", "Checked Town"
WORKFLOW = "Checked workflow"
MAPPING, VALUE_MAP = "Checked places", "Checked regions"
BOOKS = "the books are closed"
MISDEEDS = (
	"commits",
	"commits by sql",
	"hides a commit",
	"adds a column",
	"rolls back",
	"leaves traces",
	"calls another site",
	"mails at once",
)


# severity, kind, DocType, button; and what each finding says
FOUND = [
	("Stops", "fields", ONLY_HERE, ""),
	("Stops", "value map", PLACE, "Add to Value Map"),
	("Stops", "names", SHEET, "Set Match By"),
	("Stops", "trial", SHEET, ""),
	("Stops", "trial", SHEET, ""),
	("May Hurt", "rights", PLACE, "Give the Rights"),
	("May Hurt", "fields", SHEET, ""),
	("May Hurt", "fields", SHEET, "Add the Options"),
	("May Hurt", "fields", SHEET, "Create the Fields Here"),
	("May Hurt", "naming series", SHEET, ""),
	("May Hurt", "links", SHEET, "Fields This Site Decides"),
	("May Hurt", "trial", SHEET, ""),
	("May Hurt", "trial", SHEET, ""),
	("May Hurt", "trial", SHEET, ""),
	("May Hurt", "trial", SHEET, ""),
	("Note", "trial", PLACE, ""),
	("Note", "trial", SHEET, ""),
	("Note", "approval", CITY, ""),
]
WORDS = [
	"there has no DocType",
	"2 values of Checked Place have no entry in the value map Checked regions: east, south",
	"names already (3): CHK-00001, CHK-00002, CHK-00003",
	"2 of the first 15 documents of Checked Sheet fail: ",
	"has rolled back while",
	"no right here to delete",
	"are mandatory here and may be empty there: grade",
	"kind (Squared)",
	"lacks fields here: paper",
	"format:CHK-{#####}",
	"user_group of Checked Sheet links to Role",
	"could not be tried: ",
	"could not be tried: ",
	"could not be tried: ",
	"in the middle of documents of Checked Sheet: COMMIT.",
	"Tested without errors: 2 of the first 4",
	"Tested without errors: 4 of the first 15 documents of Checked Sheet",
	"not approved yet",
]


def make_doctypes(here: bool) -> None:
	make_doctype(
		SHEET,
		[
			field("title"),
			field("kind", "Select", options="Plain\nLined" if here else "Plain\nLined\nSquared"),
			field("code", unique=1),
			*([field("grade", reqd=1)] if here else [field("paper")]),
			field("user_group", "Link", options="Role"),
		],
		autoname="format:CHK-{#####}",
	)
	make_doctype(PLACE, [field("title"), field("region")], autoname="hash")
	make_doctype(ONLY_HERE, [field("title")])


def make_mapping() -> None:
	import frappe

	if frappe.db.exists("Document Type Mapping", MAPPING):
		return
	pairs = [{"remote_value": "north", "local_value": "N"}]
	frappe.get_doc(
		{
			"doctype": "Document Type Value Map",
			"value_map_name": VALUE_MAP,
			"other_values": "Fail",
			"pairs": pairs,
		}
	).insert()
	rows = [
		{"local_fieldname": "title", "remote_fieldname": "title"},
		{"local_fieldname": "region", "remote_fieldname": "region", "value_map": VALUE_MAP},
	]
	frappe.get_doc(
		{
			"doctype": "Document Type Mapping",
			"mapping_name": MAPPING,
			"local_doctype": PLACE,
			"remote_doctype": PLACE,
			"field_mapping": rows,
		}
	).insert()


def make_documents(here: bool) -> None:
	"""Three sheets with the same names on both sites; on the producer more, and places."""
	import frappe

	for doctype in (SHEET, PLACE):
		frappe.db.delete(doctype)
	for number, title in enumerate(["first", "second", "third"]):
		values = {"grade": "A"} if here else {"kind": "Squared"}
		doc = frappe.get_doc({"doctype": SHEET, "title": title, "code": f"C{number}{int(here)}", **values})
		doc.insert(set_name=f"CHK-0000{number + 1}")
	if here:
		return
	for number, title in enumerate([*MISDEEDS, "throws", "throws too", "fits", "fits too"]):
		doc = frappe.get_doc({"doctype": SHEET, "title": title, "code": f"M{number}", "kind": "Plain"})
		doc.insert(set_name=f"CHK-1{number:04}")
	for region in ("north", "south", "east", ""):
		frappe.get_doc({"doctype": PLACE, "title": region or "none", "region": region}).insert()


def make_unlike_doctypes(here: bool) -> None:
	import frappe

	long, number, link = ("Data", "Int", "User") if here else ("Long Text", "Data", "Role")
	make_doctype(
		FORM,
		[
			field("title"),
			field("remark", long),
			field("amount", number),
			field("person", "Link", options=link),
			field("code", unique=int(here)),
			field("stage"),
		],
		is_submittable=int(not here),
	)
	make_doctype(BOARD, [field("title")], in_create=1)
	make_doctype(SHUT, [field("title")])
	make_doctype(TOWN, [field("title")], autoname="field:title")
	frappe.db.set_value("DocPerm", {"parent": BOARD}, "create", 0)
	frappe.clear_cache(doctype=BOARD)
	frappe.db.commit()


def make_workflow() -> None:
	import frappe

	for state in ("Draft", "Done"):
		if not frappe.db.exists("Workflow State", state):
			frappe.get_doc({"doctype": "Workflow State", "workflow_state_name": state}).insert()
	states = [
		{"state": state, "doc_status": "0", "allow_edit": "System Manager"} for state in ("Draft", "Done")
	]
	frappe.get_doc(
		{
			"doctype": "Workflow",
			"workflow_name": WORKFLOW,
			"document_type": FORM,
			"is_active": 1,
			"workflow_state_field": "stage",
			"states": states,
			"transitions": [],
		}
	).insert()


def let_read_only(doctype: str, name: str, user: str) -> None:
	import frappe

	values = {"doctype": "User Permission", "user": user, "allow": doctype, "for_value": name}
	frappe.get_doc(values).insert()


def let_read_all(user: str) -> None:
	import frappe

	for name in frappe.get_all("User Permission", {"user": user}, pluck="name"):
		frappe.delete_doc("User Permission", name)


def take_away_rights(doctype: str, right: str) -> None:
	import frappe

	frappe.db.set_value("DocPerm", {"parent": doctype, "role": "System Manager"}, right, 0)
	frappe.clear_cache(doctype=doctype)


def commit() -> None:
	import frappe

	frappe.db.commit()


def commit_by_sql() -> None:
	import frappe

	frappe.db.sql("COMMIT")


def hide_a_commit() -> None:
	import frappe

	try:
		frappe.db.commit()
	except Exception:
		frappe.clear_messages()


def add_a_column() -> None:
	import frappe

	frappe.db.sql_ddl(f"alter table `tab{SHEET}` add column `left_behind` varchar(10)")


def roll_back() -> None:
	import frappe

	frappe.db.rollback()


def leave_traces() -> None:
	"""In every place that a rollback does not reach."""
	import frappe
	from frappe.model.naming import make_autoname
	from frappe.utils.file_manager import save_file

	frappe.get_doc({"doctype": "Note", "title": "left behind"}).insert(ignore_permissions=True)
	frappe.get_doc(
		{"doctype": "File", "file_name": "left-behind.txt", "content": "left behind", "is_private": 1}
	).insert(ignore_permissions=True)
	save_file("left-behind-too.txt", b"left behind, too", "User", "Administrator")
	for each in frappe.get_all("File", {"file_name": "kept.txt"}, pluck="name"):
		frappe.delete_doc("File", each, ignore_permissions=True)
	make_autoname("LEFT-.#####")
	frappe.enqueue("frappe.ping", queue="short")
	frappe.enqueue("frappe.ping", queue="short", enqueue_after_commit=True)
	frappe.publish_realtime("left_behind", {"left": "behind"}, user="Administrator")
	frappe.cache.set_value("left_behind", 1)


def call_another_site() -> None:
	import requests

	requests.get("http://127.0.0.1:9/left-behind", timeout=1)


def mail_at_once() -> None:
	import smtplib

	smtplib.SMTP("127.0.0.1", 9, timeout=1)


def misbehave(doc) -> None:
	import frappe

	if doc.doctype != SHEET:
		return
	doc.grade = doc.grade or "B"
	misdeeds = {
		"commits": commit,
		"commits by sql": commit_by_sql,
		"hides a commit": hide_a_commit,
		"adds a column": add_a_column,
		"rolls back": roll_back,
		"leaves traces": leave_traces,
		"calls another site": call_another_site,
		"mails at once": mail_at_once,
	}
	if doc.title in misdeeds:
		misdeeds[doc.title]()
	if str(doc.title).startswith("throws"):
		frappe.throw(BOOKS)


def check_now(event_producer: str, doctypes: list | None = None, misdeeds: bool = False) -> dict:
	"""A check to its end, here and now, as the command does it."""
	import frappe
	from frappe.model.document import Document

	from event_streaming.consumer.checking import checker
	from event_streaming.consumer.long_work.runner import run_slice
	from event_streaming.consumer.tasks import task

	name = checker.begin(event_producer, doctypes).name
	frappe.db.commit()
	if misdeeds:
		Document.before_validate = misbehave
	try:
		while (done := run_slice(name)).more:
			pass
	finally:
		if misdeeds:
			del Document.before_validate
	return json.loads(json.dumps({**task.as_progress(done.task), "report": done.task.report}, default=str))


def state_of_site() -> dict:
	"""Every table but that of tasks by its checksum, sequences, columns, jobs, files, and what the cache has of our traces."""
	import os

	import frappe
	from frappe.utils.background_jobs import get_queue

	frappe.db.commit()
	ours = {"tabEvent Streaming Task", "tabEvent Streaming Audit Log", "tabSessions", "tabUser"}
	numbers = next_numbers()
	state = checksums([name for name in tables() if name not in ours | numbers.keys()])
	state.update({f"sequence {name}": number for name, number in numbers.items()})
	state["columns"] = len(columns())
	state["jobs"] = {queue: get_queue(queue).count for queue in ("short", "default", "long")}
	state["files"] = sorted(
		os.path.join(folder, name)
		for top in (frappe.get_site_path("public", "files"), frappe.get_site_path("private", "files"))
		for folder, _folders, names in os.walk(top)
		for name in names
	)
	state["cache"] = frappe.cache.get_value("left_behind")
	return json.loads(json.dumps(state))


@pytest.fixture
def faults(producer, consumer) -> str:
	"""Two sites between which much does not fit; all but cities are approved. Returns the Event Producer."""
	with_orders(producer, consumer)
	for site, here in ((producer, False), (consumer, True)):
		site.run(make_doctypes, here=here)
		site.run(make_documents, here=here)
		site.run(make_subscriber)
	consumer.run(make_mapping)
	consumer.run(take_away_rights, doctype=PLACE, right="delete")
	consumer.run(insert, doctype="File", file_name="kept.txt", content="kept")
	rows = [
		{"ref_doctype": SHEET, "use_same_name": 1},
		{"ref_doctype": PLACE, "has_mapping": 1, "mapping": MAPPING},
		{"ref_doctype": CITY, "use_same_name": 1},
		{"ref_doctype": ONLY_HERE, "use_same_name": 1},
	]
	name = consumer.run(make_event_producer, url=producer.url, rows=rows)
	producer.run(decide, consumer_url=consumer.url, doctypes=[SHEET, PLACE])
	producer.run(delete, doctype="DocType", name=ONLY_HERE)
	return name


def test_all_that_will_not_fit_is_found_and_both_sites_stay_as_they_were(producer, consumer, faults):
	before = producer.run(state_of_site), consumer.run(state_of_site)

	done = consumer.run(check_now, event_producer=faults, misdeeds=True)

	assert (done["status"], done["message"]) == ("Done", "")
	after = producer.run(state_of_site), consumer.run(state_of_site)
	for then, now in zip(before, after, strict=True):
		assert {key: (then.get(key), now[key]) for key in now if then.get(key) != now[key]} == {}
	report = done["report"]
	found = [(each["severity"], each["kind"], each["doctype"], each["action"]) for each in report["findings"]]
	assert found == FOUND
	said = [each["what"].replace(producer.url, "there") for each in report["findings"]]
	for words, text in zip(WORDS, said, strict=True):
		assert words in text
	amounts = {each["doctype"]: each["documents"] for each in report["amounts"]}
	# other tests leave cities
	assert {**amounts, CITY: 0} == {SHEET: 15, PLACE: 4, CITY: 0}
	assert report["amounts"][0]["megabytes"] > 0
	assert (done["failed"], done["differing"]) == (5, 15)


def mend_all(task: str) -> list:
	"""Press every button."""
	import frappe

	from event_streaming.api import mend_finding

	answers = {"Give the Rights": {"role": "System Manager"}, "Add to Value Map": {"south": "S", "east": "E"}}
	report = frappe.parse_json(frappe.db.get_value("Event Streaming Task", task, "report"))
	return [
		mend_finding(task, number, answers.get(each["action"]))
		for number, each in enumerate(report["findings"])
		if each["action"]
	]


def has_field(doctype: str, fieldname: str) -> bool:
	import frappe

	return frappe.get_meta(doctype).has_field(fieldname)


def press(task: str, number: int) -> str:
	"""A button that is not there, or was pressed already; returns what is said."""
	import frappe

	from event_streaming.api import mend_finding

	try:
		mend_finding(task, number)
	except frappe.ValidationError as error:
		return str(error)
	return ""


def test_the_buttons_mend_what_they_say_and_only_once(producer, consumer, faults):
	task = consumer.run(check_now, event_producer=faults, doctypes=[SHEET, PLACE])["task"]

	done = consumer.run(mend_all, task=task)

	assert len(done) == 6
	assert "can't be fixed with a button" in consumer.run(press, task=task, number=-1)
	assert "done already" in consumer.run(press, task=task, number=0)
	rows = {
		row["ref_doctype"]: row
		for row in consumer.run(read_doc, doctype="Event Producer", name=faults)["producer_doctypes"]
	}
	assert rows[SHEET]["match_by"] == "name"
	assert rows[SHEET]["fields_this_site_decides"] == "user_group"
	pairs = consumer.run(read_doc, doctype="Document Type Value Map", name=VALUE_MAP)["pairs"]
	assert {row["remote_value"]: row["local_value"] for row in pairs} == {
		"north": "N",
		"south": "S",
		"east": "E",
	}
	audit = {"decision": "Finding Mended", "reference_name": faults}
	assert len(consumer.run(read_rows, doctype="Event Streaming Audit Log", filters=audit)) == 6
	assert consumer.run(has_field, doctype=SHEET, fieldname="paper")
	again = consumer.command(
		"event-streaming", "check", producer.url, "--doctype", SHEET, "--doctype", PLACE, "--json"
	)
	left = json.loads(again.stdout)["report"]["findings"]
	assert not [each["action"] for each in left if each["action"]]
	assert any("Checked Sheet: on both sites already (3)" in each["what"] for each in left)
	assert again.returncode == 3
	consumer.run(remove_custom_fields, doctype=SHEET, names=["paper"])


# severity, kind, DocType, button, words
UNLIKE = [
	("Stops", "fields", FORM, "", "another kind of DocType there: submittable"),
	("May Hurt", "fields", FORM, "", "of another type here: amount (Data → Int)"),
	("May Hurt", "fields", FORM, "", "link to another DocType here: person (Role → User)"),
	("May Hurt", "fields", FORM, "", "are shorter here: remark (Long Text → Data)"),
	("May Hurt", "fields", FORM, "", "unique here and not there: code"),
	("May Hurt", "workflow", FORM, "", "does not know these states here: Unheard Of"),
	("Note", "workflow", FORM, "", f"workflow {WORKFLOW} is active here"),
	("May Hurt", "made by others", BOARD, "Unsubscribe", "made by other documents"),
	("Stops", "rights", SHUT, "", "may not read Checked Shut"),
	("Stops", "rights", TOWN, "", "has no right to delete Checked Town"),
	("May Hurt", "rights", TOWN, "", "may read only some documents of Checked Town"),
]


def test_kinds_workflows_and_rights_there_are_found_and_the_terminal_mends_what_it_shows(producer, consumer):
	for site, here in ((producer, False), (consumer, True)):
		site.run(make_unlike_doctypes, here=here)
		site.run(make_subscriber)
	consumer.run(make_workflow)
	producer.run(insert, doctype=FORM, title="one", stage="Unheard Of")
	producer.run(insert, doctype=TOWN, title="one")
	rows = [{"ref_doctype": each, "use_same_name": 1} for each in (FORM, BOARD, SHUT, TOWN)]
	name = consumer.run(make_event_producer, url=producer.url, rows=rows)
	producer.run(decide, consumer_url=consumer.url)
	# the other way round
	producer.run(make_event_producer, url=consumer.url, rows=[{"ref_doctype": TOWN, "use_same_name": 1}])
	consumer.run(decide, consumer_url=producer.url)
	producer.run(take_away_rights, doctype=SHUT, right="read")
	producer.run(take_away_rights, doctype=TOWN, right="delete")
	producer.run(let_read_only, doctype=TOWN, name="one", user=SUBSCRIBER)
	try:
		checked = consumer.command("event-streaming", "check", producer.url)
	finally:
		# it would bound what the subscriber may read in every test that follows
		producer.run(let_read_all, user=SUBSCRIBER)
	report = consumer.run(report_of_last_check, event_producer=name)

	found = [
		(each["severity"], each["kind"], each["doctype"], each["action"], each["what"]) for each in report
	]
	for severity, kind, doctype, action, words in UNLIKE:
		assert any(each[:4] == (severity, kind, doctype, action) and words in each[4] for each in found), (
			words,
			found,
		)
	number = next(n for n, each in enumerate(report, start=1) if each["action"] == "Unsubscribe")
	assert f"Unsubscribe: --fix {number}" in checked.stdout

	command = ("event-streaming", "check", producer.url, "--fix", str(number))
	unasked = consumer.command(*command)
	assert unasked.returncode == 2 and "give --yes" in unasked.stderr
	assert not is_unsubscribed(consumer, name, BOARD)
	done = consumer.command(*command, "--yes")
	assert done.returncode == 0 and f"Unsubscribe from {BOARD}." in done.stdout, done.stdout + done.stderr
	assert is_unsubscribed(consumer, name, BOARD)
	again = consumer.command(*command, "--yes")
	assert again.returncode == 1 and "done already" in again.stderr


def is_unsubscribed(consumer, name: str, doctype: str) -> bool:
	rows = consumer.run(read_doc, doctype="Event Producer", name=name)["producer_doctypes"]
	return bool(next(row for row in rows if row["ref_doctype"] == doctype)["unsubscribe"])


def report_of_last_check(event_producer: str) -> list:
	from event_streaming.consumer.tasks import task

	return task.latest(event_producer, task.CHECK).report["findings"]

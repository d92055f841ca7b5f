"""Two sites are connected with one code: invited here, joined there; and every code that is refused."""

import csv
import io
import json
from urllib.parse import quote

import pytest
import requests
from doctypes import CITY, ORDER, with_orders
from documents import delete, insert, read_doc, read_rows, unique
from streams import SUBSCRIBER, pull, subscribe, wait_for

from event_streaming.wire.invitations import Code, decode, encode
from tests.database.dialects import tables

API = "event_streaming.api"
INVITATION = "Event Streaming Invitation"


@pytest.fixture(autouse=True)
def the_orders(producer, consumer, orders):
	yield
	for site in (producer, consumer):
		site.run(forget_users_and_rights)


def forget_users_and_rights() -> None:
	import frappe

	# Frappe 15 lets no user go where Administrator would be the only System Manager that is left
	frappe.db.set_value("Role", "System Manager", "disabled", 1)
	for user in frappe.get_all("User", {"name": ["like", "stream-%@event-streaming.invalid"]}, pluck="name"):
		# who is in use, by what a request does after its answer, is waited for: deleting does not
		frappe.db.get_value("User", user, "name", for_update=True)
		frappe.delete_doc("User", user, force=True)
	frappe.db.set_value("Role", "System Manager", "disabled", 0)
	for role in frappe.get_all("Role", {"name": ["like", "Event Streaming %s %"]}, pluck="name"):
		# the first of its own rules has made copies of the DocType's: without them, those count again
		for doctype in frappe.get_all("Custom DocPerm", {"role": role}, pluck="parent"):
			frappe.db.delete("Custom DocPerm", {"parent": doctype})
		frappe.delete_doc("Role", role, force=True)
	# a site that was connected before keeps its user, who gets the role
	if frappe.db.exists("User", SUBSCRIBER):
		frappe.get_doc("User", SUBSCRIBER).remove_roles("Event Subscriber")
	frappe.clear_cache()


def run(site, *words: str):
	return site.command("event-streaming", *words)


def invite(site, *doctypes: str, **values) -> dict:
	return site.rest().method(f"{API}.invite", doctypes=list(doctypes) or None, **values)


def join(site, code: str) -> dict:
	return site.rest().method(f"{API}.join", code=code)


def refused(site, code: str, method: str = "join") -> str:
	"""What the administrator is told."""
	answer = site.rest().session.post(
		f"{site.url}/api/method/{API}.{method}", json={"code": code}, timeout=60
	)
	assert answer.status_code == 417, answer.text
	return answer.json()["_server_messages"]


def refusals(site) -> list[tuple]:
	rows = site.run(
		read_rows, doctype="Event Streaming Audit Log", filters={"decision": "Invitation Refused"}
	)
	return [
		(row["reference_name"], json.loads(row["values_after"])["reason"], row["outcome"]) for row in rows
	]


def roles_of(user: str) -> list[str]:
	import frappe

	return sorted(frappe.get_all("Has Role", {"parent": user, "parenttype": "User"}, pluck="role"))


def everything(secret: str) -> list[str]:
	"""Tables in which a secret can be read."""
	import frappe
	from frappe.deferred_insert import save_to_db

	save_to_db()
	return [table for table in tables() if secret in repr(frappe.db.sql(f"select * from `{table}`"))]


def test_a_site_joins_with_a_code_and_gets_what_the_invitation_says_and_no_more(producer, consumer):
	before = producer.run(insert, doctype=CITY, title=unique("Before"), country_name="Thailand")
	consumer.start_worker()

	invited = run(
		producer,
		"invite",
		"--doctype",
		CITY,
		"--site",
		"Shop 7",
		"--address",
		consumer.url,
		"--expires-in-hours",
		"2",
	)
	code = invited.stdout.strip()
	joined = run(consumer, "join", code)

	assert (invited.returncode, joined.returncode) == (0, 0), invited.stderr + joined.stderr
	assert f"{producer.url}: {CITY} approved." in joined.stdout
	assert "are copied in the background" in joined.stdout
	# what was there before comes, and what changes from now on
	wait_for(lambda: consumer.run(read_doc, doctype=CITY, name=before), "the first copy")
	after = producer.run(insert, doctype=CITY, title=unique("After"))
	pull(consumer, producer)
	assert consumer.run(read_doc, doctype=CITY, name=after)

	# the same user on both sites, with no more than it needs
	(invitation,) = producer.run(read_rows, doctype=INVITATION, filters={})
	user = invitation["subscriber"]
	assert (invitation["status"], invitation["used_by_address"], bool(invitation["completed_on"])) == (
		"Used",
		consumer.url,
		True,
	)
	assert producer.run(roles_of, user=user) == ["Event Streaming Reads " + CITY, "Event Subscriber"]
	assert "System Manager" in consumer.run(roles_of, user=user)
	asked = requests.get(
		f"{producer.url}/api/resource/{ORDER}", headers=keys_of(consumer, producer), timeout=60
	)
	assert asked.status_code == 403

	# the code stands nowhere, and is good for nothing any more; joining again with it does no harm
	secret = decode(code).secret
	assert producer.run(everything, secret=secret) == consumer.run(everything, secret=secret) == []
	assert json.loads(run(consumer, "join", code, "--json").stdout)["approved"] == [CITY]
	decisions = [
		(row["decision"], row["came_from"], row["user"])
		for row in producer.run(read_rows, doctype="Event Streaming Audit Log", filters={})
		if row["came_from"] != "Console"
	]
	assert set(decisions) == {
		("Site Invited", "Command", "Administrator"),
		("Invitation Used", "Other Site", "Guest"),
		("Registered", "Other Site", user),
		("Approved", "Other Site", "Administrator"),
	}
	# a row that somebody adds is not in the invitation
	consumer.run(add_row, name=producer.url, doctype=ORDER)
	assert run(consumer, "join", code, "--json").returncode == 0
	statuses = producer.run(read_doc, doctype="Event Consumer", name=consumer.url)["consumer_doctypes"]
	assert {row["ref_doctype"]: row["status"] for row in statuses} == {CITY: "Approved", ORDER: "Pending"}


def test_a_code_is_enough_where_everybody_may_read_but_sees_only_their_own_documents(producer, consumer):
	# the role All may read, write and delete any ToDo; its controller hides those of others from who has no other role
	join(consumer, invite(producer, "ToDo")["code"])

	name = producer.run(insert, doctype="ToDo", description="For everybody")
	pull(consumer, producer)
	arrived = consumer.run(read_doc, doctype="ToDo", name=name)
	producer.run(delete, doctype="ToDo", name=name)
	pull(consumer, producer)

	assert arrived and arrived["description"] == "For everybody"
	assert not consumer.run(read_doc, doctype="ToDo", name=name)


def keys_of(consumer, producer) -> dict:
	key, secret = consumer.run(stored_keys, name=producer.url)
	return {"Authorization": f"token {key}:{secret}"}


def stored_keys(name: str) -> list:
	import frappe

	doc = frappe.get_doc("Event Producer", name)
	return [doc.api_key, doc.get_password("api_secret")]


def add_row(name: str, doctype: str) -> None:
	import frappe

	doc = frappe.get_doc("Event Producer", name)
	doc.append("producer_doctypes", {"ref_doctype": doctype, "use_same_name": 1})
	doc.save()


def test_a_code_that_is_used_late_changed_withdrawn_or_for_another_is_refused_and_the_audit_log_says_so(
	producer, consumer, third
):
	with_orders(third)
	used, late, withdrawn, elsewhere = (
		invite(producer, CITY, **each)
		for each in ({}, {}, {}, {"only_address": "https://shop-8.example.com"})
	)
	producer.run(make_late, name=late["invitation"])
	producer.rest().method(f"{API}.withdraw_invitation", invitation=withdrawn["invitation"])
	said = decode(used["code"])
	altered = encode(Code(said.address, said.site_id, said.invitation, "x" * len(said.secret)))
	misdirected = encode(Code(said.address, "0" * 36, said.invitation, said.secret))

	assert "Copy the whole code" in refused(consumer, used["code"][:-3])
	assert "knows no such code" in refused(consumer, altered)
	assert "has expired" in refused(consumer, late["code"])
	assert "was withdrawn" in refused(consumer, withdrawn["code"])
	assert "another address" in refused(consumer, elsewhere["code"])
	assert "made on this site" in refused(producer, used["code"])
	copied = encode(Code(said.address, consumer.run(own_site_id), said.invitation, said.secret))
	assert "one is a copy of the other" in refused(consumer, copied)
	twin = encode(Code(consumer.url, said.site_id, said.invitation, said.secret))
	assert "the same Public URL as this site" in refused(consumer, twin)
	assert "The request is for the site" in refused(consumer, misdirected)
	# a look uses nothing up, and a neighbour may not invite, nor write an invitation
	seen = third.rest().method(f"{API}.look_at_invitation", code=used["code"])
	assert [row["doctype"] for row in seen["rows"]] == [CITY] and not seen["mistakes"]
	joined = join(consumer, used["code"])
	assert joined["approved"] == [CITY]
	assert "used already, by another site" in refused(third, used["code"], "look_at_invitation")
	assert "used already, by another site" in refused(third, used["code"])
	# not even for who claims to be the site that has used it
	claimed = requests.post(
		f"{producer.url}/api/method/event_streaming.endpoints.redeem_invitation",
		json={
			"invitation": said.invitation,
			"proof": "0" * 64,
			"site_id": consumer.run(own_site_id),
			"address": consumer.url,
		},
		headers={"X-Event-Streaming-Token": said.secret},
		timeout=60,
	)
	assert claimed.status_code == 417 and "used already" in claimed.text

	assert sorted(refusals(producer), key=str) == sorted(
		[
			(None, "this site's own", "Refused"),
			(used["invitation"], "Unknown", "Refused"),
			(late["invitation"], "Expired", "Refused"),
			(withdrawn["invitation"], "Withdrawn", "Refused"),
			(elsewhere["invitation"], "Other Address", "Refused"),
			*[(used["invitation"], "Used", "Refused")] * 3,
		],
		key=str,
	)
	own = (None, "this site's own", "Refused")
	assert sorted(refusals(consumer), key=str) == sorted(
		[own, own, (None, "not all of a code", "Refused")], key=str
	)
	user = producer.run(read_doc, doctype=INVITATION, name=used["invitation"])["subscriber"]
	producer.run(make_admin, user=user)
	for answer in (
		as_user(producer, user, f"method/{API}.invite", {"doctypes": [CITY]}),
		as_user(producer, user, f"resource/{INVITATION}", {"status": "Open", "secret_hash": "0" * 64}),
		as_user(producer, "Administrator", f"resource/{INVITATION}", {"status": "Open"}),
	):
		assert answer.status_code == 403, answer.text


def make_late(name: str) -> None:
	import frappe

	frappe.db.set_value(INVITATION, name, "expires_on", "2024-01-01 00:00:00")


def own_site_id() -> str:
	from event_streaming.site.site_id import own_id

	return own_id()


def make_admin(user: str) -> None:
	import frappe

	frappe.get_doc("User", user).add_roles("System Manager")


def as_user(site, user: str, path: str, values: dict) -> requests.Response:
	headers = dict(site.rest(user).session.headers)
	return requests.post(f"{site.url}/api/{path}", json=values, headers=headers, timeout=60)


def test_two_sites_that_joined_each_other_are_checked_for_who_reads_and_who_writes(producer, consumer):
	"""A code in each direction makes two users: one reads for the other site, the other writes what comes from it."""
	producer.run(forget_orders)  # of a site that is kept, the first ones are looked at
	city = producer.run(insert, doctype=CITY, title=unique("Not to Be Read"))
	producer.run(insert, doctype=ORDER, title="To read", city=city)
	join(consumer, invite(producer, ORDER)["code"])
	back = invite(consumer, ORDER)["code"]
	answer = producer.rest().session.post(
		f"{producer.url}/api/method/{API}.join", json={"code": back}, timeout=60
	)

	assert answer.status_code == 200, answer.text
	assert "already exists" not in answer.text, "no word to the person about user names"
	found = json.loads(run(consumer, "check", producer.url, "--json").stdout)["report"]["findings"]
	assert not [each for each in found if each["kind"] == "rights"]
	(links,) = [each for each in found if each["kind"] == "links"]
	(invited,) = producer.run(read_rows, doctype=INVITATION, filters={})
	assert f"{ORDER} links to what {invited['subscriber']} may not read" in links["what"]
	assert links["what"].count(CITY) == 1

	# what one of the two writers may not do is said, with its name
	(other,) = consumer.run(read_rows, doctype=INVITATION, filters={})
	producer.run(take_all_rights, user=other["subscriber"])
	found = json.loads(run(consumer, "check", producer.url, "--json").stdout)["report"]["findings"]
	(rights,) = [each for each in found if each["kind"] == "rights"]
	assert rights["what"].startswith(f"{other['subscriber']} has no right to create, write, delete")


def forget_orders() -> None:
	import frappe

	frappe.db.delete(ORDER)


def take_all_rights(user: str) -> None:
	import frappe

	frappe.get_doc("User", user).remove_roles("System Manager")


def test_both_directions_go_on_after_each_point_at_which_joining_broke_off(producer, consumer):
	invited = invite(
		producer,
		{"document_type": CITY, "condition": "doc.country_name == 'Thailand'", "fields_masked": ""},
		both_directions=1,
	)

	for point in BREAKS:
		with pytest.raises(Exception, match="the process ends here"):
			consumer.run(join_until, code=invited["code"], point=point)
	lost = consumer.run(join_with_lost_answer, code=invited["code"])
	done = join(consumer, invited["code"])
	again = join(consumer, invited["code"])

	assert "join again with the same code" in lost
	assert done["approved"] == done["given"] == again["approved"] == again["given"] == [CITY]
	for here, there in ((producer, consumer), (consumer, producer)):
		(record,) = here.run(read_rows, doctype="Event Consumer", filters={})
		assert record["name"] == there.url
		name = here.run(insert, doctype=CITY, title=unique("Both"), country_name="Thailand")
		other = here.run(insert, doctype=CITY, title=unique("Both"), country_name="Laos")
		pull(there, here)
		assert there.run(read_doc, doctype=CITY, name=name)
		assert not there.run(read_doc, doctype=CITY, name=other)
	assert len(producer.run(read_rows, doctype="User", filters={"name": ["like", "stream-%"]})) == 2


BREAKS = {
	"after the code was used": "event_streaming.admin.pairing.joining.make_user",
	"before the Event Producer is stored": "event_streaming.admin.pairing.joining.audit.record",
	"before the approval": "event_streaming.admin.pairing.joining.give_keys",
	"after the approval": "event_streaming.admin.pairing.joining.write_statuses",
	"before the other direction is approved": "event_streaming.admin.pairing.joining.approve",
}


def join_until(code: str, point: str) -> None:
	"""What is not committed when a process ends is undone."""
	from unittest.mock import patch

	import frappe

	from event_streaming.admin.pairing.joining import join

	with patch(BREAKS[point], side_effect=RuntimeError("the process ends here")):
		try:
			join(code)
		finally:
			frappe.db.rollback()


def join_with_lost_answer(code: str) -> str:
	"""The other site does the work, and its answer to the last call is lost."""
	from unittest.mock import patch

	import frappe

	from event_streaming.admin.pairing.joining import join
	from event_streaming.consumer.joining.asking import InvitingSite
	from event_streaming.exceptions import EventStreamingError, RemoteUnavailable

	complete = InvitingSite.complete

	def lost(site, **keys):
		complete(site, **keys)
		raise RemoteUnavailable("No answer in time.")

	with patch.object(InvitingSite, "complete", lost):
		try:
			join(code)
		except EventStreamingError as error:
			frappe.db.rollback()
			return str(error)
	return ""


def set_rights(doctype: str, given: int) -> None:
	import frappe

	rights = dict.fromkeys(("read", "write", "create", "delete", "submit", "cancel", "amend"), given)
	frappe.db.set_value("DocPerm", {"parent": doctype, "role": "System Manager"}, rights)
	frappe.db.delete("Custom DocPerm", {"parent": doctype})
	frappe.clear_cache(doctype=doctype)


def writer(event_producer: str, doctype: str) -> list:
	import frappe

	from event_streaming.consumer.joining.connecting import may_write

	user = frappe.db.get_value("Event Producer", event_producer, "user")
	return [user, may_write(doctype, user)]


def test_a_site_that_was_taken_out_and_can_still_read_is_said_until_its_user_is_gone(producer, consumer):
	code = run(producer, "invite", "--doctype", CITY).stdout.strip()
	assert json.loads(run(consumer, "join", code, "--json").stdout)["approved"] == [CITY]
	keys = keys_of(consumer, producer)
	user = producer.run(read_rows, doctype="Event Consumer", filters={"name": consumer.url})[0]["user"]
	assert producer.run(left_behind) == []

	gone = producer.rest().session.delete(
		f"{producer.url}/api/resource/Event Consumer/{quote(consumer.url, safe='')}"
	)

	assert "delete the user" in gone.json()["_server_messages"]
	# it is true
	read = f"{producer.url}/api/resource/{CITY}"
	assert requests.get(read, headers=keys, timeout=60).status_code == 200
	[[subject, message]] = producer.run(left_behind)
	assert (subject, CITY in message) == (user, True)
	producer.run(delete, doctype="User", name=user)
	assert requests.get(read, headers=keys, timeout=60).status_code in (401, 403)
	assert producer.run(left_behind) == []


def left_behind() -> list[list[str]]:
	from event_streaming.admin.doctor.examination import examine

	return [[each.subject, each.message] for each in examine() if each.check == "left behind"]


def test_sites_that_were_taken_out_on_both_sides_are_connected_again_by_a_new_code(producer, consumer):
	"""Each Event Producer has stayed, with keys that are good for nothing any more."""
	join(consumer, invite(producer, CITY, both_directions=1)["code"])
	for site in (producer, consumer):
		site.run(take_out)

	done = join(consumer, invite(producer, CITY, both_directions=1)["code"])

	assert done["approved"] == done["given"] == [CITY]
	for here, there in ((producer, consumer), (consumer, producer)):
		name = here.run(insert, doctype=CITY, title=unique("Again"))
		pull(there, here)
		assert there.run(read_doc, doctype=CITY, name=name)


def test_a_site_that_was_set_up_anew_is_told_what_stands_in_its_way_until_it_has_joined(producer, consumer):
	join(consumer, invite(producer, CITY, both_directions=1)["code"])
	consumer.run(take_out)
	consumer.run(forget_producer, event_producer=producer.url)
	consumer.run("event_streaming.site.site_id.make_id")
	code = invite(producer, CITY, both_directions=1)["code"]

	assert f"have the Event Consumer {consumer.url} deleted" in refused(consumer, code)
	producer.run(take_out)
	assert f"has an Event Producer {consumer.url} that is with another site" in refused(consumer, code)
	producer.run(forget_producer, event_producer=consumer.url)
	done = join(consumer, code)

	assert done["approved"] == done["given"] == [CITY]


def forget_producer(event_producer: str) -> None:
	import frappe

	frappe.delete_doc("Event Producer", event_producer)


def take_out() -> None:
	"""What one does to end that another site takes documents from here."""
	import frappe

	[(name, user)] = frappe.get_all("Event Consumer", fields=["name", "user"], as_list=True)
	frappe.delete_doc("Event Consumer", name)
	frappe.delete_doc("User", user)


@pytest.mark.parametrize("back", [False, True], ids=["one way", "both directions"])
def test_a_second_invitation_gives_the_user_of_the_connection_what_it_needs_for_more(
	producer, consumer, back
):
	"""Recipes are added to a connection one by one: without the rights all of the second one's documents failed."""
	for site in (producer, consumer):
		with_orders(site)
	join(consumer, invite(producer, CITY, both_directions=int(back))["code"])
	takers = [(consumer, producer), *([(producer, consumer)] if back else [])]
	before = [taker.run(writer, event_producer=giver.url, doctype=CITY) for taker, giver in takers]
	for taker, _giver in takers:
		taker.run(set_rights, doctype=ORDER, given=0)
	try:
		join(consumer, invite(producer, ORDER, both_directions=int(back))["code"])

		after = [taker.run(writer, event_producer=giver.url, doctype=ORDER) for taker, giver in takers]
		assert after == [[user, True] for user, _may in before]
		order = producer.run(insert, doctype=ORDER, title=unique("order"))
		pull(consumer, producer)
		assert consumer.run(read_doc, doctype=ORDER, name=order)
	finally:
		for taker, _giver in takers:
			taker.run(set_rights, doctype=ORDER, given=1)


def test_what_is_not_sent_is_hidden_before_anything_is_approved_and_a_connection_by_hand_takes_more(
	producer, consumer
):
	subscribe(consumer, producer, CITY)
	invited = invite(
		producer,
		{"document_type": ORDER, "fields_not_sent": "note", "fields_masked": "title"},
		copy_existing=0,
	)

	done = join(consumer, invited["code"])

	assert done["approved"] == [ORDER]
	doc = producer.run(read_doc, doctype="Event Consumer", name=consumer.url)
	(row,) = (row for row in doc["consumer_doctypes"] if row["ref_doctype"] == ORDER)
	assert (row["status"], row["fields_not_sent"], row["fields_masked"]) == ("Approved", "note", "title")
	# no second connection, no second user
	assert doc["user"] == consumer.run(read_doc, doctype="Event Producer", name=producer.url)["user"]
	assert not producer.run(read_rows, doctype="User", filters={"name": ["like", "stream-%"]})


def test_many_sites_are_invited_from_a_file_and_its_mistakes_make_no_code(producer, consumer, tmp_path):
	file, codes = tmp_path / "shops.csv", tmp_path / "codes.csv"
	file.write_text(f"site,address,doctypes\nShop 1,,\nShop 2,{consumer.url},{ORDER};{CITY}\n")

	done = run(producer, "invite", "--csv", str(file), "--doctype", CITY, "--output", str(codes))
	wrong = tmp_path / "wrong.csv"
	wrong.write_text("site,doctypes\nShop 3,\nShop 4,Nothing\n")
	refused_file = run(producer, "invite", "--csv", str(wrong), "--doctype", CITY)

	assert done.returncode == 0, done.stderr
	assert codes.stat().st_mode & 0o777 == 0o600
	first, second = csv.DictReader(io.StringIO(codes.read_text()))
	assert (first["site"], second["site"]) == ("Shop 1", "Shop 2")
	assert join(consumer, second["code"])["approved"] == [ORDER, CITY]
	assert refused_file.returncode == 1 and "Line 3" in refused_file.stderr
	assert len(producer.run(read_rows, doctype=INVITATION, filters={})) == 2

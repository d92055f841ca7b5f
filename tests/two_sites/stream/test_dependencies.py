"""What a document links to comes before it, on demand, also for DocTypes that nobody subscribes to."""

import pytest
from doctypes import CITY, ORDER, make_doctype, with_orders
from documents import change, delete, find_name, insert, read_doc, unique
from logs import sync_logs
from streams import pull, pull_and_count, pull_now, subscribe

REGION, CLIENT, PERSON, ARTICLE = "Needed Region", "Needed Client", "Needed Person", "Needed Article"
LINE, DEAL, PAIR, GADGET, HIDDEN = (
	"Needed Line",
	"Needing Deal",
	"Needing Pair",
	"Needed Gadget",
	"Needed Secret",
)
COUNTED = "Needed Ticket"
FIRM, OFFICE = "Needed Firm", "Needed Office"


def link(fieldname: str, doctype: str, **values) -> dict:
	return {
		"fieldname": fieldname,
		"label": fieldname.title(),
		"fieldtype": "Link",
		"options": doctype,
		**values,
	}


def make_doctypes() -> None:
	import frappe

	title = {"fieldname": "title", "label": "Title", "fieldtype": "Data", "reqd": 1}
	named = {"autoname": "field:title", "allow_rename": 1}
	make_doctype(REGION, [title], is_tree=1, **named)
	make_doctype(CLIENT, [title, link("region", REGION)], **named)
	make_doctype(PERSON, [title, link("client", CLIENT), link("boss", PERSON)], **named)
	if not frappe.get_meta(CLIENT).has_field("contact"):
		doctype = frappe.get_doc("DocType", CLIENT)
		doctype.append("fields", link("contact", PERSON))
		doctype.save()
	make_doctype(ARTICLE, [title], **named)
	make_doctype(
		LINE, [link("article", ARTICLE), {"fieldname": "qty", "label": "Qty", "fieldtype": "Int"}], istable=1
	)
	make_doctype(COUNTED, [title, link("region", REGION)], autoname="format:NTK-{#####}")
	make_doctype(HIDDEN, [title], **named)
	make_doctype(
		DEAL,
		[
			title,
			link("client", CLIENT),
			link("ticket", COUNTED),
			link("hidden", HIDDEN),
			link("responsible", "User"),
			link("needed_role", "Role"),
			link("origin_deal", DEAL),
			link("party_type", "DocType"),
			{"fieldname": "party", "label": "Party", "fieldtype": "Dynamic Link", "options": "party_type"},
			{"fieldname": "lines", "label": "Lines", "fieldtype": "Table", "options": LINE},
		],
		**named,
	)
	make_doctype(PAIR, [title, {"fieldname": "note", "label": "Note", "fieldtype": "Data"}], **named)
	if not frappe.get_meta(PAIR).has_field("other"):
		doctype = frappe.get_doc("DocType", PAIR)
		doctype.append("fields", link("other", PAIR, reqd=1))
		doctype.save()


def make_firm_doctypes() -> None:
	"""As a company and its accounts: the firm names one of its offices, and no office is without its firm."""
	title = {"fieldname": "title", "label": "Title", "fieldtype": "Data", "reqd": 1}
	make_doctype(FIRM, [title], autoname="field:title")
	make_doctype(OFFICE, [title, link("firm", FIRM, reqd=1)], autoname="field:title")
	import frappe

	if not frappe.get_meta(FIRM).has_field("head_office"):
		doctype = frappe.get_doc("DocType", FIRM)
		doctype.append("fields", link("head_office", OFFICE))
		doctype.save()


def pull_where_no_office_is_without_its_firm(event_producer: str) -> dict:
	import frappe
	from frappe.model.document import Document

	def before_validate(doc) -> None:
		if doc.doctype == OFFICE and not frappe.db.exists(FIRM, doc.firm or "none"):
			frappe.throw("An office without its firm")

	Document.before_validate = before_validate
	try:
		return pull_now(event_producer)
	finally:
		del Document.before_validate


def make_gadget_doctype() -> None:
	make_doctype(
		GADGET, [{"fieldname": "title", "label": "Title", "fieldtype": "Data"}], autoname="field:title"
	)


@pytest.fixture
def deals(producer, consumer):
	"""A subscription to deals, and to nothing that they link to."""
	for site in (producer, consumer):
		site.run(make_doctypes)
	subscribe(consumer, producer, DEAL)


@pytest.fixture
def make(producer):
	"""Makes a document on the producer with a title that no other test has, and gives its name."""

	def make(doctype: str, **values) -> str:
		return producer.run(insert, doctype=doctype, **{"title": unique(doctype), **values})

	return make


def make_deals(number: int, prefix: str) -> None:
	import frappe

	for each in range(number):
		client = frappe.get_doc({"doctype": CLIENT, "title": f"{prefix} client {each}"}).insert()
		lines = []
		for row in range(20):
			article = frappe.get_doc({"doctype": ARTICLE, "title": f"{prefix} article {each} {row}"}).insert()
			lines.append({"article": article.name, "qty": row})
		frappe.get_doc(
			{"doctype": DEAL, "title": f"{prefix} deal {each}", "client": client.name, "lines": lines}
		).insert()


def set_directly(doctype: str, name: str, fieldname: str, value: str) -> None:
	import frappe

	frappe.db.set_value(doctype, name, fieldname, value)


def delete_by_force(doctype: str, name: str) -> None:
	import frappe

	frappe.delete_doc(doctype, name, force=True)


def retry_all(event_producer: str) -> None:
	"""As if the time of the stored retry had come."""
	import frappe

	frappe.db.sql("update `tabEvent Sync Log` set next_retry = '2020-01-01' where status = 'Retrying'")


def set_missing_user(choice: str) -> None:
	import frappe

	settings = frappe.get_doc("Event Streaming Settings")
	settings.missing_user = choice
	settings.save()


def set_reader(doctype: str, role: str) -> None:
	import frappe

	doc = frappe.get_doc("DocType", doctype)
	doc.permissions[0].role = role
	doc.save()


def make_user(email: str) -> str:
	import frappe

	user = frappe.get_doc(
		{
			"doctype": "User",
			"email": email,
			"first_name": "Somchai",
			"last_name": "Jaidee",
			"send_welcome_email": 0,
			"api_key": frappe.generate_hash(length=15),
			"new_password": "correct-horse-9-battery",
		}
	).insert()
	user.add_roles("System Manager")
	return user.name


def read_user(name: str) -> dict | None:
	import frappe

	if not frappe.db.exists("User", name):
		return None
	user = frappe.get_doc("User", name)
	password = frappe.db.sql("select count(*) from `__Auth` where doctype = 'User' and name = %s", name)[0][0]
	roles = [row.role for row in user.roles]
	return {
		"enabled": user.enabled,
		"name": user.full_name,
		"roles": roles,
		"key": user.api_key,
		"password": password,
	}


def test_links_of_links_and_of_rows_come_first(producer, consumer, deals, make):
	top = make(REGION, is_group=1)
	region = make(REGION, **{"parent_needed_region": top})
	client = make(CLIENT, region=region)
	articles = [make(ARTICLE), make(ARTICLE)]
	party = make(PERSON, client=client)
	deal = make(
		DEAL,
		client=client,
		party_type=PERSON,
		party=party,
		lines=[{"article": article, "qty": 1} for article in articles],
	)

	pull(consumer, producer)

	here = consumer.run(read_doc, doctype=DEAL, name=deal)
	assert (here["client"], here["party_type"], here["party"]) == (client, PERSON, party)
	assert [row["article"] for row in here["lines"]] == articles
	assert consumer.run(read_doc, doctype=CLIENT, name=client)["region"] == region
	assert consumer.run(read_doc, doctype=REGION, name=region)["parent_needed_region"] == top
	assert consumer.run(read_doc, doctype=PERSON, name=party)["client"] == client
	for article in articles:
		there = producer.run(read_doc, doctype=ARTICLE, name=article)
		here = consumer.run(read_doc, doctype=ARTICLE, name=article)
		assert (here["creation"], here["owner"], here["modified"]) == (
			there["creation"],
			there["owner"],
			there["modified"],
		)


def test_a_page_of_documents_that_need_thousands_costs_a_handful_of_requests(producer, consumer, deals):
	producer.run(make_deals, number=40, prefix=unique("many"))

	done = consumer.run(pull_and_count, event_producer=producer.url)

	assert (done["synced"], done["failed"]) == (40, 0)
	assert done["documents"] == 40 * 21
	assert done["requests"] <= 3


def test_what_is_here_already_is_neither_fetched_nor_touched(producer, consumer, deals, make):
	client = make(CLIENT, region=make(REGION))
	consumer.run(insert, doctype=CLIENT, title=client)
	deal = make(DEAL, client=client)

	done = consumer.run(pull_and_count, event_producer=producer.url)

	assert (done["synced"], done["requests"]) == (1, 0)
	assert consumer.run(read_doc, doctype=DEAL, name=deal)["client"] == client
	assert consumer.run(read_doc, doctype=CLIENT, name=client)["region"] is None


def test_an_update_brings_what_it_newly_links_to(producer, consumer, deals, make):
	deal = make(DEAL, lines=[{"article": make(ARTICLE)}])
	pull(consumer, producer)
	client, article, party = make(CLIENT), make(ARTICLE), make(PERSON)

	rows = producer.run(read_doc, doctype=DEAL, name=deal)["lines"]
	rows[0]["article"] = article
	producer.run(
		change,
		doctype=DEAL,
		name=deal,
		client=client,
		party_type=PERSON,
		party=party,
		lines=[*rows, {"article": make(ARTICLE)}],
	)
	pull(consumer, producer)

	there, here = (site.run(read_doc, doctype=DEAL, name=deal) for site in (producer, consumer))
	assert (here["client"], here["party"]) == (client, party)
	assert [row["article"] for row in here["lines"]] == [row["article"] for row in there["lines"]]
	assert consumer.run(read_doc, doctype=ARTICLE, name=article)


def test_a_dynamic_link_whose_doctype_did_not_change_brings_its_document(producer, consumer, deals, make):
	deal = make(DEAL, party_type=PERSON, party=make(PERSON))
	pull(consumer, producer)
	other = make(PERSON)

	producer.run(change, doctype=DEAL, name=deal, party=other)
	pull(consumer, producer)

	assert consumer.run(read_doc, doctype=DEAL, name=deal)["party"] == other
	assert consumer.run(read_doc, doctype=PERSON, name=other)


def test_a_dynamic_link_that_is_the_first_of_its_kind_goes_along_with_a_rename_of_the_same_pull(
	producer, consumer, deals, make
):
	"""Frappe knows by then what is linked to by Dynamic Links, as of the first rename; and does not look again."""
	subscribe_more(consumer, producer, ARTICLE, CLIENT)
	client, article, later = make(CLIENT), make(ARTICLE), unique("later")
	pull(consumer, producer)
	producer.run(rename, doctype=CLIENT, old=client, new=unique("client"))
	deal = make(DEAL, party_type=ARTICLE, party=article)
	producer.run(rename, doctype=ARTICLE, old=article, new=later)

	pull(consumer, producer)

	assert producer.run(read_doc, doctype=DEAL, name=deal)["party"] == later
	assert consumer.run(read_doc, doctype=DEAL, name=deal)["party"] == later
	assert {log["status"] for log in sync_logs(consumer)} == {"Synced"}


def test_documents_that_link_to_each_other_arrive_with_all_links(producer, consumer, deals, make):
	client = make(CLIENT)
	person = make(PERSON, client=client)
	producer.run(change, doctype=CLIENT, name=client, contact=person)
	producer.run(change, doctype=PERSON, name=person, boss=person)
	deal = make(DEAL, client=client)

	pull(consumer, producer)

	assert consumer.run(read_doc, doctype=DEAL, name=deal)["client"] == client
	for doctype, name in ((CLIENT, client), (PERSON, person)):
		there, here = (site.run(read_doc, doctype=doctype, name=name) for site in (producer, consumer))
		for field in ("client", "contact", "boss", "modified", "owner"):
			assert here.get(field) == there.get(field), (doctype, field)


def test_an_event_of_a_document_in_a_cycle_arrives_with_all_links(producer, consumer, deals, make):
	"""Its own document is part of the cycle, and links to itself; all links are mandatory."""
	first, second = unique("first"), unique("second")
	producer.run(make_pair, first=first, second=second)
	subscribe_more(consumer, producer, PAIR)
	producer.run(change, doctype=PAIR, name=first, note="changed")

	pull(consumer, producer)

	assert consumer.run(read_doc, doctype=PAIR, name=first)["other"] == second
	assert consumer.run(read_doc, doctype=PAIR, name=second)["other"] == first
	own = unique("own")
	producer.run(make_pair, first=own, second=own)
	pull(consumer, producer)
	assert consumer.run(read_doc, doctype=PAIR, name=own)["other"] == own


def test_what_cannot_be_without_the_document_is_made_after_it(producer, consumer, make):
	for site in (producer, consumer):
		site.run(make_firm_doctypes)
	firm = make(FIRM)
	office = make(OFFICE, firm=firm)
	subscribe(consumer, producer, FIRM)
	producer.run(change, doctype=FIRM, name=firm, head_office=office)

	summary = consumer.run(pull_where_no_office_is_without_its_firm, event_producer=producer.url)

	assert (summary["error"], summary["failed"]) == ("", 0)
	assert consumer.run(read_doc, doctype=FIRM, name=firm)["head_office"] == office
	assert consumer.run(read_doc, doctype=OFFICE, name=office)["firm"] == firm


def make_pair(first: str, second: str) -> None:
	import frappe

	for title, other in dict([(first, second), (second, first)]).items():
		doc = frappe.get_doc({"doctype": PAIR, "title": title, "other": other})
		doc.flags.ignore_links = True
		doc.insert()


def subscribe_more(consumer, producer, *doctypes: str, **values) -> None:
	"""More DocTypes on the subscription that is there."""
	consumer.run(
		add_rows, event_producer=producer.url, doctypes=list(doctypes), values={"use_same_name": 1, **values}
	)
	producer.run(approve_all, callback_url=consumer.url)


def add_rows(event_producer: str, doctypes: list, values: dict) -> None:
	import frappe

	doc = frappe.get_doc("Event Producer", event_producer)
	for doctype in doctypes:
		doc.append("producer_doctypes", {"ref_doctype": doctype, **values})
	doc.save()


def approve_all(callback_url: str) -> None:
	import frappe

	doc = frappe.get_doc("Event Consumer", callback_url)
	for row in doc.consumer_doctypes:
		row.status = "Approved"
	doc.save()


def read_tree(doctype: str) -> dict:
	"""Each node's parent as the tree's own numbers have it (the narrowest that encloses it), and as its field has it."""
	import frappe

	parent_field = "parent_" + frappe.scrub(doctype)
	rows = frappe.get_all(doctype, fields=["name", "lft", "rgt", parent_field], limit=0)
	numbers = [number for row in rows for number in (row.lft, row.rgt)]
	by_numbers = {}
	for row in rows:
		around = [other for other in rows if other.lft < row.lft and other.rgt > row.rgt]
		by_numbers[row.name] = min(around, key=lambda other: other.rgt - other.lft).name if around else None
	by_field = {row.name: row[parent_field] or None for row in rows}
	return {"sound": len(set(numbers)) == len(numbers), "by_numbers": by_numbers, "by_field": by_field}


def test_a_tree_keeps_its_own_numbers(producer, consumer, deals, make):
	"""Both sites have nodes that the other lacks: the producer's numbers would put its nodes under wrong parents."""
	for number in range(3):
		consumer.run(insert, doctype=REGION, title=unique(f"local {number}"))
	subscribe_more(consumer, producer, REGION)
	first, second = make(REGION, is_group=1), make(REGION, is_group=1)
	child = make(REGION, parent_needed_region=first)
	make(REGION, parent_needed_region=first)
	pull(consumer, producer)

	producer.run(change, doctype=REGION, name=child, parent_needed_region=second)
	producer.run(change, doctype=REGION, name=second, is_group=1, parent_needed_region=first)
	pull(consumer, producer)

	tree = consumer.run(read_tree, doctype=REGION)
	assert tree["sound"]
	assert tree["by_numbers"] == tree["by_field"]
	assert (tree["by_field"][child], tree["by_field"][second]) == (second, first)


def test_a_document_whose_need_is_gone_fails_with_its_name_and_heals(producer, consumer, deals, make):
	client = make(CLIENT)
	deal, other = make(DEAL, client=client), make(DEAL)
	producer.run(delete_by_force, doctype=CLIENT, name=client)

	pull(consumer, producer)

	assert consumer.run(read_doc, doctype=DEAL, name=deal) is None
	assert consumer.run(read_doc, doctype=DEAL, name=other), "another document is not held back"
	[log] = sync_logs(consumer, status="Retrying")
	assert f"{CLIENT} {client}" in log["error"].splitlines()[0]

	producer.run(insert, doctype=CLIENT, title=client)
	consumer.run(retry_all, event_producer=producer.url)
	pull(consumer, producer)
	assert consumer.run(read_doc, doctype=DEAL, name=deal)["client"] == client
	assert sync_logs(consumer, status="Retrying") == []


def test_a_document_whose_need_may_not_be_read_fails_with_its_name_and_heals(producer, consumer, deals, make):
	hidden = make(HIDDEN)
	deal = make(DEAL, hidden=hidden)
	producer.run(set_reader, doctype=HIDDEN, role="Newsletter Manager")
	try:
		pull(consumer, producer)
	finally:
		producer.run(set_reader, doctype=HIDDEN, role="System Manager")

	[log] = sync_logs(consumer, status="Retrying")
	assert f"{HIDDEN} {hidden}" in log["error"].splitlines()[0]
	assert "may not read" in log["error"]

	consumer.run(retry_all, event_producer=producer.url)
	pull(consumer, producer)
	assert consumer.run(read_doc, doctype=DEAL, name=deal)["hidden"] == hidden


def test_a_need_of_a_doctype_that_is_not_here_fails_with_its_name(producer, consumer, deals, make):
	producer.run(make_gadget_doctype)
	gadget = make(GADGET)
	deal = make(DEAL, party_type=GADGET, party=gadget)

	pull(consumer, producer)

	[log] = sync_logs(consumer, status="Retrying")
	assert f"the DocType {GADGET} does not exist on this site" in log["error"]
	assert consumer.run(read_doc, doctype=DEAL, name=deal) is None


def test_the_frameworks_own_documents_are_never_brought(producer, consumer, deals, make):
	role = producer.run(insert, doctype="Role", role_name=unique("Role"))
	make(DEAL, needed_role=role)

	pull(consumer, producer)

	assert not consumer.run(find_name, doctype="Role", name=role)
	[log] = sync_logs(consumer, status="Retrying")
	assert f"Role {role}" in log["error"]


def test_a_failed_event_leaves_nothing_of_what_it_needed(producer, consumer, deals, make):
	client, gone = make(CLIENT), make(CLIENT)
	person = make(PERSON, client=gone)
	deal = make(DEAL, client=client, party_type=PERSON, party=person)
	producer.run(delete_by_force, doctype=CLIENT, name=gone)
	second = make(DEAL, client=client)

	pull(consumer, producer)

	assert consumer.run(read_doc, doctype=DEAL, name=deal) is None
	assert consumer.run(read_doc, doctype=PERSON, name=person) is None
	assert consumer.run(read_doc, doctype=DEAL, name=second)["client"] == client


# users


def test_a_missing_user_is_made_disabled_without_roles_keys_or_password(producer, consumer, deals, make):
	email = f"{unique('somchai').replace(' ', '.').lower()}@example.com"
	producer.run(make_user, email=email)
	deal = make(DEAL, responsible=email)

	pull(consumer, producer)

	assert consumer.run(read_doc, doctype=DEAL, name=deal)["responsible"] == email
	assert consumer.run(read_user, name=email) == {
		"enabled": 0,
		"name": "Somchai Jaidee",
		"roles": [],
		"key": None,
		"password": 0,
	}


def test_the_subscriber_can_stand_in_for_a_missing_user(producer, consumer, deals, make):
	email = f"{unique('malee').replace(' ', '.').lower()}@example.com"
	producer.run(make_user, email=email)
	consumer.run(set_missing_user, choice="Use the Event Subscriber")
	deal = make(DEAL, responsible=email)

	pull(consumer, producer)

	assert consumer.run(read_doc, doctype=DEAL, name=deal)["responsible"] == "stream@example.com"
	assert consumer.run(read_user, name=email) is None


def test_a_missing_user_can_be_a_failure(producer, consumer, deals, make):
	email = f"{unique('anong').replace(' ', '.').lower()}@example.com"
	producer.run(make_user, email=email)
	consumer.run(set_missing_user, choice="Fail")
	make(DEAL, responsible=email)

	pull(consumer, producer)

	[log] = sync_logs(consumer, status="Retrying")
	assert f"User {email}" in log["error"]
	assert consumer.run(read_user, name=email) is None


# naming


def test_a_need_arrives_in_the_naming_of_its_own_subscription(producer, consumer, deals, make):
	"""And links are translated, on creates and on updates, also where the local name means another document."""
	old = make(COUNTED)
	subscribe_more(consumer, producer, COUNTED, use_same_name=0)
	consumer.run(insert, doctype=COUNTED, title="of this site")
	deal = make(DEAL, ticket=old)
	pull(consumer, producer)

	local = consumer.run(find_name, doctype=COUNTED, remote_docname=old, remote_site_name=producer.url)
	assert local
	assert consumer.run(read_doc, doctype=DEAL, name=deal)["ticket"] == local

	new = make(COUNTED, region=make(REGION))
	producer.run(change, doctype=DEAL, name=deal, ticket=new)
	pull(consumer, producer)
	local = consumer.run(find_name, doctype=COUNTED, remote_docname=new, remote_site_name=producer.url)
	here = consumer.run(read_doc, doctype=DEAL, name=deal)
	titles = [
		site.run(read_doc, doctype=COUNTED, name=name)["title"]
		for site, name in ((producer, new), (consumer, local))
	]
	assert here["ticket"] == local
	assert titles[0] == titles[1]


def test_documents_of_the_same_name_from_two_producers_never_meet(producer, consumer, third, deals, make):
	third.run(make_doctypes)
	subscribe(consumer, third, DEAL)
	for site in (producer, third):
		subscribe_more(consumer, site, CLIENT, use_same_name=0)
	name = unique("Ann")
	regions = {}
	for site in (producer, third):
		regions[site.url] = site.run(insert, doctype=REGION, title=unique("region"))
		site.run(insert, doctype=CLIENT, title=name, region=regions[site.url])
	deals_there = {
		site.url: site.run(insert, doctype=DEAL, title=unique("deal"), client=name)
		for site in (producer, third)
	}

	for site in (producer, third):
		pull(consumer, site)

	for site in (producer, third):
		deal = consumer.run(read_doc, doctype=DEAL, name=deals_there[site.url])
		if deal is None:
			assert name in sync_logs(consumer, event_producer=site.url)[-1]["error"]
			continue
		client = consumer.run(read_doc, doctype=CLIENT, name=deal["client"])
		assert client["region"] == regions[site.url]


def make_strict(doctype: str) -> None:
	"""A field that this site alone insists on."""
	import frappe

	doc = frappe.get_doc("DocType", doctype)
	if any(field.fieldname == "local_rule" for field in doc.fields):
		# a run before this one was broken off
		return
	doc.append("fields", {"fieldname": "local_rule", "label": "Local Rule", "fieldtype": "Data", "reqd": 1})
	doc.save()


def make_lenient(doctype: str) -> None:
	import frappe

	doc = frappe.get_doc("DocType", doctype)
	doc.set("fields", [field for field in doc.fields if field.fieldname != "local_rule"])
	doc.save()


def test_a_need_that_can_not_be_made_here_is_named_and_heals(producer, consumer, deals, make):
	client = make(CLIENT)
	deal = make(DEAL, client=client)
	consumer.run(make_strict, doctype=CLIENT)
	try:
		pull(consumer, producer)
	finally:
		consumer.run(make_lenient, doctype=CLIENT)

	[log] = sync_logs(consumer, status="Retrying")
	assert f"{CLIENT} {client} is needed and can't be created here" in log["error"]
	consumer.run(retry_all, event_producer=producer.url)
	pull(consumer, producer)
	assert consumer.run(read_doc, doctype=DEAL, name=deal)["client"] == client


def test_a_name_that_is_taken_by_another_producers_document_is_refused_with_the_remedy(
	producer, consumer, third, deals, make
):
	third.run(make_doctypes)
	subscribe(consumer, third, DEAL)
	name = unique("Ann")
	for site in (producer, third):
		site.run(
			insert,
			doctype=CLIENT,
			title=name,
			region=site.run(insert, doctype=REGION, title=unique("region")),
		)
	first = make(DEAL, client=name)
	second = third.run(insert, doctype=DEAL, title=unique("deal"), client=name)

	pull(consumer, producer)
	pull(consumer, third)

	assert consumer.run(read_doc, doctype=DEAL, name=first)["client"] == name
	assert consumer.run(read_doc, doctype=DEAL, name=second) is None
	[log] = sync_logs(consumer, status="Failed")
	assert f"{CLIENT} {name} is needed, but another document has this name here" in log["error"]


def test_a_need_that_is_itself_an_event_of_the_page_is_not_fetched(producer, consumer, deals, make):
	subscribe_more(consumer, producer, CLIENT, REGION)
	region = make(REGION)
	client = make(CLIENT, region=region)
	deal = make(DEAL, client=client)

	done = consumer.run(pull_and_count, event_producer=producer.url)

	assert (done["failed"], done["requests"]) == (0, 0)
	assert consumer.run(read_doc, doctype=DEAL, name=deal)["client"] == client


def test_events_of_a_need_that_was_brought_are_contained_in_it(producer, consumer, deals, make):
	"""The deal's event stands before those of its client, which is brought as it is after them."""
	client = make(CLIENT)
	deal = make(DEAL, client=client)
	subscribe_more(consumer, producer, CLIENT)
	producer.run(change, doctype=CLIENT, name=client, region=make(REGION))
	newest = make(REGION)
	producer.run(change, doctype=CLIENT, name=client, region=newest)

	done = consumer.run(pull_and_count, event_producer=producer.url)

	assert (done["synced"], done["failed"]) == (3, 0)
	assert consumer.run(read_doc, doctype=DEAL, name=deal)["client"] == client
	assert consumer.run(read_doc, doctype=CLIENT, name=client)["region"] == newest
	assert all("contained" in log["outcome"] for log in sync_logs(consumer, ref_doctype=CLIENT))


def test_a_deleted_need_is_not_thought_to_be_here(producer, consumer, deals, make):
	article = make(ARTICLE)
	first = make(DEAL, lines=[{"article": article}])
	pull(consumer, producer)
	consumer.run(delete, doctype=DEAL, name=first)
	consumer.run(delete, doctype=ARTICLE, name=article)

	second = make(DEAL, lines=[{"article": article}])
	pull(consumer, producer)

	assert consumer.run(read_doc, doctype=DEAL, name=second)["lines"][0]["article"] == article
	assert consumer.run(read_doc, doctype=ARTICLE, name=article)


def rename(doctype: str, old: str, new: str) -> str:
	import frappe

	return frappe.rename_doc(doctype, old, new, show_alert=False, rebuild_search=False)


def test_a_need_that_came_from_this_site_and_is_renamed_here_since_is_that_document(producer, consumer):
	with_orders(producer, consumer)
	subscribe(consumer, producer, CITY)
	subscribe(producer, consumer, ORDER)
	city = producer.run(insert, doctype=CITY, title=unique("City"))
	pull(consumer, producer)
	order = consumer.run(insert, doctype=ORDER, title=unique("Order"), city=city)
	new = producer.run(rename, doctype=CITY, old=city, new=unique("City"))
	producer.run(change, doctype=CITY, name=new, country_name="changed since")

	pull(producer, consumer)

	assert producer.run(read_doc, doctype=ORDER, name=order)["city"] == new
	assert producer.run(read_doc, doctype=CITY, name=city) is None
	# and what the other site has of it is not written over it
	assert producer.run(read_doc, doctype=CITY, name=new)["country_name"] == "changed since"


@pytest.mark.parametrize("undoing", [False, True], ids=["as it is", "and rolls back to a savepoint"])
def test_what_the_hook_of_a_need_writes_into_the_document_stays(producer, consumer, undoing):
	with_orders(producer, consumer)
	subscribe(consumer, producer, ORDER)
	order = producer.run(insert, doctype=ORDER, title=unique("order"))
	pull(consumer, producer)
	city = producer.run(insert, doctype=CITY, title=unique("city"))
	producer.run(change, doctype=ORDER, name=order, city=city)

	consumer.run(pull_with_a_hook_of_cities, producer=producer.url, order=order, undoing=undoing)

	here = consumer.run(read_doc, doctype=ORDER, name=order)
	assert (here["city"], here["note"]) == (city, "written by a hook")


def pull_with_a_hook_of_cities(producer: str, order: str, undoing: bool) -> None:
	"""Frappe counts what a transaction has written, and begins anew when anybody rolls back to a savepoint."""
	import frappe
	from frappe.model.document import Document

	from event_streaming.consumer.pull.loop import pull

	def after_insert(doc):
		if doc.doctype == CITY:
			frappe.db.set_value(ORDER, order, "note", "written by a hook")
			if undoing:
				frappe.db.savepoint("of_a_hook")
				frappe.db.rollback(save_point="of_a_hook")

	Document.after_insert = after_insert
	try:
		assert not pull(producer).error
	finally:
		del Document.after_insert

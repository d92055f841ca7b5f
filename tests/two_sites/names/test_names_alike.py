"""Names that differ only in capitals or accents: MariaDB takes them for the same, and a rename may change nothing else."""

import pytest
from doctypes import CITY, ORDER
from documents import change, find_name, insert, read_doc, unique
from logs import make_due, sync_logs
from streams import pull, settle, subscribe

pytestmark = pytest.mark.usefixtures("orders")

# what a name begins with, and what becomes of it
SPELLINGS = [("abc ltd", "ABC Ltd"), ("Zurich", "Zürich")]


def rename_city(old: str, new: str) -> None:
	import frappe

	frappe.rename_doc(CITY, old, new, show_alert=False, rebuild_search=False)


def attach(name: str, content: str) -> None:
	import frappe

	owner = {"attached_to_doctype": CITY, "attached_to_name": name}
	frappe.get_doc({"doctype": "File", "file_name": f"{content}.txt", "content": content, **owner}).insert()


def look(title: str) -> dict:
	"""The cities of that country as they are written, what they have, and what links to them."""
	import frappe

	found = {}
	for city in frappe.get_all(
		CITY, {"country_name": ["like", f"{title}%"]}, ["name", "title", "country_name"]
	):
		owner = {"attached_to_doctype": CITY, "attached_to_name": city.name}
		files = frappe.get_all("File", owner, ["file_name", "attached_to_name"], order_by="file_name asc")
		orders = frappe.get_all(ORDER, {"city": city.name}, ["title", "city"])
		assert all(file.attached_to_name == city.name for file in files), "a file of another spelling"
		assert all(order.city == city.name for order in orders), "a link with another spelling"
		found[city.name] = [
			*(city.title, city.country_name),
			*([file.file_name for file in files], [order.title for order in orders]),
		]
	return found


def all_synced(site) -> bool:
	return all(log["status"] == "Synced" for log in sync_logs(site))


@pytest.mark.parametrize("together", [True, False], ids=["in_one_pull", "one_by_one"])
@pytest.mark.parametrize("same_name", [1, 0], ids=["same_name", "own_name"])
@pytest.mark.parametrize(("before", "after"), SPELLINGS)
def test_a_rename_that_changes_only_capitals_or_accents_comes_with_all_that_belongs_to_the_document(
	producer, consumer, before, after, same_name, together
):
	subscribe(consumer, producer, CITY, ORDER, use_same_name=same_name)
	title = unique("alike")
	old, new = f"{before} {title}", f"{after} {title}"
	producer.run(insert, doctype=CITY, title=old, country_name=title)
	producer.run(insert, doctype=ORDER, title=title, city=old)
	producer.run(attach, name=old, content=f"{title} first")
	pull(consumer, producer)

	producer.run(rename_city, old=old, new=new)
	if not together:
		pull(consumer, producer)
	producer.run(change, doctype=CITY, name=new, country_name=f"{title} again")
	producer.run(attach, name=new, content=f"{title} second")
	pull(consumer, producer)

	there, here = producer.run(look, title=title), consumer.run(look, title=title)
	assert all_synced(consumer)
	assert list(there) == [new] and there[new][1] == f"{title} again" and len(there[new][2]) == 2
	# a city is named by its title: under its own naming this site keeps the spelling that it gave
	assert [each[1:] for each in here.values()] == [there[new][1:]]
	if same_name:
		assert here == there


@pytest.mark.parametrize("renamed_on", ["producer", "consumer"])
def test_such_a_rename_crosses_once_where_both_sites_subscribe_to_each_other(producer, consumer, renamed_on):
	directions = [(consumer, producer), (producer, consumer)]
	for taker, giver in directions:
		subscribe(taker, giver, CITY, ORDER)
	title = unique("alike")
	old, new, last = f"abc ltd {title}", f"ABC Ltd {title}", f"Abc ltd {title}"
	producer.run(insert, doctype=CITY, title=old, country_name=title)
	producer.run(insert, doctype=ORDER, title=title, city=old)
	settle(*directions)
	renamer, other = (producer, consumer) if renamed_on == "producer" else (consumer, producer)

	renamer.run(rename_city, old=old, new=new)
	assert settle(*directions) == 1
	other.run(change, doctype=CITY, name=new, country_name=f"{title} again")
	settle(*directions)
	other.run(rename_city, old=new, new=last)
	settle(*directions)

	assert all_synced(consumer) and all_synced(producer)
	there, here = producer.run(look, title=title), consumer.run(look, title=title)
	assert here == there == {last: [last, f"{title} again", [], [title]]}


def test_such_renames_on_both_sites_end_with_the_name_of_the_site_that_made_the_document(producer, consumer):
	directions = [(consumer, producer), (producer, consumer)]
	for taker, giver in directions:
		subscribe(taker, giver, CITY)
	title = unique("alike")
	old, there, here = f"abc ltd {title}", f"ABC Ltd {title}", f"Abc ltd {title}"
	producer.run(insert, doctype=CITY, title=old, country_name=title)
	settle(*directions)

	producer.run(rename_city, old=old, new=there)
	consumer.run(rename_city, old=old, new=here)
	settle(*directions)

	assert all_synced(consumer) and all_synced(producer)
	assert list(producer.run(look, title=title)) == list(consumer.run(look, title=title)) == [there]


def insert_unchecked(**values) -> str:
	"""With a link as SQL or an import has written it; Frappe itself writes it as the document is."""
	import frappe

	doc = frappe.get_doc({"doctype": ORDER, **values})
	doc.flags.ignore_links = True
	return doc.insert().name


@pytest.mark.mariadb("PostgreSQL finds no document by another spelling")
def test_a_link_in_another_spelling_stops_no_other_document(producer, consumer):
	title = unique("alike")
	producer.run(insert, doctype=CITY, title=f"ABC Ltd {title}", country_name=title)
	subscribe(consumer, producer, CITY, ORDER)
	producer.run(insert_unchecked, title=title, city=f"abc ltd {title}")
	other = producer.run(insert, doctype=ORDER, title=f"{title} other")

	pull(consumer, producer)

	assert consumer.run(read_doc, doctype=ORDER, name=other)
	(log,) = [each for each in sync_logs(consumer) if each["status"] != "Synced"]
	assert log["status"] == "Retrying" and f"abc ltd {title}" in log["error"]


def adopt_all() -> dict:
	from event_streaming.consumer.pull.adopting import adopt

	return adopt()


@pytest.mark.mariadb("PostgreSQL takes both names")
@pytest.mark.parametrize(("before", "after"), SPELLINGS)
def test_a_document_of_this_site_with_the_name_in_another_spelling_is_told_at_once_and_can_be_adopted(
	producer, consumer, before, after
):
	subscribe(consumer, producer, CITY)
	title = unique("alike")
	own, theirs = f"{before} {title}", f"{after} {title}"
	consumer.run(insert, doctype=CITY, title=own, country_name=title)
	producer.run(insert, doctype=CITY, title=theirs, country_name=f"{title} there")

	pull(consumer, producer)

	(log,) = sync_logs(consumer)
	assert log["status"] == "Failed" and log["error"].startswith("NameTaken")
	assert list(consumer.run(look, title=title)) == [own]
	assert consumer.run(adopt_all)["synced"] == 1
	producer.run(change, doctype=CITY, name=theirs, country_name=f"{title} again")
	consumer.run(make_due)
	pull(consumer, producer)
	assert all_synced(consumer)
	assert [each[1] for each in consumer.run(look, title=title).values()] == [f"{title} again"]


# the second is the first with a vowel sign or a virama more
OTHER_NAMES = [("กรง", "กรุง"), ("ปก", "ปูก"), ("ກງ", "ກຸງ"), ("कम", "क्म")]


def insert_city(title: str) -> None:
	import frappe

	frappe.get_doc({"doctype": CITY, "title": title, "country_name": title}).insert()


def written_here(names: list[str]) -> dict:
	"""As a page asks for all of them, and as the database answers for each."""
	import frappe

	from event_streaming.consumer.resolve.local_names import existing_names

	each = {name: frappe.db.get_value(CITY, name, "name") for name in names}
	return {
		"together": existing_names(CITY, names),
		"one by one": {name: at for name, at in each.items() if at},
	}


@pytest.mark.parametrize(("one", "other"), [*OTHER_NAMES, *SPELLINGS])
def test_names_that_are_looked_up_together_are_what_the_database_takes_them_for(consumer, one, other):
	title = unique("alike")
	here, asked = f"{one} {title}", f"{other} {title}"
	consumer.run(insert_city, title=here)

	found = consumer.run(written_here, names=[here, asked])
	alone = consumer.run(written_here, names=[asked])

	assert found["together"] == found["one by one"]
	assert alone["together"] == alone["one by one"]
	if (one, other) in OTHER_NAMES:
		assert found["together"] == {here: here} and not alone["together"]


@pytest.mark.parametrize(("one", "other"), OTHER_NAMES)
def test_a_link_to_a_name_with_another_vowel_sign_is_to_that_document(producer, consumer, one, other):
	subscribe(consumer, producer, ORDER)
	title = unique("alike")
	here, missing = f"{one} {title}", f"{other} {title}"
	for name in (here, missing):
		producer.run(insert_city, title=name)
		producer.run(insert, doctype=ORDER, title=name, city=name)
	consumer.run(insert_city, title=here)

	pull(consumer, producer)

	assert all_synced(consumer)
	for name in (here, missing):
		order = consumer.run(find_name, doctype=ORDER, title=name)
		assert consumer.run(read_doc, doctype=ORDER, name=order)["city"] == name
		assert consumer.run(read_doc, doctype=CITY, name=name)["title"] == name

"""One site goes on with a document, and before it has told of that the other has renamed, merged, deleted or remade it.

Whatever belongs to the document (files, rows, values, events that wait) is where the document is by then, or gone with it:
the same on both sites, with nothing left open.
"""

import os
from itertools import product

import pytest
from doctypes import CITY, ORDER, ROW
from documents import unique
from logs import sync_logs
from streams import pull, require_nothing, subscribe

pytestmark = pytest.mark.usefixtures("orders")

ATTACHED = "File attached"
DETACHED = "File removed"
ROWS = "Rows changed"
UPDATED = "Updated"
WAITING = "Event waiting"
GONE, NEW_NAME, MERGED_IN = "Deleted too", "Renamed too", "Another merged in"
WHAT = [ATTACHED, DETACHED, ROWS, UPDATED, WAITING, GONE, NEW_NAME, MERGED_IN]

RENAMED, MERGED, DELETED, REMADE = "Renamed", "Merged", "Deleted", "Made again"
MEANWHILE = [RENAMED, MERGED, DELETED, REMADE]
REFUSED = "refused"
IN_SOAK = bool(os.environ.get("EVENT_STREAMING_SOAK_SECONDS"))


# ---------------------------------------------------------------- run inside a site


def make(name: str, title: str, note: str, files: list) -> None:
	import frappe

	rows = [{"item": item, "qty": 1} for item in ("bolt", "nut")]
	doc = {"doctype": ORDER, "title": title, "note": note, "rows": rows}
	frappe.get_doc(doc).insert(set_name=name)
	for content in files:
		attach(name, content)


def attach(name: str, content: str) -> None:
	import frappe

	values = {"file_name": f"{content}.txt", "content": content}
	owner = {"attached_to_doctype": ORDER, "attached_to_name": name}
	frappe.get_doc({"doctype": "File", **values, **owner}).insert()


def go_on(name: str, what: str, content: str) -> None:
	"""What one site does to the document."""
	import frappe

	if what == ATTACHED:
		attach(name, content)
	elif what == DETACHED:
		owner = {"attached_to_doctype": ORDER, "attached_to_name": name}
		frappe.delete_doc("File", frappe.db.get_value("File", owner, "name"))
	elif what == GONE:
		frappe.delete_doc(ORDER, name)
	elif what == MERGED_IN:
		extra = frappe.db.get_value(ORDER, {"title": content}, "name")
		frappe.rename_doc(ORDER, extra, name, merge=True, show_alert=False, rebuild_search=False)
	elif what == NEW_NAME:
		frappe.rename_doc(ORDER, name, f"{content} too", show_alert=False, rebuild_search=False)
	elif what == ROWS:
		doc = frappe.get_doc(ORDER, name)
		doc.rows.pop(0)
		doc.append("rows", {"item": "pin", "qty": 2})
		for number, row in enumerate(doc.rows, start=1):
			row.idx = number
		doc.save()
	else:
		doc = frappe.get_doc(ORDER, name)
		doc.note = REFUSED if what == WAITING else content
		doc.save()
		if what == WAITING:
			attach(name, content)
			doc.reload()
			doc.note = "accepted"
			doc.save()


def meanwhile(name: str, how: str, new: str, title: str) -> None:
	"""What the other site does to it."""
	import frappe

	if how == RENAMED:
		frappe.rename_doc(ORDER, name, new, show_alert=False, rebuild_search=False)
	elif how == MERGED:
		frappe.rename_doc(ORDER, name, new, merge=True, show_alert=False, rebuild_search=False)
	else:
		frappe.delete_doc(ORDER, name)
		if how == REMADE:
			make(name, title, "made again", [f"{title} again"])


def refuse(doctype: str, value: str) -> None:
	"""This site's own rule, until it is taken away."""
	import frappe

	frappe.get_doc(
		{
			"doctype": "Server Script",
			"name": f"{doctype} refuses",
			"script_type": "DocType Event",
			"reference_doctype": doctype,
			"doctype_event": "Before Save",
			"script": f"if doc.note == {value!r}: frappe.throw('refused')",
		}
	).insert(ignore_if_duplicate=True)
	frappe.clear_cache()


def make_due() -> None:
	import frappe

	frappe.db.set_value("Event Sync Log", {"status": "Retrying"}, "next_retry", "2020-01-01 00:00:00")


def read_orders(prefix: str) -> list:
	"""All of them, with what belongs to them; by title and note, as each site may have names of its own."""
	import frappe

	found = []
	for doc in frappe.get_all(
		ORDER, {"title": ["like", f"{prefix}%"]}, ["name", "title", "note", "docstatus", "modified"]
	):
		rows = frappe.get_all(ROW, {"parent": doc.name}, ["idx", "item", "qty"], order_by="idx asc")
		owner = {"attached_to_doctype": ORDER, "attached_to_name": doc.name}
		files = sorted(frappe.get_all("File", owner, pluck="file_name"))
		values = [doc.title, doc.note, doc.docstatus, str(doc.modified)]
		found.append([*values, [list(row.values()) for row in rows], files, doc.name])
	stray = frappe.get_all(
		"File", {"file_name": ["like", f"{prefix}%"], "attached_to_doctype": ORDER}, ["attached_to_name"]
	)
	for row in stray:
		assert frappe.db.exists(ORDER, row.attached_to_name), "a file of no document"
	return sorted(found)


def name_of(title: str) -> str:
	import frappe

	return frappe.db.get_value(ORDER, {"title": title}, "name")


# ---------------------------------------------------------------- on both sites


def settle(directions) -> None:
	for _round in range(10):
		for taker, _giver in directions:
			taker.run(make_due)
		if not sum(pull(taker, giver)["events"] for taker, giver in directions):
			for taker, _giver in directions:
				open_ones = [log for log in sync_logs(taker) if log["status"] != "Synced"]
				assert not open_ones, [(log["update_type"], log["status"], log["error"]) for log in open_ones]
			return
	raise AssertionError("the two sites do not come to rest")


def look(site, prefix: str, same_name: int) -> list:
	return [doc if same_name else doc[:-1] for doc in site.run(read_orders, prefix=prefix)]


def forget_orders() -> None:
	import frappe

	for doctype in (ORDER, ROW):
		frappe.db.delete(doctype)


@pytest.fixture(autouse=True)
def no_orders_left(producer, consumer):
	"""Where each site has counted names of its own, another test's orders would find theirs taken."""
	yield
	for site in (producer, consumer):
		site.run(forget_orders)


@pytest.fixture
def rules(producer, consumer):
	yield
	for site in (producer, consumer):
		site.run(require_nothing, doctype=ORDER)


def some_of_all() -> list[tuple]:
	"""Each thing that belongs to a document with each thing that may become of it, in one of the eight settings, which take turns;
	`make soak` tries all of them."""
	settings = list(product(["here", "there"], [1, 0], ["told", "heard"]))
	found = []
	for number, pair in enumerate(product(WHAT, MEANWHILE)):
		turn = number % len(settings)
		chosen = settings if IN_SOAK else [settings[turn]]
		found += [(*pair, *each) for each in chosen]
	return found


@pytest.mark.parametrize(("what", "how", "made_on", "same_name", "first"), some_of_all())
def test_what_belongs_to_a_document_is_the_same_on_both_sites_whatever_the_other_did_meanwhile(
	producer, consumer, rules, what, how, made_on, same_name, first
):
	"""The producer goes on with it, the consumer renames, merges, deletes or remakes it."""
	directions = [(consumer, producer), (producer, consumer)]
	for taker, giver in directions:
		subscribe(taker, giver, ORDER, CITY, use_same_name=same_name, conflict_policy="Newest Wins")
	prefix = unique("ORD")
	maker = consumer if made_on == "here" else producer
	titles = [f"{prefix} old", f"{prefix} other", *([f"{prefix} more"] if what == MERGED_IN else [])]
	for title in titles:
		maker.run(make, name=title, title=title, note="first", files=[title])
	settle(directions)
	there, here = (site.run(name_of, title=f"{prefix} old") for site in (producer, consumer))
	other = consumer.run(name_of, title=f"{prefix} other")

	producer.run(go_on, name=there, what=what, content=f"{prefix} more")
	if what == WAITING:
		consumer.run(refuse, doctype=ORDER, value=REFUSED)
		pull(consumer, producer)
		assert [log for log in sync_logs(consumer) if log["status"] == "Retrying"]
	new = other if how == MERGED else f"{prefix} new"
	consumer.run(meanwhile, name=here, how=how, new=new, title=f"{prefix} old")
	if what == WAITING:
		consumer.run(require_nothing, doctype=ORDER)
	settle(directions if first == "told" else directions[::-1])

	found = look(consumer, prefix, same_name)
	assert found == look(producer, prefix, same_name)
	titles = [doc[0] for doc in found]
	left = 1 if how in (MERGED, DELETED) or (what == GONE and how == RENAMED) else 2
	assert len(titles) == len(set(titles)) == left
	if how == REMADE:
		assert {doc[1] for doc in found} == {"first", "made again"}
	files = sorted(name for doc in found for name in doc[5])
	assert files == sorted(f"{each}.txt" for each in files_expected(prefix, what, how, first))


def files_expected(prefix: str, what: str, how: str, first: str) -> list[str]:
	old, other, more = f"{prefix} old", f"{prefix} other", f"{prefix} more"
	if how == DELETED:
		return [other]
	if how == REMADE:
		return [other, f"{old} again"]
	if what == GONE and how == RENAMED:
		return [other]
	return [
		other,
		*([] if what == DETACHED else [old]),
		*([more] if what in (ATTACHED, WAITING, MERGED_IN) else []),
	]


@pytest.mark.parametrize("same_name", [1, 0], ids=["same_name", "own_name"])
@pytest.mark.parametrize("made_on", ["here", "there"])
@pytest.mark.parametrize("how", [RENAMED, MERGED])
def test_what_links_to_a_document_links_to_what_has_become_of_it(producer, consumer, how, made_on, same_name):
	directions = [(consumer, producer), (producer, consumer)]
	for taker, giver in directions:
		subscribe(taker, giver, ORDER, CITY, use_same_name=same_name)
	prefix = unique("City")
	maker = consumer if made_on == "here" else producer
	for title in (f"{prefix} old", f"{prefix} other"):
		maker.run(make_city, title=title)
	settle(directions)
	producer.run(make_linked, prefix=prefix)
	consumer.run(rename_city, prefix=prefix, merge=how == MERGED)

	settle(directions)

	found = consumer.run(read_linked, prefix=prefix)
	assert found == producer.run(read_linked, prefix=prefix)
	assert len(found["cities"]) == (1 if how == MERGED else 2)


def make_city(title: str) -> None:
	import frappe

	frappe.get_doc({"doctype": CITY, "title": title, "country_name": title}).insert()


def make_linked(prefix: str) -> None:
	import frappe

	city = frappe.db.get_value(CITY, {"country_name": f"{prefix} old"}, "name")
	frappe.get_doc({"doctype": ORDER, "title": prefix, "city": city}).insert(set_name=prefix)


def rename_city(prefix: str, merge: bool) -> None:
	import frappe

	old, other = (
		frappe.db.get_value(CITY, {"country_name": f"{prefix} {which}"}, "name") for which in ("old", "other")
	)
	new = other if merge else f"{prefix} new"
	frappe.rename_doc(CITY, old, new, merge=merge, show_alert=False, rebuild_search=False)


def read_linked(prefix: str) -> dict:
	import frappe

	cities = dict(
		frappe.get_all(CITY, {"country_name": ["like", f"{prefix}%"]}, ["name", "country_name"], as_list=True)
	)
	linked = frappe.get_all(ORDER, {"title": prefix}, pluck="city")
	return {"cities": sorted(cities.values()), "linked": [cities.get(city) for city in linked]}


@pytest.mark.parametrize("what", ["deleted", "merged", "renamed"])
@pytest.mark.parametrize("same_name", [1, 0], ids=["same_name", "own_name"])
def test_what_a_site_that_only_takes_has_merged_stays_while_the_producer_has_one_of_the_two(
	producer, consumer, same_name, what
):
	"""Both of the producer's are one here: what becomes of the one is not done to the other."""
	subscribe(consumer, producer, ORDER, CITY, use_same_name=same_name)
	prefix = unique("ORD")
	old, other = f"{prefix} old", f"{prefix} other"
	for title in (old, other):
		producer.run(make, name=title, title=title, note="first", files=[title])
	pull(consumer, producer)
	here, kept = (consumer.run(name_of, title=title) for title in (old, other))
	consumer.run(meanwhile, name=here, how=MERGED, new=kept, title="")

	how = {"deleted": DELETED, "merged": MERGED, "renamed": RENAMED}[what]
	producer.run(meanwhile, name=old, how=how, new=other if what == "merged" else f"{prefix} new", title="")
	producer.run(go_on, name=other, what=UPDATED, content="second")
	settle([(consumer, producer)])

	assert consumer.run(name_of, title=other) == kept
	assert [doc[:2] for doc in consumer.run(read_orders, prefix=prefix)] == [[other, "second"]]


# ---------------------------------------------------------------- merges that cross each other

# what each site does before it hears of the other; of A, B and D, A was made first and D last. What stays, and with whose files.
CROSSINGS = {
	"each into the other": (["A into B"], ["B into A"], {"A": "AB"}),
	"each into the other, the other way round": (["B into A"], ["A into B"], {"A": "AB"}),
	"with changes and files before and after": (
		["change A", "attach A", "A into B", "attach B", "change B"],
		["change B", "B into A", "attach A", "rename A"],
		{"A": "ABxyz"},
	),
	"with changes and files, the other way round": (
		["change A", "attach A", "B into A", "change A", "attach A"],
		["change A", "A into B", "attach B", "change B"],
		{"A": "ABxyz"},
	),
	"the one that stays was renamed": (["A into B"], ["B into A", "rename A"], {"A": "AB"}),
	"the one that stays was renamed twice": (["A into B"], ["B into A", "rename A", "rename A"], {"A": "AB"}),
	"the one that stays has gone on into a third": (["A into B"], ["B into A", "A into D"], {"D": "ABD"}),
	"the one that stays was deleted": (["A into B"], ["B into A", "delete A"], {}),
	"the other one was renamed before": (["rename B", "A into B"], ["rename A", "B into A"], {"A": "AB"}),
	"a chain against a merge": (["A into B"], ["B into D", "D into A"], {"A": "ABD"}),
	"a chain against a merge, the other way round": (["D into B"], ["B into A", "A into D"], {"A": "ABD"}),
	"two merges that close a ring": (["A into B", "B into D"], ["D into A"], {"B": "ABD"}),
	"both the same": (["A into B"], ["A into B"], {"B": "AB"}),
	"both the same, by another way": (["A into B", "B into D"], ["A into D", "B into D"], {"D": "ABD"}),
	"into two different ones": (["A into B"], ["A into D"], {"B": "AB", "D": "D"}),
	"into two different ones, the other way round": (["A into D"], ["A into B"], {"B": "AB", "D": "D"}),
	"into one that was renamed": (["A into B"], ["rename B", "attach B"], {"B": "ABx"}),
	"one that was renamed": (["A into B"], ["rename A", "attach A", "change A"], {"B": "ABx"}),
	"one that was deleted": (["A into B"], ["delete A"], {"B": "AB"}),
	"into one that was deleted": (["A into B"], ["delete B"], {}),
	"into one that was made again": (["A into B"], ["delete B", "make B"], {"B": "B"}),
	"one that was made again": (["A into B"], ["delete A", "make A"], {"A": "A", "B": "AB"}),
}


def make_all(titles: list) -> None:
	for title in titles:
		make(title, title, "first", [title])


def do_all(letter: str, todo: list) -> None:
	"""Each a transaction of its own; a document is known by its title."""
	import frappe

	for prefix, number, step in [(prefix, *each) for prefix, steps in todo for each in enumerate(steps)]:
		verb, *rest = step.split()
		if "into" in rest:
			verb, rest = "merge", [verb, rest[-1]]
		title = f"{prefix} {rest[0]}"
		name = frappe.db.get_value(ORDER, {"title": title}, "name")
		if verb == "merge":
			other = frappe.db.get_value(ORDER, {"title": f"{prefix} {rest[1]}"}, "name")
			frappe.rename_doc(ORDER, name, other, merge=True, show_alert=False, rebuild_search=False)
		elif verb == "rename":
			frappe.rename_doc(
				ORDER, name, f"{title} {letter}{number}", show_alert=False, rebuild_search=False
			)
		elif verb == "attach":
			attach(name, f"{title} file of {letter}{number}")
		elif verb == "delete":
			frappe.delete_doc(ORDER, name)
		elif verb == "make":
			make(title, title, "made again", [title])
		else:
			doc = frappe.get_doc(ORDER, name)
			doc.note = f"changed by {letter}{number}"
			doc.append("rows", {"item": f"of {letter}{number}", "qty": number})
			doc.save()
		frappe.db.commit()


def settings_that_cross() -> list[tuple]:
	"""On which site A, B and D are made, whether they keep their names, who pulls first; `make soak` tries all of it."""
	found = list(product(["ppp", "ccc", "pcp", "cpc"], [1, 0], ["told", "heard"]))
	return found if IN_SOAK else [found[number] for number in (9, 14)]


def cases_of(same_name: int) -> list[str]:
	"""Every other one in its turn; `make soak` tries all of them in all settings."""
	return list(CROSSINGS) if IN_SOAK else list(CROSSINGS)[same_name::2]


@pytest.mark.parametrize(("made_on", "same_name", "first"), settings_that_cross())
def test_merges_that_cross_each_other_leave_the_same_on_both_sites(
	producer, consumer, made_on, same_name, first
):
	directions = [(consumer, producer), (producer, consumer)]
	for taker, giver in directions:
		subscribe(taker, giver, ORDER, CITY, use_same_name=same_name, conflict_policy="Newest Wins")
	prefixes = {case: unique("ORD") for case in cases_of(same_name)}
	sites = {"p": producer, "c": consumer}
	for letter, title in zip(made_on, "ABD", strict=True):
		sites[letter].run(make_all, titles=[f"{prefix} {title}" for prefix in prefixes.values()])
	settle(directions)

	for number, letter in enumerate("pc"):
		todo = [(prefix, CROSSINGS[case][number]) for case, prefix in prefixes.items()]
		sites[letter].run(do_all, letter=letter, todo=todo)
	settle(directions if first == "told" else directions[::-1])

	wrong = {}
	for case, prefix in prefixes.items():
		here, there = (look(site, prefix, same_name) for site in (consumer, producer))
		if here != there:
			wrong[case] = ("differ", here, there)
		elif (found := in_short(here, prefix)) != expected_of(case):
			wrong[case] = (found, "and not", expected_of(case))
	assert not wrong, "\n".join(f"{case}: {what}" for case, what in wrong.items())


def in_short(found: list, prefix: str) -> dict[str, str]:
	"""Title -> its files: those with which they were made, and how many others."""
	short = {}
	for doc in found:
		files = [name.removeprefix(f"{prefix} ").removesuffix(".txt") for name in doc[5]]
		made = [name for name in files if " " not in name]
		title = doc[0].removeprefix(f"{prefix} ")
		short[title] = "".join([*made, *"xyz"[: len(files) - len(made)]])
	return short


def expected_of(case: str) -> dict[str, str]:
	of_producer, of_consumer, left = CROSSINGS[case]
	return left if "D" in "".join([*of_producer, *of_consumer]) else {**left, "D": "D"}


@pytest.mark.parametrize("merged", ["A into B", "B into A"])
@pytest.mark.parametrize("first", ["told", "heard"])
def test_what_is_made_again_under_a_name_that_the_other_site_gave_is_no_part_of_a_merge_there(
	producer, consumer, merged, first
):
	"""The former one was made here and renamed there, and there it is merged while it is deleted here."""
	directions = [(consumer, producer), (producer, consumer)]
	for taker, giver in directions:
		subscribe(taker, giver, ORDER, CITY, use_same_name=1, conflict_policy="Newest Wins")
	prefix = unique("ORD")
	consumer.run(make_all, titles=[f"{prefix} A"])
	producer.run(make_all, titles=[f"{prefix} B"])
	settle(directions)
	producer.run(do_all, letter="p", todo=[(prefix, ["rename A"])])
	settle(directions)

	producer.run(do_all, letter="p", todo=[(prefix, ["rename B", merged])])
	name = consumer.run(name_of, title=f"{prefix} A")
	consumer.run(do_all, letter="c", todo=[(prefix, ["change A", "delete A"])])
	consumer.run(make, name=name, title=f"{prefix} A", note="made again", files=[f"{prefix} again"])
	settle(directions if first == "told" else directions[::-1])

	here, there = (look(site, prefix, 1) for site in (consumer, producer))
	assert here == there
	assert in_short(here, prefix) == ({"A": "again", "B": "AB"} if merged == "A into B" else {"A": "again"})

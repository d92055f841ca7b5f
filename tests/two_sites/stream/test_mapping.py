"""Documents of one DocType become documents of another, as a Document Type Mapping says."""

import pytest
from doctypes import make_doctype
from documents import change, delete, find_name, insert, read_doc, unique
from logs import sync_logs
from streams import pull, subscribe

from sandbox.errors import RemoteError

# on the producer
ORDER, ORDER_ROW, BUYER = "Mapped Order", "Mapped Order Row", "Mapped Buyer"
# on the consumer
DEAL, DEAL_LINE, PARTNER = "Mapping Deal", "Mapping Deal Line", "Mapping Partner"
ORDER_TO_DEAL, ROW_TO_LINE, BUYER_TO_PARTNER = "Order to Deal", "Row to Line", "Buyer to Partner"


def data(fieldname: str, fieldtype: str = "Data", **values) -> dict:
	return {"fieldname": fieldname, "label": fieldname.title(), "fieldtype": fieldtype, **values}


def make_remote_doctypes() -> None:
	make_doctype(BUYER, [data("buyer_name"), data("tax_code"), data("nation")], autoname="format:BUY-{#####}")
	make_doctype(
		ORDER_ROW,
		[data("item"), data("qty", "Float"), data("gift", "Check"), data("cost", "Currency")],
		istable=1,
	)
	make_doctype(
		ORDER,
		[
			data("reference"),
			data("buyer", "Link", options=BUYER),
			data("buyer_tax_code"),
			data("town"),
			data("rush", "Check"),
			data("discount", "Float"),
			data("firm"),
			data("secret_margin", "Currency"),
			data("items", "Table", options=ORDER_ROW),
		],
		autoname="format:MOR-{#####}",
		is_submittable=1,
	)


def make_local_doctypes() -> None:
	make_doctype(
		PARTNER, [data("full_name"), data("vat"), data("country_code")], autoname="format:PAR-{#####}"
	)
	make_doctype(
		DEAL_LINE,
		[data("product"), data("quantity", "Float"), data("free", "Check"), data("unit")],
		istable=1,
	)
	make_doctype(
		DEAL,
		[
			data("title"),
			data("partner", "Link", options=PARTNER),
			data("city"),
			data("urgent", "Check"),
			data("rebate", "Float"),
			data("company"),
			data("source"),
			data("points", "Int"),
			data("lines", "Table", options=DEAL_LINE),
		],
		autoname="format:DEA-{#####}",
		is_submittable=1,
	)


def row(local: str, remote: str = "", **values) -> dict:
	return {"local_fieldname": local, "remote_fieldname": remote, **values}


def make_mapping(name: str, local_doctype: str, remote_doctype: str, rows: list[dict]) -> str:
	import frappe

	return (
		frappe.get_doc(
			{
				"doctype": "Document Type Mapping",
				"mapping_name": name,
				"local_doctype": local_doctype,
				"remote_doctype": remote_doctype,
				"field_mapping": rows,
			}
		)
		.insert()
		.name
	)


def make_value_map(name: str, pairs: list[list[str]], other_values: str) -> str:
	import frappe

	return (
		frappe.get_doc(
			{
				"doctype": "Document Type Value Map",
				"value_map_name": name,
				"other_values": other_values,
				"pairs": [{"remote_value": remote, "local_value": local} for remote, local in pairs],
			}
		)
		.insert()
		.name
	)


def make_mappings(filters: str = "", **firm: str) -> None:
	"""The order's mapping with all it needs; `firm` is added to the row of the field that has a value map."""
	make_mapping(
		ROW_TO_LINE,
		DEAL_LINE,
		ORDER_ROW,
		[
			row("product", "item"),
			row("quantity", "qty"),
			row("free", "gift"),
			row("unit", "", default_value="Nos"),
		],
	)
	make_mapping(
		BUYER_TO_PARTNER,
		PARTNER,
		BUYER,
		[
			row("full_name", "buyer_name"),
			row("vat", "tax_code"),
			row("country_code", "nation", default_value="TH"),
		],
	)
	make_mapping(
		ORDER_TO_DEAL,
		DEAL,
		ORDER,
		[
			row("title", "reference"),
			row(
				"partner",
				"buyer",
				mapping_type="Document",
				mapping=BUYER_TO_PARTNER,
				remote_value_filters=filters,
			),
			row("city", "town", default_value="Chiang Mai"),
			row("urgent", "rush", default_value="1"),
			row("rebate", "discount"),
			row("source", "", default_value="Head Office"),
			row("points", "", default_value="7"),
			row("lines", "items", mapping_type="Child Table", mapping=ROW_TO_LINE),
			*([row("company", "firm", **firm)] if firm else []),
		],
	)


def remove_mappings() -> None:
	import frappe

	for doctype in ("Document Type Mapping", "Document Type Value Map"):
		for name in frappe.get_all(doctype, pluck="name"):
			frappe.delete_doc(doctype, name, force=True)


@pytest.fixture
def sites(producer, consumer):
	"""The DocTypes, and no mapping."""
	producer.run(make_remote_doctypes)
	consumer.run(make_local_doctypes)
	consumer.run(remove_mappings)


@pytest.fixture
def subscribed(producer, consumer, sites):
	"""Makes the mappings and subscribes to orders through them."""

	def subscribe_with(**values) -> None:
		consumer.run(make_mappings, **values)
		subscribe(
			consumer,
			producer,
			{"ref_doctype": DEAL, "has_mapping": 1, "mapping": ORDER_TO_DEAL, "use_same_name": 0},
		)

	return subscribe_with


@pytest.fixture
def order(producer):
	def make(**values) -> str:
		return producer.run(insert, doctype=ORDER, **{"reference": unique("order"), **values})

	return make


def local_deal(consumer, producer, name: str) -> dict | None:
	found = consumer.run(find_name, doctype=DEAL, remote_docname=name, remote_site_name=producer.url)
	return consumer.run(read_doc, doctype=DEAL, name=found) if found else None


def lines_of(deal: dict) -> list[tuple]:
	return [
		(line["idx"], line["product"], line["quantity"], line["free"], line["unit"]) for line in deal["lines"]
	]


def change_items(name: str) -> None:
	"""One row goes, one changes, one is new, and the order is turned round."""
	import frappe

	doc = frappe.get_doc(ORDER, name)
	doc.items[0].gift = 0
	doc.items[0].qty = 0
	doc.remove(doc.items[1])
	doc.append("items", {"item": "washer", "qty": 3})
	doc.items.reverse()
	for number, item in enumerate(doc.items, start=1):
		item.idx = number
	doc.save()


def submit(doctype: str, name: str) -> None:
	import frappe

	frappe.get_doc(doctype, name).submit()


def read_log(event_producer: str) -> dict:
	import frappe

	return frappe.get_last_doc("Event Sync Log", filters={"event_producer": event_producer}).as_dict()


def save_refused(site, **mapping) -> str:
	with pytest.raises(RemoteError) as caught:
		site.run(
			make_mapping,
			**{"name": unique("mapping"), "local_doctype": DEAL, "remote_doctype": ORDER, **mapping},
		)
	return caught.value.message


# what arrives


def test_an_order_becomes_a_deal_with_lines_defaults_and_nothing_else(producer, consumer, subscribed, order):
	subscribed()
	name = order(
		reference="PO 1",
		rush=0,
		discount=2.5,
		secret_margin=99,
		firm="HO",
		items=[{"item": "bolt", "qty": 1.5, "gift": 1, "cost": 5}, {"item": "nut", "qty": 2}],
	)

	pull(consumer, producer)

	deal = local_deal(consumer, producer, name)
	assert (deal["title"], deal["city"], deal["urgent"], deal["rebate"]) == ("PO 1", "Chiang Mai", 0, 2.5)
	assert (deal["source"], deal["points"], deal["partner"]) == ("Head Office", 7, None)
	assert lines_of(deal) == [(1, "bolt", 1.5, 1, "Nos"), (2, "nut", 2.0, 0, "Nos")]
	assert deal["company"] is None
	[log] = sync_logs(consumer)
	assert (log["status"], log["ref_doctype"], log["remote_doctype"], log["mapping"]) == (
		"Synced",
		DEAL,
		ORDER,
		ORDER_TO_DEAL,
	)


def test_rows_that_change_move_come_and_go_do_so_here(producer, consumer, subscribed, order):
	subscribed()
	name = order(items=[{"item": "bolt", "qty": 1, "gift": 1}, {"item": "nut", "qty": 2}])
	pull(consumer, producer)

	producer.run(change_items, name=name)
	pull(consumer, producer)

	assert lines_of(local_deal(consumer, producer, name)) == [
		(1, "washer", 3.0, 0, "Nos"),
		(2, "bolt", 0.0, 0, "Nos"),
	]


def test_what_is_emptied_cleared_or_set_to_zero_goes_over(producer, consumer, subscribed, order):
	subscribed()
	name = order(town="Nan", rush=1, discount=5)
	pull(consumer, producer)
	assert local_deal(consumer, producer, name)["city"] == "Nan"

	producer.run(change, doctype=ORDER, name=name, town="", rush=0, discount=0)
	pull(consumer, producer)

	deal = local_deal(consumer, producer, name)
	assert (deal["city"] or "", deal["urgent"], deal["rebate"]) == ("", 0, 0)


def test_an_update_that_touches_no_mapped_field_changes_nothing(producer, consumer, subscribed, order):
	subscribed()
	name = order(town="Nan")
	pull(consumer, producer)
	before = local_deal(consumer, producer, name)

	producer.run(change, doctype=ORDER, name=name, secret_margin=5)
	pull(consumer, producer)

	assert local_deal(consumer, producer, name) == before
	log = consumer.run(read_log, event_producer=producer.url)
	assert log["status"] == "Synced"
	assert "no field" in log["outcome"]


def test_an_order_that_is_submitted_and_deleted(producer, consumer, subscribed, order):
	subscribed()
	submitted, deleted = order(), order()
	pull(consumer, producer)

	producer.run(submit, doctype=ORDER, name=submitted)
	producer.run(delete, doctype=ORDER, name=deleted)
	pull(consumer, producer)

	assert local_deal(consumer, producer, submitted)["docstatus"] == 1
	assert local_deal(consumer, producer, deleted) is None


def test_an_update_of_an_order_that_is_not_here_brings_all_of_it(producer, consumer, subscribed, order):
	name = order(town="Nan", items=[{"item": "bolt", "qty": 1}])
	subscribed()

	producer.run(change, doctype=ORDER, name=name, discount=1)
	pull(consumer, producer)

	deal = local_deal(consumer, producer, name)
	assert (deal["city"], deal["rebate"], len(deal["lines"])) == ("Nan", 1, 1)


# mapped documents


@pytest.mark.parametrize(
	"filters",
	[
		"",
		'{"tax_code": "buyer_tax_code"}',
		'{"tax_code": "eval:doc.buyer_tax_code", "nation": "Thailand"}',
		"{\"tax_code\": \"buyer_tax_code\", \"nation\": \"eval:frappe.db.get_value('DocType', 'DocType', 'name') and 'Thailand'\"}",
	],
	ids=["by name", "by field", "by expression and literal", "by an expression that reads this site"],
)
def test_a_mapped_document_is_made_first_through_its_own_mapping(
	producer, consumer, subscribed, order, filters
):
	subscribed(filters=filters)
	code = unique("TH")
	buyer = producer.run(insert, doctype=BUYER, buyer_name="Ann", tax_code=code, nation="Thailand")
	producer.run(insert, doctype=BUYER, buyer_name="Not Ann", tax_code=unique("TH"), nation="Thailand")
	first, second = (order(buyer=buyer, buyer_tax_code=code) for _ in range(2))

	pull(consumer, producer)

	partners = [local_deal(consumer, producer, name)["partner"] for name in (first, second)]
	assert partners[0] and partners[0] == partners[1]
	partner = consumer.run(read_doc, doctype=PARTNER, name=partners[0])
	assert (partner["full_name"], partner["vat"], partner["country_code"]) == ("Ann", code, "Thailand")


def test_an_update_points_to_another_mapped_document(producer, consumer, subscribed, order):
	subscribed(filters='{"tax_code": "buyer_tax_code", "nation": "Thailand"}')
	codes = [unique("TH"), unique("TH")]
	buyers = [producer.run(insert, doctype=BUYER, tax_code=code, nation="Thailand") for code in codes]
	name = order(buyer=buyers[0], buyer_tax_code=codes[0])
	pull(consumer, producer)

	producer.run(change, doctype=ORDER, name=name, buyer_tax_code=codes[1])
	pull(consumer, producer)
	partner = local_deal(consumer, producer, name)["partner"]
	assert consumer.run(read_doc, doctype=PARTNER, name=partner)["vat"] == codes[1]

	producer.run(change, doctype=ORDER, name=name, buyer="")
	pull(consumer, producer)
	assert not local_deal(consumer, producer, name)["partner"]


def test_a_mapped_document_that_is_not_found_fails_with_its_filters(producer, consumer, subscribed, order):
	subscribed(filters='{"tax_code": "buyer_tax_code"}')
	buyer = producer.run(insert, doctype=BUYER, tax_code=unique("TH"))
	name = order(buyer=buyer, buyer_tax_code="no such code")

	pull(consumer, producer)

	assert local_deal(consumer, producer, name) is None
	[log] = sync_logs(consumer, status="Retrying")
	assert BUYER in log["error"] and "tax_code = no such code" in log["error"]


def test_an_expression_that_fails_or_reaches_too_far_fails_its_own_event(
	producer, consumer, subscribed, order
):
	subscribed(filters="{\"tax_code\": \"eval:frappe.db.get_value('__Auth', None, 'password')\"}")
	buyer = producer.run(insert, doctype=BUYER, tax_code=unique("TH"))
	failing, other = order(buyer=buyer), order()

	pull(consumer, producer)

	assert local_deal(consumer, producer, failing) is None
	assert local_deal(consumer, producer, other)
	[log] = sync_logs(consumer, producer_doc=failing)
	assert log["status"] == "Failed"
	assert "partner" in log["error"].splitlines()[0]


# value maps


def test_a_value_map_replaces_values(producer, consumer, sites, subscribed, order):
	consumer.run(make_value_map, name="Firms", pairs=[["Head Office", "HO Ltd"]], other_values="Fail")
	subscribed(value_map="Firms")
	known, unknown = order(firm="Head Office"), order(firm="Branch")

	pull(consumer, producer)

	assert local_deal(consumer, producer, known)["company"] == "HO Ltd"
	assert local_deal(consumer, producer, unknown) is None
	[log] = sync_logs(consumer, status="Failed")
	assert "Branch" in log["error"] and "company" in log["error"] and "Firms" in log["error"]


@pytest.mark.parametrize(
	("other_values", "company"), [("Keep the Value", "Branch"), ("Use the Default Value", "Rest")]
)
def test_other_values_are_kept_or_defaulted(
	producer, consumer, sites, subscribed, order, other_values, company
):
	consumer.run(make_value_map, name="Firms", pairs=[["Head Office", "HO Ltd"]], other_values=other_values)
	subscribed(value_map="Firms", default_value="Rest")
	name = order(firm="Branch")

	pull(consumer, producer)

	assert local_deal(consumer, producer, name)["company"] == company


def make_firm_mappings(head_office: str, rest: str) -> None:
	"""A Link that a value map fills with names of this site, while what it links to is streamed under local names."""
	make_value_map("Firms", [["Head Office", head_office]], "Use the Default Value")
	make_mapping(BUYER_TO_PARTNER, PARTNER, BUYER, [row("full_name", "buyer_name")])
	firm = row("partner", "firm", value_map="Firms", default_value=rest)
	make_mapping(ORDER_TO_DEAL, DEAL, ORDER, [row("title", "reference"), firm])


def test_a_link_whose_value_was_chosen_here_means_the_document_of_this_site(producer, consumer, sites, order):
	head_office, rest = (consumer.run(insert, doctype=PARTNER, full_name=name) for name in ("HO", "Rest"))
	consumer.run(make_firm_mappings, head_office=head_office, rest=rest)
	mapped = {"has_mapping": 1, "use_same_name": 0}
	subscribe(
		consumer,
		producer,
		{"ref_doctype": DEAL, "mapping": ORDER_TO_DEAL, **mapped},
		{"ref_doctype": PARTNER, "mapping": BUYER_TO_PARTNER, **mapped},
	)
	mapped_one, empty, changed = order(firm="Head Office"), order(), order(firm="Head Office")
	producer.run(change, doctype=ORDER, name=changed, firm="Branch")

	pull(consumer, producer)

	partners = [local_deal(consumer, producer, name)["partner"] for name in (mapped_one, empty, changed)]
	assert partners == [head_office, rest, rest]


def import_pairs(value_map: str, content: str) -> list:
	import frappe

	path = (
		"event_streaming.event_streaming.doctype.document_type_value_map.document_type_value_map.import_csv"
	)
	frappe.call(path, value_map=value_map, content=content)
	doc = frappe.get_doc("Document Type Value Map", value_map)
	return [[pair.remote_value, pair.local_value] for pair in doc.pairs]


def test_a_value_map_is_imported_from_csv(consumer, sites):
	consumer.run(make_value_map, name="Firms", pairs=[["Head Office", "old"]], other_values="Fail")

	pairs = consumer.run(
		import_pairs, value_map="Firms", content="Remote Value;Local Value\nHead Office;HO Ltd\nสาขา;BR Ltd\n"
	)

	assert pairs == [["Head Office", "HO Ltd"], ["สาขา", "BR Ltd"]]
	with pytest.raises(RemoteError, match="line 2"):
		consumer.run(import_pairs, value_map="Firms", content="a,b\nc\n")


def test_a_value_map_names_each_remote_value_once(consumer, sites):
	with pytest.raises(RemoteError, match="Row 2: the remote value A stands in row 1 already"):
		consumer.run(make_value_map, name="Twice", pairs=[["A", "1"], ["A ", "2"]], other_values="Fail")


# what was changed on both sites, and what this site has set by itself


def deal_row(**values) -> dict:
	return {"ref_doctype": DEAL, "has_mapping": 1, "mapping": ORDER_TO_DEAL, "use_same_name": 0, **values}


def test_a_change_that_also_points_to_another_mapped_document_meets_what_was_changed_and_counted_here(
	producer, consumer, sites, order
):
	"""The filters of the one field say nothing about the others."""
	consumer.run(make_mappings, filters='{"tax_code": "buyer_tax_code"}')
	subscribe(consumer, producer, deal_row(add_up="rebate", conflict_policy="Consumer Wins"))
	codes = [unique("TH"), unique("TH")]
	buyers = [producer.run(insert, doctype=BUYER, tax_code=code) for code in codes]
	name = order(buyer=buyers[0], buyer_tax_code=codes[0], discount=10, town="Nan")
	pull(consumer, producer)
	deal = local_deal(consumer, producer, name)["name"]
	consumer.run(change, doctype=DEAL, name=deal, rebate=15, city="ours")

	there = {"buyer": buyers[1], "buyer_tax_code": codes[1], "discount": 12, "town": "theirs"}
	producer.run(change, doctype=ORDER, name=name, **there)
	pull(consumer, producer)

	deal, log = local_deal(consumer, producer, name), sync_logs(consumer, update_type="Update")[-1]
	assert (deal["rebate"], deal["city"]) == (17, "ours")
	assert consumer.run(read_doc, doctype=PARTNER, name=deal["partner"])["vat"] == codes[1]
	assert log["conflict_type"] == "Both Changed a Field" and "Added up: rebate" in log["outcome"]


def change_value_map(name: str, **values) -> None:
	import frappe

	frappe.get_doc("Document Type Value Map", name).update(values).save()


def test_a_value_map_that_refuses_what_a_field_held_before_lets_the_new_value_in(
	producer, consumer, sites, subscribed, order
):
	consumer.run(make_value_map, name="Firms", pairs=[["Head Office", "HO"]], other_values="Keep the Value")
	subscribed(value_map="Firms")
	name = order(firm="Once", town="Nan")
	pull(consumer, producer)
	consumer.run(change_value_map, name="Firms", other_values="Fail")
	consumer.run(change, doctype=DEAL, name=local_deal(consumer, producer, name)["name"], city="ours")

	producer.run(change, doctype=ORDER, name=name, firm="Head Office", town="theirs")
	pull(consumer, producer)

	deal, log = local_deal(consumer, producer, name), sync_logs(consumer)[-1]
	assert (log["status"], deal["company"], deal["city"]) == ("Synced", "HO", "theirs")
	# of what can be told both sites' values are in the log
	assert log["conflict_type"] == "Both Changed a Field"


def set_by_hand(name: str) -> None:
	"""A user fills in what the mapping has filled with its defaults, and removes a row, so that the document comes whole next time."""
	import frappe

	doc = frappe.get_doc(DEAL, name)
	doc.source, doc.points, doc.lines[0].unit = "Fair", 9, "Box"
	doc.remove(doc.lines[1])
	doc.save()


def change_second_item(name: str) -> None:
	import frappe

	doc = frappe.get_doc(ORDER, name)
	doc.items[1].qty = 50
	doc.save()


def test_a_default_is_for_what_is_new_and_overwrites_nothing_where_a_document_comes_whole_again(
	producer, consumer, subscribed, order
):
	subscribed()
	name = order(items=[{"item": "bolt", "qty": 1}, {"item": "nut", "qty": 2}])
	pull(consumer, producer)
	consumer.run(set_by_hand, name=local_deal(consumer, producer, name)["name"])

	producer.run(change_second_item, name=name)
	pull(consumer, producer)

	deal = local_deal(consumer, producer, name)
	assert (deal["source"], deal["points"]) == ("Fair", 9)
	# the row that comes again is new
	assert lines_of(deal) == [(1, "bolt", 1.0, 0, "Box"), (2, "nut", 50.0, 0, "Nos")]


def rename_order(name: str, new: str) -> None:
	import frappe

	frappe.rename_doc(ORDER, name, new, force=True, show_alert=False)


def make_mapping_of_the_name() -> None:
	make_mapping(ORDER_TO_DEAL, DEAL, ORDER, [row("title", "name"), row("city", "town")])


def test_a_field_that_holds_the_remote_name_has_the_new_one_after_a_rename(producer, consumer, sites, order):
	consumer.run(make_mapping_of_the_name)
	subscribe(consumer, producer, deal_row())
	name, new = order(town="Nan"), unique("MOR")
	pull(consumer, producer)
	assert local_deal(consumer, producer, name)["title"] == name

	producer.run(rename_order, name=name, new=new)
	pull(consumer, producer)

	deal = local_deal(consumer, producer, new)
	assert (deal["title"], deal["city"]) == (new, "Nan")
	assert local_deal(consumer, producer, name) is None


# what is refused on save


@pytest.mark.parametrize(
	("rows", "problem"),
	[
		([row("title", "reference"), row("nothing", "x")], "Row 2, nothing: Mapping Deal has no such field"),
		([row("title", "a"), row("title", "b")], "Row 2, title: the field is mapped in row 1 already"),
		([row("title")], "Row 1, title: it needs a Remote Fieldname or a Default Value"),
		([row("lines", "items")], "Row 1, lines: it is a table"),
		([row("lines", "", default_value="x")], "Row 1, lines: it is a table"),
		(
			[row("lines", "items", mapping_type="Child Table", mapping=BUYER_TO_PARTNER)],
			"the field holds Mapping Deal Line",
		),
		([row("partner", "buyer")], "Row 1, partner: it links to Mapping Partner"),
		(
			[row("partner", "buyer", mapping_type="Document", mapping=ROW_TO_LINE)],
			"the field holds Mapping Partner",
		),
		(
			[row("partner", "buyer", mapping_type="Document")],
			"Row 1, partner: Mapping Type Document needs a mapping",
		),
		(
			[row("title", "reference", mapping_type="Child Table", mapping=ROW_TO_LINE)],
			"Row 1, title: Mapping Type Child Table is for tables",
		),
		([row("points", "", default_value="many")], "Row 1, points: the Default Value many is not a number"),
	],
)
def test_what_can_not_work_is_refused_with_row_and_field(consumer, sites, rows, problem):
	consumer.run(make_mappings)

	assert problem in save_refused(consumer, rows=rows)


@pytest.mark.parametrize(
	("filters", "problem"),
	[
		("{tax_code: 1}", "Row 1, partner: Remote Value Filters are not JSON"),
		('["tax_code"]', "must be a JSON object"),
		("{}", "must be a JSON object"),
		('{"tax_code": "eval:doc.("}', "the expression for tax_code"),
	],
)
def test_filters_that_can_not_work_are_refused(consumer, sites, filters, problem):
	consumer.run(make_mappings)
	rows = [
		row(
			"partner",
			"buyer",
			mapping_type="Document",
			mapping=BUYER_TO_PARTNER,
			remote_value_filters=filters,
		)
	]

	assert problem in save_refused(consumer, rows=rows)


def close_circle() -> None:
	"""Two mappings of a DocType that links to itself, each naming the other."""
	import frappe

	make_doctype("Mapping Circle", [data("title")])
	if not frappe.get_meta("Mapping Circle").has_field("other"):
		doctype = frappe.get_doc("DocType", "Mapping Circle")
		doctype.append("fields", data("other", "Link", options="Mapping Circle"))
		doctype.save()
	make_mapping("Circle A", "Mapping Circle", "X", [row("title", "title")])
	make_mapping(
		"Circle B",
		"Mapping Circle",
		"X",
		[row("other", "other", mapping_type="Document", mapping="Circle A")],
	)
	doc = frappe.get_doc("Document Type Mapping", "Circle A")
	doc.append("field_mapping", row("other", "other", mapping_type="Document", mapping="Circle B"))
	doc.save()


def test_a_circular_chain_of_mappings_is_refused(consumer, sites):
	with pytest.raises(RemoteError) as caught:
		consumer.run(close_circle)

	assert (
		"Row 2, other: the chain of mappings leads back to itself: Circle A → Circle B → Circle A"
		in caught.value.message
	)


def test_all_problems_are_said_at_once(consumer, sites):
	message = save_refused(consumer, rows=[row("nothing", "x"), row("title")])

	assert "Row 1" in message and "Row 2" in message


# the form's help


METHODS = "event_streaming.event_streaming.doctype.document_type_mapping.document_type_mapping"


def call(method: str, args: dict, user: str = "Administrator"):
	import frappe

	frappe.set_user(user)
	try:
		return frappe.call(f"{METHODS}.{method}", **args)
	finally:
		frappe.set_user("Administrator")


def count_documents() -> int:
	import frappe

	return frappe.db.count(DEAL) + frappe.db.count(PARTNER)


def test_a_preview_shows_the_local_document_and_saves_nothing(producer, consumer, subscribed, order):
	subscribed(filters='{"tax_code": "buyer_tax_code"}')
	code = unique("TH")
	buyer = producer.run(insert, doctype=BUYER, tax_code=code)
	name = order(
		reference="PO 2", buyer=buyer, buyer_tax_code=code, items=[{"item": "bolt", "qty": 1, "cost": 3}]
	)
	before = consumer.run(count_documents)

	args = {"mapping": ORDER_TO_DEAL, "event_producer": producer.url, "remote_name": name}
	shown = consumer.run(call, method="preview", args=args)

	assert shown["document"]["title"] == "PO 2"
	assert shown["document"]["lines"][0]["product"] == "bolt"
	assert "secret_margin" not in shown["document"]
	[reference] = shown["references"]
	assert (reference["field"], reference["found"], reference["local_name"]) == ("partner", [buyer], None)
	assert consumer.run(count_documents) == before
	with pytest.raises(RemoteError, match="There is no preview"):
		consumer.run(call, method="preview", args={**args, "remote_name": "no such order"})


def test_the_producers_fields_are_offered(producer, consumer, subscribed):
	subscribed()

	args = {"event_producer": producer.url, "remote_doctype": ORDER}
	fields = {
		field["fieldname"]: field for field in consumer.run(call, method="fetch_remote_fields", args=args)
	}

	assert fields["buyer"]["options"] == BUYER
	assert {"name", "reference", "items"} <= set(fields)
	with pytest.raises(RemoteError, match="does not show its fields"):
		consumer.run(call, method="fetch_remote_fields", args={**args, "remote_doctype": "No Such DocType"})


@pytest.mark.parametrize("method", ["preview", "fetch_remote_fields"])
def test_only_a_system_manager_gets_this_help(producer, consumer, method):
	args = {"event_producer": producer.url, "remote_doctype": ORDER}
	if method == "preview":
		args = {"mapping": ORDER_TO_DEAL, "event_producer": producer.url, "remote_name": "x"}

	with pytest.raises(RemoteError) as caught:
		consumer.run(call, method=method, args=args, user="Guest")

	assert caught.value.exc_type == "PermissionError"


def test_a_rename_goes_through_where_filters_of_the_mapping_name_the_name(producer, consumer, sites, order):
	consumer.run(make_mappings, filters='{"tax_code": "name"}')
	subscribe(consumer, producer, deal_row())
	name, new = order(town="Nan"), unique("MOR")
	pull(consumer, producer)

	producer.run(rename_order, name=name, new=new)
	pull(consumer, producer)

	assert {log["status"] for log in sync_logs(consumer)} == {"Synced"}
	assert local_deal(consumer, producer, new)["city"] == "Nan"

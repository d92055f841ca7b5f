"""The adapter for ERPNext, on DocTypes that look like its own: what it does to a document, and what it refuses.

ERPNext itself is tried by hand on a bench, beside the project.
"""

import pytest
from doctypes import make_doctype

VOUCHER, LINE = "Adapted Voucher", "Adapted Line"


def make_vouchers() -> None:
	def field(name: str, fieldtype: str = "Data", **values) -> dict:
		return {"fieldname": name, "label": name.title(), "fieldtype": fieldtype, **values}

	make_doctype(
		LINE,
		[
			field("item_code"),
			field("serial_no", "Small Text"),
			field("batch_no"),
			field("serial_and_batch_bundle"),
			field("use_serial_batch_fields", "Check"),
			field("pricing_rules", "Small Text"),
		],
		istable=1,
	)
	make_doctype("Pricing Rule", [field("title")], autoname="field:title")
	make_doctype(
		VOUCHER,
		[
			field("posting_date", "Date"),
			field("set_posting_time", "Check"),
			field("items", "Table", options=LINE),
		],
		autoname="hash",
	)


@pytest.fixture
def site(consumer):
	consumer.run(make_vouchers)
	return consumer


def adapt(values: dict) -> dict:
	import frappe

	from event_streaming.adapters import calls, erpnext
	from event_streaming.identity.origin import Applied, applying

	# no other app's hooks
	hooks = {("before_apply", VOUCHER): [erpnext.BEFORE_APPLY["*"]]}
	frappe.local.event_streaming_adapters = hooks
	doc = frappe.get_doc({"doctype": VOUCHER, **values})
	with applying(VOUCHER, "http://a.example", Applied("http://a.example", VOUCHER, VOUCHER, "x", "Create")):
		calls.before_writing(doc, values)
	frappe.local.event_streaming_adapters = {}
	return doc.as_dict(convert_dates_to_str=True)


def test_a_posting_date_that_came_is_not_set_to_today(site):
	assert site.run(adapt, values={"posting_date": "2025-01-02"})["set_posting_time"] == 1
	assert not site.run(adapt, values={})["set_posting_time"]


def test_a_voucher_makes_its_bundles_from_the_numbers_in_its_rows(site):
	rows = [
		{"item_code": "A", "serial_no": "S1\nS2"},
		{"item_code": "B", "batch_no": "B1"},
		{"item_code": "C"},
	]

	adapted = site.run(adapt, values={"items": rows})["items"]

	assert [row["use_serial_batch_fields"] for row in adapted] == [1, 1, 0]


def make_rule(title: str) -> None:
	import frappe

	if not frappe.db.exists("Pricing Rule", title):
		frappe.get_doc({"doctype": "Pricing Rule", "title": title}).insert()


def test_rules_for_prices_that_are_not_here_are_hidden_from_validate(site):
	"""It would look for them; those that are here it may read."""
	site.run(make_rule, title="Ours")
	named = ['["Ours"]', "Ours", '["Ours", "Theirs"]', "Theirs", "[broken", ""]

	adapted = site.run(adapt, values={"items": [{"pricing_rules": each} for each in named]})["items"]

	assert [row["pricing_rules"] for row in adapted] == ['["Ours"]', "Ours", "", "", "", ""]


@pytest.fixture(autouse=True)
def other_tests_have_their_own_adapters(site):
	yield
	site.run(forget_adapters)


def forget_adapters() -> None:
	import frappe

	frappe.local.event_streaming_adapters = {}


def decided(doctype: str) -> list[str]:
	import frappe

	from event_streaming.adapters import doctypes, erpnext

	frappe.local.event_streaming_adapters = {"adapters": [erpnext]}
	return list(doctypes.fields_decided_here(doctype))


def test_bundles_and_the_tick_for_the_posting_time_are_each_sites_own(site):
	assert site.run(decided, doctype=VOUCHER) == ["set_posting_time", "items.serial_and_batch_bundle"]
	assert site.run(decided, doctype="No Such DocType") == []


def decided_of_a_price() -> list[str]:
	"""As with the fields that ERPNext's has."""
	from types import SimpleNamespace

	import frappe

	from event_streaming.adapters import erpnext

	fields = {"item_code", "item_name", "item_description", "brand", "price_list_rate"}
	meta = SimpleNamespace(has_field=fields.__contains__, get_table_fields=list)
	original, frappe.get_meta = frappe.get_meta, lambda _doctype: meta
	try:
		return erpnext.fields_decided_here("Item Price")
	finally:
		frappe.get_meta = original


def test_what_a_price_says_of_its_item_is_each_sites_own(site):
	"""An item's controller writes it with SQL when the item is changed: not where the item came along with the price, and its change was in it."""
	assert site.run(decided_of_a_price) == ["item_name", "item_description", "brand"]


def refuse(rows: list[dict]) -> str:
	import frappe

	from event_streaming.adapters import doctypes, erpnext
	from event_streaming.exceptions import CannotApply

	frappe.local.event_streaming_adapters = {"adapters": [erpnext]}
	try:
		doctypes.refuse_what_cannot_come(VOUCHER, {"items": rows})
	except CannotApply as error:
		return str(error)
	return ""


def test_numbers_that_stand_in_a_bundle_alone_are_refused_by_row_and_bundle(site):
	numbered = {"idx": 1, "serial_and_batch_bundle": "SABB-1", "serial_no": "S1"}
	bare = {"idx": 2, "serial_and_batch_bundle": "SABB-2", "serial_no": ""}

	assert site.run(refuse, rows=[numbered, {"idx": 3}]) == ""
	refused = site.run(refuse, rows=[numbered, bare])
	assert "Row 2" in refused and "SABB-2" in refused


def refuse_change(row_here: dict, row_changed: dict) -> str:
	import frappe

	from event_streaming.adapters import doctypes, erpnext
	from event_streaming.exceptions import CannotApply

	frappe.local.event_streaming_adapters = {"adapters": [erpnext]}
	doc = frappe.get_doc({"doctype": VOUCHER, "items": [row_here]}).insert()
	row = {"name": doc.get("items")[0].name, "idx": 1, **row_changed}
	change = {"changed": {"docstatus": 1}, "row_changed": {"items": [row]}}
	try:
		doctypes.refuse_change_that_cannot_come(VOUCHER, change, doc.name)
	except CannotApply as error:
		return str(error)
	return ""


def test_so_is_a_submission_that_has_made_up_numbers_in_a_bundle_there(site):
	made_up = {"serial_and_batch_bundle": "SABB-3"}

	assert "SABB-3" in site.run(refuse_change, row_here={"item_code": "A"}, row_changed=made_up)
	assert site.run(refuse_change, row_here={"serial_no": "S1"}, row_changed=made_up) == ""
	assert (
		site.run(refuse_change, row_here={"item_code": "A"}, row_changed={**made_up, "serial_no": "S1"}) == ""
	)
	assert site.run(refuse_change, row_here={"item_code": "A"}, row_changed={"item_code": "B"}) == ""


def leave_out(enabled: int, status: str) -> dict:
	import frappe

	from event_streaming.adapters import erpnext
	from event_streaming.adapters.context import Context

	name = "employee-of-a-test@example.com"
	if not frappe.db.exists("User", name):
		values = {"email": name, "first_name": "E", "send_welcome_email": 0}
		frappe.get_doc({"doctype": "User", **values}).insert()
	frappe.db.set_value("User", name, "enabled", enabled)
	meta = frappe._dict(get_label=lambda fieldname: fieldname)
	doc = frappe.get_doc({"doctype": "ToDo"})
	doc.user_id, doc.status, doc.meta = name, status, meta
	context = Context("http://a.example", "Employee", "Employee", "x", "Create", False, {})
	erpnext.leave_out_disabled_user(doc, context)
	frappe.db.rollback()
	return {"user": doc.user_id, "warnings": context.warnings, "decided": doc.flags.event_streaming_decided}


def test_an_employee_comes_without_a_user_that_is_disabled_here(site):
	left = site.run(leave_out, enabled=0, status="Active")

	assert left["user"] is None and left["decided"] == ["user_id"]
	assert "employee-of-a-test@example.com" in left["warnings"][0]
	for enabled, status in ((1, "Active"), (0, "Left")):
		kept = site.run(leave_out, enabled=enabled, status=status)
		assert kept["user"] and not kept["warnings"]


def reasons(doctypes: list[str]) -> list[str]:
	from event_streaming.adapters import erpnext

	return [erpnext.why_not_subscribe(each) for each in doctypes]


def test_ledgers_are_better_not_subscribed_to(site):
	ledgers = ["GL Entry", "Stock Ledger Entry", "Bin", "Serial and Batch Bundle", "Repost Item Valuation"]

	assert all(
		each in reason for each, reason in zip(ledgers, site.run(reasons, doctypes=ledgers), strict=True)
	)
	assert site.run(reasons, doctypes=["Sales Invoice", "Item"]) == ["", ""]


def submit_rows(row: dict, came: dict) -> str:
	import frappe

	from event_streaming.adapters import erpnext

	known, erpnext.is_numbered = erpnext.is_numbered, lambda item: item == "Numbered"
	doc = frappe.get_doc({"doctype": VOUCHER, "items": [row]})
	try:
		erpnext.refuse_to_pick_numbers(doc, frappe._dict(came=came))
	except Exception as error:
		return type(error).__name__
	finally:
		erpnext.is_numbered = known
	return ""


@pytest.mark.parametrize(
	("row", "came", "refused"),
	[
		# ERPNext writes the numbers past the document: only the whole document may have them
		({"item_code": "Numbered"}, {"changed": {"docstatus": 1}}, "RowMissing"),
		({"item_code": "Numbered"}, {"docstatus": 1}, "CannotApply"),
		({"item_code": "Numbered", "serial_no": "S1"}, {"changed": {"docstatus": 1}}, ""),
		({"item_code": "Numbered", "batch_no": "B1"}, {"docstatus": 1}, ""),
		({"item_code": "Plain"}, {"changed": {"docstatus": 1}}, ""),
		({"item_code": "Numbered"}, {"changed": {"posting_date": "2026-01-02"}}, ""),
		({"item_code": "Numbered"}, {"docstatus": 0}, ""),
	],
)
def test_no_numbers_are_picked_here_for_what_has_its_numbers_there(site, row, came, refused):
	assert site.run(submit_rows, row=row, came=came) == refused


def refusals(doctype: str, dates: list | None, decided: tuple = ()) -> list:
	"""What the books of a site say that are frozen until 2024, closed until 2023, and have one closed period in 2026."""
	from event_streaming.adapters import erpnext, erpnext_books

	stood_in = {
		"frozen_books": lambda: [("Shop", "2024-12-31")],
		"closed_years": lambda: [("Shop", "2023-12-31")],
		"closed_periods": lambda doctype: [("Early", "Shop", "2026-01-01", "2026-01-31")],
		"single": lambda doctype, field: None,
	}
	before = {name: getattr(erpnext_books, name) for name in stood_in}
	for name, stand_in in stood_in.items():
		setattr(erpnext_books, name, stand_in)
	try:
		found = erpnext.what_will_refuse(doctype, dates, decided)
		return [[certain, what] for certain, what, _remedy in found]
	finally:
		for name, original in before.items():
			setattr(erpnext_books, name, original)


def test_a_check_says_which_vouchers_the_books_will_refuse(consumer):
	dates = ["2023-05-01", "2024-05-01", "2026-01-31", "2026-02-01", ""]

	known = consumer.run(refusals, doctype="Sales Invoice", dates=dates)
	unknown = consumer.run(refusals, doctype="Journal Entry", dates=None)

	assert [certain for certain, _what in known] == [True, True, True, False]
	assert [what.split(" ")[0] for _certain, what in known] == ["2", "1", "1", "Sales"]
	assert [certain for certain, _what in unknown] == [False, False, False]
	assert consumer.run(refusals, doctype="Item", dates=dates) == []
	assert consumer.run(refusals, doctype="Sales Invoice", dates=["2025-05-01"])[0][0] is False
	# an invoice whose Update Stock this site decides takes no stock
	assert (
		consumer.run(refusals, doctype="Sales Invoice", dates=["2025-05-01"], decided=["update_stock"]) == []
	)
	assert consumer.run(refusals, doctype="Delivery Note", dates=["2025-05-01"], decided=["update_stock"])


def named_otherwise(**defaults: str) -> list[str]:
	import frappe

	from event_streaming.adapters import erpnext

	known = frappe.defaults.get_global_default
	frappe.defaults.get_global_default = lambda key: defaults.get(key)
	try:
		doctypes = ("Customer", "Supplier", "Item", "Sales Invoice")
		return [doctype for doctype in doctypes if erpnext.is_named_otherwise(doctype)]
	finally:
		frappe.defaults.get_global_default = known


def test_masters_are_counted_only_where_the_settings_name_them_by_series(consumer):
	series = {"cust_master_name": "Naming Series", "item_naming_by": "Naming Series"}
	names = {
		"cust_master_name": "Customer Name",
		"supp_master_name": "Supplier Name",
		"item_naming_by": "Item Code",
	}

	assert consumer.run(named_otherwise, **series) == []
	assert consumer.run(named_otherwise, **names) == ["Customer", "Supplier", "Item"]


def make_books() -> None:
	"""ERPNext's DocTypes of closed books, with the fields that the check reads: frozen, closed and half closed."""

	def text(fieldname: str, fieldtype: str = "Data", **values) -> dict:
		return {"fieldname": fieldname, "label": fieldname.title(), "fieldtype": fieldtype, **values}

	singles = {"Accounts Settings": [text("acc_frozen_upto", "Date")]}
	singles["Stock Settings"] = [text("stock_frozen_upto", "Date"), text("allow_negative_stock", "Check")]
	for name, fields in singles.items():
		make_doctype(name, fields, issingle=1)
	make_doctype("Company", [text("accounts_frozen_till_date", "Date")], autoname="prompt")
	closing = [text("company"), text("period_end_date", "Date")]
	make_doctype("Period Closing Voucher", closing, is_submittable=1)
	make_doctype("Closed Document", [text("document_type"), text("closed", "Check")], istable=1)
	closed = text("closed_documents", "Table", options="Closed Document")
	period = [text("company"), text("start_date", "Date"), text("end_date", "Date"), closed]
	make_doctype("Accounting Period", period, autoname="prompt")


def close_books() -> None:
	import frappe

	frappe.db.set_single_value("Accounts Settings", "acc_frozen_upto", "2020-12-31")
	frappe.db.set_single_value("Stock Settings", "stock_frozen_upto", "2021-12-31")
	for name, until in (("Open Shop", None), ("Shop", "2022-12-31")):
		values = {"doctype": "Company", "accounts_frozen_till_date": until}
		frappe.get_doc(values).insert(set_name=name)
	for end in ("2023-12-31", "2022-12-31"):
		values = {"doctype": "Period Closing Voucher", "company": "Shop", "period_end_date": end}
		frappe.get_doc(values).insert().submit()
	rows = [
		{"document_type": "Sales Invoice", "closed": 1},
		{"document_type": "Journal Entry", "closed": 0},
	]
	values = {"doctype": "Accounting Period", "company": "Shop", "closed_documents": rows}
	dates = {"start_date": "2024-01-01", "end_date": "2024-01-31"}
	frappe.get_doc({**values, **dates}).insert(set_name="January")
	frappe.db.commit()


def refusals_of_the_books(doctype: str, dates: list) -> list:
	from event_streaming.adapters import erpnext

	return [what for _certain, what, _remedy in erpnext.what_will_refuse(doctype, dates)]


def test_frozen_books_closed_years_periods_and_stock_are_read_from_erpnexts_own_documents(consumer):
	consumer.run(make_books)
	assert consumer.run(refusals_of_the_books, doctype="Journal Entry", dates=["2019-05-01"]) == []
	consumer.run(close_books)
	dates = ["2019-05-01", "2022-05-01", "2023-05-01", "2024-01-15", "2024-02-01"]

	invoices = consumer.run(refusals_of_the_books, doctype="Sales Invoice", dates=dates)
	entries = consumer.run(refusals_of_the_books, doctype="Journal Entry", dates=dates)

	for words in (
		"1 documents of Sales Invoice will be refused: the books of all companies are frozen (until 2020-12-31)",
		"2 documents of Sales Invoice will be refused: the books of Shop are frozen (until 2022-12-31)",
		"3 documents of Sales Invoice will be refused: the year of Shop is closed (until 2023-12-31)",
		"1 documents of Sales Invoice will be refused: the accounting period January of Shop is closed",
		"1 documents of Sales Invoice will be refused: stock is frozen (until 2021-12-31)",
		"takes more stock than is here by then is refused",
	):
		assert any(words in what for what in invoices), (words, invoices)
	assert len(invoices) == 6 and len(entries) == 3, (invoices, entries)


def rights_on_what_is_written_too(user: str) -> dict:
	"""As if saving a ToDo made a document of a DocType that a System Manager has no right to."""
	import frappe

	from event_streaming.adapters import erpnext
	from event_streaming.consumer.checking.rights import of_what_is_written_too
	from event_streaming.consumer.joining.connecting import make_user, may_write
	from event_streaming.site.roles import ADMIN, make_stream_user

	make_stream_user(user, user, [ADMIN])
	plain = frappe.get_all(
		"DocType", {"istable": 0, "issingle": 0, "is_virtual": 0}, pluck="name", order_by="name"
	)
	other = next(doctype for doctype in plain if not may_write(doctype, user))
	frappe.local.event_streaming_adapters = {"adapters": [erpnext]}
	known = erpnext.ALSO_WRITES
	erpnext.ALSO_WRITES = {"ToDo": (other, "No Such DocType")}
	try:
		found = list(of_what_is_written_too("ToDo", user))
		make_user(user, "https://head-office.example.com", ["ToDo"])
		return {
			"lacked": [(each.doctype == other, each.details["rights"]) for each in found],
			"may": may_write(other, user),
			"left": len(list(of_what_is_written_too("ToDo", user))),
		}
	finally:
		erpnext.ALSO_WRITES = known
		frappe.local.event_streaming_adapters = {}
		frappe.db.rollback()
		frappe.clear_cache()


def test_who_joins_may_write_what_the_life_cycle_writes_beside_a_document(site):
	"""An Item with a standard rate makes an Item Price: without the right to it every such Item failed."""
	found = site.run(rights_on_what_is_written_too, user="joined-by-code@example.com")

	assert found["lacked"] and all(is_other and rights for is_other, rights in found["lacked"])
	assert found["may"] is True
	assert found["left"] == 0


def ask_in_two_requests() -> list:
	"""What is decided here, and how often an adapter was asked for it."""
	from types import SimpleNamespace

	import frappe

	from event_streaming.adapters.doctypes import DECIDED, fields_decided_here

	asked, found = [], []
	adapter = SimpleNamespace(fields_decided_here=lambda doctype: asked.append(doctype) or ["total"])
	frappe.cache.delete_value(DECIDED)
	try:
		for _request in range(2):
			frappe.local.event_streaming_adapters = {"adapters": [adapter]}
			found += [fields_decided_here(VOUCHER), fields_decided_here(VOUCHER)]
	finally:
		frappe.local.event_streaming_adapters = {}
		frappe.cache.delete_value(DECIDED)
	return [list(map(list, found)), asked]


def test_what_an_adapter_knows_of_a_doctype_is_not_asked_again_with_each_pull(site):
	found, asked = site.run(ask_in_two_requests)

	assert found == [["total"]] * 4
	assert asked == [VOUCHER]

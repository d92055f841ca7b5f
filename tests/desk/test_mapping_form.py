"""The form of a mapping helps to write it: fields of both sites, what would be refused, and a preview."""

import pytest
from doctypes import CITY, ORDER, ROW, with_orders
from documents import insert, unique
from streams import subscribe

FILL_MAPPING = """async ([name, rows]) => {
	await cur_frm.set_value("mapping_name", name);
	const wanted = Object.fromEntries(rows.map((row) => [row.local_fieldname, row]));
	cur_frm.doc.field_mapping = cur_frm.doc.field_mapping.filter((row) => wanted[row.local_fieldname]);
	cur_frm.doc.field_mapping.forEach((row, index) => Object.assign(row, wanted[row.local_fieldname], { idx: index + 1 }));
	cur_frm.refresh_field("field_mapping");
}"""
# not through the control: the sandbox's engine takes "ignore_user_permissions=0" of a chosen link for true
CHOOSE_DOCTYPE = """(doctype) => {
	cur_frm.doc.local_doctype = doctype;
	cur_frm.script_manager.trigger("local_doctype");
}"""
ROWS_MAPPING = "Desk rows"


def make_rows_mapping() -> None:
	import frappe

	if not frappe.db.exists("Document Type Mapping", ROWS_MAPPING):
		frappe.get_doc(
			{
				"doctype": "Document Type Mapping",
				"mapping_name": ROWS_MAPPING,
				"local_doctype": ROW,
				"remote_doctype": ROW,
				"field_mapping": [{"local_fieldname": "item", "remote_fieldname": "item"}],
			}
		).insert()


@pytest.fixture
def form(desk, producer, consumer):
	"""A new mapping of orders, in the browser."""
	with_orders(producer, consumer)
	subscribe(consumer, producer, ORDER, CITY)
	consumer.run(make_rows_mapping)
	window = desk(consumer)
	window.open_new("Document Type Mapping")
	window.value(CHOOSE_DOCTYPE, ORDER)
	press_in_group(window, "Fields", "Add Fields")
	ticks = window.page.locator(".modal.show input[type='checkbox']")
	ticks.first.wait_for()
	ticks.evaluate_all("(boxes) => boxes.filter((box) => !box.checked).forEach((box) => box.click())")
	window.screenshot("mapping-add-fields")
	window.confirm()
	window.wait_until("cur_frm.doc.field_mapping.length > 5")
	window.settle()
	return window


def press_in_group(window, group: str, label: str) -> None:
	window.press(group)
	window.page.locator(".dropdown-menu.show a, .dropdown-menu.show button", has_text=label).first.click()


def save(window, name: str, rows: list[dict]) -> None:
	window.value(FILL_MAPPING, [name, rows])
	window.press("Save")
	window.wait_for_form("Document Type Mapping", name)


def test_the_table_is_filled_and_what_can_not_work_is_said(form):
	fields = form.value(
		"cur_frm.doc.field_mapping.map((row) => [row.local_fieldname, row.mapping_type || ''])"
	)
	assert ["title", ""] in fields
	assert ["rows", "Child Table"] in fields
	assert not {"secret", "amended_from"} & {fieldname for fieldname, _type in fields}

	form.value("(name) => cur_frm.set_value('mapping_name', name)", unique("mapping"))
	form.value(
		"cur_frm.doc.field_mapping.forEach((row) => { if (row.mapping_type) row.mapping = 'Desk rows'; })"
	)
	form.press("Save")
	form.page.locator(".modal.show .msgprint", has_text="choose Mapping Type Document").wait_for()
	form.screenshot("mapping-refused")
	form.complaints.clear()


def test_the_producers_fields_are_offered_and_a_preview_is_shown(form, producer):
	order = producer.run(insert, doctype=ORDER, title="Seen before", rows=[{"item": "bolt", "qty": 1}])
	save(
		form,
		unique("mapping"),
		[
			{"local_fieldname": "title", "remote_fieldname": "title"},
			{"local_fieldname": "note", "remote_fieldname": "no_such_field"},
			{"local_fieldname": "rows", "remote_fieldname": "rows", "mapping": ROWS_MAPPING},
		],
	)

	press_in_group(form, "Fields", "Fetch Remote Fields")
	form.page.locator(".modal.show").wait_for()
	form.settle()
	form.confirm()
	message = form.take_message()
	assert "no_such_field" in message
	form.settle()
	offered = form.value(
		"cur_frm.fields_dict.field_mapping.grid.get_docfield('remote_fieldname').options.map((each) => each.value)"
	)
	assert {"name", "title", "rows"} <= set(offered)
	form.screenshot("mapping-fields")

	form.press("Preview")
	form.page.locator(".modal.show").wait_for()
	form.settle()
	form.page.locator(".modal.show [data-fieldname='remote_name'] input").fill(order)
	form.confirm()
	form.page.locator(".modal.show td", has_text="Seen before").wait_for()
	form.page.locator(".modal.show", has_text="has no field no_such_field").wait_for()
	form.screenshot("mapping-preview")
	assert "item: bolt" in form.page.locator(".modal.show").inner_text()


def test_a_value_map_has_its_form(desk, consumer):
	window = desk(consumer)
	window.open_new("Document Type Value Map")
	window.value(
		"""async (name) => {
			await cur_frm.set_value("value_map_name", name);
			Object.assign(cur_frm.add_child("pairs"), { remote_value: "Head Office", local_value: "HO Ltd" });
			cur_frm.refresh_field("pairs");
		}""",
		name := unique("values"),
	)
	window.press("Save")
	window.wait_for_form("Document Type Value Map", name)

	assert window.page.get_by_role("button", name="Import CSV").locator("visible=true").count() == 1
	window.screenshot("value-map")

"""Which DocTypes hold what runs when somebody looks at it, prints or sends: none may come unasked.

Of the framework's own none with a field for code may, whatever is in it. Other apps keep data in such fields too: ERPNext the
taxes of each row in its invoices, and the formulas of a Quality Inspection, which run.
"""

import pytest

SHOWN_ONLY = ("Email", "JSON", "Text", None, "")


def doctypes_that_hold_code() -> dict[str, dict]:
	import frappe

	from event_streaming.site.refused import is_of_frappe, is_system, why_not_unasked, why_refused

	found = {}
	for doctype in frappe.get_all("DocType", {"istable": 0, "custom": 0}, pluck="name"):
		meta = frappe.get_meta(doctype)
		if frappe.local.module_app.get(frappe.scrub(meta.module)) == "event_streaming":
			continue
		fields = [*meta.fields]
		for table in meta.get_table_fields():
			if frappe.db.exists("DocType", table.options):
				fields += frappe.get_meta(table.options).fields
		code = [
			[df.fieldname, df.fieldtype, df.options]
			for df in fields
			if df.fieldtype in ("HTML Editor", "Code")
		]
		if code:
			found[doctype] = {
				"code": code,
				"system": is_system(doctype),
				"of_frappe": is_of_frappe(meta.module),
				"unasked": not (why_refused(doctype) or why_not_unasked(doctype)),
			}
	return found


def test_no_doctype_of_the_framework_that_holds_code_comes_unasked(site):
	found = {
		doctype: each for doctype, each in site.run(doctypes_that_hold_code).items() if each["of_frappe"]
	}

	assert len(found) > 10
	assert [doctype for doctype, each in found.items() if each["unasked"]] == []


def test_no_doctype_of_another_app_that_says_its_code_runs_comes_unasked(site):
	"""On a bench with ERPNext: Pricing Rule, Service Level Agreement, Quality Inspection Template …"""
	found = [
		doctype
		for doctype, each in site.run(doctypes_that_hold_code).items()
		if not each["of_frappe"] and each["unasked"] and any(says_it_runs(*field) for field in each["code"])
	]

	assert found == []


def says_it_runs(name: str, kind: str, options: str | None) -> bool:
	return kind == "HTML Editor" or options not in SHOWN_ONLY or "condition" in name or "formula" in name


def judged_as_code(fieldname: str, options: str | None) -> bool:
	from event_streaming.site.refused import is_code

	return is_code(fieldname, "Code", options)


@pytest.mark.parametrize(
	("fieldname", "options", "code"),
	[
		("condition", "PythonExpression", True),  # Pricing Rule
		("acceptance_formula", None, True),  # Quality Inspection
		("condition", None, True),  # Inventory Dimension
		("item_wise_tax_detail", None, False),  # Sales Invoice
		("registration_details", None, False),  # Company
		("template_options", "JSON", False),  # Bank Statement Import
	],
)
def test_a_field_of_erpnext_is_code_if_it_runs(site, fieldname, options, code):
	assert site.run(judged_as_code, fieldname=fieldname, options=options) is code


def test_what_runs_javascript_or_python_is_not_even_subscribed_to(site):
	"""Of the framework's own. Subscribed by name, and to be trusted: letter heads and texts of mails. Everything else has to be
	allowed in site_config.json."""
	runs = {
		doctype
		for doctype, each in site.run(doctypes_that_hold_code).items()
		if each["of_frappe"]
		and not each["system"]
		and any(kind == "Code" and options not in SHOWN_ONLY for _name, kind, options in each["code"])
	}

	assert runs <= {"Letter Head", "Email Template"}, runs


def modules() -> dict:
	import frappe

	wanted = {"Letter Head": "", "Currency": "", "Note": "", "Contact": "", "Event Producer": ""}
	return {
		doctype: frappe.local.module_app.get(frappe.scrub(frappe.get_meta(doctype).module))
		for doctype in wanted
	}


def test_frappe_says_which_app_a_module_is_of(site):
	found = site.run(modules)

	assert found.pop("Event Producer") == "event_streaming"
	assert set(found.values()) == {site.run(name_of_the_framework)}


def name_of_the_framework() -> str:
	import frappe

	return frappe.__name__

"""Which of the framework's DocTypes hold what runs when somebody looks at it, prints or sends: none may come unasked."""

SHOWN_ONLY = ("Email", "JSON", "Text", None, "")


def doctypes_that_hold_code() -> dict[str, dict]:
	import frappe

	from event_streaming.site.refused import is_system, why_not_unasked, why_refused

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
				"unasked": not (why_refused(doctype) or why_not_unasked(doctype)),
			}
	return found


def test_no_doctype_that_holds_code_comes_unasked(site):
	found = site.run(doctypes_that_hold_code)

	assert len(found) > 10
	assert [doctype for doctype, each in found.items() if each["unasked"]] == []


def test_what_runs_javascript_or_python_is_not_even_subscribed_to(site):
	"""Subscribed by name, and to be trusted: letter heads and texts of mails. Everything else has to be allowed in
	site_config.json."""
	runs = {
		doctype
		for doctype, each in site.run(doctypes_that_hold_code).items()
		if not each["system"]
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

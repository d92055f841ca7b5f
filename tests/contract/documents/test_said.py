"""Frappe puts several reasons into one message, with markup between them."""


def said_without_markup(html: str) -> str:
	from event_streaming.messages.markup import without_markup

	return without_markup(html)


def test_reasons_in_one_message_stay_apart(site):
	assert (
		site.run(said_without_markup, html="No <b>right</b> to it<br>No access")
		== "No right to it · No access"
	)
	assert (
		site.run(said_without_markup, html="Missing:<ul><li>Title</li><li>City</li></ul>")
		== "Missing: · Title · City"
	)


def refused() -> str:
	"""What Frappe says, in its own words, when a user without any role wants to read a document."""
	import frappe

	from event_streaming.messages.markup import without_markup

	frappe.local.message_log = []
	frappe.has_permission("System Settings", "write", doc="System Settings", user="Guest", print_logs=True)
	messages = [
		(frappe.parse_json(each) if isinstance(each, str) else each)["message"]
		for each in frappe.local.message_log
	]
	frappe.clear_messages()
	return " · ".join(without_markup(each) for each in messages)


def test_a_refusal_of_frappe_is_read_as_sentences(site):
	said = site.run(refused)

	assert said
	assert "<" not in said
	assert all(f"{sentence}User" not in said for sentence in ("Settings", "document"))

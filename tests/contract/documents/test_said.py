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

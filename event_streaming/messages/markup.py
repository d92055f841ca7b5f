"""What Frappe says with markup, as plain text for logs and terminals. Pure but for Frappe's own stripping of tags."""

import re

from frappe.utils import strip_html

LINE_ENDS = re.compile(r"</?(?:br|p|li|ul|ol|div|tr|h\d)\b[^>]*>", re.IGNORECASE)


def without_markup(html: str) -> str:
	"""The text of a message. Lines and items of a list stay apart: Frappe puts several reasons into one message."""
	lines = (strip_html(each).strip() for each in LINE_ENDS.split(html))
	return " · ".join(each for each in lines if each)

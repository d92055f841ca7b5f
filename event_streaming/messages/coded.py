"""Frappe's `_` with the code of the message behind it, for modules whose messages have codes.

It has the name of Frappe's own, so that whatever collects what is to be translated finds the same texts.
"""

import frappe

from event_streaming.messages.codes import with_code


def _(message: str, lang: str | None = None, context: str | None = None) -> str:
	"""The message in the reader's language, with its code if it has one (`codes.json`)."""
	return with_code(frappe._(message, lang, context), message)

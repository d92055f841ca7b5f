"""The guides that come with the app, to be read in the Desk. They are the files of docs/, in the reader's language."""

from pathlib import Path

import frappe
from frappe.utils import md_to_html

from event_streaming.messages.coded import _

GUIDES = ("start", "concepts", "guide", "admin", "incidents", "errors", "security")
LANGUAGES = ("en", "th")


@frappe.whitelist()
def read_guide(guide: str, language: str | None = None) -> str:
	"""A guide as HTML, in the reader's language unless another is asked for; in English where there is none in it."""
	frappe.only_for("System Manager")
	if guide not in GUIDES:
		frappe.throw(_("There is no such guide."), frappe.DoesNotExistError)
	app = Path(frappe.get_app_path("event_streaming"))
	# a wheel has them inside of the app, a bench's clone beside it
	docs = app / "docs" if (app / "docs").is_dir() else app.parent / "docs"
	wanted = language if language in LANGUAGES else frappe.local.lang[:2]
	files = [docs / f"{guide}.{wanted}.md", docs / f"{guide}.md"]
	for file in files:
		if file.is_file():
			return md_to_html(file.read_text(encoding="utf-8")) or ""
	frappe.throw(
		_("The guide is in the folder docs of the app's repository, which was installed without it.")
	)

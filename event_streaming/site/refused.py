"""The DocTypes that are not streamed unless they are allowed by name: what Frappe itself is made and kept safe with.

A neighbour that could change them here could run code or give itself rights. `event_streaming_allowed_doctypes` in
site_config.json, a list, allows some of them; both sites have to.
"""

import frappe
from frappe.model import log_types

from event_streaming.exceptions import RefusedDocType
from event_streaming.messages.coded import _

OWN_MODULE = "Event Streaming"
# its rows go with the documents that they are attached to, together with what is on the disk
FILE = "File"
SYSTEM_DOCTYPES = frozenset(
	"""Access Log|Activity Log|Address Template|Assignment Rule|Auto Email Report|Auto Repeat|Block Module|Bulk Update|Client Script
	|Connected App|Custom DocPerm|Custom Field|Custom HTML Block|Custom Role|Customize Form|Dashboard|Dashboard Chart|Dashboard Chart Source
	|Data Import|Data Import Log|DefaultValue|Deleted Document|DocField|DocPerm|DocShare|DocType|DocType Action
	|DocType Layout|DocType Link|DocType State|Document Naming Rule|Document Naming Settings|Domain Settings|Email Account
	|Email Domain|Energy Point Rule|Form Tour|Google Settings|Has Role|Installed Application|Installed Applications|Integration Request|LDAP Settings
	|Log Settings|Module Def|Module Profile|Navbar Settings|Notification|Number Card|OAuth Authorization Code|OAuth Bearer Token|OAuth Client
	|OAuth Provider Settings|Package|Package Import|Package Release|Page|Patch Log|Permission Inspector
	|Permission Log|Prepared Report|Onboarding Step|Portal Settings|Print Format|Print Format Field Template|Print Settings|Property Setter|Recorder|Report|Role|Role Permission for Page and Report
	|Role Profile|RQ Job|RQ Worker|S3 Backup Settings|Scheduled Job Log|Scheduled Job Type|Server Script|Session Default Settings
	|SMS Settings|Social Login Key|Submission Queue|System Console|System Health Report|System Settings|Token Cache|User|User Group
	|User Permission|User Select Document Type|User Social Login|User Type|Version|Web Form|Web Page|Web Template|Webhook
	|Webhook Request Log|Website Script|Website Settings|Website Theme|Workflow|Workspace|Workspace Sidebar""".replace(
		"\n", ""
	)
	.replace("\t", "")
	.split("|")
)

# of Frappe's own, what names things in other documents and does nothing
NAMED_OF_FRAPPE = frozenset(
	"Address|Contact|Country|Currency|Gender|Language|Print Heading|Salutation|Workflow State".split("|")
)
# their text is a template: what is in it runs when somebody prints or sends
TEMPLATES = frozenset(
	"Contract Template|Dunning Type|Email Template|Process Statement Of Accounts|Terms and Conditions".split(
		"|"
	)
)
# how a document is printed, sent or made again, not what it says: where such a one can't be had, the link stays empty
OF_PAPER = frozenset(
	"Auto Repeat|Email Account|Email Template|Google Contacts|Letter Head|Print Format".split("|")
)
# a Code field of this kind is run here, and not only shown; HTML goes to a browser as it is
RUN = ("Python", "PythonExpression", "JS", "Javascript", "JavaScript", "Jinja", "HTML", "CSS")
# where a Code field does not say its kind (ERPNext keeps data in such ones too), its name does
RUN_BY_NAME = ("condition", "formula", "script", "template", "expression")


def why_refused(doctype: str) -> str:
	"""Why documents of this DocType are not streamed; "" when they may be."""
	if not frappe.db.exists("DocType", doctype, cache=True):
		return _("The DocType {0} does not exist on {1}.").format(doctype, frappe.local.site)
	meta = frappe.get_meta(doctype)
	if meta.istable:
		return _("{0} is a child table: subscribe to the DocType that it belongs to.").format(doctype)
	if meta.get("is_virtual"):
		return _("{0} is virtual: its documents are not stored, so that no change of them is seen.").format(
			doctype
		)
	if meta.module == OWN_MODULE or doctype in log_types:
		return _("{0} is a log or belongs to Event Streaming itself.").format(doctype)
	if doctype == FILE:
		return _("Files come with the documents that they are attached to: subscribe to those.")
	if is_system(doctype):
		return _(
			"{0} is part of the framework or its security. To stream it all the same, name it in"
			" event_streaming_allowed_doctypes in site_config.json on both sites."
		).format(doctype)
	return ""


def is_system(doctype: str) -> bool:
	return doctype in SYSTEM_DOCTYPES and doctype not in (
		frappe.conf.get("event_streaming_allowed_doctypes") or ()
	)


def why_not_unasked(doctype: str) -> str:
	"""Why documents of this DocType are not taken from another site only because a document that was asked for links to them."""
	meta = frappe.get_meta(doctype)
	if not meta.custom and is_of_frappe(meta.module) and doctype not in NAMED_OF_FRAPPE:
		return _("it is one of the framework's own")
	if doctype in TEMPLATES or holds_code(meta):
		return _("it can hold code or templates, which would run here")
	return ""


def is_of_frappe(module: str | None) -> bool:
	return (frappe.local.module_app or {}).get(frappe.scrub(module or "")) == frappe.__name__


def holds_code(meta) -> bool:
	"""Whether a field of it, or of its rows, is code that runs here."""
	fields = [*meta.fields]
	for df in meta.get_table_fields():
		if frappe.db.exists("DocType", df.options, cache=True):
			fields += frappe.get_meta(df.options).fields
	return any(is_code(df.fieldname, df.fieldtype, df.options) for df in fields)


def is_code(fieldname: str, fieldtype: str, options: str | None) -> bool:
	"""Whether what is in a field of this kind runs here, or in the browser of whoever looks at it."""
	if fieldtype != "Code":
		return fieldtype == "HTML Editor"
	return options in RUN or (not options and any(word in fieldname for word in RUN_BY_NAME))


def refuse_system_doctypes(doctypes: list[str]) -> None:
	"""Throw with the reason for each DocType that can't be streamed."""
	if reasons := [reason for doctype in doctypes if (reason := why_refused(doctype))]:
		frappe.throw("<br>".join(reasons), RefusedDocType, title=_("Can't be streamed"))

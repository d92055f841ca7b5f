"""What an Event Producer document must be like, and the custom fields that its rows need. It talks to no other site."""

import frappe
from frappe.custom.doctype.custom_field.custom_field import create_custom_fields
from frappe.model import display_fieldtypes, no_value_fields, table_fields
from frappe.utils import cint, escape_html, get_link_to_form, split_emails, validate_email_address
from frappe.utils.password import get_decrypted_password

from event_streaming.adapters.doctypes import why_not_subscribe
from event_streaming.consumer.conflict_rules.policies import POLICIES, policies_in
from event_streaming.consumer.line.meter import MOST_KB
from event_streaming.consumer.line.windows import parse_windows, written
from event_streaming.exceptions import CannotApply, EventStreamingError, RefusedDocType
from event_streaming.http.allowed import checked_authorities
from event_streaming.http.confidential import Confidential
from event_streaming.identity.registry import REMOTE_NAME, REMOTE_SITE
from event_streaming.messages.coded import _
from event_streaming.site.address import public_url, web_address, why_no_address
from event_streaming.site.refused import why_refused
from event_streaming.site.settings import MOST_WORKERS
from event_streaming.wire.left_out import names_in
from event_streaming.wire.wishes.priorities import NORMAL

MODULE = "Event Streaming"
# fields that can be added up
NUMBERS = ("Int", "Long Int", "Float", "Currency", "Percent", "Duration")


def validate_producer(doc) -> None:
	"""Check an Event Producer before it is saved. Raises frappe.ValidationError with what to do."""
	validate_url(doc)
	validate_subscriber(doc.user)
	validate_rows(doc)
	validate_fields(doc)
	validate_workers(doc)
	validate_schedule(doc)
	validate_line(doc)
	keep_statuses(doc)
	keep_site(doc)
	doc.ca_certificate = checked_authorities(doc.ca_certificate)


def keep_site(doc) -> None:
	"""Which site the connection is with is found out, and accepted by a person; a form that is saved does not change it."""
	before = doc.get_doc_before_save()
	doc.site_id = before.site_id if before else None


def validate_url(doc) -> None:
	url = web_address(doc.producer_url)
	if not url or (doc.is_new() and why_no_address(doc.producer_url)):
		frappe.throw(
			_("Producer URL must be an address such as https://head-office.example.com")
			+ f". {why_no_address(doc.producer_url)}"
		)
	if url in (public_url(), web_address(frappe.utils.get_url())):
		frappe.throw(
			_("{0} is this site itself. Producer URL must be the address of the other site.").format(url)
		)
	if doc.is_new() and frappe.db.exists("Event Producer", url):
		frappe.throw(
			_("There is an Event Producer for this address already: {0}").format(
				get_link_to_form("Event Producer", url)
			),
			exc=frappe.DuplicateEntryError,
		)
	if doc.is_new():
		doc.producer_url = url


def validate_subscriber(user: str) -> None:
	"""The Event Subscriber must be an enabled System Manager on this site."""
	row = frappe.db.get_value("User", user, ["enabled"], as_dict=True)
	link = get_link_to_form("User", user)
	if not row:
		frappe.throw(_("There is no user {0} on this site.").format(user))
	if not row.enabled:
		frappe.throw(
			_("The Event Subscriber {0} is disabled: enable the user, or choose another.").format(link)
		)
	if "System Manager" not in frappe.get_roles(user):
		frappe.throw(
			_("The Event Subscriber {0} must have the role System Manager on this site.").format(link)
		)


def keys_on_this_site(user: str) -> tuple[Confidential, Confidential]:
	"""The Event Subscriber's own API key and secret, for a producer that knows no tokens."""
	api_key = frappe.db.get_value("User", user, "api_key")
	api_secret = get_decrypted_password("User", user, "api_secret", raise_exception=False)
	if not api_key or not api_secret:
		frappe.throw(
			_(
				"The Event Subscriber {0} has no API keys on this site: open the user, API Access, Generate Keys. A producer that"
				" runs the older app needs them; one that can't reach this site does not (Event Streaming Settings)."
			).format(get_link_to_form("User", user)),
			EventStreamingError,
		)
	return Confidential(api_key), Confidential(api_secret)


def validate_workers(doc) -> None:
	if not 0 <= cint(doc.workers) <= MOST_WORKERS:
		frappe.throw(_("Background Workers must be a number from 1 to {0}.").format(MOST_WORKERS))
	# nothing at all is what somebody means who clears the field
	doc.workers = cint(doc.workers) or 1


def validate_schedule(doc) -> None:
	"""A scheduled verify has an hour, Document Types that are subscribed to, and addresses that mail can be sent to."""
	if not 0 <= cint(doc.verify_from_hour) <= 23:
		frappe.throw(_("Start Hour must be a number from 0 to 23."))
	rows = {row.ref_doctype for row in doc.producer_doctypes}
	if unknown := [name for name in names_in(doc.verify_doctypes) if name not in rows]:
		frappe.throw(
			_("Only These Document Types names {0}, which has no row.").format(escape_html(unknown[0]))
		)
	for address in split_emails(doc.verify_report_to or ""):
		validate_email_address(address, throw=True)


def validate_line(doc) -> None:
	"""Hours are times of day; rows that are applied together with others have the priority of these."""
	try:
		doc.only_between = written(parse_windows(doc.only_between))
	except ValueError as error:
		frappe.throw(
			_("Only Between: {0} is not two times of day such as 22:00-06:00.").format(
				escape_html(str(error))
			)
		)
	if not 0 <= cint(doc.most_kb_per_second) <= MOST_KB:
		frappe.throw(_("Most KB per Second must be a number from 0 to {0}.").format(MOST_KB))
	rows = [row for row in doc.producer_doctypes if not cint(row.unsubscribe)]
	together = next((row for row in rows if cint(row.together)), None)
	if together and len({row.get("priority") or NORMAL for row in rows}) > 1:
		frappe.throw(
			_(
				"Row {0}: {1} is applied together with what was changed with it, so that no row can come before another. Give all rows"
				" the same Priority, or clear Apply Together."
			).format(together.idx, _(together.ref_doctype)),
			CannotApply,
		)


def validate_rows(doc) -> None:
	"""Each row names a DocType that can be streamed, once; a mapping fits its row."""
	seen: dict[str, int] = {}
	for row in doc.producer_doctypes:
		if reason := why_refused(row.ref_doctype):
			frappe.throw(_("Row {0}: {1}").format(row.idx, reason), RefusedDocType)
		remote = row.ref_doctype
		if row.has_mapping:
			remote = remote_doctype_of(row)
		else:
			row.mapping = None
		if remote in seen:
			frappe.throw(
				_("Row {0}: {1} is subscribed to in row {2} already.").format(row.idx, remote, seen[remote])
			)
		seen[remote] = row.idx


def validate_fields(doc) -> None:
	"""The fields that rows name are fields of the local DocType. Not asked when the producer only says a status."""
	if doc.flags.from_producer:
		return
	for row in doc.producer_doctypes:
		meta = frappe.get_meta(row.ref_doctype)
		for name in names_in(row.fields_this_site_decides):
			if problem := problem_of_decided(meta, name):
				frappe.throw(
					_("Row {0}, Fields This Site Decides: {1}").format(row.idx, problem), CannotApply
				)
		for name in names_in(row.add_up):
			if problem := problem_of_number(meta, name):
				frappe.throw(_("Row {0}, Add Up: {1}").format(row.idx, problem), CannotApply)
		for name, policy in policies_in(row.field_policies).items():
			if problem := problem_of_policy(meta, name, policy):
				frappe.throw(
					_("Row {0}, When Both Sites Changed These Fields: {1}").format(row.idx, problem),
					CannotApply,
				)
		for name in names_in(row.match_by):
			if problem := problem_of_match(meta, name):
				frappe.throw(_("Row {0}, Match By: {1}").format(row.idx, problem), CannotApply)


def problem_of_decided(meta, name: str) -> str:
	"""What is wrong with "field", "table" or "table.field"; "" when nothing is."""
	table, dot, fieldname = name.partition(".")
	df = meta.get_field(table)
	if not df or df.fieldtype in display_fieldtypes:
		return _("{0} has no field {1}.").format(_(meta.name), escape_html(name))
	if not dot:
		return ""
	if df.fieldtype not in table_fields:
		return _("{0} is no table of {1}.").format(escape_html(table), _(meta.name))
	inner = frappe.get_meta(df.options).get_field(fieldname)
	if not inner or inner.fieldtype in display_fieldtypes:
		return _("The rows of {0} have no field {1}.").format(escape_html(table), escape_html(fieldname))
	return ""


def problem_of_number(meta, name: str) -> str:
	"""The same for a number field, "field" or "table.field"."""
	if problem := problem_of_decided(meta, name):
		return problem
	table, dot, fieldname = name.partition(".")
	df = meta.get_field(table)
	df = frappe.get_meta(df.options).get_field(fieldname) if dot else df
	if df.fieldtype not in NUMBERS:
		return _("{0} holds no number.").format(escape_html(name))
	return ""


def problem_of_policy(meta, name: str, policy: str) -> str:
	"""The same for a field that has a policy of its own."""
	if problem := problem_of_decided(meta, name):
		return problem
	if policy not in POLICIES:
		return _("{0} is followed by a colon and one of: {1}.").format(
			escape_html(name), ", ".join(_(each) for each in POLICIES)
		)
	return ""


def problem_of_typed_policy(meta, entry: str) -> str:
	"""The same for one entry, `field: Policy`."""
	return next((problem_of_policy(meta, *pair) for pair in policies_in(entry).items()), "")


def problem_of_match(meta, name: str) -> str:
	if name == "name":
		return ""
	df = meta.get_field(name)
	if not df:
		return _("{0} has no field {1}.").format(_(meta.name), escape_html(name))
	if df.fieldtype in no_value_fields or df.fieldtype in table_fields or df.fieldtype == "Password":
		return _("{0} is a table or holds no value that could be compared.").format(escape_html(name))
	return ""


def warn_of_ledgers(doc) -> None:
	"""Say so when a row is for documents that other documents make; somebody may know what they do."""
	before = doc.get_doc_before_save()
	known = {row.ref_doctype for row in before.producer_doctypes} if before else set()
	added = dict.fromkeys(row.ref_doctype for row in doc.producer_doctypes if row.ref_doctype not in known)
	if reasons := [reason for doctype in added if (reason := why_not_subscribe(doctype))]:
		frappe.msgprint(
			"<br>".join(reasons), title=_("Not Recommended for Streaming"), indicator="orange", alert=False
		)


def remote_doctype_of(row) -> str:
	if not row.mapping:
		frappe.throw(_("Row {0}: choose the Mapping, or clear Has Mapping.").format(row.idx))
	mapping = frappe.db.get_value(
		"Document Type Mapping", row.mapping, ["local_doctype", "remote_doctype"], as_dict=True
	)
	if mapping.local_doctype != row.ref_doctype:
		frappe.throw(
			_("Row {0}: the mapping {1} is for {2}, not for {3}.").format(
				row.idx, row.mapping, _(mapping.local_doctype), _(row.ref_doctype)
			)
		)
	return mapping.remote_doctype


def keep_statuses(doc) -> None:
	"""The Approval Status is the producer's to give: what a form or a script sends is put back."""
	if doc.flags.from_producer or (cint(doc.incoming_change) and frappe.session.user == doc.user):
		return
	before = doc.get_doc_before_save()
	known = {row.name: row for row in before.producer_doctypes} if before else {}
	for row in doc.producer_doctypes:
		old = known.get(row.name)
		same = old and old.ref_doctype == row.ref_doctype and old.mapping == row.mapping
		row.status = old.status if same else "Pending"
		# what the row asks for now is copied once; and a form that was opened before the copy began does not ask for it again
		wants_the_same = same and (old.condition or "").strip() == (row.condition or "").strip()
		row.copied_on = old.copied_on if wants_the_same else None
		row.not_sent, row.masked, row.withheld, row.stopped_on = (
			(old.not_sent, old.masked, old.withheld, old.stopped_on) if same else (None, None, 0, None)
		)


def make_custom_fields(doc) -> None:
	"""Local naming keeps where a document came from in two indexed custom fields of its DocType."""
	alike = {
		"fieldtype": "Data",
		**dict.fromkeys(("read_only", "no_copy", "print_hide", "search_index"), 1),
		"module": MODULE,
	}
	fields = [
		{"fieldname": REMOTE_NAME, "label": "Remote Document Name", **alike},
		{"fieldname": REMOTE_SITE, "label": "Remote Site Name", **alike},
	]
	wanted = {}
	for row in doc.producer_doctypes:
		meta = frappe.get_meta(row.ref_doctype)
		missing = [field for field in fields if not meta.has_field(field["fieldname"])]
		if not cint(row.use_same_name) and missing and not meta.issingle:
			wanted[row.ref_doctype] = missing
	if wanted:
		create_custom_fields(wanted, update=False)

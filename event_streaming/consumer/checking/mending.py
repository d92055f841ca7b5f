"""What the button of a finding does, after a person has asked for it. Only what the check's own report says is done.

Each is a change that a person could make in a form, is made by saving that form's document, and stands in the audit log.
"""

from collections.abc import Callable
from typing import Any

import frappe
from frappe.custom.doctype.property_setter.property_setter import make_property_setter
from frappe.permissions import add_permission, update_permission_property

from event_streaming.consumer.checking import finding, fitting
from event_streaming.consumer.checking.rights import OF_SUBMITTABLE, RIGHTS, roles_of
from event_streaming.consumer.subscriptions.subscription import subscriptions_of
from event_streaming.consumer.tasks import task
from event_streaming.messages.coded import _
from event_streaming.site import audit
from event_streaming.wire.left_out import names_in

Mend = Callable[[Any, str, dict[str, Any], dict[str, str]], str]


def mend(name: str, number: int, values: dict[str, str] | None = None) -> str:
	"""Do what the button of finding `number` of a check says; `values` are what a person has typed in. Returns what was done.

	Raises frappe.ValidationError with what to do.
	"""
	check = task.load(name)
	asked = to_be_mended(check, number)
	doc = frappe.get_doc("Event Producer", check.event_producer)
	done = MENDERS[asked["action"]](doc, asked["doctype"], asked["details"], values or {})
	audit.record(
		audit.MENDED,
		doc.doctype,
		doc.name,
		None,
		{"action": asked["action"], "doctype": asked["doctype"], **asked["details"], **(values or {})},
	)
	asked["mended"] = done
	task.save_progress(check)
	return done


def to_be_mended(check: task.Task, number: int) -> dict[str, Any]:
	"""The finding `number` of a check, which has a button that nobody has pressed. Raises frappe.ValidationError for any other."""
	found = check.report.get("findings") or []
	if check.kind != task.CHECK or not 0 <= number < len(found) or not found[number].get("action"):
		frappe.throw(_("This finding can't be fixed with a button."))
	if found[number].get("mended"):
		frappe.throw(_("This was done already. Check again."))
	return found[number]


def what_it_does(asked: dict[str, Any], values: dict[str, str]) -> str:
	"""What the button of a finding will do, with what a person has typed in; for who can't see a dialog."""
	doctype, details = _(asked["doctype"]), asked["details"]
	words = {
		finding.SET_MATCH_BY: _("Set Match By of {0} to {1}.").format(doctype, details.get("match_by")),
		finding.UNSUBSCRIBE: _("Unsubscribe from {0}.").format(doctype),
		finding.DECIDE_HERE: _("Leave {0} of {1} to this site.").format(details.get("field"), doctype),
		finding.ADD_TO_VALUE_MAP: _("Add to the value map {0}: {1}.").format(
			details.get("value_map"),
			", ".join(
				f"{remote} → {values[remote]}" for remote in details.get("values", ()) if values.get(remote)
			)
			or "-",
		),
		finding.GIVE_RIGHTS: _("Let everybody with the role {0} {1} {2}.").format(
			values.get("role") or "-", ", ".join(details.get("rights", ())), doctype
		),
		finding.CREATE_FIELDS: _("Make these fields of {0}: {1}.").format(
			doctype, ", ".join(each["field"] for each in details.get("fields", ()))
		),
		finding.ADD_OPTIONS: _("Add options to {0} of {1}: {2}.").format(
			details.get("field"), doctype, ", ".join(details.get("options", ()))
		),
	}
	return words[asked["action"]]


def row_of(doc: Any, doctype: str) -> Any:
	"""The row of the form that takes documents of a local DocType."""
	mapped = {each.local_doctype: each.mapping for each in subscriptions_of(doc).values()}
	for row in doc.producer_doctypes:
		if row.ref_doctype == doctype and doctype in mapped:
			return row
	frappe.throw(_("Event Producer {0} has no row for {1}.").format(doc.name, doctype))
	raise AssertionError


def set_match_by(doc: Any, doctype: str, details: dict, values: dict) -> str:
	row_of(doc, doctype).match_by = details["match_by"]
	doc.save()
	return _("Match By of {0} is {1} now.").format(_(doctype), details["match_by"])


def unsubscribe(doc: Any, doctype: str, details: dict, values: dict) -> str:
	row_of(doc, doctype).unsubscribe = 1
	doc.save()
	return _("This site has unsubscribed from {0}.").format(_(doctype))


def decide_here(doc: Any, doctype: str, details: dict, values: dict) -> str:
	row = row_of(doc, doctype)
	row.fields_this_site_decides = "\n".join(
		dict.fromkeys((*names_in(row.fields_this_site_decides), details["field"]))
	)
	doc.save()
	return _("{0} of {1} is left to this site now.").format(details["field"], _(doctype))


def add_to_value_map(doc: Any, doctype: str, details: dict, values: dict) -> str:
	"""`values`: remote value -> local value; those that a person has left empty are left out."""
	value_map = frappe.get_doc("Document Type Value Map", details["value_map"])
	known = {row.remote_value for row in value_map.pairs}
	new = {
		remote: str(values.get(remote) or "").strip() for remote in details["values"] if remote not in known
	}
	new = {remote: local for remote, local in new.items() if local}
	if not new:
		frappe.throw(_("Give the value here of at least one value of the producer."))
	for remote, local in new.items():
		value_map.append("pairs", {"remote_value": remote, "local_value": local})
	value_map.save()
	return _("{0} entries were added to the value map {1}.").format(len(new), value_map.name)


def give_rights(doc: Any, doctype: str, details: dict, values: dict) -> str:
	"""`values`: the role that a person has chosen of the user's own."""
	roles, role = roles_of(doc.user), values.get("role") or ""
	if role not in roles:
		frappe.throw(
			_(
				"Choose one of the roles of {0}: {1}. Without one, make a role for it and give it to the user first."
			).format(doc.user, ", ".join(roles) or "-")
		)
	given = [right for right in (*RIGHTS, *OF_SUBMITTABLE) if right in details["rights"]]
	add_permission(doctype, role, 0)
	for right in ("read", *given):
		update_permission_property(doctype, role, 0, right, 1, validate=False)
	frappe.clear_cache(doctype=doctype)
	return _("The role {0} may {1} {2} now.").format(role, ", ".join(given), _(doctype))


def add_options(doc: Any, doctype: str, details: dict, values: dict) -> str:
	"""To a Select field of the DocType, or of the rows of a table."""
	table, dot, fieldname = details["field"].rpartition(".")
	holder = frappe.get_meta(doctype).get_field(table).options if dot else doctype
	field = frappe.get_meta(holder).get_field(fieldname)
	options = dict.fromkeys((*(field.options or "").split("\n"), *details["options"]))
	make_property_setter(
		holder, fieldname, "options", "\n".join(options), "Text", validate_fields_for_doctype=False
	)
	frappe.clear_cache(doctype=holder)
	return _("{0} of {1} knows these options now: {2}.").format(
		fieldname, _(holder), ", ".join(details["options"])
	)


def create_fields(doc: Any, doctype: str, details: dict, values: dict) -> str:
	"""As the producer has them: label, type and options; plain ones alone."""
	made = []
	for note in details["fields"]:
		if fitting.can_create(note):
			field = {"doctype": "Custom Field", **fitting.values_of_field(note)}
			made.append(frappe.get_doc(field).insert().fieldname)
	return _("{0} of {1} were made.").format(", ".join(made), _(doctype))


MENDERS: dict[str, Mend] = {
	finding.SET_MATCH_BY: set_match_by,
	finding.UNSUBSCRIBE: unsubscribe,
	finding.DECIDE_HERE: decide_here,
	finding.ADD_TO_VALUE_MAP: add_to_value_map,
	finding.GIVE_RIGHTS: give_rights,
	finding.ADD_OPTIONS: add_options,
	finding.CREATE_FIELDS: create_fields,
}

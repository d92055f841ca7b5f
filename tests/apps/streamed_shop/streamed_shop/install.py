"""What the app's set-up makes on each site for itself: standard units, and a workflow for quotations."""

import frappe

UNITS = ("Nos", "Kg", "Litre", "Box", "Hour", "Metre")
WHOLE = ("Nos", "Box")
WORKFLOW = "Shop Quotation Approval"
USER, APPROVER = "Shop User", "Shop Approver"
DRAFT, PENDING, APPROVED = "Shop Draft", "Shop Pending", "Shop Approved"
ASK, APPROVE = "Ask for Approval", "Give Approval"


def after_install() -> None:
	for unit in UNITS:
		make("Shop Unit", unit, unit_name=unit, must_be_whole_number=int(unit in WHOLE))
	for role in (USER, APPROVER):
		make("Role", role, role_name=role)
	for state in (DRAFT, PENDING, APPROVED):
		make("Workflow State", state, workflow_state_name=state)
	for action in (ASK, APPROVE):
		make("Workflow Action Master", action, workflow_action_name=action)
	make_workflow()


def make(doctype: str, name: str, **values) -> None:
	if not frappe.db.exists(doctype, name):
		frappe.get_doc({"doctype": doctype, **values}).insert(ignore_permissions=True)


def make_workflow() -> None:
	states = [
		{"state": DRAFT, "doc_status": "0", "allow_edit": USER},
		{"state": PENDING, "doc_status": "0", "allow_edit": APPROVER},
		{"state": APPROVED, "doc_status": "1", "allow_edit": APPROVER},
	]
	transitions = [
		{"state": DRAFT, "action": ASK, "next_state": PENDING, "allowed": USER},
		{"state": PENDING, "action": APPROVE, "next_state": APPROVED, "allowed": APPROVER},
	]
	make(
		"Workflow",
		WORKFLOW,
		workflow_name=WORKFLOW,
		document_type="Shop Quotation",
		workflow_state_field="workflow_state",
		is_active=1,
		send_email_alert=0,
		states=states,
		transitions=transitions,
	)

// An invitation: who was invited to what, and who has used the code. The code itself was shown once, when it was made.

frappe.ui.form.on("Event Streaming Invitation", {
	refresh(frm) {
		frm.disable_save();
		if (frm.doc.used_by_address) {
			frm.add_custom_button(__("Event Consumer"), () =>
				frappe.set_route("Form", "Event Consumer", frm.doc.used_by_address)
			);
		}
		if (frm.doc.status === "Withdrawn" || frm.doc.completed_on) return;
		frm.add_custom_button(__("Withdraw"), () =>
			frappe.confirm(__("The code can't be used after this. Withdraw the invitation?"), () =>
				frappe
					.xcall("event_streaming.api.withdraw_invitation", { invitation: frm.doc.name })
					.then(() => frm.reload_doc())
			)
		);
	},
});

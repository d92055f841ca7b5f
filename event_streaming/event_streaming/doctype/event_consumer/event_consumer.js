// The form of a consumer: what it asked for, and the decision about it.

frappe.ui.form.on("Event Consumer", {
	setup(frm) {
		frm.set_indicator_formatter("ref_doctype", (row) => {
			if (row.unsubscribed) return "gray";
			return { Approved: "green", Rejected: "red" }[row.status] || "orange";
		});
	},

	refresh(frm) {
		// what is in the table is the consumer's to say
		frm.set_df_property("consumer_doctypes", "cannot_add_rows", !frm.is_new());
		if (frm.is_new()) return;
		const pending = pending_rows(frm);
		if (pending.length) {
			frm.set_intro(
				__("Waiting for a decision: {0}. Set Approval Status in the table, or approve all. Nothing is sent before.", [
					frappe.utils.escape_html(pending.map((row) => __(row.ref_doctype)).join(", ")),
				]),
				"orange"
			);
			frm.add_custom_button(__("Approve All"), () => approve_all(frm));
		}
		show_state(frm);
		frm.add_custom_button(
			__("Event Update Log"),
			() => frappe.set_route("List", "Event Update Log", {
				"Event Update Log Consumer.consumer": ["=", frm.doc.name],
			}),
			__("View")
		);
	},
});

function pending_rows(frm) {
	return (frm.doc.consumer_doctypes || []).filter((row) => row.status === "Pending" && !row.unsubscribed);
}

function approve_all(frm) {
	const names = pending_rows(frm).map((row) => __(row.ref_doctype));
	frappe.confirm(
		__("From now on every change of {0} is sent to {1}. Approve?", [
			names.map((name) => frappe.utils.escape_html(name)).join(", "),
			frappe.utils.escape_html(frm.doc.name),
		]),
		() => {
			for (const row of pending_rows(frm)) {
				frappe.model.set_value(row.doctype, row.name, "status", "Approved");
			}
			frm.save();
		}
	);
}

function show_state(frm) {
	// Frappe may refresh a form twice in a row without clearing these
	frm.dashboard.stats_area_row.empty();
	if (frm.doc.paused) frm.dashboard.add_indicator(__("Paused"), "orange");
	frm.dashboard.add_indicator(__("Taken up to position {0}", [cint(frm.doc.position)]), "blue");
	frm.dashboard.add_indicator(
		frm.doc.last_contact
			? __("Last contact {0}", [frappe.datetime.prettyDate(frm.doc.last_contact)])
			: __("No contact yet"),
		frm.doc.last_contact ? "blue" : "gray"
	);
	if (cint(frm.doc.notify_failures)) {
		frm.dashboard.add_indicator(__("{0} notifications failed", [cint(frm.doc.notify_failures)]), "orange");
	}
}

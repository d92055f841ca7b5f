// An event, to be read. Nothing here changes it.

frappe.ui.form.on("Event Update Log", {
	refresh(frm) {
		frm.disable_save();
		show_data_indented(frm);
		show_not_delivered(frm);
		if (frm.doc.update_type !== "Delete") {
			frm.add_custom_button(__("Open Document"), () => open_document(frm));
		}
	},
});

function show_data_indented(frm) {
	for (const fieldname of ["data", "data_before"]) {
		try {
			frm.doc[fieldname] = JSON.stringify(JSON.parse(frm.doc[fieldname]), null, 2);
		} catch {
			continue;
		}
		frm.refresh_field(fieldname);
	}
}

function open_document(frm) {
	const { ref_doctype, docname, update_type, data } = frm.doc;
	const name = update_type === "Rename" ? JSON.parse(data).new_name : docname;
	frappe.set_route("Form", ref_doctype, name);
}

// to whom it did not go, and why: what the table of consumers can't say
function show_not_delivered(frm) {
	const name = frm.doc.name;
	frappe
		.xcall("event_streaming.admin.document.not_delivered", { event: name }, "GET")
		.then((lines) => {
			if (frm.doc.name !== name || !lines.length) return;
			frm.set_intro(
				lines.map((line) => frappe.utils.escape_html(line)).join("<br>"),
				"orange"
			);
		});
}

// An event, to be read. Nothing here changes it.

frappe.ui.form.on("Event Update Log", {
	refresh(frm) {
		frm.disable_save();
		show_data_indented(frm);
		if (frm.doc.update_type !== "Delete") {
			frm.add_custom_button(__("Open Document"), () => open_document(frm));
		}
	},
});

function show_data_indented(frm) {
	try {
		frm.doc.data = JSON.stringify(JSON.parse(frm.doc.data), null, 2);
	} catch {
		return;
	}
	frm.refresh_field("data");
}

function open_document(frm) {
	const { ref_doctype, docname, update_type, data } = frm.doc;
	const name = update_type === "Rename" ? JSON.parse(data).new_name : docname;
	frappe.set_route("Form", ref_doctype, name);
}

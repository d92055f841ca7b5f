// The form of a value map: reads pairs from a CSV file. It decides nothing.

frappe.ui.form.on("Document Type Value Map", {
	refresh(frm) {
		if (frm.is_new()) return;
		if (!(frm.doc.pairs || []).length && frm.doc.other_values === "Fail") {
			frm.set_intro(
				__(
					"This value map is empty: documents with a value in a field that uses it fail until the values are here."
				),
				"orange"
			);
		}
		frm.add_custom_button(__("Import CSV"), () => choose_file(frm));
		frm.add_custom_button(__("Audit Log"), () =>
			frappe.set_route("List", "Event Streaming Audit Log", {
				reference_doctype: frm.doctype,
				reference_name: frm.doc.name,
			})
		);
	},
});

function choose_file(frm) {
	if (frm.is_dirty()) {
		frappe.msgprint(__("Save the value map first."));
		return;
	}
	const input = document.createElement("input");
	input.type = "file";
	input.accept = ".csv,.tsv,.txt,text/csv";
	input.onchange = () => {
		const [file] = input.files || [];
		if (file) file.text().then((content) => import_csv(frm, content));
	};
	input.click();
}

function import_csv(frm, content) {
	frappe
		.call({
			method: "event_streaming.event_streaming.doctype.document_type_value_map.document_type_value_map.import_csv",
			args: { value_map: frm.doc.name, content },
			freeze: true,
		})
		.then(({ message: count }) => {
			frappe.show_alert({
				message: __("{0} pairs imported", [cint(count)]),
				indicator: "green",
			});
			frm.reload_doc();
		});
}

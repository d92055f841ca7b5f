// The form of a mapping: offers the fields of the local DocType. The other site's fields are not known here.

frappe.ui.form.on("Document Type Mapping", {
	setup(frm) {
		frm.set_query("local_doctype", () => ({ filters: { issingle: 0, is_virtual: 0 } }));
		frm.set_query("mapping", "field_mapping", (doc, cdt, cdn) => {
			const row = frappe.get_doc(cdt, cdn);
			const field = frappe.meta.get_docfield(doc.local_doctype, row.local_fieldname);
			const filters = { name: ["!=", doc.name || ""] };
			if (field && ["Link", "Table", "Table MultiSelect"].includes(field.fieldtype)) {
				filters.local_doctype = field.options;
			}
			return { filters };
		});
	},

	refresh(frm) {
		offer_fields(frm);
	},

	local_doctype(frm) {
		offer_fields(frm);
	},
});

frappe.ui.form.on("Document Type Field Mapping", {
	local_fieldname(frm, cdt, cdn) {
		const row = frappe.get_doc(cdt, cdn);
		const field = frappe.meta.get_docfield(frm.doc.local_doctype, row.local_fieldname);
		const is_table = field && frappe.model.table_fields.includes(field.fieldtype);
		if (is_table) frappe.model.set_value(cdt, cdn, "mapping_type", "Child Table");
		if (!row.remote_fieldname) frappe.model.set_value(cdt, cdn, "remote_fieldname", row.local_fieldname);
	},
	mapping_type(frm, cdt, cdn) {
		if (!frappe.get_doc(cdt, cdn).mapping_type) frappe.model.set_value(cdt, cdn, "mapping", "");
	},
});

function offer_fields(frm) {
	if (!frm.doc.local_doctype) return;
	frappe.model.with_doctype(frm.doc.local_doctype, () => {
		const fields = frappe.get_meta(frm.doc.local_doctype).fields.filter(
			(df) => !frappe.model.no_value_type.includes(df.fieldtype) || frappe.model.table_fields.includes(df.fieldtype)
		);
		const options = fields.map((df) => ({ value: df.fieldname, label: df.fieldname, description: __(df.label) }));
		frm.fields_dict.field_mapping.grid.update_docfield_property("local_fieldname", "options", options);
	});
}

// The form of a mapping: offers the fields of both sites and shows what a document would become. It decides nothing.

const MAPPING_METHODS =
	"event_streaming.event_streaming.doctype.document_type_mapping.document_type_mapping";
// this site's own: where a document stands in a tree, and which one it amends
const LOCAL_MATTERS = ["lft", "rgt", "old_parent", "amended_from"];

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
		// the list of fields is longer than the table; on a phone the table has to scroll
		if (window.innerWidth > 768) {
			frm.fields_dict.field_mapping.grid.wrapper
				.find(".form-grid-container, .form-grid")
				.css("overflow", "visible");
		}
		with_local_fields(frm, (fields) => offer(frm, "local_fieldname", fields));
		if (frm.doc.local_doctype) {
			frm.add_custom_button(__("Add Fields"), () => pick_fields(frm), __("Fields"));
		}
		if (frm.doc.remote_doctype) {
			frm.add_custom_button(
				__("Fetch Remote Fields"),
				() => fetch_remote_fields(frm),
				__("Fields")
			);
		}
		if (frm.is_new()) return;
		frm.add_custom_button(__("Preview"), () => event_streaming.mapping_preview.show(frm));
		frm.add_custom_button(__("Audit Log"), () =>
			frappe.set_route("List", "Event Streaming Audit Log", {
				reference_doctype: frm.doctype,
				reference_name: frm.doc.name,
			})
		);
	},

	local_doctype(frm) {
		if (!frm.doc.remote_doctype) frm.set_value("remote_doctype", frm.doc.local_doctype);
		frm.trigger("refresh");
	},

	remote_doctype(frm) {
		frm.trigger("refresh");
	},
});

frappe.ui.form.on("Document Type Field Mapping", {
	local_fieldname(frm, cdt, cdn) {
		const row = frappe.get_doc(cdt, cdn);
		const field = frappe.meta.get_docfield(frm.doc.local_doctype, row.local_fieldname);
		const is_table = field && frappe.model.table_fields.includes(field.fieldtype);
		if (is_table) frappe.model.set_value(cdt, cdn, "mapping_type", "Child Table");
		if (!row.remote_fieldname)
			frappe.model.set_value(cdt, cdn, "remote_fieldname", row.local_fieldname);
	},
	mapping_type(frm, cdt, cdn) {
		if (!frappe.get_doc(cdt, cdn).mapping_type)
			frappe.model.set_value(cdt, cdn, "mapping", "");
	},
});

function with_local_fields(frm, use) {
	if (!frm.doc.local_doctype) return;
	frappe.model.with_doctype(frm.doc.local_doctype, () => {
		use(
			frappe.get_meta(frm.doc.local_doctype).fields.filter((df) => {
				if (frappe.model.table_fields.includes(df.fieldtype)) return true;
				return (
					!df.is_virtual &&
					df.fieldtype !== "Password" &&
					!frappe.model.no_value_type.includes(df.fieldtype)
				);
			})
		);
	});
}

function offer(frm, fieldname, fields) {
	const options = fields.map((df) => ({
		value: df.fieldname,
		label: df.fieldname,
		description: [
			__(df.label || df.fieldname),
			__(df.fieldtype),
			df.options && df.fieldtype !== "Select" ? df.options : "",
		]
			.filter(Boolean)
			.join(" · "),
	}));
	const grid = frm.fields_dict.field_mapping.grid;
	grid.update_docfield_property(fieldname, "options", options);
	// suggestions: standard fields such as owner may be typed as well, and what is wrong is said on save
	grid.update_docfield_property(fieldname, "ignore_validation", 1);
}

// which fields are mapped is chosen; those that a document can't do without are ticked
function pick_fields(frm) {
	with_local_fields(frm, (fields) => {
		const passed_over = new Set(LOCAL_MATTERS);
		(frm.doc.field_mapping || []).forEach((row) => passed_over.add(row.local_fieldname));
		const offered = fields.filter((df) => !passed_over.has(df.fieldname));
		if (!offered.length) {
			frappe.show_alert({ message: __("All fields are in the table."), indicator: "blue" });
			return;
		}
		const dialog = new frappe.ui.Dialog({
			title: __("Add Fields"),
			fields: [
				{
					fieldname: "fields",
					fieldtype: "MultiCheck",
					columns: 2,
					select_all: true,
					options: offered.map((df) => ({
						value: df.fieldname,
						label: `${__(df.label || df.fieldname)} (${df.fieldname})`,
						checked: cint(df.reqd),
					})),
				},
			],
			primary_action_label: __("Add"),
			primary_action(values) {
				dialog.hide();
				const chosen = new Set(values.fields || []);
				add_fields(
					frm,
					offered.filter((df) => chosen.has(df.fieldname))
				);
			},
		});
		dialog.show();
	});
}

function add_fields(frm, fields) {
	const is_blank = (row) => !row.local_fieldname && !row.remote_fieldname;
	frm.doc.field_mapping = (frm.doc.field_mapping || []).filter((row) => !is_blank(row));
	const there = frm.remote_fields && new Set(frm.remote_fields.map((df) => df.fieldname));
	for (const df of fields) {
		const row = frm.add_child("field_mapping");
		row.local_fieldname = df.fieldname;
		// where the producer's fields are known, one that it does not have is left to be chosen
		if (!there || there.has(df.fieldname)) row.remote_fieldname = df.fieldname;
		if (frappe.model.table_fields.includes(df.fieldtype)) row.mapping_type = "Child Table";
	}
	frm.doc.field_mapping.forEach((row, index) => (row.idx = index + 1));
	frm.refresh_field("field_mapping");
	frm.dirty();
}

function fetch_remote_fields(frm) {
	event_streaming.mapping_preview.ask_for_producer(
		__("Fetch the fields of {0}", [frm.doc.remote_doctype]),
		[],
		__("Fetch Remote Fields"),
		(values, dialog) => {
			frappe
				.call({
					method: `${MAPPING_METHODS}.fetch_remote_fields`,
					args: {
						event_producer: values.event_producer,
						remote_doctype: frm.doc.remote_doctype,
					},
					freeze: true,
				})
				.then(({ message: fields }) => {
					dialog.hide();
					frm.remote_fields = fields;
					offer(frm, "remote_fieldname", fields);
					warn_of_unknown(frm, fields);
				});
		}
	);
}

function warn_of_unknown(frm, fields) {
	const there = new Set(
		fields.map((df) => df.fieldname).concat(["owner", "creation", "modified", "modified_by"])
	);
	const unknown = (frm.doc.field_mapping || []).filter(
		(row) => row.remote_fieldname && !there.has(row.remote_fieldname)
	);
	if (!unknown.length) {
		frappe.show_alert({
			message: __("{0} fields are offered as Remote Fieldname", [fields.length]),
			indicator: "green",
		});
		return;
	}
	const lines = unknown.map((row) =>
		__("Row {0}: {1} has no field {2}", [
			row.idx,
			frm.doc.remote_doctype,
			row.remote_fieldname,
		])
	);
	frappe.msgprint({
		title: __("Not on the producer"),
		indicator: "orange",
		message: lines.map((line) => frappe.utils.escape_html(line)).join("<br>"),
	});
}

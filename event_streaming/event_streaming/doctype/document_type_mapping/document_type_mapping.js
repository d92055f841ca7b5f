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
		frm.add_custom_button(__("Preview"), () => show_preview(frm));
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

function ask_for_producer(title, more_fields, action_label, action) {
	const dialog = new frappe.ui.Dialog({
		title,
		fields: [
			{
				fieldname: "event_producer",
				fieldtype: "Link",
				options: "Event Producer",
				label: __("Event Producer"),
				reqd: 1,
			},
			...more_fields,
		],
		primary_action_label: action_label,
		primary_action(values) {
			action(values, dialog);
		},
	});
	frappe.db.get_list("Event Producer", { limit: 2 }).then((producers) => {
		if (producers.length === 1) dialog.set_value("event_producer", producers[0].name);
		if (producers.length) return;
		dialog.set_df_property(
			"event_producer",
			"description",
			__(
				"Make an Event Producer first: it can be saved with its address and keys alone, without any Document Type."
			)
		);
	});
	dialog.show();
	return dialog;
}

function fetch_remote_fields(frm) {
	ask_for_producer(
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

function show_preview(frm) {
	if (frm.is_dirty()) {
		frappe.msgprint(__("Save the mapping first: the preview uses what is saved."));
		return;
	}
	const previewed = ask_for_producer(
		__("Preview"),
		[
			{
				fieldname: "remote_name",
				fieldtype: "Autocomplete",
				label: __("Name of a {0} on the producer", [frm.doc.remote_doctype]),
				ignore_validation: 1,
				reqd: 1,
			},
			{ fieldname: "result", fieldtype: "HTML" },
		],
		__("Preview"),
		(values, dialog) => {
			frappe
				.call({
					method: `${MAPPING_METHODS}.preview`,
					args: {
						mapping: frm.doc.name,
						event_producer: values.event_producer,
						remote_name: values.remote_name,
					},
					freeze: true,
				})
				.then(({ message }) =>
					dialog.fields_dict.result.$wrapper.html(preview_html(message))
				);
		}
	);
	previewed.fields_dict.event_producer.df.onchange = () => offer_names(frm, previewed);
	offer_names(frm, previewed);
}

// the newest documents there, so that nobody has to know a name that is a hash
function offer_names(frm, dialog) {
	const event_producer = dialog.get_value("event_producer");
	if (!event_producer || dialog.offered_of === event_producer) return;
	dialog.offered_of = event_producer;
	const args = { event_producer, remote_doctype: frm.doc.remote_doctype };
	frappe.xcall(`${MAPPING_METHODS}.remote_names`, args).then((names) => {
		dialog.fields_dict.remote_name.set_data(names);
	});
}

function preview_html(result) {
	const escape = (value) =>
		frappe.utils.escape_html(value === null || value === undefined ? "" : String(value));
	const references = Object.fromEntries(result.references.map((each) => [each.field, each]));
	const show = (value, field) => {
		if (references[field]) return show_reference(references[field], escape);
		if (!Array.isArray(value)) return escape(value);
		const rows = value.map((row, index) => {
			const cells = Object.entries(row).filter(
				([key]) => !["doctype", "name", "idx"].includes(key)
			);
			return cells
				.map(
					([key, cell]) =>
						`${escape(key)}: ${show(cell, `${field}.${index + 1}.${key}`)}`
				)
				.join(", ");
		});
		return rows.map((row, index) => `<div>${index + 1}. ${row}</div>`).join("");
	};
	const lines = Object.entries(result.document)
		.map(
			([key, value]) =>
				`<tr><td class="text-muted">${escape(key)}</td><td>${show(value, key)}</td></tr>`
		)
		.join("");
	const unknown = (result.unknown || []).length
		? `<p class="text-danger">${__(
				"The document on the producer has no field {0}: nothing comes for it.",
				[escape(result.unknown.join(", "))]
			)}</p>`
		: "";
	return `${unknown}<table class="table table-bordered table-condensed small">${lines}</table>`;
}

function show_reference(reference, escape) {
	if (reference.local_name) return `${escape(reference.local_name)} (${__("is here already")})`;
	if (reference.found.length === 1) {
		return `<i>${__("made from {0} {1} first, through {2}", [
			escape(reference.remote_doctype),
			escape(reference.found[0]),
			escape(reference.mapping),
		])}</i>`;
	}
	const problem = reference.found.length
		? __("the filters find more than one")
		: __("the filters find nothing");
	return `<span class="text-danger">${problem}: ${escape(JSON.stringify(reference.filters))}</span>`;
}

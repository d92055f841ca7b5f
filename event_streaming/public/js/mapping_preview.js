// What a document of the producer would become here, on the form of a mapping. The server says so.

frappe.provide("event_streaming");

event_streaming.mapping_preview = (() => {
	const METHODS =
		"event_streaming.event_streaming.doctype.document_type_mapping.document_type_mapping";
	const escape = (value) => frappe.utils.escape_html(String(value ?? ""));

	function ask_for_producer(title, more_fields, action_label, action) {
		const dialog = new frappe.ui.Dialog({
			title: frappe.utils.escape_html(title),
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

	function show(frm) {
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
						method: `${METHODS}.preview`,
						args: {
							mapping: frm.doc.name,
							event_producer: values.event_producer,
							remote_name: values.remote_name,
						},
						freeze: true,
					})
					.then(({ message }) => dialog.fields_dict.result.$wrapper.html(html(message)));
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
		frappe.xcall(`${METHODS}.remote_names`, args).then((names) => {
			dialog.fields_dict.remote_name.set_data(names);
		});
	}

	function html(result) {
		const references = Object.fromEntries(result.references.map((each) => [each.field, each]));
		const value_html = (value, field) => {
			if (references[field]) return show_reference(references[field]);
			if (!Array.isArray(value)) return escape(value);
			const rows = value.map((row, index) => {
				const cells = Object.entries(row).filter(
					([key]) => !["doctype", "name", "idx"].includes(key)
				);
				return cells
					.map(
						([key, cell]) =>
							`${escape(key)}: ${value_html(cell, `${field}.${index + 1}.${key}`)}`
					)
					.join(", ");
			});
			return rows.map((row, index) => `<div>${index + 1}. ${row}</div>`).join("");
		};
		const lines = Object.entries(result.document)
			.map(
				([key, value]) =>
					`<tr><td class="text-muted">${escape(key)}</td><td>${value_html(value, key)}</td></tr>`
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

	function show_reference(reference) {
		if (reference.local_name)
			return `${escape(reference.local_name)} (${__("is here already")})`;
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

	return { ask_for_producer, html, show };
})();

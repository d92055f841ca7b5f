// The change of an event as a table: field, old value, new value. On the form of Event Sync Log.

frappe.provide("event_streaming");

event_streaming.change = (() => {
	// what goes along with every change and says nothing to a reader
	const NOT_SHOWN = [
		"name",
		"doctype",
		"idx",
		"owner",
		"creation",
		"modified",
		"modified_by",
		"parent",
		"parenttype",
		"parentfield",
	];
	const MOST_ROWS = 200;
	const MOST_CHARACTERS = 600;

	function show(frm) {
		const wrapper = frm.get_field("change_html").$wrapper.empty();
		const { data, data_before, ref_doctype, remote_doctype, mapping } = frm.doc;
		const change = parsed(data);
		if (!change) return;
		const draw = (doctype) => {
			try {
				draw_change(wrapper, rows_of(frm.doc, change, parsed(data_before) || {}, doctype));
			} catch {
				// an event that is not what it should be has a row too, and fails: its form has to open
				wrapper.html(
					`<p class="text-muted">${__("This change can't be shown as a table. See Data.")}</p>`
				);
			}
		};
		// the fields are the producer's: their labels are known where both sites have the same
		const same = !mapping && (!remote_doctype || remote_doctype === ref_doctype);
		if (same && frappe.model.can_read(ref_doctype))
			frappe.model.with_doctype(ref_doctype, () => draw(ref_doctype));
		else draw(null);
	}

	function parsed(text) {
		try {
			return JSON.parse(text);
		} catch {
			return null;
		}
	}

	// each {label, before, after}; before is undefined where it is not known
	function rows_of(doc, change, before, doctype) {
		if (doc.update_type === "Rename")
			return [{ label: __("Name"), before: doc.producer_doc, after: change.new_name }];
		if (doc.update_type === "Create") return created_rows(change, doctype);
		if (doc.update_type !== "Update") {
			const file = change.file_name || change.file_url;
			return file
				? [
						{
							label: __("File"),
							[doc.update_type === "Detach" ? "before" : "after"]: file,
						},
					]
				: [];
		}
		const rows = field_rows(doctype, change.changed, before.changed || null);
		for (const [table, values] of Object.entries(change.row_changed || {})) {
			const was = Object.fromEntries(
				((before.row_changed || {})[table] || []).map((row) => [row.name, row])
			);
			for (const row of values) {
				const at = `${label_of(doctype, table)} (${row.name}): `;
				rows.push(...field_rows(table_of(doctype, table), row, was[row.name] || null, at));
			}
		}
		for (const [table, values] of Object.entries(change.added || {}))
			rows.push(...row_rows(doctype, table, values, "after"));
		for (const [table, names] of Object.entries(change.removed || {})) {
			rows.push(
				...names.map((name) => ({
					label: `${label_of(doctype, table)}: ${__("row removed")}`,
					before: name,
					after: "",
				}))
			);
		}
		return rows;
	}

	function created_rows(state, doctype) {
		const tables = Object.entries(state).filter(([, value]) => Array.isArray(value));
		const values = Object.fromEntries(
			Object.entries(state).filter(([, value]) => !Array.isArray(value) && value)
		);
		return [
			...field_rows(doctype, values, {}),
			...tables.flatMap(([table, rows]) => row_rows(doctype, table, rows, "after")),
		];
	}

	function field_rows(doctype, values, before, at = "") {
		return Object.entries(values || {})
			.filter(([fieldname]) => !NOT_SHOWN.includes(fieldname))
			.map(([fieldname, value]) => ({
				label: at + label_of(doctype, fieldname),
				before: before ? shown(doctype, fieldname, before[fieldname] ?? "") : undefined,
				after: shown(doctype, fieldname, value),
			}));
	}

	function row_rows(doctype, table, rows, side) {
		const of_row = table_of(doctype, table);
		return rows.map((row) => ({
			label: `${label_of(doctype, table)}: ${__("row added")}`,
			before: "",
			[side]: Object.entries(row)
				.filter(
					([fieldname, value]) =>
						!NOT_SHOWN.includes(fieldname) && value && fieldname !== "docstatus"
				)
				.map(
					([fieldname, value]) =>
						`${label_of(of_row, fieldname)}: ${shown(of_row, fieldname, value)}`
				)
				.join("\n"),
		}));
	}

	function label_of(doctype, fieldname) {
		if (fieldname === "docstatus") return __("Document Status");
		const df = doctype && frappe.meta.get_docfield(doctype, fieldname);
		return df && df.label ? __(df.label, undefined, doctype) : fieldname;
	}

	function table_of(doctype, fieldname) {
		const df = doctype && frappe.meta.get_docfield(doctype, fieldname);
		return df ? df.options : null;
	}

	function shown(doctype, fieldname, value) {
		if (value === null || value === undefined || value === "") return "";
		if (fieldname === "docstatus")
			return [__("Draft"), __("Submitted"), __("Cancelled")][value] || value;
		const df = doctype && frappe.meta.get_docfield(doctype, fieldname);
		if (df && df.fieldtype === "Check") return cint(value) ? __("Yes") : __("No");
		const text = typeof value === "object" ? JSON.stringify(value) : String(value);
		return text.length > MOST_CHARACTERS ? `${text.slice(0, MOST_CHARACTERS)} …` : text;
	}

	function draw_change(wrapper, rows) {
		if (!rows.length) {
			wrapper.html(`<p class="text-muted">${__("Only timestamps changed.")}</p>`);
			return;
		}
		// what the other site says may hold anything
		const cell = (value, css) =>
			value === undefined
				? `<td class="text-muted">${__("not known")}</td>`
				: `<td style="overflow-wrap: anywhere; white-space: pre-wrap" class="${css}">${frappe.utils.escape_html(String(value ?? ""))}</td>`;
		const lines = rows
			.slice(0, MOST_ROWS)
			.map(
				(row) =>
					`<tr><td style="overflow-wrap: anywhere">${frappe.utils.escape_html(row.label)}</td>${cell(row.before, "text-muted")}${cell(row.after, "")}</tr>`
			);
		const head = [__("Field"), __("Before"), __("After")].map(
			(label, index) => `<th style="width: ${[26, 37, 37][index]}%">${label}</th>`
		);
		const more =
			rows.length > MOST_ROWS
				? `<p class="text-muted">${__("{0} more: see Data.", [rows.length - MOST_ROWS])}</p>`
				: "";
		wrapper.html(
			`<div class="table-responsive"><table class="table table-bordered"><thead><tr>${head.join("")}</tr></thead><tbody>${lines.join("")}</tbody></table></div>${more}`
		);
	}

	return { rows_of, show };
})();

// What became of an event, and what a person can do when it failed.

const SYNC_LOG_METHODS = "event_streaming.event_streaming.doctype.event_sync_log.event_sync_log";
const OPEN_STATUSES = ["Failed", "Retrying", "Waiting", "Conflict"];

frappe.ui.form.on("Event Sync Log", {
	refresh(frm) {
		frm.disable_save();
		show_data_indented(frm);
		show_problem(frm);
		add_links(frm);
		show_conflicts(frm);
		show_change(frm);
		if (OPEN_STATUSES.includes(frm.doc.status)) add_actions(frm);
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

function show_problem(frm) {
	const { status, error, next_retry, outcome } = frm.doc;
	if (!OPEN_STATUSES.includes(status)) return;
	// the reason is the first line, a traceback follows
	let text = frappe.utils.escape_html((error || outcome || "").trim().split("\n")[0]);
	if (next_retry) {
		text += `<br>${__("Next automatic attempt: {0}", [frappe.datetime.str_to_user(next_retry)])}`;
	}
	if (text) frm.set_intro(text, status === "Failed" ? "red" : "orange");
}

function show_conflicts(frm) {
	const conflicts = JSON.parse(frm.doc.conflicts || "[]");
	const field = frm.get_field("conflicts_html");
	field.$wrapper.empty();
	if (!conflicts.length) return;
	const open = frm.doc.status === "Conflict";
	const escape = (value) => frappe.utils.escape_html(String(value ?? ""));
	const cell = (conflict, side) => {
		const kept = conflict.kept === side;
		const radio = `<input type="radio" class="flex-shrink-0 mr-2" name="${escape(conflict.key)}" value="${side}">`;
		return `<td style="overflow-wrap: anywhere" class="${kept ? "bold" : ""}"><label class="d-flex align-items-baseline m-0 font-weight-normal">${open ? radio : ""}<span>${escape(conflict[side])}${
			kept ? ` <span class="indicator-pill green no-indicator-dot">${__("kept")}</span>` : ""
		}</span></label></td>`;
	};
	const rows = conflicts.map(
		(conflict) =>
			`<tr><td>${escape(conflict.label)}</td><td style="overflow-wrap: anywhere" class="text-muted">${escape(conflict.before)}</td>${cell(conflict, "here")}${cell(conflict, "there")}</tr>`
	);
	const head = [__("Field"), __("Before"), __("On this site"), __("On the producer")].map(
		(label) => `<th>${label}</th>`
	);
	field.$wrapper.html(
		`<div class="table-responsive"><table class="table table-bordered"><thead><tr>${head.join("")}</tr></thead><tbody>${rows.join("")}</tbody></table></div>`
	);
	if (open)
		frm.add_custom_button(__("Keep the Picked Values"), () => settle(frm, conflicts)).addClass(
			"btn-primary"
		);
}

function settle(frm, conflicts) {
	const choices = {};
	frm.get_field("conflicts_html")
		.$wrapper.find("input:checked")
		.each((_index, input) => {
			choices[input.name] = input.value;
		});
	const missing = conflicts
		.filter((conflict) => !choices[conflict.key])
		.map((conflict) => conflict.label);
	if (missing.length) {
		frappe.msgprint(
			__("Pick the value to keep for: {0}", [frappe.utils.escape_html(missing.join(", "))])
		);
		return;
	}
	call_sync_log(frm, "settle", { choices });
}

function add_links(frm) {
	const { ref_doctype, docname, event_producer, remote_doctype, producer_doc, update_type } =
		frm.doc;
	if (ref_doctype && docname && update_type !== "Delete") {
		frm.add_custom_button(__("Open Document"), () =>
			frappe.set_route("Form", ref_doctype, docname)
		);
	}
	if (/^https?:\/\//.test(event_producer || "") && update_type !== "Delete") {
		const doctype = frappe.router.slug(remote_doctype || ref_doctype);
		// Frappe 16 leads from here to /desk
		const url = `${event_producer}/app/${encodeURIComponent(doctype)}/${encodeURIComponent(producer_doc)}`;
		frm.add_custom_button(__("Open on the Producer"), () =>
			window.open(url, "_blank", "noopener")
		);
	}
	if (frm.doc.mapping) {
		frm.add_custom_button(__("Open Mapping"), () =>
			frappe.set_route("Form", "Document Type Mapping", frm.doc.mapping)
		);
	}
}

// ---- the change: field, old value, new value

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

function show_change(frm) {
	const wrapper = frm.get_field("change_html").$wrapper.empty();
	const { data, data_before, ref_doctype, remote_doctype, mapping } = frm.doc;
	const change = parsed(data);
	if (!change) return;
	const draw = (doctype) => {
		try {
			draw_change(wrapper, change_rows(frm.doc, change, parsed(data_before) || {}, doctype));
		} catch {
			// an event that is not what it should be has a row too, and fails: its form has to open
			wrapper.html(
				`<p class="text-muted">${__("This is no change that can be shown: see Data.")}</p>`
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
function change_rows(doc, change, before, doctype) {
	if (doc.update_type === "Rename")
		return [{ label: __("Name"), before: doc.producer_doc, after: change.new_name }];
	if (doc.update_type === "Create") return created_rows(change, doctype);
	if (doc.update_type !== "Update") {
		const file = change.file_name || change.file_url;
		return file
			? [{ label: __("File"), [doc.update_type === "Detach" ? "before" : "after"]: file }]
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
	return df && df.label ? __(df.label, null, doctype) : fieldname;
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
		wrapper.html(`<p class="text-muted">${__("Nothing but time stamps.")}</p>`);
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

function add_actions(frm) {
	frm.add_custom_button(__("Resync"), () => call_sync_log(frm, "resync_log"));
	// the name is taken here by a document that came from elsewhere
	if ((frm.doc.error || "").startsWith("NameTaken")) {
		frm.add_custom_button(__("Adopt"), () => confirm_adoption(frm));
	}
}

function confirm_adoption(frm) {
	frappe.confirm(
		__("Link the local {0} {1} to the producer's {1}? Its values will be overwritten.", [
			__(frm.doc.ref_doctype),
			frappe.utils.escape_html(frm.doc.producer_doc),
		]),
		() => call_sync_log(frm, "adopt")
	);
}

function call_sync_log(frm, method, more = {}) {
	frappe
		.call({
			method: `${SYNC_LOG_METHODS}.${method}`,
			args: { name: frm.doc.name, ...more },
			freeze: true,
		})
		.then((answer) => {
			const synced = answer.message === "Synced";
			frappe.show_alert({
				message: synced ? __("Synced") : __("Tried again: {0}", [__(answer.message)]),
				indicator: synced ? "green" : "red",
			});
			frm.reload_doc();
		});
}

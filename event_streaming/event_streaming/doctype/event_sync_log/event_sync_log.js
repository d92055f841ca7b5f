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
		event_streaming.change.show(frm);
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
			frappe.utils.escape_html(__(frm.doc.ref_doctype)),
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
				message: synced
					? __("Synced")
					: __("Retried: {0}", [frappe.utils.escape_html(__(answer.message))]),
				indicator: synced ? "green" : "red",
			});
			frm.reload_doc();
		});
}

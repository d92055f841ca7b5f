// The form of a consumer: what it asked for, and the decision about it.

const CONSUMER_METHODS = "event_streaming.event_streaming.doctype.event_consumer.event_consumer";

frappe.ui.form.on("Event Consumer", {
	setup(frm) {
		frm.set_indicator_formatter("ref_doctype", (row) => {
			if (row.unsubscribed) return "gray";
			return { Approved: "green", Rejected: "red" }[row.status] || "orange";
		});
	},

	refresh(frm) {
		// what it gets is the consumer's to ask for: a row that is added here only says what is not sent
		frm.set_query("ref_doctype", "consumer_doctypes", () => ({
			filters: { istable: 0, is_virtual: 0 },
		}));
		if (frm.is_new()) return;
		const pending = pending_rows(frm);
		if (pending.length) {
			frm.set_intro(
				__(
					"Waiting for a decision: {0}. Set Approval Status in the table, or approve all. Nothing is sent before.",
					[
						frappe.utils.escape_html(
							pending.map((row) => __(row.ref_doctype)).join(", ")
						),
					]
				),
				"orange"
			);
			frm.add_custom_button(__("Approve All"), () => approve_all(frm));
		}
		show_state(frm);
		show_taken(frm);
		event_streaming.both_sides.add_pause_button(frm);
		show_site(frm);
		add_rotate_button(frm);
		event_streaming.doctor.add_button(frm, { event_consumer: frm.doc.name });
		event_streaming.live.watch(frm, `${CONSUMER_METHODS}.get_standing`, {
			event_consumer: frm.doc.name,
		});
		frm.add_custom_button(
			__("Connection"),
			() => frappe.set_route("event-streaming-connection", frm.doc.name),
			__("View")
		);
		frm.add_custom_button(
			__("Event Update Log"),
			() =>
				frappe.set_route("List", "Event Update Log", {
					ref_doctype: ["in", doctypes_of(frm)],
				}),
			__("View")
		);
		frm.add_custom_button(
			__("Audit Log"),
			() =>
				frappe.set_route("List", "Event Streaming Audit Log", {
					reference_doctype: frm.doctype,
					reference_name: frm.doc.name,
				}),
			__("View")
		);
	},
});

// what the log holds for it: of an open subscription no row says what was delivered
function doctypes_of(frm) {
	return (frm.doc.consumer_doctypes || []).map((row) => row.ref_doctype);
}

function pending_rows(frm) {
	return (frm.doc.consumer_doctypes || []).filter(
		(row) => row.status === "Pending" && !row.unsubscribed
	);
}

function approve_all(frm) {
	const escape = frappe.utils.escape_html;
	const lines = pending_rows(frm).map((row) => {
		const condition = (row.condition || "").trim();
		const what = condition
			? __("only documents that meet the condition {0}", [
					`<code>${escape(condition)}</code>`,
				])
			: __("every document");
		const left_out = held_back(row) ? ` · ${__("without {0}", [escape(held_back(row))])}` : "";
		return `<li><b>${escape(__(row.ref_doctype))}</b>: ${what}${left_out}</li>`;
	});
	frappe.confirm(
		`<p>${__("Send changes of these Document Types to {0} from now on?", [
			escape(frm.doc.name),
		])}</p><ul>${lines.join("")}</ul><p class="text-muted">${__(
			"The user {0} gets what it may read on this site.",
			[escape(frm.doc.user)]
		)}</p>`,
		() => {
			for (const row of pending_rows(frm)) {
				frappe.model.set_value(row.doctype, row.name, "status", "Approved");
			}
			frm.save();
		}
	);
}

function show_state(frm) {
	// Frappe may refresh a form twice in a row without clearing these
	frm.dashboard.stats_area_row.empty();
	const headline = (frm.doc.__onload || {}).headline;
	if (headline) {
		frm.dashboard.add_indicator(frappe.utils.escape_html(headline.label), headline.color);
		if (headline.text && !pending_rows(frm).length) {
			frm.set_intro(frappe.utils.escape_html(headline.text), headline.color);
		}
	}
	frm.dashboard.add_indicator(
		__("Delivered up to position {0}", [cint(frm.doc.position)]),
		"blue"
	);
	frm.dashboard.add_indicator(
		frm.doc.last_contact
			? __("Last contact {0}", [frappe.datetime.prettyDate(frm.doc.last_contact)])
			: __("No contact yet"),
		frm.doc.last_contact ? "blue" : "gray"
	);
	event_streaming.both_sides.show_behind(frm, cint((frm.doc.__onload || {}).events_behind));
	if (cint(frm.doc.notify_failures)) {
		frm.dashboard.add_indicator(
			__("{0} notifications failed", [cint(frm.doc.notify_failures)]),
			"orange"
		);
	}
}

// which site it is, where that is in doubt
function show_site(frm) {
	const other = frm.doc.other_site_id;
	event_streaming.both_sides.show_site(
		frm,
		other,
		__(
			"The site {0} registered, but the site {1} asks in its name now. Continue only if {1} has replaced {0}: it then gets what was approved. Continue?",
			[
				frappe.utils.escape_html(frm.doc.site_id || ""),
				frappe.utils.escape_html(other || ""),
			]
		)
	);
}

function add_rotate_button(frm) {
	event_streaming.both_sides.add_rotate_button(
		frm,
		__(
			"{0} is asked to make new keys for both directions with its next pull. The old ones stop working as soon as the new ones work. Continue?",
			[frappe.utils.escape_html(frm.doc.name)]
		)
	);
}

// what of the documents does not go over, or goes over as another text
function held_back(row) {
	const names = (text) =>
		(text || "")
			.split("\n")
			.map((line) => line.trim())
			.filter(Boolean);
	const not_sent = [
		...names((row.fields_not_sent || "").replace(/,/g, "\n")),
		...names(row.not_wanted),
	];
	const masked = names(row.fields_masked).map((line) =>
		__("{0} (masked)", [line.split("=")[0].trim()])
	);
	return [...new Set([...not_sent, ...masked])].join(", ");
}

// of each Document Type: what was decided, how many events have gone over lately, and when the last one did
function show_taken(frm) {
	const taken = (frm.doc.__onload || {}).taken || {};
	const colors = { Approved: "green", Rejected: "red" };
	const escape = (text) => frappe.utils.escape_html(String(text));
	const rows = (frm.doc.consumer_doctypes || []).map((row) => {
		const { events, last } = taken[row.ref_doctype] || {};
		const status = row.unsubscribed ? __("Unsubscribed") : __(row.status || "Pending");
		const color = row.unsubscribed ? "gray" : colors[row.status] || "orange";
		const withheld = cint(row.withheld)
			? `<span class="${cint(row.withholding_meant) ? "text-muted" : "text-danger"}">${cint(row.withheld)}</span>`
			: "0";
		return `<tr><td>${escape(__(row.ref_doctype))}</td><td><span class="indicator-pill ${color}">${escape(status)}</span></td><td>${escape(held_back(row))}</td><td class="text-right">${cint(events)}</td><td class="text-right">${withheld}</td><td>${
			last
				? escape(frappe.datetime.prettyDate(last))
				: `<span class="text-muted">${__("never")}</span>`
		}</td></tr>`;
	});
	const head = `<th>${__("Document Type")}</th><th>${__("Approval Status")}</th><th>${__("Fields Not Sent")}</th><th class="text-right">${__("Recently Delivered")}</th><th class="text-right">${__("Withheld Events")}</th><th>${__("Last Delivered")}</th>`;
	frm.get_field("taken_html").$wrapper.html(
		`<div class="table-responsive"><table class="table table-bordered"><thead><tr>${head}</tr></thead><tbody>${rows.join("")}</tbody></table></div>`
	);
}

// The form of a producer: how the connection is, and what a person can do about it. It decides nothing.

const PRODUCER_METHODS = "event_streaming.event_streaming.doctype.event_producer.event_producer";

frappe.ui.form.on("Event Producer", {
	setup(frm) {
		frm.set_query("user", () => ({ filters: { enabled: 1 } }));
		frm.set_query("ref_doctype", "producer_doctypes", () => ({
			filters: { istable: 0, is_virtual: 0, module: ["!=", "Event Streaming"] },
		}));
		frm.set_query("mapping", "producer_doctypes", (doc, cdt, cdn) => ({
			filters: { local_doctype: frappe.get_doc(cdt, cdn).ref_doctype || "" },
		}));
		frm.set_indicator_formatter("ref_doctype", (row) => {
			if (row.unsubscribe) return "gray";
			return { Approved: "green", Rejected: "red" }[row.status] || "orange";
		});
	},

	onload(frm) {
		event_streaming.producer_tasks.listen(frm);
		event_streaming.producer_documents.listen(frm);
	},

	refresh(frm) {
		event_streaming.setup.add_recipe_button(frm);
		if (frm.is_new()) {
			event_streaming.producer_state.show_own_address(frm);
			return;
		}
		event_streaming.producer_state.show(frm, frm.doc.__onload || {});
		event_streaming.producer_state.show_unasked(frm, (frm.doc.__onload || {}).unasked || []);
		add_buttons(frm);
		event_streaming.both_sides.add_pause_button(frm);
		show_site(frm);
		add_rotate_button(frm);
		event_streaming.doctor.add_button(frm, { event_producer: frm.doc.name });
		event_streaming.producer_tasks.look(frm);
		event_streaming.live.watch(frm, `${PRODUCER_METHODS}.get_standing`, {
			event_producer: frm.doc.name,
		});
		frm.add_custom_button(
			__("Connection"),
			() => frappe.set_route("event-streaming-connection", frm.doc.name),
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

frappe.ui.form.on("Event Producer Document Type", {
	has_mapping(frm, cdt, cdn) {
		if (!frappe.get_doc(cdt, cdn).has_mapping) frappe.model.set_value(cdt, cdn, "mapping", "");
	},
	ref_doctype(frm, cdt, cdn) {
		frappe.model.set_value(cdt, cdn, "mapping", "");
	},
});

// which site the connection is with, where that is in doubt
function show_site(frm) {
	const other = ((frm.doc.__onload || {}).state || {}).other_site_id;
	event_streaming.both_sides.show_site(
		frm,
		other,
		__(
			"This connection is with the site {0}, but the site {1} answers now. Continue only if {1} has replaced {0}. What has come so far then counts as its own. Continue?",
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
			"New keys are made for both directions between this site and {0}. The old ones stop working as soon as the new ones work. Continue?",
			[frappe.utils.escape_html(frm.doc.name)]
		)
	);
}

function add_buttons(frm) {
	frm.add_custom_button(__("Pull Now"), () => {
		const name = frappe.utils.escape_html(frm.doc.name);
		event_streaming.producer_tasks.call(frm, "pull_now").then((queued) => {
			frappe.show_alert({
				message: queued
					? __("A background job pulls from {0} now.", [name])
					: __("A pull from {0} is queued already.", [name]),
				indicator: queued ? "green" : "blue",
			});
			setTimeout(() => reload_if_clean(frm), 3000);
		});
	});
	frm.add_custom_button(__("Check Before You Begin"), () =>
		event_streaming.producer_documents.check_before(frm)
	);
	// in groups: with all of them side by side there is no room for Save
	frm.add_custom_button(
		__("Test Connection"),
		() => {
			event_streaming.producer_tasks.call(frm, "test_connection").then((result) => {
				frappe.msgprint({
					title: __("Connected"),
					message: describe_connection(result),
					indicator: (result.warnings || []).length ? "orange" : "green",
				});
				reload_if_clean(frm);
			});
		},
		__("Connection")
	);
	frm.add_custom_button(
		__("Copy Existing Documents"),
		() => event_streaming.producer_documents.ask_what_to_copy(frm),
		__("Documents")
	);
	if (event_streaming.producer_documents.rows_to_match(frm).length) {
		frm.add_custom_button(
			__("Match Existing Documents"),
			() => event_streaming.producer_documents.preview_match(frm),
			__("Documents")
		);
	}
	frm.add_custom_button(
		__("Verify"),
		() => event_streaming.producer_documents.ask_what_to_verify(frm),
		__("Documents")
	);
	frm.add_custom_button(
		__("Event Sync Log"),
		() => frappe.set_route("List", "Event Sync Log", { event_producer: frm.doc.name }),
		__("View")
	);
	frm.add_custom_button(
		__("Failed Events"),
		() =>
			frappe.set_route("List", "Event Sync Log", {
				event_producer: frm.doc.name,
				status: "Failed",
			}),
		__("View")
	);
}

function describe_connection(result) {
	const lines = [];
	if (cint(result.protocol) < 2) {
		lines.push(
			__("The producer runs the older app: events are taken from it in the older way.")
		);
	} else if (cint(result.behind)) {
		lines.push(
			__("{0} answers. {1} events are waiting there.", [result.site, cint(result.behind)])
		);
	} else {
		lines.push(__("{0} answers. Nothing is waiting there.", [result.site]));
	}
	return [...lines, ...(result.warnings || [])]
		.map((line) => frappe.utils.escape_html(line))
		.join("<br>");
}

function reload_if_clean(frm) {
	if (event_streaming.producer_tasks.is_shown(frm) && !frm.is_dirty()) frm.reload_doc();
}

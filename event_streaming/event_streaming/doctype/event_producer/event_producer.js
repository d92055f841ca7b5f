// The form of a producer: how the connection is, and what a person can do about it. It decides nothing.

const PRODUCER_METHODS = "event_streaming.event_streaming.doctype.event_producer.event_producer";
const CONNECTION_COLORS = { Online: "green", Offline: "orange", Refused: "red", Unknown: "gray" };

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

	refresh(frm) {
		if (frm.is_new()) {
			show_own_address(frm);
			return;
		}
		show_state(frm, (frm.doc.__onload || {}).state || {});
		add_buttons(frm);
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

function show_own_address(frm) {
	const method =
		"event_streaming.event_streaming.doctype.event_streaming_settings.event_streaming_settings.this_site";
	frappe.xcall(method).then((url) => {
		if (!frm.is_new()) return;
		const settings = `<a href="/app/event-streaming-settings">${__("Event Streaming Settings")}</a>`;
		frm.set_intro(
			__("The producer will know this site as {0}. If that is not how it reaches this site, change Public URL in {1} first.", [
				`<b>${frappe.utils.escape_html(url)}</b>`,
				settings,
			]),
			"blue"
		);
	});
}

function show_state(frm, state) {
	// Frappe may refresh a form twice in a row without clearing these
	frm.dashboard.stats_area_row.empty();
	const connection = state.connection || "Unknown";
	if (frm.doc.paused) {
		frm.dashboard.add_indicator(__("Paused"), "orange");
	} else {
		frm.dashboard.add_indicator(connection_label(connection), CONNECTION_COLORS[connection] || "gray");
	}
	const behind = cint(state.events_behind);
	frm.dashboard.add_indicator(
		behind ? __("{0} events behind", [behind]) : __("Nothing waiting"),
		behind ? "orange" : "green"
	);
	frm.dashboard.add_indicator(__("Cursor: {0}", [cursor_of(state)]), "blue");
	frm.dashboard.add_indicator(
		state.last_pull ? __("Pulled {0}", [frappe.datetime.prettyDate(state.last_pull)]) : __("Never pulled"),
		state.last_pull ? "blue" : "gray"
	);
	show_problem(frm, state);
}

function connection_label(connection) {
	return {
		Online: __("Online"),
		Offline: __("Offline"),
		Refused: __("Refused"),
		Unknown: __("Not contacted yet"),
	}[connection];
}

function cursor_of(state) {
	// a producer that runs the older app counts in times
	const cursor = cint(state.protocol) === 1 ? state.last_update : state.position;
	return frappe.utils.escape_html(String(cursor || 0));
}

function show_problem(frm, state) {
	// what the other site says may hold anything
	let text = frappe.utils.escape_html(state.last_error || state.last_warning || "");
	if (!text) return;
	if (state.last_error && state.next_pull && !frm.doc.paused) {
		const when = frappe.datetime.str_to_user(state.next_pull);
		text += `<br>${__("Next attempt: {0}. {1} failed in a row.", [when, cint(state.failures)])}`;
	}
	frm.set_intro(text, state.connection === "Refused" ? "red" : "orange");
}

function add_buttons(frm) {
	frm.add_custom_button(__("Pull Now"), () => {
		call_producer(frm, "pull_now").then((queued) => {
			frappe.show_alert({
				message: queued
					? __("A background job pulls from {0} now.", [frm.doc.name])
					: __("A pull from {0} is queued already.", [frm.doc.name]),
				indicator: queued ? "green" : "blue",
			});
			setTimeout(() => reload_if_clean(frm), 3000);
		});
	});
	frm.add_custom_button(__("Test Connection"), () => {
		call_producer(frm, "test_connection").then((result) => {
			frappe.msgprint({
				title: __("Connected"),
				message: describe_connection(result),
				indicator: (result.warnings || []).length ? "orange" : "green",
			});
			reload_if_clean(frm);
		});
	});
	frm.add_custom_button(
		__("Event Sync Log"),
		() => frappe.set_route("List", "Event Sync Log", { event_producer: frm.doc.name }),
		__("View")
	);
	frm.add_custom_button(
		__("Failed Events"),
		() => frappe.set_route("List", "Event Sync Log", { event_producer: frm.doc.name, status: "Failed" }),
		__("View")
	);
}

function call_producer(frm, method) {
	return frappe
		.call({
			method: `${PRODUCER_METHODS}.${method}`,
			args: { event_producer: frm.doc.name },
			freeze: true,
		})
		.then((answer) => answer.message);
}

function describe_connection(result) {
	const lines = [];
	if (cint(result.protocol) < 2) {
		lines.push(__("The producer runs the older app: events are taken from it in the older way."));
	} else if (cint(result.behind)) {
		lines.push(__("{0} answers. {1} events are waiting there.", [result.site, cint(result.behind)]));
	} else {
		lines.push(__("{0} answers. Nothing is waiting there.", [result.site]));
	}
	return [...lines, ...(result.warnings || [])].map((line) => frappe.utils.escape_html(line)).join("<br>");
}

function reload_if_clean(frm) {
	const shown = frappe.get_route();
	if (shown[1] === frm.doctype && shown[2] === frm.doc.name && !frm.is_dirty()) frm.reload_doc();
}

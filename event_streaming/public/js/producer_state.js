// How the connection of an Event Producer is, on its form: indicators, the problem, and what comes unasked. It decides nothing.

frappe.provide("event_streaming");

event_streaming.producer_state = (() => {
	const CONNECTION_COLORS = {
		Online: "green",
		Offline: "orange",
		Refused: "red",
		Unknown: "gray",
	};

	function show_own_address(frm) {
		const method =
			"event_streaming.event_streaming.doctype.event_streaming_settings.event_streaming_settings.this_site";
		frappe.xcall(method).then((url) => {
			if (!frm.is_new()) return;
			const settings = `<a href="/app/event-streaming-settings">${__("Event Streaming Settings")}</a>`;
			frm.set_intro(
				__(
					"The producer will know this site as {0}. If that is not how it reaches this site, change Public URL in {1} first.",
					[`<b>${frappe.utils.escape_html(url)}</b>`, settings]
				) +
					"<br>" +
					__(
						"It gets a token for three calls, and no keys; only a producer that runs the older app is sent the API keys that the Event Subscriber has on this site."
					),
				"blue"
			);
		});
	}

	/**
	 * @param {any} frm
	 * @param {{state?: Record<string, any>, headline?: {label: string, color: string, text?: string}, last_hour?: number}} onload
	 */
	function show(frm, { state = {}, ...onload }) {
		// Frappe may refresh a form twice in a row without clearing these
		frm.dashboard.stats_area_row.empty();
		const { headline } = onload;
		const connection = state.connection || "Unknown";
		if (headline)
			frm.dashboard.add_indicator(frappe.utils.escape_html(headline.label), headline.color);
		if (!frm.doc.paused && !["Offline", "Refused"].includes(connection)) {
			frm.dashboard.add_indicator(
				connection_label(connection),
				CONNECTION_COLORS[connection] || "gray"
			);
		}
		event_streaming.both_sides.show_behind(frm, cint(state.events_behind));
		frm.dashboard.add_indicator(__("Cursor: {0}", [cursor_of(state)]), "blue");
		frm.dashboard.add_indicator(
			state.last_pull
				? __("Pulled {0}", [frappe.datetime.prettyDate(state.last_pull)])
				: __("Never pulled"),
			state.last_pull ? "blue" : "gray"
		);
		show_caught_up(frm, state);
		frm.dashboard.add_indicator(__("{0} in the last hour", [cint(onload.last_hour)]), "blue");
		show_keys(frm, state);
		show_problem(frm, state);
	}

	// today's time alone, an older one with its day
	function show_caught_up(frm, state) {
		if (!state.caught_up_on) return;
		const when = frappe.datetime.str_to_user(state.caught_up_on);
		const today = `${frappe.datetime.str_to_user(frappe.datetime.now_date())} `;
		frm.dashboard.add_indicator(
			__("Caught up as of {0}", [when.startsWith(today) ? when.slice(today.length) : when]),
			"blue"
		);
	}

	function show_keys(frm, state) {
		if (state.rotated_on) {
			frm.dashboard.add_indicator(
				__("Keys rotated {0}", [frappe.datetime.prettyDate(state.rotated_on)]),
				"blue"
			);
		}
		if (state.keys_sent_on && cint(state.protocol) < 2) {
			frm.dashboard.add_indicator(
				__("Has the API keys of {0} on this site, as it runs the older app", [
					frappe.utils.escape_html(frm.doc.user),
				]),
				"orange"
			);
		}
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
		const headline = (frm.doc.__onload || {}).headline;
		if (!text && headline && headline.text) {
			frm.set_intro(frappe.utils.escape_html(headline.text), headline.color);
		}
		if (!text) return;
		if (state.last_error && state.next_pull && !frm.doc.paused) {
			const when = frappe.datetime.str_to_user(state.next_pull);
			text += `<br>${__("Next attempt: {0}. {1} failed in a row.", [when, cint(state.failures)])}`;
		}
		frm.set_intro(text, state.connection === "Refused" ? "red" : "orange");
	}

	// what may come only because a document that was asked for links to it
	function show_unasked(frm, entries) {
		const text = (value) => frappe.utils.escape_html(String(value));
		const comes = (entry) => {
			if (!entry.refused) return text(__("comes"));
			if (entry.empty)
				return `${text(__("stays empty where it is not here"))}: ${text(entry.refused)}`;
			return `<span class="text-danger">${text(__("events wait for it"))}: ${text(entry.refused)}</span>`;
		};
		const rows = entries.map(
			(entry) =>
				`<tr><td>${text(__(entry.doctype))}</td><td>${text(__(entry.from))}: ${text(entry.field)}</td>` +
				`<td>${comes(entry)}</td></tr>`
		);
		const head = [__("Document Type"), __("Linked From"), __("Comes Unasked")].map(
			(label) => `<th style="width: 30%">${text(label)}</th>`
		);
		frm.fields_dict.unasked_html.$wrapper.html(
			rows.length
				? '<div style="max-height: 32rem; overflow: auto; overflow-wrap: anywhere">' +
						`<table class="table table-bordered table-sm"><thead><tr>${head.join("")}</tr></thead>` +
						`<tbody>${rows.join("")}</tbody></table></div>`
				: `<p class="text-muted">${text(__("Nothing links to other documents, or this was not saved yet."))}</p>`
		);
	}

	return { show, show_own_address, show_unasked };
})();

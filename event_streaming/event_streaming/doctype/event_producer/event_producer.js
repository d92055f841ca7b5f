// The form of a producer: how the connection is, and what a person can do about it. It decides nothing.

const PRODUCER_METHODS = "event_streaming.event_streaming.doctype.event_producer.event_producer";
const TASK_PROGRESS = "event_streaming_progress";
const MATCHED = "event_streaming_matched";
const TASK_ACTIVE = ["Queued", "Running", "Waiting"];
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

	onload(frm) {
		frappe.realtime.off(TASK_PROGRESS);
		frappe.realtime.on(TASK_PROGRESS, (work) => {
			if (is_shown(frm) && work.event_producer === frm.doc.name) show_task(frm, work);
		});
		frappe.realtime.off(MATCHED);
		frappe.realtime.on(MATCHED, (result) => {
			if (is_shown(frm) && result.event_producer === frm.doc.name) show_matched(result);
		});
	},

	refresh(frm) {
		event_streaming.setup.add_recipe_button(frm);
		if (frm.is_new()) {
			show_own_address(frm);
			return;
		}
		show_state(frm, (frm.doc.__onload || {}).state || {});
		show_unasked(frm, (frm.doc.__onload || {}).unasked || []);
		add_buttons(frm);
		add_pause_button(frm);
		show_site(frm);
		add_rotate_button(frm);
		event_streaming.doctor.add_button(frm, { event_producer: frm.doc.name });
		look_at_tasks(frm);
		event_streaming.live.watch(frm, `${PRODUCER_METHODS}.get_standing`, { event_producer: frm.doc.name });
		frm.add_custom_button(__("Connection"), () => frappe.set_route("event-streaming-connection", frm.doc.name));
		frm.add_custom_button(
			__("Audit Log"),
			() => frappe.set_route("List", "Event Streaming Audit Log", {
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
			]) +
				"<br>" +
				__("It gets a token for three calls, and no keys; only a producer that runs the older app is sent the API keys that the Event Subscriber has on this site."),
			"blue"
		);
	});
}

function show_state(frm, state) {
	// Frappe may refresh a form twice in a row without clearing these
	frm.dashboard.stats_area_row.empty();
	const headline = (frm.doc.__onload || {}).headline;
	const connection = state.connection || "Unknown";
	if (headline) frm.dashboard.add_indicator(frappe.utils.escape_html(headline.label), headline.color);
	if (!frm.doc.paused && !["Offline", "Refused"].includes(connection)) {
		frm.dashboard.add_indicator(connection_label(connection), CONNECTION_COLORS[connection] || "gray");
	}
	const behind = cint(state.events_behind);
	frm.dashboard.add_indicator(
		behind === 1 ? __("1 event behind") : behind ? __("{0} events behind", [behind]) : __("No events behind"),
		behind ? "orange" : "blue"
	);
	frm.dashboard.add_indicator(__("Cursor: {0}", [cursor_of(state)]), "blue");
	frm.dashboard.add_indicator(
		state.last_pull ? __("Pulled {0}", [frappe.datetime.prettyDate(state.last_pull)]) : __("Never pulled"),
		state.last_pull ? "blue" : "gray"
	);
	show_caught_up(frm, state);
	frm.dashboard.add_indicator(__("{0} in the last hour", [cint((frm.doc.__onload || {}).last_hour)]), "blue");
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

// which site the connection is with, where that is in doubt
function show_site(frm) {
	const { state = {}, claimed_twice } = frm.doc.__onload || {};
	if (claimed_twice) {
		frm.dashboard.set_headline_alert(frappe.utils.escape_html(claimed_twice), "orange");
	}
	const other = state.other_site_id;
	if (!other) return;
	frm.add_custom_button(__("Accept the New Site"), () =>
		frappe.confirm(
			__("The connection is with the site {0}; {1} answers now. Only if it has taken the place of the other: go on with it? What has come so far counts as its own.", [
				frappe.utils.escape_html(frm.doc.site_id || ""),
				frappe.utils.escape_html(other),
			]),
			() =>
				frappe
					.xcall("event_streaming.api.accept_site", { event_producer: frm.doc.name, site_id: other })
					.then(() => frm.reload_doc())
		)
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

function add_pause_button(frm) {
	const method = `event_streaming.api.${frm.doc.paused ? "resume" : "pause"}`;
	frm.add_custom_button(
		frm.doc.paused ? __("Resume") : __("Pause"),
		() => frappe.xcall(method, { event_producer: frm.doc.name }).then(() => frm.reload_doc()),
		__("Connection")
	);
}

function add_rotate_button(frm) {
	frm.add_custom_button(
		__("Rotate Keys"),
		() =>
			frappe.confirm(
				__("New keys are made for both directions between this site and {0}. The old ones end when the new ones are in force. Continue?", [
					frappe.utils.escape_html(frm.doc.name),
				]),
				() =>
					frappe
						.call({
							method: "event_streaming.api.rotate_keys",
							args: { event_producer: frm.doc.name },
							freeze: true,
						})
						.then(() => {
							frappe.show_alert({ message: __("New keys are in force."), indicator: "green" });
							frm.reload_doc();
						})
			),
		__("Connection")
	);
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
	frm.add_custom_button(__("Check Before You Begin"), () => check_before(frm));
	// in groups: with all of them side by side there is no room for Save
	frm.add_custom_button(__("Copy Existing Documents"), () => ask_what_to_copy(frm), __("Documents"));
	if (rows_to_match(frm).length) {
		frm.add_custom_button(__("Match Existing Documents"), () => preview_match(frm), __("Documents"));
	}
	frm.add_custom_button(__("Verify"), () => ask_what_to_verify(frm), __("Documents"));
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

// ---- documents that both sites have already

function rows_to_match(frm) {
	return frm.doc.producer_doctypes.filter(
		(row) => row.match_by && row.status === "Approved" && !row.unsubscribe
	);
}

function preview_match(frm) {
	call_producer(frm, "preview_match").then((answers) => show_match(frm, answers));
}

function show_match(frm, answers) {
	const found = answers.reduce((sum, answer) => sum + answer.counts.found, 0);
	const dialog = new frappe.ui.Dialog({
		title: __("Match Existing Documents"),
		size: "large",
		fields: [{ fieldname: "answers", fieldtype: "HTML" }],
		primary_action_label: found ? __("Link {0} Documents", [found]) : __("Close"),
		primary_action() {
			dialog.hide();
			if (found) start_match(frm);
		},
	});
	const introduction = __(
		"Linking changes no values. A copy, or the next event of a document, overwrites those of this site with the producer's."
	);
	dialog.fields_dict.answers.$wrapper.html(
		`<p class="text-muted">${introduction}</p>${answers.map(describe_match).join("")}`
	);
	dialog.show();
}

function describe_match(answer) {
	const text = frappe.utils.escape_html;
	const kinds = Object.entries(match_kinds()).filter(([kind]) => answer.counts[kind]);
	const parts = kinds.map(([kind, label]) => {
		const rows = answer.rows[kind].map(
			(row) =>
				`<tr><td>${text(row.there)}</td><td>${text(row.here)}</td><td>${text(row.values.join(", "))}</td></tr>`
		);
		const head = [__("On the producer"), __("On this site"), __("Values")].map((each) => `<th>${each}</th>`);
		return `<details><summary>${label}: ${answer.counts[kind]}</summary><div class="table-responsive"><table
			class="table table-bordered"><thead><tr>${head.join("")}</tr></thead><tbody>${rows.join(
			""
		)}</tbody></table></div></details>`;
	});
	return `<h5>${text(__(answer.doctype))} · ${text(answer.match_by.join(", "))}</h5>${
		parts.join("") || __("Nothing on either site")
	}`;
}

function match_kinds() {
	return {
		found: __("To be linked"),
		linked: __("Linked already"),
		ambiguous: __("Ambiguous: more than one has these values"),
		taken: __("Linked to another document already"),
		forbidden: __("The Event Subscriber may not write it"),
		only_there: __("Only on the producer"),
		only_here: __("Only on this site"),
	};
}

function start_match(frm) {
	call_producer(frm, "start_match").then(() =>
		frappe.show_alert({ message: __("A background job links the documents."), indicator: "blue" })
	);
}

function show_matched(result) {
	frappe.msgprint({
		title: __("Match Existing Documents"),
		message: frappe.utils.escape_html(result.error || result.done.join("\n")).replace(/\n/g, "<br>"),
		indicator: result.error ? "red" : "green",
	});
}

// ---- long work: first copy, verify, repair

function ask_what_to_copy(frm) {
	ask_for_documents(frm, __("Copy Existing Documents"), __("Copy"), (values) =>
		start_task(
			frm,
			"start_copy",
			values,
			__("A background job copies existing documents. Documents on this site are not changed.")
		)
	);
}

function ask_what_to_verify(frm) {
	const what_has_changed = {
		fieldname: "what_has_changed",
		fieldtype: "Check",
		label: __("What Has Changed"),
		description: __("Only what either site knows to have changed since the last comparison. What was never compared is compared whole. Not with filters."),
	};
	ask_for_documents(
		frm,
		__("Verify"),
		__("Verify"),
		(values) =>
			start_task(
				frm,
				"start_verify",
				values,
				__("A background job compares the documents of both sites. Nothing is changed.")
			),
		[what_has_changed]
	);
}

// changes nothing, so that nothing is asked first; also before anything is approved
function check_before(frm) {
	if (frm.is_dirty()) {
		frappe.msgprint(__("Save the Event Producer first."));
		return;
	}
	start_task(
		frm,
		"start_check",
		{},
		__("A background job looks at both sites and tries the first documents. Nothing is changed.")
	);
}

// the dialog stays until the work has begun: what was chosen is not lost with a mistake
function ask_for_documents(frm, title, action, then, more_fields = []) {
	const rows = frm.doc.producer_doctypes.filter((row) => row.status === "Approved" && !row.unsubscribe);
	if (!rows.length) {
		frappe.msgprint(__("No Document Type is approved by the producer yet, so that there is nothing to do."));
		return;
	}
	const chosen_filters = {};
	let picker = null;
	// a mapping's fields are the producer's, which this site does not know
	const to_filter = rows.filter((row) => !row.has_mapping).map((row) => row.ref_doctype);
	const mapped = rows.some((row) => row.has_mapping);
	const dialog = new frappe.ui.Dialog({
		title,
		fields: [
			{
				fieldname: "doctypes",
				fieldtype: "MultiCheck",
				label: __("Document Types"),
				options: rows.map((row) => ({ label: __(row.ref_doctype), value: row.ref_doctype, checked: 1 })),
				columns: 2,
			},
			...more_fields,
			{ fieldname: "filter_section", fieldtype: "Section Break", label: __("Filters") },
			{
				fieldname: "filter_doctype",
				fieldtype: "Select",
				label: __("Only Some Documents Of"),
				options: ["", ...to_filter].map((value) => ({ value, label: value ? __(value) : "" })),
				hidden: to_filter.length ? 0 : 1,
				change: () => show_picker(),
			},
			{ fieldname: "picker", fieldtype: "HTML" },
			{
				fieldname: "filters",
				fieldtype: "Code",
				options: "JSON",
				label: __("Filters of Mapped Document Types"),
				hidden: mapped ? 0 : 1,
				description: __('In the producer\'s fields, for example {"Customer": {"territory": "Bangkok"}}'),
			},
		],
		primary_action_label: action,
		primary_action(values) {
			keep_picked();
			let typed = {};
			try {
				typed = JSON.parse((values.filters || "").trim() || "{}");
			} catch {
				frappe.show_alert({ message: __("The filters are not JSON."), indicator: "red" });
				return;
			}
			const wanted = values.doctypes || [];
			const picked = Object.fromEntries(
				Object.entries(chosen_filters).filter(([doctype, each]) => each.length && wanted.includes(doctype))
			);
			const filters = { ...typed, ...picked };
			then({
				...Object.fromEntries(more_fields.map(({ fieldname }) => [fieldname, values[fieldname] || 0])),
				doctypes: wanted,
				filters: Object.keys(filters).length ? JSON.stringify(filters) : "",
			}).then(() => dialog.hide());
		},
	});

	function keep_picked() {
		if (picker) chosen_filters[picker.doctype] = picker.get_filters().map((each) => each.slice(0, 4));
	}

	function show_picker() {
		const doctype = dialog.get_value("filter_doctype");
		if (picker && picker.doctype === doctype) return;
		keep_picked();
		picker = null;
		const wrapper = dialog.fields_dict.picker.$wrapper.empty();
		if (!doctype) return;
		frappe.model.with_doctype(doctype, () => {
			picker = new frappe.ui.FilterGroup({ parent: wrapper, doctype, on_change: () => {} });
			picker.doctype = doctype;
			picker.add_filters_to_filter_group(chosen_filters[doctype] || []);
		});
	}

	dialog.show();
}

function start_task(frm, method, values, message) {
	return frappe
		.call({
			method: `${PRODUCER_METHODS}.${method}`,
			args: { event_producer: frm.doc.name, ...values },
			freeze: true,
		})
		.then((answer) => {
			frappe.show_alert({ message, indicator: "green" });
			show_task(frm, answer.message);
			setTimeout(() => look_at_tasks(frm), 2000);
		});
}

// how far the last ones have got; also after a reload, and where there are no realtime messages
function look_at_tasks(frm) {
	if (!is_shown(frm) || frm.is_new()) return;
	const name = frm.doc.name;
	frappe.xcall(`${PRODUCER_METHODS}.get_progress`, { event_producer: name }).then((tasks) => {
		if (frm.doc.name !== name) return;
		tasks.forEach((work) => show_task(frm, work));
		if (tasks.some((work) => TASK_ACTIVE.includes(work.status))) {
			clearTimeout(frm.next_look_at_tasks);
			frm.next_look_at_tasks = setTimeout(() => look_at_tasks(frm), 3000);
		}
	});
}

function show_task(frm, work) {
	const words = words_of(work.kind);
	frm.active_tasks = frm.active_tasks || {};
	frm.remove_custom_button(words.stop);
	if (TASK_ACTIVE.includes(work.status)) {
		frm.dashboard.show_progress(words.title, work.percent, describe_task(work));
		frm.add_custom_button(words.stop, () => stop_task(frm, work));
		frm.active_tasks[work.kind] = true;
	} else if (frm.active_tasks[work.kind]) {
		frm.active_tasks[work.kind] = false;
		frm.dashboard.hide_progress();
		frappe.msgprint({
			title: words.title,
			message: `${frappe.utils.escape_html(
				[describe_task(work), work.message].filter(Boolean).join(" ")
			)}<br>${link_to_task(work)}`,
			indicator: work.status === "Done" && !work.failed && !work.differing ? "green" : "orange",
		});
	}
}

function words_of(kind) {
	return {
		Copy: { title: __("Copy of existing documents"), stop: __("Stop Copying") },
		Verify: { title: __("Comparison of the documents"), stop: __("Stop Verifying") },
		Repair: { title: __("Repair of what differs"), stop: __("Stop Repairing") },
		Check: { title: __("Check Before You Begin"), stop: __("Stop Checking") },
	}[kind];
}

function link_to_task(work) {
	if (work.kind === "Copy") return "";
	const label =
		work.differing && work.kind !== "Check" ? __("What was found, and Repair") : __("What was found");
	return `<a href="/app/event-streaming-task/${encodeURIComponent(work.task)}">${label}</a>`;
}

function stop_task(frm, work) {
	return frappe
		.xcall(`${PRODUCER_METHODS}.stop_task`, { event_producer: frm.doc.name, kind: work.kind })
		.then(() => look_at_tasks(frm));
}

function describe_task(work) {
	const counts = describe_counts(work);
	if (work.status !== "Running" || !work.rate) return `${__(work.status)} · ${counts}`;
	const left = frappe.utils.get_formatted_duration(Math.max(cint(work.seconds_left), 1));
	return `${counts} · ${__("{0} a second, {1} left", [Math.round(work.rate), left])}`;
}

function describe_counts(work) {
	const total = Math.max(cint(work.total), cint(work.done));
	if (work.kind === "Check") {
		return __("{0} of {1} document types checked. Stops: {2}, may hurt: {3}.", [
			cint(work.done),
			total,
			cint(work.failed),
			Math.max(cint(work.differing) - cint(work.failed), 0),
		]);
	}
	if (work.kind === "Copy") {
		return __("{0} of {1} checked: {2} created, {3} here already, {4} failed", [
			cint(work.done),
			total,
			cint(work.made),
			cint(work.here),
			cint(work.failed),
		]);
	}
	const compared = __("{0} of {1} compared, {2} different", [cint(work.done), total, cint(work.differing)]);
	if (work.kind === "Verify") return compared;
	return `${compared}: ${__("{0} repaired, {1} failed", [cint(work.made), cint(work.failed)])}`;
}

function is_shown(frm) {
	const shown = frappe.get_route();
	return shown[1] === frm.doctype && shown[2] === frm.doc.name;
}

function reload_if_clean(frm) {
	if (is_shown(frm) && !frm.is_dirty()) frm.reload_doc();
}

// what may come only because a document that was asked for links to it
function show_unasked(frm, entries) {
	const text = (value) => frappe.utils.escape_html(String(value));
	const comes = (entry) => {
		if (!entry.refused) return text(__("comes"));
		if (entry.empty) return `${text(__("stays empty where it is not here"))}: ${text(entry.refused)}`;
		return `<span class="text-danger">${text(__("events wait for it"))}: ${text(entry.refused)}</span>`;
	};
	const rows = entries.map(
		(entry) =>
			`<tr><td>${text(__(entry.doctype))}</td><td>${text(__(entry.from))}: ${text(entry.field)}</td>` +
			`<td>${comes(entry)}</td></tr>`
	);
	const head = [__("Document Type"), __("Linked From"), __("Comes Unasked")].map((label) => `<th style="width: 30%">${text(label)}</th>`);
	frm.fields_dict.unasked_html.$wrapper.html(
		rows.length
			? '<div style="max-height: 32rem; overflow: auto; overflow-wrap: anywhere">' +
					`<table class="table table-bordered table-sm"><thead><tr>${head.join("")}</tr></thead>` +
					`<tbody>${rows.join("")}</tbody></table></div>`
			: `<p class="text-muted">${text(__("Nothing links to other documents, or this was not saved yet."))}</p>`
	);
}

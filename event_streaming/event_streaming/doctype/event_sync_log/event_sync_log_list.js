const ADOPT_METHODS = "event_streaming.event_streaming.doctype.event_sync_log.event_sync_log";
const ADOPTED = "event_streaming_adopted";
const RESYNCED = "event_streaming_resynced";

frappe.listview_settings["Event Sync Log"] = {
	add_fields: ["status"],
	hide_name_column: true,
	hide_name_filter: true,

	get_indicator(doc) {
		const color = {
			Synced: "green",
			Failed: "red",
			Retrying: "orange",
			Waiting: "blue",
			Conflict: "purple",
		};
		// of a producer that is deleted
		if (!doc.status) return [__("Not Applied"), "gray", "status,=,"];
		return [__(doc.status), color[doc.status] || "gray", `status,=,${doc.status}`];
	},

	onload(listview) {
		listview.page.add_menu_item(__("Resync All Failed"), () => {
			frappe
				.call(
					"event_streaming.event_streaming.doctype.event_sync_log.event_sync_log.resync_all_failed"
				)
				.then((answer) => {
					frappe.show_alert({
						message: answer.message
							? __("{0} events are tried again in the background.", [
									cint(answer.message),
								])
							: __("Nothing has failed."),
						indicator: answer.message ? "blue" : "green",
					});
					if (answer.message) refresh_meanwhile(listview);
				});
		});
		listview.page.add_actions_menu_item(__("Resync"), () => {
			const names = listview.get_checked_items(true);
			if (!names.length) return;
			frappe
				.call({
					method: "event_streaming.event_streaming.doctype.event_sync_log.event_sync_log.resync_logs",
					args: { names },
					freeze: true,
					freeze_message: __("Retrying"),
				})
				.then((answer) => {
					const { tried, synced } = answer.message;
					frappe.show_alert({
						message: __("{0} of {1} events synced.", [cint(synced), cint(tried)]),
						indicator: synced === tried ? "green" : "orange",
					});
					listview.clear_checked_items();
					listview.refresh();
				});
		});
		listview.page.add_menu_item(__("Adopt All"), () => ask_whose_to_adopt(listview));
		listview.page.add_actions_menu_item(__("Adopt"), () => {
			const names = listview.get_checked_items(true);
			if (names.length) preview_adoption(listview, { names });
		});
		frappe.realtime.off(RESYNCED);
		frappe.realtime.on(RESYNCED, (result) => {
			frappe.show_alert(
				{
					message: frappe.utils.escape_html(result.message),
					indicator: result.done ? "green" : "orange",
				},
				15
			);
			listview.refresh();
		});
		frappe.realtime.off(ADOPTED);
		frappe.realtime.on(ADOPTED, (result) => show_adopted(listview, result));
	},
};

// a site without realtime messages shows what has come of it, too
function refresh_meanwhile(listview, times = 10) {
	setTimeout(() => {
		if (!times || !window.cur_list || cur_list !== listview) return;
		if (!listview.get_checked_items(true).length) listview.refresh();
		refresh_meanwhile(listview, times - 1);
	}, 3000);
}

// all events of a producer, or of one of its Document Types, that failed as their name is taken here
function ask_whose_to_adopt(listview) {
	const filters = {};
	for (const [, field, operator, value] of listview.filter_area.get()) {
		if (operator === "=") filters[field] = value;
	}
	frappe.prompt(
		[
			{
				fieldname: "event_producer",
				fieldtype: "Link",
				options: "Event Producer",
				label: __("Event Producer"),
				default: filters.event_producer,
				reqd: 1,
			},
			{
				fieldname: "doctype",
				fieldtype: "Link",
				options: "DocType",
				label: __("Document Type"),
				default: filters.ref_doctype,
				description: __("Leave empty for all of them"),
			},
		],
		(values) => preview_adoption(listview, values),
		__("Adopt All"),
		__("Show")
	);
}

function preview_adoption(listview, selection) {
	frappe.call({
		method: `${ADOPT_METHODS}.preview_adoption`,
		args: selection,
		freeze: true,
		callback: (answer) => confirm_adoption_of(listview, selection, answer.message),
	});
}

function confirm_adoption_of(listview, selection, shown) {
	if (!shown.count) {
		frappe.msgprint({
			title: __("Adopt"),
			message: [
				__("None of these events failed because its name is taken."),
				not_possible(shown),
			].join(""),
			indicator: "orange",
		});
		return;
	}
	const dialog = new frappe.ui.Dialog({
		title: __("Adopt"),
		size: "large",
		fields: [{ fieldname: "links", fieldtype: "HTML" }],
		primary_action_label: __("Link {0} Documents", [shown.count]),
		primary_action() {
			dialog.hide();
			adopt_many(listview, selection);
		},
	});
	dialog.fields_dict.links.$wrapper.html(
		`<p>${__("Link these local documents to the producer's? Their values will be overwritten.")}</p>${table_of_links(
			shown
		)}${not_possible(shown)}`
	);
	dialog.show();
}

function table_of_links(shown) {
	const text = frappe.utils.escape_html;
	const lines = shown.links.map(
		(link) =>
			`<tr><td>${text(__(link.doctype))} ${text(link.document)}</td><td>${text(link.document)} · ${text(
				link.event_producer
			)}</td></tr>`
	);
	const more =
		shown.count > shown.links.length
			? `<p class="text-muted">${__("And {0} more", [shown.count - shown.links.length])}</p>`
			: "";
	return `<div class="table-responsive"><table class="table table-bordered"><thead><tr><th>${__(
		"On this site"
	)}</th><th>${__("On the producer")}</th></tr></thead><tbody>${lines.join("")}</tbody></table></div>${more}`;
}

function not_possible(shown) {
	if (!shown.impossible_count) return "";
	const text = frappe.utils.escape_html;
	const lines = shown.impossible.map(
		(each) => `<li>${text(each.document)}: ${text(each.problem)}</li>`
	);
	return `<p>${__("{0} can't be adopted:", [cint(shown.impossible_count)])}</p><ul>${lines.join("")}</ul>`;
}

function adopt_many(listview, selection) {
	frappe.call({
		method: `${ADOPT_METHODS}.adopt_many`,
		args: selection,
		freeze: true,
		freeze_message: __("Retrying"),
		callback(answer) {
			const result = answer.message;
			show_adopted(listview, { ...result, done: !result.failed_count });
		},
	});
}

function show_adopted(listview, result) {
	frappe.show_alert(
		{
			message: frappe.utils.escape_html(result.message),
			indicator: result.queued ? "blue" : result.done ? "green" : "orange",
		},
		15
	);
	listview.clear_checked_items();
	listview.refresh();
}

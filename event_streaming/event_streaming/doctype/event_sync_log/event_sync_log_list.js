frappe.listview_settings["Event Sync Log"] = {
	add_fields: ["status"],
	hide_name_column: true,
	hide_name_filter: true,

	get_indicator(doc) {
		const color = { Synced: "green", Failed: "red", Retrying: "orange", Waiting: "blue", Conflict: "purple" };
		return [__(doc.status), color[doc.status] || "gray", `status,=,${doc.status}`];
	},

	onload(listview) {
		listview.page.add_menu_item(__("Resync All Failed"), () => {
			frappe
				.call("event_streaming.event_streaming.doctype.event_sync_log.event_sync_log.resync_all_failed")
				.then((answer) => {
					frappe.show_alert({
						message: answer.message
							? __("Tried again in the background: {0}", [answer.message])
							: __("Nothing has failed."),
						indicator: answer.message ? "blue" : "green",
					});
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
					freeze_message: __("Trying again"),
				})
				.then((answer) => {
					const { tried, synced } = answer.message;
					frappe.show_alert({
						message: __("{0} of {1} events took effect.", [synced, tried]),
						indicator: synced === tried ? "green" : "orange",
					});
					listview.clear_checked_items();
					listview.refresh();
				});
		});
	},
};

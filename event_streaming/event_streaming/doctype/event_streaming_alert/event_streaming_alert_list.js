frappe.listview_settings["Event Streaming Alert"] = {
	hide_name_column: true,
	hide_name_filter: true,
	get_indicator(doc) {
		return doc.status === "Open"
			? [__("Open"), "red", "status,=,Open"]
			: [__("Over"), "green", "status,=,Over"];
	},
};

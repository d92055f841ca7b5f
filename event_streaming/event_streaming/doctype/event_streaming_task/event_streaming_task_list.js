frappe.listview_settings["Event Streaming Task"] = {
	add_fields: ["status"],
	hide_name_column: true,
	hide_name_filter: true,

	get_indicator(doc) {
		const color = { Done: "green", Failed: "red", Running: "blue", Waiting: "orange", Queued: "blue" };
		return [__(doc.status), color[doc.status] || "gray", `status,=,${doc.status}`];
	},
};

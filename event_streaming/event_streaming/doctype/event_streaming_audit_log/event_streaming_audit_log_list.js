frappe.listview_settings["Event Streaming Audit Log"] = {
	add_fields: ["outcome"],
	hide_name_column: true,
	hide_name_filter: true,

	get_indicator(doc) {
		return doc.outcome === "Refused"
			? [__("Refused"), "red", "outcome,=,Refused"]
			: [__("Done"), "green", "outcome,=,Done"];
	},
};

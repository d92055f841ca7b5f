frappe.listview_settings["Event Producer"] = {
	add_fields: ["paused"],
	hide_name_column: true,
	hide_name_filter: true,
	get_indicator(doc) {
		return doc.paused ? [__("Paused"), "orange", "paused,=,1"] : [__("Active"), "green", "paused,=,0"];
	},
};

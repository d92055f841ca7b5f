frappe.listview_settings["Event Consumer"] = {
	add_fields: ["paused", "pending_doctypes"],
	hide_name_column: true,
	hide_name_filter: true,
	get_indicator(doc) {
		if (doc.paused) return [__("Paused"), "gray", "paused,=,1"];
		if (cint(doc.pending_doctypes)) {
			return [__("{0} to approve", [doc.pending_doctypes]), "orange", "pending_doctypes,>,0"];
		}
		return [__("Active"), "green", "paused,=,0|pending_doctypes,=,0"];
	},
};

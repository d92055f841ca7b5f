frappe.listview_settings["Event Update Log"] = {
	add_fields: ["update_type"],
	hide_name_column: true,
	hide_name_filter: true,
	get_indicator(doc) {
		const color = {
			Create: "green",
			Update: "blue",
			Delete: "red",
			Rename: "purple",
			Attach: "cyan",
			Detach: "orange",
		}[doc.update_type];
		return [__(doc.update_type), color || "gray", `update_type,=,${doc.update_type}`];
	},
};

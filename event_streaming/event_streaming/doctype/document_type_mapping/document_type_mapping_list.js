frappe.listview_settings["Document Type Mapping"] = {
	hide_name_column: true,
	hide_name_filter: true,
};

frappe.listview_settings["Event Made Document"] = {
	hide_name_column: true,
	hide_name_filter: true,
};

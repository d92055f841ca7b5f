frappe.listview_settings["Event Document Identity"] = {
	hide_name_column: true,
	hide_name_filter: true,
};

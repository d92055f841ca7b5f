frappe.listview_settings["Event Given Document"] = {
	hide_name_column: true,
	hide_name_filter: true,
};

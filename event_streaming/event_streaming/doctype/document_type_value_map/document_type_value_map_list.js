frappe.listview_settings["Document Type Value Map"] = {
	hide_name_column: true,
	hide_name_filter: true,
};

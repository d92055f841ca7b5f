frappe.listview_settings["Event Delivery Hour"] = {
	hide_name_column: true,
	hide_name_filter: true,
};

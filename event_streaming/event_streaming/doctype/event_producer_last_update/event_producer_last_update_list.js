frappe.listview_settings["Event Producer Last Update"] = {
	add_fields: ["connection"],
	hide_name_column: true,
	hide_name_filter: true,
	get_indicator(doc) {
		const color = { Online: "green", Offline: "orange", Refused: "red" }[doc.connection];
		return [__(doc.connection), color || "gray", `connection,=,${doc.connection}`];
	},
};

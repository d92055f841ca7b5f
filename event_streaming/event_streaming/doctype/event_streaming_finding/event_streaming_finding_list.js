frappe.listview_settings["Event Streaming Finding"] = {
	hide_name_column: true,
	hide_name_filter: true,
	add_fields: ["put_off_until", "still_there"],
	onload(listview) {
		listview.page.add_inner_button(__("Check Now"), () => event_streaming.doctor.examine());
	},
	get_indicator(doc) {
		if (
			doc.put_off_until &&
			doc.put_off_until >= frappe.datetime.system_datetime().slice(0, 10)
		) {
			return [__("Put Off"), "gray", `put_off_until,=,${doc.put_off_until}`];
		}
		return doc.level === "fault"
			? [__("fault"), "red", "level,=,fault"]
			: [__("warning"), "orange", "level,=,warning"];
	},
};

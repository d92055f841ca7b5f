frappe.listview_settings["Event Streaming Invitation"] = {
	hide_name_column: true,
	hide_name_filter: true,
	add_fields: ["status", "expires_on", "completed_on"],
	get_indicator(doc) {
		const status =
			doc.status === "Open" && doc.expires_on < frappe.datetime.system_datetime()
				? "Expired"
				: doc.status;
		if (status === "Used" && !doc.completed_on)
			return [__("Joining"), "orange", "status,=,Used"];
		const color = { Open: "blue", Used: "green" }[status] || "gray";
		return [__(status), color, `status,=,${doc.status}`];
	},
	onload(listview) {
		event_streaming.invite.add_button(listview);
		event_streaming.invite.add_withdraw_button(listview);
	},
};

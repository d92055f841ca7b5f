frappe.listview_settings["Event Streaming Task"] = {
	add_fields: ["status", "kind", "failed", "differing"],
	hide_name_column: true,
	hide_name_filter: true,

	get_indicator(doc) {
		const color = {
			Done: "green",
			Failed: "red",
			Running: "blue",
			Waiting: "orange",
			Queued: "blue",
		};
		// done, and not all of it could be
		if (doc.status === "Done" && cint(doc.failed))
			return [__("Done, {0} failed", [doc.failed]), "orange", "failed,>,0"];
		if (doc.status === "Done" && doc.kind === "Verify" && cint(doc.differing)) {
			return [__("{0} differ", [doc.differing]), "orange", "differing,>,0"];
		}
		return [__(doc.status), color[doc.status] || "gray", `status,=,${doc.status}`];
	},
};

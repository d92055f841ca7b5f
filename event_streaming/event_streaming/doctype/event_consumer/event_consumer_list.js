// the worst that is to be said of each consumer, by name; asked for anew with the list
let consumer_headlines = {};
let consumer_list = null;

frappe.listview_settings["Event Consumer"] = {
	add_fields: ["paused", "pending_doctypes"],
	hide_name_column: true,
	hide_name_filter: true,
	get_indicator(doc) {
		// the form asks as well, with what came with the document
		const headline = (doc.__onload || {}).headline || consumer_headlines[doc.name];
		const filter = doc.paused
			? "paused,=,1"
			: cint(doc.pending_doctypes)
				? "pending_doctypes,>,0"
				: "paused,=,0";
		return headline
			? [headline.label, headline.color, filter]
			: [__("Loading"), "gray", filter];
	},
	onload(listview) {
		consumer_list = listview;
		event_streaming.invite.add_button(listview);
	},
	before_render() {
		frappe.xcall("event_streaming.api.status", {}, "GET").then((status) => {
			consumer_headlines = Object.fromEntries(
				status.consumers.map((row) => [row.name, row.headline])
			);
			if (consumer_list) consumer_list.render_list();
		});
	},
};

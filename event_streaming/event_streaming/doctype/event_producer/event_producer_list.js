// the worst that is to be said of each producer, by name; asked for anew with the list
let producer_headlines = {};
let producer_list = null;

frappe.listview_settings["Event Producer"] = {
	add_fields: ["paused"],
	hide_name_column: true,
	hide_name_filter: true,
	get_indicator(doc) {
		// the form asks as well, with what came with the document
		const headline = (doc.__onload || {}).headline || producer_headlines[doc.name];
		const by_paused = `paused,=,${cint(doc.paused)}`;
		if (headline) return [headline.label, headline.color, by_paused];
		return doc.paused
			? [__("Paused"), "orange", by_paused]
			: [__("Loading"), "gray", by_paused];
	},
	onload(listview) {
		producer_list = listview;
		event_streaming.join.add_button(listview);
	},
	before_render() {
		frappe.xcall("event_streaming.api.status", {}, "GET").then((status) => {
			producer_headlines = Object.fromEntries(
				status.producers.map((row) => [row.name, row.headline])
			);
			if (producer_list) producer_list.render_list();
		});
	},
};

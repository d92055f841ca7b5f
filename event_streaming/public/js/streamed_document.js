// The form of any document that is streamed says so: where it came from, who gets it. Other forms cost nothing, as the
// Desk knows from the start which DocTypes those are. What is shown, and to whom, is decided on the server. A document that is
// managed by its producer is read-only here, but for the fields that this site decides; the server refuses the rest as well.

(() => {
	const METHOD = "event_streaming.admin.document.get_streams";
	const KEPT_MS = 30 * 1000;
	const known = new Map();

	$(document).on("form-refresh", (_event, frm) => {
		unlock(frm);
		const doctypes = (frappe.boot.event_streaming || {}).doctypes || [];
		if (!doctypes.includes(frm.doctype) || frm.is_new()) return;
		const name = frm.doc.name;
		add_button(frm);
		ask(frm.doctype, name).then((streams) => {
			if (frm.doc.name === name) show(frm, streams);
		});
	});

	// for who looks after the streams; a form forgets its buttons with each refresh
	function add_button(frm) {
		if (!frappe.user.has_role("System Manager")) return;
		frm.add_custom_button(__("Where Is It?"), () =>
			frappe.set_route("event-streaming-where", frm.doctype, frm.doc.name)
		);
	}

	// a form is refreshed again and again: what was said a moment ago still holds
	function ask(doctype, name) {
		const key = `${doctype}\n${name}`;
		const kept = known.get(key);
		if (kept && Date.now() - kept.at < KEPT_MS) return kept.answer;
		const answer = frappe.xcall(METHOD, { doctype, name });
		known.set(key, { at: Date.now(), answer });
		return answer;
	}

	function show(frm, streams) {
		frm.dashboard.stats_area_row
			.find(".event-streaming-indicator")
			.closest(".col, .indicator-column")
			.remove();
		frm.dashboard.stats_area_row.find(".event-streaming-indicator").remove();
		lock(
			frm,
			streams.find((line) => line.free)
		);
		for (const line of streams.filter((line) => !line.free)) {
			const text = frappe.utils.escape_html(line.text);
			const label = line.route
				? `<a href="#" class="event-streaming-indicator">${text}</a>`
				: `<span class="event-streaming-indicator">${text}</span>`;
			const shown = frm.dashboard.add_indicator(label, line.color);
			if (line.title) shown.attr("title", line.title);
			shown.find("a.event-streaming-indicator").on("click", () => {
				frappe.route_options = line.route_options;
				frappe.set_route(line.route);
				return false;
			});
		}
	}

	function lock(frm, managed) {
		if (!managed) return;
		// in the place of the Desk's own, that it is to be submitted; the server has escaped the names in the text
		frm.set_intro();
		// eslint-disable-next-line ours/escaped-html -- see above
		frm.set_intro(managed.text, "blue");
		const free = new Set(managed.free.map((name) => name.split(".")[0]));
		frm.event_streaming_locked = [];
		for (const df of frm.meta.fields) {
			if (free.has(df.fieldname) || frappe.model.layout_fields.includes(df.fieldtype))
				continue;
			const shown = frm.fields_dict[df.fieldname];
			if (!shown || cint(shown.df.read_only)) continue;
			frm.event_streaming_locked.push(df.fieldname);
			frm.set_df_property(df.fieldname, "read_only", 1);
		}
		if (!free.size) {
			frm.event_streaming_unsaved = true;
			frm.disable_save();
		} else if (frm.meta.is_submittable && !frm.is_dirty()) {
			// its state is the producer's, too; the button to save comes with a change
			frm.page.clear_primary_action();
		}
	}

	// the same form shows one document after another
	function unlock(frm) {
		for (const fieldname of frm.event_streaming_locked || [])
			frm.set_df_property(fieldname, "read_only", 0);
		if (frm.event_streaming_unsaved) frm.enable_save();
		frm.event_streaming_locked = [];
		frm.event_streaming_unsaved = false;
	}
})();

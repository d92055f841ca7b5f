// The form of any document that is streamed says so: where it came from, who gets it. Other forms cost nothing, as the
// Desk knows from the start which DocTypes those are. What is shown, and to whom, is decided on the server.

(() => {
	const METHOD = "event_streaming.admin.document.get_streams";
	const KEPT_MS = 30 * 1000;
	const known = new Map();

	$(document).on("form-refresh", (_event, frm) => {
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
		frm.add_custom_button(__("Where Is It?"), () => frappe.set_route("event-streaming-where", frm.doctype, frm.doc.name));
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
		frm.dashboard.stats_area_row.find(".event-streaming-indicator").closest(".col, .indicator-column").remove();
		frm.dashboard.stats_area_row.find(".event-streaming-indicator").remove();
		for (const line of streams) {
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
})();

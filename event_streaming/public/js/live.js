// An open form shows what has changed on the server without a reload, also where there are no realtime messages. It decides nothing.

frappe.provide("event_streaming");

event_streaming.live = (() => {
	const LOOK_EVERY_MS = 5000;

	function is_shown(frm) {
		const shown = frappe.get_route();
		return shown[1] === frm.doctype && shown[2] === frm.doc.name;
	}

	// `method` answers with what stands in `__onload.standing` as long as nothing has changed
	function watch(frm, method, args) {
		clearTimeout(frm.next_look);
		frm.next_look = setTimeout(() => {
			if (!is_shown(frm) || frm.is_new()) return;
			// nobody's work is taken away
			if (document.hidden || frm.is_dirty() || $(".modal.show, .grid-row-open").length) {
				watch(frm, method, args);
				return;
			}
			const name = frm.doc.name;
			frappe.xcall(method, args, "GET").then((now) => {
				if (!is_shown(frm) || frm.doc.name !== name || frm.is_dirty()) return;
				const shown = (frm.doc.__onload || {}).standing;
				if (shown && now !== shown) frm.reload_doc();
				else watch(frm, method, args);
			});
		}, LOOK_EVERY_MS);
	}

	return { watch };
})();

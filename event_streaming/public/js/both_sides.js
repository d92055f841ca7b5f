// What the forms of an Event Producer and of an Event Consumer have alike. It decides nothing.

frappe.provide("event_streaming");

event_streaming.both_sides = (() => {
	// which connection a call of the API is about
	const named = (frm) => ({ [frappe.scrub(frm.doctype)]: frm.doc.name });

	// which site the connection is with, where that is in doubt
	function show_site(frm, other, question_html) {
		const { claimed_twice } = frm.doc.__onload || {};
		if (claimed_twice) {
			frm.dashboard.set_headline_alert(frappe.utils.escape_html(claimed_twice), "orange");
		}
		if (!other) return;
		frm.add_custom_button(__("Accept the New Site"), () =>
			frappe.confirm(question_html, () =>
				frappe
					.xcall("event_streaming.api.accept_site", { ...named(frm), site_id: other })
					.then(() => frm.reload_doc())
			)
		);
	}

	function add_pause_button(frm) {
		const method = `event_streaming.api.${frm.doc.paused ? "resume" : "pause"}`;
		frm.add_custom_button(
			frm.doc.paused ? __("Resume") : __("Pause"),
			() => frappe.xcall(method, named(frm)).then(() => frm.reload_doc()),
			__("Connection")
		);
	}

	function add_rotate_button(frm, question_html) {
		const rotate = () =>
			frappe
				.call({
					method: "event_streaming.api.rotate_keys",
					args: named(frm),
					freeze: true,
				})
				.then(() => {
					frappe.show_alert({
						message:
							frm.doctype === "Event Producer"
								? __("The new keys are in use.")
								: __("New keys are requested."),
						indicator: "green",
					});
					setTimeout(() => frm.is_dirty() || frm.reload_doc(), 3000);
					frm.reload_doc();
				});
		frm.add_custom_button(
			__("Rotate Keys"),
			() => frappe.confirm(question_html, rotate),
			__("Connection")
		);
	}

	function show_behind(frm, behind) {
		frm.dashboard.add_indicator(
			behind === 1
				? __("1 event behind")
				: behind
					? __("{0} events behind", [cint(behind)])
					: __("No events behind"),
			behind ? "orange" : "blue"
		);
	}

	return { show_site, add_pause_button, add_rotate_button, show_behind };
})();

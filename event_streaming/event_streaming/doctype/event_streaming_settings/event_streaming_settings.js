frappe.ui.form.on("Event Streaming Settings", {
	refresh(frm) {
		event_streaming.setup.add_file_buttons(frm);
		frm.add_custom_button(__("New Site Id"), () =>
			frappe.confirm(
				__(
					"Do this only on a copy of a site. Every connected site refuses this one until its administrator accepts the new id. Continue?"
				),
				() =>
					frappe
						.xcall("event_streaming.api.new_site_id", {
							instead_of: frm.doc.site_id || "",
						})
						.then(() => frm.reload_doc())
			)
		);
		frm.add_custom_button(__("Audit Log"), () =>
			frappe.set_route("List", "Event Streaming Audit Log", {
				reference_doctype: frm.doctype,
				reference_name: frm.doc.name,
			})
		);
		const url = (frm.doc.__onload || {}).public_url;
		if (!url) return;
		const shown = `<b>${frappe.utils.escape_html(url)}</b>`;
		if (frm.doc.public_url) {
			frm.set_intro(__("Other sites know this one as {0}.", [shown]), "blue");
		} else {
			frm.set_intro(
				__(
					"Other sites know this one as {0}: a guess. Set Public URL if they reach it at another address.",
					[shown]
				),
				"orange"
			);
		}
	},
});

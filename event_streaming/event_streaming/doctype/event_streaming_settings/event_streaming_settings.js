frappe.ui.form.on("Event Streaming Settings", {
	refresh(frm) {
		const url = (frm.doc.__onload || {}).public_url;
		if (!url) return;
		const shown = `<b>${frappe.utils.escape_html(url)}</b>`;
		if (frm.doc.public_url) {
			frm.set_intro(__("Other sites know this one as {0}.", [shown]), "blue");
		} else {
			frm.set_intro(
				__("Other sites know this one as {0}: a guess. Set Public URL if they reach it at another address.", [shown]),
				"orange"
			);
		}
	},
});

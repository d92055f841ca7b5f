// A look of the doctor, from a form or the list of findings. What is wrong, and how it is mended, the server says.

frappe.provide("event_streaming");

event_streaming.doctor = (() => {
	const COLORS = { fault: "red", warning: "orange", note: "blue", ok: "green" };
	const ORDER = Object.keys(COLORS);
	const text = (value) => frappe.utils.escape_html(String(value ?? ""));

	function add_button(frm, args) {
		frm.add_custom_button(__("Doctor"), () => examine(args), __("Connection"));
	}

	// without arguments everything is looked at
	function examine(args = {}) {
		return frappe
			.call({
				method: "event_streaming.api.doctor",
				args,
				freeze: true,
				freeze_message: __("Checking both sites"),
			})
			.then((answer) => show(answer.message || []));
	}

	function show(findings) {
		const sorted = [...findings].sort(
			(one, other) => ORDER.indexOf(one.level) - ORDER.indexOf(other.level)
		);
		const wrong = sorted.filter(
			(each) => each.remedy && ["fault", "warning"].includes(each.level)
		).length;
		const summary = wrong
			? __("Findings that need you: {0}", [wrong])
			: __("Nothing is wrong.");
		const rows = sorted.map(
			(each) =>
				`<tr><td><span class="indicator-pill ${COLORS[each.level]}">${text(__(each.level))}</span></td>
				<td style="overflow-wrap: anywhere">${text(each.message)}${
					each.remedy ? `<div class="text-muted">${text(each.remedy)}</div>` : ""
				}</td></tr>`
		);
		const dialog = new frappe.ui.Dialog({
			title: __("Doctor"),
			size: "large",
			fields: [{ fieldname: "findings", fieldtype: "HTML" }],
		});
		dialog.fields_dict.findings.$wrapper.html(
			`<p><b>${summary}</b></p><div class="table-responsive"><table class="table table-bordered"><tbody>${rows.join(
				""
			)}</tbody></table></div>`
		);
		dialog.show();
	}

	return { add_button, examine };
})();

// What a check has found, on the form of its task: how much a copy brings, and each finding with what mends it. It decides nothing:
// the server does what a button says.

frappe.provide("event_streaming");

event_streaming.check = (() => {
	const COLORS = { Stops: "red", "May Hurt": "orange", Note: "blue" };
	const text = (value) => frappe.utils.escape_html(String(value ?? ""));

	const severity_label = (severity) =>
		({ Stops: __("Stops"), "May Hurt": __("May Hurt"), Note: __("Note") })[severity];

	const action_label = (action) =>
		({
			"Set Match By": __("Set Match By"),
			Unsubscribe: __("Unsubscribe"),
			"Fields This Site Decides": __("Leave to This Site"),
			"Add to Value Map": __("Add to Value Map"),
			"Give the Rights": __("Give the Rights"),
			"Add the Options": __("Add the Options"),
			"Create the Fields Here": __("Create the Fields Here"),
		})[action];

	function show(frm, report) {
		const $wrapper = frm.get_field("findings").$wrapper;
		$wrapper.html(
			[amounts(report), findings(frm, report)].filter(Boolean).join("") ||
				`<p class="text-muted">${__("Nothing yet.")}</p>`
		);
		$wrapper.find("[data-number]").on("click", (event) => {
			const number = cint(event.currentTarget.dataset.number);
			ask(frm, number, report.findings[number]);
		});
	}

	function amounts(report) {
		const rows = report.amounts || [];
		if (!rows.length) return "";
		const cells = ({ documents, megabytes, minutes }) =>
			[documents, megabytes ?? "?", minutes ?? "?"]
				.map((value) => `<td class="text-right">${text(value)}</td>`)
				.join("");
		const lines = rows.map((row) => `<tr><td>${text(__(row.doctype))}</td>${cells(row)}</tr>`);
		if (rows.length > 1) lines.push(`<tr><th>${__("Total")}</th>${cells(report.in_all)}</tr>`);
		const head = [__("Document Type"), __("Documents"), __("MB"), __("Minutes")];
		return `<h5>${__("What a first copy brings")}</h5><div class="table-responsive"><table class="table table-bordered table-sm">
			<thead><tr>${head.map((label) => `<th>${label}</th>`).join("")}</tr></thead><tbody>${lines.join("")}</tbody></table></div>
			<p class="text-muted small">${__("Maximum number of documents: the condition is not evaluated. Megabytes without files.")}</p>`;
	}

	function findings(frm, report) {
		const found = report.findings || [];
		if (!found.length)
			return frm.doc.status === "Done" ? `<p>${__("No problems were found.")}</p>` : "";
		const summary = Object.keys(COLORS)
			.map((severity) => [
				severity,
				found.filter((each) => each.severity === severity).length,
			])
			.filter(([, count]) => count)
			.map(([severity, count]) => `${pill(severity)} ${count}`)
			.join(" &nbsp; ");
		return `<h5>${__("Findings")}</h5><p>${summary}</p>${found.map(finding).join("")}`;
	}

	const pill = (severity) =>
		`<span class="indicator-pill ${COLORS[severity]}">${severity_label(severity)}</span>`;

	function finding(each, number) {
		const button = each.mended
			? `<p class="text-muted">${text(each.mended)}</p>`
			: each.action
				? `<button class="btn btn-xs btn-default" data-number="${number}">${action_label(each.action)}</button>`
				: "";
		return `<div class="check-finding" style="border-top: 1px solid var(--border-color); padding: 8px 0; overflow-wrap: anywhere">
			<div>${pill(each.severity)} <b>${text(__(each.doctype))}</b></div>
			<div>${text(each.what)}</div><div class="text-muted">${text(each.remedy)}</div>${button}</div>`;
	}

	// ---- buttons

	function ask(frm, number, each) {
		const label = action_label(each.action);
		const fields = fields_of(each);
		if (fields.length) {
			frappe.prompt(
				fields,
				(values) => mend(frm, number, collected(each, values)),
				label,
				label
			);
		} else {
			frappe.confirm(`<b>${label}</b><br>${text(each.what)}<br>${text(each.remedy)}`, () =>
				mend(frm, number, {})
			);
		}
	}

	function fields_of(each) {
		if (each.action === "Give the Rights") {
			const roles = each.details.roles || [];
			return [
				{
					fieldname: "role",
					fieldtype: "Select",
					label: __("Role"),
					options: roles,
					default: roles.length === 1 ? roles[0] : "",
					reqd: 1,
					description: __("Everybody with this role gets these rights to {0}: {1}", [
						text(__(each.doctype)),
						text(each.details.rights.join(", ")),
					]),
				},
			];
		}
		if (each.action !== "Add to Value Map") return [];
		return each.details.values.map((value, number) => ({
			fieldname: `value_${number}`,
			fieldtype: "Data",
			label: text(value),
			description: __("The value on this site. Leave it empty to add it later"),
		}));
	}

	function collected(each, values) {
		if (each.action !== "Add to Value Map") return values;
		return Object.fromEntries(
			each.details.values.map((value, number) => [value, values[`value_${number}`] || ""])
		);
	}

	function mend(frm, number, values) {
		return frappe
			.call({
				method: "event_streaming.api.mend_finding",
				args: { task: frm.doc.name, number, values: JSON.stringify(values) },
				freeze: true,
			})
			.then(({ message }) => {
				frappe.show_alert({ message: text(message), indicator: "green" });
				frm.reload_doc();
			});
	}

	return { show };
})();

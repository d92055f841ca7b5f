// What a verify or a repair has found, as a person reads it; and the way from the one to the other. It decides nothing.

const PRODUCER_METHODS_OF_TASK = "event_streaming.event_streaming.doctype.event_producer.event_producer";
const FINDING_COLORS = {
	Missing: "red",
	Different: "orange",
	Extra: "yellow",
	Open: "purple",
	"Under Way": "blue",
	Kept: "gray",
};

frappe.ui.form.on("Event Streaming Task", {
	refresh(frm) {
		const report = parse_report(frm.doc.report);
		const compares = ["Verify", "Repair"].includes(frm.doc.kind);
		frm.toggle_display("findings_section", frm.doc.kind !== "Copy");
		if (frm.doc.kind === "Check") event_streaming.check.show(frm, report);
		else frm.get_field("findings").$wrapper.html(compares ? describe_report(frm.doc, report) : "");
		if (["Queued", "Running", "Waiting"].includes(frm.doc.status)) {
			clearTimeout(frm.next_reload);
			frm.next_reload = setTimeout(() => is_task_shown(frm) && frm.reload_doc(), 3000);
		}
		if (frm.doc.kind === "Check" && !["Queued", "Running", "Waiting"].includes(frm.doc.status)) {
			frm.add_custom_button(__("Check Again"), () => check_again(frm)).addClass("btn-primary");
		}
		if (frm.doc.kind === "Verify" && frm.doc.status === "Done" && frm.doc.differing) {
			frm.add_custom_button(__("Repair"), () => ask_for_repair(frm, report)).addClass("btn-primary");
		}
	},
});

function check_again(frm) {
	return frappe
		.xcall(`${PRODUCER_METHODS_OF_TASK}.start_check`, { event_producer: frm.doc.event_producer })
		.then((check) => frappe.set_route("Form", "Event Streaming Task", check.task));
}

function label_of(kind) {
	return {
		Missing: __("Missing"),
		Different: __("Different"),
		Extra: __("One Too Many"),
		Open: __("Not Settled"),
		"Under Way": __("Under Way"),
		Kept: __("Kept"),
	}[kind];
}

function is_task_shown(frm) {
	const shown = frappe.get_route();
	return shown[1] === frm.doctype && shown[2] === frm.doc.name;
}

function parse_report(text) {
	try {
		return JSON.parse(text || "{}");
	} catch {
		return {};
	}
}

function describe_report(doc, report) {
	const counts = Object.entries(report.counts || {}).filter(([, count]) => count);
	const found = report.findings || [];
	const parts = [
		`<p>${pills(counts) || (doc.status === "Done" ? __("All documents are the same on both sites.") : "")}</p>`,
	];
	if (found.length) parts.push(findings_table(found));
	const total = counts.reduce((sum, [, count]) => sum + count, 0);
	if (total > found.length) {
		parts.push(
			`<p class="text-muted">${__("The first {0} of {1}. A repair deals with all of them.", [
				found.length,
				total,
			])}</p>`
		);
	}
	for (const [doctype, about] of Object.entries(report.doctypes || {})) {
		parts.push(...describe_doctype(doctype, about));
	}
	return parts.join("");
}

function describe_doctype(doctype, about) {
	const lines = [];
	const name = frappe.utils.escape_html(__(doctype));
	const listed = (names) => frappe.utils.escape_html(names.join(", "));
	if ((about.not_compared || []).length) {
		lines.push(__("{0}: not compared: {1}", [name, listed(about.not_compared)]));
	}
	if ((about.only_here || []).length) {
		lines.push(__("{0}: the producer has no such fields: {1}", [name, listed(about.only_here)]));
	}
	if (about.extra_not_looked_for) {
		lines.push(__("{0}: with filters, documents that are only here are not looked for.", [name]));
	}
	return lines.map((line) => `<p class="text-muted small">${line}</p>`);
}

function pills(counts) {
	return counts
		.map(
			([kind, count]) =>
				`<span class="indicator-pill ${FINDING_COLORS[kind]}">${label_of(kind)}: ${count}</span>`
		)
		.join(" ");
}

function findings_table(found) {
	const head = [__("Document"), __("What"), __("Field"), __("Here"), __("On the producer")];
	const rows = found.map(finding_rows).join("");
	return `<div style="overflow-x: auto"><table class="table table-bordered small">
		<thead><tr>${head.map((label) => `<th>${label}</th>`).join("")}</tr></thead><tbody>${rows}</tbody></table></div>`;
}

function finding_rows(finding) {
	const escape = frappe.utils.escape_html;
	const fields = finding.fields || [];
	const span = Math.max(fields.length, 1);
	const what = [finding.reason, finding.outcome].filter(Boolean).map((text) => escape(text));
	if (finding.more_fields) what.push(__("{0} more fields", [finding.more_fields]));
	what.push(...(finding.logs || []).map((log) => link_to("event-sync-log", log, __("Event Sync Log"))));
	const pill = `<span class="indicator-pill ${FINDING_COLORS[finding.kind]}">${label_of(finding.kind)}</span>`;
	const first = `<td rowspan="${span}">${document_of(finding)}</td>
		<td rowspan="${span}">${pill}<br>${what.join("<br>")}</td>`;
	const cells = (fields.length ? fields : [["", "", ""]]).map((field) =>
		field.map((text) => `<td style="word-break: break-word">${escape(String(text))}</td>`).join("")
	);
	return cells.map((cell, number) => `<tr>${number ? "" : first}${cell}</tr>`).join("");
}

function document_of(finding) {
	const escape = frappe.utils.escape_html;
	const here = finding.local_name
		? link_to(frappe.router.slug(finding.local_doctype), finding.local_name, escape(finding.local_name))
		: escape(finding.remote_name);
	const there =
		finding.local_name && finding.local_name !== finding.remote_name
			? `<br>${__("On the producer: {0}", [escape(finding.remote_name)])}`
			: "";
	return `${escape(__(finding.local_doctype))}<br>${here}${there}`;
}

function link_to(slug, name, label) {
	return `<a href="/app/${slug}/${encodeURIComponent(name)}">${label}</a>`;
}

function ask_for_repair(frm, report) {
	const counts = report.counts || {};
	const plan = [];
	if (counts.Missing) plan.push(__("{0} documents that are missing here are brought.", [counts.Missing]));
	if (counts.Different) {
		plan.push(
			__("{0} documents are set to the producer's values, in the fields and rows that differ.", [
				counts.Different,
			])
		);
	}
	if (counts.Extra) {
		plan.push(
			__("{0} documents came from the producer and are not there any more: they are kept, unless you say so.", [
				counts.Extra,
			])
		);
	}
	plan.push(__("Each is looked at again first: what has changed since this comparison is taken into account."));
	if ((report.findings || []).some((finding) => (finding.reason || "").includes("Consumer Wins"))) {
		plan.push(__("Some were changed last on this site, which has the last word: their values here are lost."));
	}
	frappe.prompt(
		[
			{ fieldname: "plan", fieldtype: "HTML", options: `<ul><li>${plan.join("</li><li>")}</li></ul>` },
			{
				fieldname: "delete_extra",
				fieldtype: "Check",
				label: __("Delete what the producer has not got any more"),
				hidden: cint(counts.Extra) ? 0 : 1,
			},
		],
		(values) => start_repair(frm, values.delete_extra),
		__("Repair"),
		__("Repair")
	);
}

function start_repair(frm, delete_extra) {
	return frappe
		.call({
			method: `${PRODUCER_METHODS_OF_TASK}.start_repair`,
			args: {
				event_producer: frm.doc.event_producer,
				delete_extra: delete_extra ? 1 : 0,
				// what was shown is what is repaired, whatever has been verified since
				verify_task: frm.doc.name,
			},
			freeze: true,
		})
		.then((answer) => frappe.set_route("Form", "Event Streaming Task", answer.message.task));
}

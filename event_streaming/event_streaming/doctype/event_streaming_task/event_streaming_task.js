// The form of a task: what it has found (check_report.js, verify_report.js), and the way from a verify to a repair. It decides nothing.

const PRODUCER_METHODS_OF_TASK =
	"event_streaming.event_streaming.doctype.event_producer.event_producer";

frappe.ui.form.on("Event Streaming Task", {
	refresh(frm) {
		const report = parse_report(frm.doc.report);
		const compares = ["Verify", "Repair"].includes(frm.doc.kind);
		frm.toggle_display("findings_section", frm.doc.kind !== "Copy");
		if (frm.doc.kind === "Check") event_streaming.check.show(frm, report);
		else
			frm.get_field("findings").$wrapper.html(
				compares ? event_streaming.verify_report.describe(frm.doc, report) : ""
			);
		if (compares) event_streaming.verify_report.filter_by_pills(frm);
		if (["Queued", "Running", "Waiting"].includes(frm.doc.status)) {
			clearTimeout(frm.next_reload);
			frm.next_reload = setTimeout(() => is_task_shown(frm) && frm.reload_doc(), 3000);
		}
		if (
			frm.doc.kind === "Check" &&
			!["Queued", "Running", "Waiting"].includes(frm.doc.status)
		) {
			frm.add_custom_button(__("Check Again"), () => check_again(frm)).addClass(
				"btn-primary"
			);
		}
		if (frm.doc.kind === "Verify" && frm.doc.status === "Done" && frm.doc.differing) {
			frm.add_custom_button(__("Repair"), () => ask_for_repair(frm, report)).addClass(
				"btn-primary"
			);
		}
	},
});

function check_again(frm) {
	return frappe
		.xcall(`${PRODUCER_METHODS_OF_TASK}.start_check`, {
			event_producer: frm.doc.event_producer,
		})
		.then((check) => frappe.set_route("Form", "Event Streaming Task", check.task));
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

function ask_for_repair(frm, report) {
	const counts = report.counts || {};
	const notes = [__("Each document is checked again first, so that later changes are kept.")];
	if ((report.findings || []).some((finding) => finding.kept_here)) {
		notes.push(
			__(
				"Some were changed last on this site, whose values are kept in a conflict (Consumer Wins): a repair replaces them."
			)
		);
	}
	/** @type {[string, string, number][]} */
	const all_ticks = [
		[
			"Different",
			__("Set {0} documents to the producer's values, in the fields and rows that differ", [
				cint(counts.Different),
			]),
			1,
		],
		["Missing", __("Bring {0} documents that are missing here", [cint(counts.Missing)]), 1],
		[
			"Extra",
			__("Delete {0} documents that the producer does not have any more", [
				cint(counts.Extra),
			]),
			0,
		],
	];
	const ticks = all_ticks.filter(([kind]) => counts[kind]);
	const dialog = new frappe.ui.Dialog({
		title: __("Repair"),
		fields: [
			...ticks.map(([fieldname, label, checked]) => ({
				fieldname,
				label,
				fieldtype: "Check",
				default: checked,
			})),
			{
				fieldname: "notes",
				fieldtype: "HTML",
				options: `<p class="text-muted">${notes.join("<br>")}</p>`,
			},
		],
		primary_action_label: __("Repair"),
		primary_action(values) {
			const kinds = ticks.map(([kind]) => kind).filter((kind) => cint(values[kind]));
			if (!kinds.length) {
				frappe.show_alert({ message: __("Nothing is chosen."), indicator: "orange" });
				return;
			}
			dialog.hide();
			start_repair(frm, kinds);
		},
	});
	dialog.show();
}

function start_repair(frm, kinds) {
	return frappe
		.call({
			method: `${PRODUCER_METHODS_OF_TASK}.start_repair`,
			args: {
				event_producer: frm.doc.event_producer,
				kinds,
				delete_extra: kinds.includes("Extra") ? 1 : 0,
				// what was shown is what is repaired, whatever has been verified since
				verify_task: frm.doc.name,
			},
			freeze: true,
		})
		.then((answer) => frappe.set_route("Form", "Event Streaming Task", answer.message.task));
}

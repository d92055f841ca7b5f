// What a verify or a repair has found, as a person reads it, on the form of its task. It decides nothing.

frappe.provide("event_streaming");

event_streaming.verify_report = (() => {
	const COLORS = {
		Missing: "red",
		Different: "orange",
		Extra: "yellow",
		Open: "purple",
		"Under Way": "blue",
		Kept: "gray",
	};

	const KINDS = ["Different", "Missing", "Extra", "Open", "Under Way", "Kept"];

	function label_of(kind) {
		return {
			Missing: __("Missing"),
			Different: __("Different"),
			Extra: __("Only Here"),
			Open: __("Has Open Events"),
			"Under Way": __("Under Way"),
			Kept: __("Left Unchanged"),
		}[kind];
	}

	function describe(doc, report) {
		const counts = KINDS.map((kind) => [kind, cint((report.counts || {})[kind])]).filter(
			([, count]) => count
		);
		const found = sorted_findings(report.findings || []);
		const parts = [
			summary_of(doc, counts),
			`<p>${pills(counts)}</p>`,
			...withheld_lines(report),
		];
		if (found.length) parts.push(findings_table(found));
		const total = counts.reduce((sum, [, count]) => sum + cint(count), 0);
		if (total > found.length) {
			parts.push(
				`<p class="text-muted">${__(
					"The first {0} of {1} are listed. A repair covers all of them.",
					[found.length, total]
				)}</p>`
			);
		}
		for (const [doctype, about] of Object.entries(report.doctypes || {})) {
			parts.push(...describe_doctype(doctype, about));
		}
		return parts.join("");
	}

	// one line before everything else: what came of it
	function summary_of(doc, counts) {
		const count_of = Object.fromEntries(counts);
		const differing = ["Different", "Missing", "Extra"].reduce(
			(sum, kind) => sum + cint(count_of[kind]),
			0
		);
		let text = "";
		if (doc.kind === "Repair") {
			text = __("{0} repaired, {1} failed.", [cint(doc.made), cint(doc.failed)]);
		} else if (differing) {
			text = __("Documents that differ: {0}", [differing]);
		} else if (doc.status === "Done") {
			text = counts.length
				? __("No differences.")
				: __("All documents are the same on both sites.");
		}
		const bad = doc.kind === "Repair" ? cint(doc.failed) : differing;
		return text
			? `<p><span class="indicator ${bad ? "orange" : "green"}"><b>${text}</b></span></p>`
			: "";
	}

	// what can be repaired comes first, of a repair what failed
	function sorted_findings(found) {
		const place = (finding) =>
			KINDS.indexOf(finding.kind) - (finding.failed ? KINDS.length : 0);
		return [...found].sort((one, other) => place(one) - place(other));
	}

	// what is missing because it may not be read: in no count and in no list
	function withheld_lines(report) {
		return Object.entries(report.doctypes || {})
			.filter(([, about]) => about.withheld)
			.map(
				([doctype, about]) =>
					`<p class="text-danger">${__(
						"{0}: withheld documents: {1}. The user of this connection may not read them on the producer.",
						[frappe.utils.escape_html(__(doctype)), cint(about.withheld)]
					)}</p>`
			);
	}

	function describe_doctype(doctype, about) {
		const lines = [];
		const name = frappe.utils.escape_html(__(doctype));
		const listed = (names) => frappe.utils.escape_html(names.join(", "));
		if ((about.not_compared || []).length) {
			lines.push(__("{0}: not compared: {1}", [name, listed(about.not_compared)]));
		}
		if ((about.only_here || []).length) {
			lines.push(
				__("{0}: the producer has no such fields: {1}", [name, listed(about.only_here)])
			);
		}
		if (about.changed_since) {
			lines.push(
				__("{0}: only what has changed since {1} was compared.", [
					name,
					frappe.datetime.str_to_user(about.changed_since.slice(0, 19)),
				])
			);
		}
		if (about.extra_not_looked_for) {
			lines.push(
				__("{0}: with filters, documents that are only here are not looked for.", [name])
			);
		}
		return lines.map((line) => `<p class="text-muted small">${line}</p>`);
	}

	function pills(counts) {
		return counts
			.map(
				([kind, count]) =>
					`<button type="button" class="btn btn-xs btn-default mr-1 mb-1" data-filter-kind="${frappe.utils.escape_html(kind)}" aria-pressed="true">
					<span class="indicator ${COLORS[kind]}">${label_of(kind)}: ${cint(count)}</span></button>`
			)
			.join("");
	}

	// a click on a pill shows its kind alone; a second one all of them again
	function filter_by_pills(frm) {
		const wrapper = frm.get_field("findings").$wrapper;
		wrapper.off("click.kinds").on("click.kinds", "[data-filter-kind]", (event) => {
			const kind = event.currentTarget.dataset.filterKind;
			frm.shown_kind = frm.shown_kind === kind ? null : kind;
			show_kind(frm);
		});
		show_kind(frm);
	}

	function show_kind(frm) {
		const wrapper = frm.get_field("findings").$wrapper;
		wrapper.find("[data-filter-kind]").each((_index, pill) => {
			const on = !frm.shown_kind || frm.shown_kind === pill.dataset.filterKind;
			$(pill)
				.attr("aria-pressed", String(on))
				.css("opacity", on ? 1 : 0.5);
		});
		wrapper.find("tr[data-kind]").each((_index, row) => {
			$(row).toggle(!frm.shown_kind || frm.shown_kind === row.dataset.kind);
		});
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
		if (finding.more_fields) what.push(__("{0} more fields", [cint(finding.more_fields)]));
		what.push(
			...(finding.logs || []).map((log) =>
				link_to("event-sync-log", log, __("Event Sync Log"))
			)
		);
		const pill = `<span class="indicator-pill ${COLORS[finding.kind]}">${label_of(finding.kind)}</span>`;
		const first = `<td rowspan="${span}">${document_of(finding)}</td>
			<td rowspan="${span}">${pill}<br>${what.join("<br>")}</td>`;
		const cells = (fields.length ? fields : [["", "", ""]]).map((field) =>
			field
				.map(
					(text) =>
						`<td style="overflow-wrap: anywhere; min-width: 8em">${escape(String(text))}</td>`
				)
				.join("")
		);
		return cells
			.map(
				(cell, number) =>
					`<tr data-kind="${escape(finding.kind)}">${number ? "" : first}${cell}</tr>`
			)
			.join("");
	}

	function document_of(finding) {
		const escape = frappe.utils.escape_html;
		const here = finding.local_name
			? link_to(
					frappe.router.slug(finding.local_doctype),
					finding.local_name,
					escape(finding.local_name)
				)
			: escape(finding.remote_name);
		const there =
			finding.local_name && finding.local_name !== finding.remote_name
				? `<br>${__("On the producer: {0}", [escape(finding.remote_name)])}`
				: "";
		return `${escape(__(finding.local_doctype))}<br>${here}${there}`;
	}

	function link_to(slug, name, label) {
		return `<a href="/app/${encodeURIComponent(slug)}/${encodeURIComponent(name)}">${label}</a>`;
	}

	return { describe, filter_by_pills };
})();

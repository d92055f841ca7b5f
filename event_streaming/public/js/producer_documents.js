// The documents of an Event Producer, on its form: match, copy, verify and check them. It decides nothing.

frappe.provide("event_streaming");

event_streaming.producer_documents = (() => {
	const MATCHED = "event_streaming_matched";
	const { call, is_shown, start } = event_streaming.producer_tasks;

	function rows_to_match(frm) {
		return frm.doc.producer_doctypes.filter(
			(row) => row.match_by && row.status === "Approved" && !row.unsubscribe
		);
	}

	function preview_match(frm) {
		call(frm, "preview_match").then((answers) => show_match(frm, answers));
	}

	function show_match(frm, answers) {
		const found = answers.reduce((sum, answer) => sum + cint(answer.counts.found), 0);
		const dialog = new frappe.ui.Dialog({
			title: __("Match Existing Documents"),
			size: "large",
			fields: [{ fieldname: "answers", fieldtype: "HTML" }],
			primary_action_label: found ? __("Link {0} Documents", [found]) : __("Close"),
			primary_action() {
				dialog.hide();
				if (found) start_match(frm);
			},
		});
		const introduction = __(
			"Linking changes no values. A copy, or the next event of a document, overwrites those of this site with the producer's."
		);
		dialog.fields_dict.answers.$wrapper.html(
			`<p class="text-muted">${introduction}</p>${answers.map(describe_match).join("")}`
		);
		dialog.show();
	}

	function describe_match(answer) {
		const text = frappe.utils.escape_html;
		const kinds = Object.entries(match_kinds()).filter(([kind]) => answer.counts[kind]);
		const parts = kinds.map(([kind, label]) => {
			const rows = answer.rows[kind].map(
				(row) =>
					`<tr><td>${text(row.there)}</td><td>${text(row.here)}</td><td>${text(row.values.join(", "))}</td></tr>`
			);
			const head = [__("On the producer"), __("On this site"), __("Values")].map(
				(each) => `<th>${each}</th>`
			);
			return `<details><summary>${label}: ${cint(answer.counts[kind])}</summary><div class="table-responsive"><table
				class="table table-bordered"><thead><tr>${head.join("")}</tr></thead><tbody>${rows.join(
					""
				)}</tbody></table></div></details>`;
		});
		return `<h5>${text(__(answer.doctype))} · ${text(answer.match_by.join(", "))}</h5>${
			parts.join("") || __("Nothing on either site")
		}`;
	}

	function match_kinds() {
		return {
			found: __("To be linked"),
			linked: __("Linked already"),
			ambiguous: __("Ambiguous: more than one has these values"),
			taken: __("Linked to another document already"),
			forbidden: __("The Event Subscriber may not write it"),
			only_there: __("Only on the producer"),
			only_here: __("Only on this site"),
		};
	}

	function start_match(frm) {
		call(frm, "start_match").then(() =>
			frappe.show_alert({
				message: __("A background job links the documents."),
				indicator: "blue",
			})
		);
	}

	function show_matched(result) {
		frappe.msgprint({
			title: __("Match Existing Documents"),
			message: frappe.utils
				.escape_html(result.error || result.done.join("\n"))
				.replace(/\n/g, "<br>"),
			indicator: result.error ? "red" : "green",
		});
	}

	function ask_what_to_copy(frm) {
		ask_for_documents(frm, __("Copy Existing Documents"), __("Copy"), (values) =>
			start(
				frm,
				"start_copy",
				values,
				__(
					"A background job copies existing documents. Documents on this site are not changed."
				)
			)
		);
	}

	function ask_what_to_verify(frm) {
		const what_has_changed = {
			fieldname: "what_has_changed",
			fieldtype: "Check",
			label: __("What Has Changed"),
			description: __(
				"Only what either site knows to have changed since the last comparison. What was never compared is compared whole. Not with filters."
			),
		};
		const begin = (values) =>
			start(
				frm,
				"start_verify",
				values,
				__("A background job compares the documents of both sites. Nothing is changed.")
			);
		ask_for_documents(frm, __("Verify"), __("Verify"), begin, [what_has_changed]);
	}

	// changes nothing, so that nothing is asked first; also before anything is approved
	function check_before(frm) {
		if (frm.is_dirty()) {
			frappe.msgprint(__("Save the Event Producer first."));
			return;
		}
		start(
			frm,
			"start_check",
			{},
			__(
				"A background job checks both sites and tests the first documents. Nothing is changed."
			)
		);
	}

	// the dialog stays until the work has begun: what was chosen is not lost with a mistake
	function ask_for_documents(frm, title, action, then, more_fields = []) {
		const rows = frm.doc.producer_doctypes.filter(
			(row) => row.status === "Approved" && !row.unsubscribe
		);
		if (!rows.length) {
			frappe.msgprint(
				__(
					"No Document Type is approved by the producer yet, so that there is nothing to do."
				)
			);
			return;
		}
		const chosen_filters = {};
		let picker = null;
		// a mapping's fields are the producer's, which this site does not know
		const to_filter = rows.filter((row) => !row.has_mapping).map((row) => row.ref_doctype);
		const mapped = rows.some((row) => row.has_mapping);
		const dialog = new frappe.ui.Dialog({
			title,
			fields: [
				{
					fieldname: "doctypes",
					fieldtype: "MultiCheck",
					label: __("Document Types"),
					options: rows.map((row) => ({
						label: __(row.ref_doctype),
						value: row.ref_doctype,
						checked: 1,
					})),
					columns: 2,
				},
				...more_fields,
				{ fieldname: "filter_section", fieldtype: "Section Break", label: __("Filters") },
				{
					fieldname: "filter_doctype",
					fieldtype: "Select",
					label: __("Only Some Documents Of"),
					options: ["", ...to_filter].map((value) => ({
						value,
						label: value ? __(value) : "",
					})),
					hidden: to_filter.length ? 0 : 1,
					change: () => show_picker(),
				},
				{ fieldname: "picker", fieldtype: "HTML" },
				{
					fieldname: "filters",
					fieldtype: "Code",
					options: "JSON",
					label: __("Filters of Mapped Document Types"),
					hidden: mapped ? 0 : 1,
					description: __(
						'In the producer\'s fields, for example {"Customer": {"territory": "Bangkok"}}'
					),
				},
			],
			primary_action_label: action,
			primary_action(values) {
				keep_picked();
				let typed = {};
				try {
					typed = JSON.parse((values.filters || "").trim() || "{}");
				} catch {
					frappe.show_alert({
						message: __("The filters are not JSON."),
						indicator: "red",
					});
					return;
				}
				const wanted = values.doctypes || [];
				const picked = Object.fromEntries(
					Object.entries(chosen_filters).filter(
						([doctype, each]) => each.length && wanted.includes(doctype)
					)
				);
				const filters = { ...typed, ...picked };
				then({
					...Object.fromEntries(
						more_fields.map(({ fieldname }) => [fieldname, values[fieldname] || 0])
					),
					doctypes: wanted,
					filters: Object.keys(filters).length ? JSON.stringify(filters) : "",
				}).then(() => dialog.hide());
			},
		});

		function keep_picked() {
			if (picker)
				chosen_filters[picker.doctype] = picker
					.get_filters()
					.map((each) => each.slice(0, 4));
		}

		function show_picker() {
			const doctype = dialog.get_value("filter_doctype");
			if (picker && picker.doctype === doctype) return;
			keep_picked();
			picker = null;
			const wrapper = dialog.fields_dict.picker.$wrapper.empty();
			if (!doctype) return;
			frappe.model.with_doctype(doctype, () => {
				picker = new frappe.ui.FilterGroup({
					parent: wrapper,
					doctype,
					on_change: () => {},
				});
				picker.doctype = doctype;
				picker.add_filters_to_filter_group(chosen_filters[doctype] || []);
			});
		}

		dialog.show();
	}

	function listen(frm) {
		frappe.realtime.off(MATCHED);
		frappe.realtime.on(MATCHED, (result) => {
			if (is_shown(frm) && result.event_producer === frm.doc.name) show_matched(result);
		});
	}

	return {
		ask_what_to_copy,
		ask_what_to_verify,
		check_before,
		listen,
		preview_match,
		rows_to_match,
	};
})();

// Dialogs for set-up files and recipes, used by the forms of Event Producer and Event Streaming Settings. They decide nothing: the
// server says what would change, and what is wrong.

frappe.provide("event_streaming");

event_streaming.setup = (() => {
	const APPLY = "event_streaming.api.apply_setup";
	const FILE_NAME = "event-streaming-set-up.json";
	const text = (value) => frappe.utils.escape_html(String(value ?? ""));
	let known_recipes = null;

	// ---- recipes, on the form of a producer

	function add_recipe_button(frm) {
		known_recipes = known_recipes || frappe.xcall("event_streaming.api.recipes", {}, "GET");
		known_recipes.then((recipes) => {
			if (cur_frm !== frm || !recipes.length) return;
			frm.remove_custom_button(__("Use a Recipe"), __("Documents"));
			frm.add_custom_button(
				__("Use a Recipe"),
				() => choose_recipe(frm, recipes),
				__("Documents")
			);
		});
	}

	function choose_recipe(frm, recipes) {
		if (!frm.is_new() && frm.is_dirty()) {
			frappe.msgprint(__("Save the Event Producer first."));
			return;
		}
		const field = {
			fieldname: "recipe",
			fieldtype: "Select",
			label: __("Recipe"),
			options: [
				{ value: "", label: "" },
				...recipes.map(({ name, title }) => ({ value: name, label: title })),
			],
		};
		const where = frm.is_new() ? { for_new_producer: 1 } : { event_producer: frm.doc.name };
		open_dialog(
			__("Use a Recipe"),
			field,
			(values) => (values.recipe ? { recipe: values.recipe, ...where } : null),
			(result) => {
				if (frm.is_new()) fill_form(frm, result.form);
				else frm.reload_doc();
			}
		);
	}

	// a form that is not saved yet takes the rows itself
	function fill_form(frm, form) {
		if (!form) return;
		const rows = frm.doc.producer_doctypes || [];
		rows.filter((row) => !row.ref_doctype).forEach((row) =>
			frappe.model.clear_doc(row.doctype, row.name)
		);
		frm.doc.producer_doctypes = rows.filter((row) => row.ref_doctype);
		const there = frm.doc.producer_doctypes.map((row) => row.ref_doctype);
		form.rows
			.filter((row) => !there.includes(row.ref_doctype))
			.forEach((row) => frm.add_child("producer_doctypes", row));
		frm.set_value(form.values);
		frm.refresh_field("producer_doctypes");
		frm.dirty();
	}

	// ---- files, on the settings

	function add_file_buttons(frm) {
		frm.add_custom_button(__("Export Set-Up"), export_file, __("Set-Up"));
		frm.add_custom_button(__("Apply a Set-Up File"), () => choose_file(frm), __("Set-Up"));
	}

	function export_file() {
		frappe.xcall("event_streaming.api.export_setup", {}, "GET").then((content) => {
			const link = document.createElement("a");
			link.href = URL.createObjectURL(new Blob([content], { type: "application/json" }));
			link.download = FILE_NAME;
			link.click();
			setTimeout(() => URL.revokeObjectURL(link.href), 1000);
		});
	}

	function choose_file(frm) {
		const input = document.createElement("input");
		input.type = "file";
		input.accept = ".json,application/json";
		input.onchange = () => {
			const [file] = input.files || [];
			if (file) file.text().then((content) => show_file(frm, file.name, content));
		};
		input.click();
	}

	function show_file(frm, name, content) {
		const field = {
			fieldname: "event_producer",
			fieldtype: "Link",
			options: "Event Producer",
			label: __("Event Producer"),
			description: __(
				"Only needed if the file names no Event Producer, or not the one you mean"
			),
		};
		const title = __("Apply {0}", [text(name)]);
		const dialog = open_dialog(
			title,
			field,
			(values) => ({ setup: content, event_producer: values.event_producer || undefined }),
			() => frm.reload_doc()
		);
		dialog.look();
	}

	// ---- what both show first, and then do

	function open_dialog(title, field, arguments_of, then) {
		let seen = null;
		const dialog = new frappe.ui.Dialog({
			title,
			size: "extra-large",
			// a list of choices that opens by itself would cover what is shown
			no_focus: true,
			fields: [
				{ ...field, onchange: () => dialog.look() },
				{ fieldname: "changes", fieldtype: "HTML" },
			],
			primary_action_label: __("Apply"),
			primary_action() {
				if (!seen) return;
				const args = { ...arguments_of(dialog.get_values(true) || {}), shown: seen.shown };
				call(args).then((result) => {
					dialog.hide();
					show_result(result);
					then(result);
				});
			},
		});
		let asked = "";
		dialog.look = () => {
			const args = arguments_of(dialog.get_values(true) || {});
			const question = JSON.stringify(args);
			// a control tells of the same choice more than once
			if (question === asked) return;
			asked = question;
			seen = null;
			dialog.get_primary_btn().prop("disabled", true);
			dialog.fields_dict.changes.$wrapper.empty();
			if (!args) return;
			call({ ...args, dry_run: 1 }).then((result) => {
				if (question !== asked) return;
				seen = result.mistakes.length || !result.changes.length ? null : result;
				dialog.get_primary_btn().prop("disabled", !seen);
				dialog.fields_dict.changes.$wrapper.html(describe(result));
			});
		};
		dialog.get_primary_btn().prop("disabled", true);
		dialog.show();
		return dialog;
	}

	function call(args) {
		return frappe.call({ method: APPLY, args, freeze: true }).then((answer) => answer.message);
	}

	function describe(result) {
		const parts = [];
		if (result.description) parts.push(`<p>${text(result.description)}</p>`);
		if (result.mistakes.length) {
			parts.push(
				`<p class="text-danger">${__("This can't be applied. Nothing was changed.")}</p>`
			);
			parts.push(
				table(
					[__("Where in the File"), __("Mistake")],
					result.mistakes.map((each) => [each.path, each.problem])
				)
			);
			return parts.join("");
		}
		parts.push(
			`<p class="text-muted">${__("What is not listed here is left alone, and nothing is removed.")}</p>`
		);
		parts.push(...to_do(result), ...by_document(result.changes));
		if (!result.changes.length)
			parts.push(
				`<p>${__("Nothing to change: this site is already set up like this.")}</p>`
			);
		return parts.join("");
	}

	// a heading and a table for each document
	function by_document(changes) {
		const groups = new Map();
		changes.forEach((each) => {
			const where =
				each.doctype === each.name
					? __(each.doctype)
					: `${__(each.doctype)}: ${each.name || __("This form")}`;
			groups.set(where, [...(groups.get(where) || []), each]);
		});
		return [...groups].map(([where, group]) => {
			// what is new was nothing before
			const all_new = group.every((each) => each.new);
			const head = all_new ? [__("What"), __("To")] : [__("What"), __("From"), __("To")];
			const rows = group.map((each) =>
				all_new ? [each.what, each.to] : [each.what, each.from, each.to]
			);
			return `<h5>${text(where)}</h5>${table(head, rows)}`;
		});
	}

	function to_do(result) {
		const away = result.not_here.map((each) =>
			each.producer_url
				? __(
						"There is no Event Producer {0} on this site: its rows are left out. Make it with its keys, then apply the file again.",
						[text(each.producer_url)]
					)
				: __(
						"This site has no Event Producer that the rows could be for. Make it with its keys, then apply the file again."
					)
		);
		const maps = result.to_fill_in.map(
			(each) =>
				`${text(each.message)} <a href="/app/document-type-value-map/${encodeURIComponent(each.value_map)}">${__("Open")}</a>`
		);
		return [...away, ...maps].map((line) => `<p class="text-warning">${line}</p>`);
	}

	function show_result(result) {
		const lines = [
			`<p>${__("{0} changes applied.", [result.changes.length])}</p>`,
			...to_do(result),
		];
		if (result.form) {
			lines.unshift(
				`<p>${__("The rows were added to the form. Fill in the rest, then save.")}</p>`
			);
		} else if (result.changes.some((each) => each.doctype === "Event Producer" && each.new)) {
			lines.push(
				`<p>${__("New rows have to be approved by the administrator of the producer.")}</p>`
			);
		}
		frappe.msgprint({
			title: __("Set-Up Applied"),
			message: lines.join(""),
			indicator: lines.length > 2 ? "orange" : "green",
		});
	}

	function table(head, rows) {
		const first = 'style="min-width: 9em"';
		const cells = (row, tag) =>
			row.map((cell, at) => `<${tag} ${at ? "" : first}>${text(cell)}</${tag}>`).join("");
		return `<div class="table-responsive"><table class="table table-bordered table-sm"><thead><tr>${cells(head, "th")}</tr></thead>
			<tbody>${rows.map((row) => `<tr>${cells(row, "td")}</tr>`).join("")}</tbody></table></div>`;
	}

	return { add_recipe_button, add_file_buttons };
})();

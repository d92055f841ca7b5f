// Invite a Site and Join With a Code: the dialogs on the lists of Event Consumer, Event Producer and Event Streaming Invitation. They
// decide nothing: the server says what a code offers, what is against it, and what has come of it.

frappe.provide("event_streaming");

event_streaming.pairing = (() => {
	const API = "event_streaming.api";
	const STEP = "event_streaming_joining";
	const ACTIVE = ["Queued", "Running"];
	const text = (value) => frappe.utils.escape_html(String(value ?? ""));
	const call = (method, args, freeze = true) =>
		frappe.call({ method: `${API}.${method}`, args, freeze }).then((answer) => answer.message);

	// ---- on the site whose documents are to go over

	function add_invite_button(listview) {
		listview.page.add_inner_button(__("Invite a Site"), () => invite(listview));
	}

	function invite(listview) {
		frappe.xcall(`${API}.recipes`, {}, "GET").then((recipes) => {
			const dialog = new frappe.ui.Dialog({
				title: __("Invite a Site"),
				size: "large",
				no_focus: true,
				fields: fields_of_invitation(recipes, () => choose_recipe(dialog)),
				primary_action_label: __("Make the Code"),
				// the rows of a recipe may still be on their way
				primary_action: () => Promise.resolve(dialog.rows_coming).then(() => make_code(dialog, listview)),
			});
			dialog.show();
		});
	}

	function make_code(dialog, listview) {
		const values = dialog.get_values();
		if (!values) return;
		const doctypes = (values.doctypes || []).filter((row) => row.document_type);
		if (!doctypes.length) {
			frappe.msgprint(__("Add the Document Types that the other site is to get, or choose a recipe."));
			return;
		}
		call("invite", { ...values, doctypes: JSON.stringify(doctypes) }).then((made) => {
			dialog.hide();
			show_code(made);
			listview.refresh();
		});
	}

	function fields_of_invitation(recipes, on_recipe) {
		return [
			{
				fieldname: "invited",
				fieldtype: "Data",
				label: __("Site to Invite"),
				description: __("A name for you to know it by, such as Shop 7"),
			},
			{ fieldtype: "Column Break" },
			{
				fieldname: "recipe",
				fieldtype: "Select",
				label: __("Recipe"),
				options: [{ value: "", label: "" }, ...recipes.map(({ name, title }) => ({ value: name, label: title }))],
				description: __("Fills in the Document Types"),
				onchange: on_recipe,
			},
			{ fieldtype: "Section Break" },
			{
				fieldname: "doctypes",
				fieldtype: "Table",
				label: __("Document Types"),
				description: __("Condition: only documents that meet it are sent, for example doc.public == 1. Fields Not Sent: field names, separated by commas"),
				in_place_edit: true,
				data: [],
				fields: [
					{
						fieldname: "document_type",
						fieldtype: "Link",
						options: "DocType",
						label: __("Document Type"),
						in_list_view: 1,
						columns: 4,
						get_query: () => ({ filters: { istable: 0, is_virtual: 0 } }),
					},
					{ fieldname: "condition", fieldtype: "Data", label: __("Condition"), in_list_view: 1, columns: 4 },
					{
						fieldname: "fields_not_sent",
						fieldtype: "Data",
						label: __("Fields Not Sent"),
						in_list_view: 1,
						columns: 2,
					},
				],
			},
			{ fieldtype: "Section Break" },
			{
				fieldname: "both_directions",
				fieldtype: "Check",
				label: __("Both Directions"),
				description: __("This site gets the same Document Types from the other one"),
			},
			{
				fieldname: "copy_existing",
				fieldtype: "Check",
				label: __("Copy Existing Documents"),
				default: 1,
				description: __("Begins as soon as the other site has joined"),
			},
			{ fieldtype: "Column Break" },
			{
				fieldname: "expires_in_hours",
				fieldtype: "Int",
				label: __("Valid for Hours"),
				default: 24,
				reqd: 1,
			},
			{
				fieldname: "only_address",
				fieldtype: "Data",
				label: __("Only for This Address"),
				description: __("Optional: the Public URL of the other site, so that the code is of no use to another"),
			},
		];
	}

	function choose_recipe(dialog) {
		const recipe = dialog.get_value("recipe") || "";
		// a control tells of the same choice more than once
		if (recipe === (dialog.chosen_recipe || "")) return;
		dialog.chosen_recipe = recipe;
		const show = (rows) => {
			if (recipe !== dialog.chosen_recipe) return;
			dialog.fields_dict.doctypes.df.data = rows;
			dialog.fields_dict.doctypes.grid.df.data = rows;
			dialog.fields_dict.doctypes.grid.refresh();
		};
		dialog.rows_coming = recipe ? call("offered_rows", { recipe }, false).then(show) : show([]);
	}

	// the only time that the code is shown
	function show_code(made) {
		const dialog = new frappe.ui.Dialog({
			title: __("Code for the Other Site"),
			size: "large",
			no_focus: true,
			static: true,
			fields: [
				{ fieldname: "introduction", fieldtype: "HTML" },
				{ fieldname: "code", fieldtype: "Small Text", label: __("Code"), read_only: 0, default: made.code },
				{ fieldname: "more", fieldtype: "HTML" },
			],
			primary_action_label: __("Copy the Code"),
			primary_action() {
				frappe.utils.copy_to_clipboard(made.code);
			},
			secondary_action_label: __("Close"),
			secondary_action() {
				dialog.hide();
			},
		});
		const until = frappe.datetime.str_to_user(made.expires_on);
		dialog.fields_dict.introduction.$wrapper.html(
			`<p>${__("On the other site, open the list of Event Producers, press {0} and paste this code.", [
				`<b>${__("Join With a Code")}</b>`,
			])}</p>`
		);
		const lines = [
			__("It is valid once, until {0}, and is not shown again. Hand it over as you would a password.", [until]),
			...made.notes,
		];
		dialog.fields_dict.more.$wrapper.html(lines.map((line) => `<p class="text-muted">${text(line)}</p>`).join(""));
		dialog.fields_dict.code.$input.prop("readonly", true).css({ height: "10em", "font-family": "monospace" });
		dialog.show();
	}

	// ---- on the site that is to get documents

	function add_join_button(listview) {
		listview.page.add_inner_button(__("Join With a Code"), () => ask_for_code(listview));
	}

	function ask_for_code(listview) {
		const dialog = new frappe.ui.Dialog({
			title: __("Join With a Code"),
			size: "large",
			fields: [
				{
					fieldname: "code",
					fieldtype: "Small Text",
					label: __("Code"),
					reqd: 1,
					description: __("From the other site: Event Consumer, Invite a Site"),
				},
				{ fieldname: "offered", fieldtype: "HTML" },
			],
			primary_action_label: __("Continue"),
			primary_action({ code }) {
				call("look_at_invitation", { code }).then((seen) => show_offer(dialog, listview, code, seen));
			},
		});
		dialog.show();
	}

	function show_offer(dialog, listview, code, seen) {
		dialog.set_df_property("code", "hidden", 1);
		dialog.fields_dict.offered.$wrapper.html(describe_offer(seen));
		if (seen.mistakes.length) {
			dialog.get_primary_btn().addClass("hide");
			return;
		}
		dialog.set_primary_action(__("Join"), () => join(dialog, listview, code, seen));
	}

	function describe_offer(seen) {
		const parts = [
			`<p>${__("{0} offers these Document Types. This site is known there as {1}.", [
				`<b>${text(seen.site)}</b>`,
				`<b>${text(seen.own_address)}</b>`,
			])}</p>`,
			table(
				[__("Document Type"), __("Condition")],
				seen.rows.map((row) => [__(row.doctype), row.condition])
			),
		];
		if (seen.both_directions) {
			parts.push(`<p><b>${__("Both directions: {0} gets the same Document Types from this site.", [text(seen.site)])}</b></p>`);
		}
		if (seen.mistakes.length) {
			parts.push(
				`<p class="text-danger">${__("This site can't join like this. Nothing was changed, and the code is still good.")}</p>`,
				`<ul>${seen.mistakes.map((each) => `<li>${text(each)}</li>`).join("")}</ul>`
			);
		} else {
			parts.push(
				`<p class="text-muted">${__("Join makes the user, the keys and the Event Producer, and these Document Types are approved at once.")}</p>`
			);
		}
		return parts.join("");
	}

	function join(dialog, listview, code, seen) {
		const steps = [];
		const show = () =>
			dialog.fields_dict.offered.$wrapper.html(
				`<ul class="list-unstyled">${steps.map((step) => `<li>${text(step)} …</li>`).join("")}</ul>`
			);
		const on_step = ({ step }) => {
			steps.push(step);
			show();
		};
		frappe.realtime.on(STEP, on_step);
		dialog.get_primary_btn().prop("disabled", true);
		const args = { code, shown: seen.shown };
		const freeze_message = __("Joining {0}", [text(seen.site)]);
		Promise.resolve(frappe.call({ method: `${API}.join`, args, freeze: true, freeze_message }))
			.then((answer) => show_result(dialog, listview, answer.message))
			.catch(() => {
				dialog.fields_dict.offered.$wrapper.html(describe_offer(seen));
				dialog.get_primary_btn().prop("disabled", false);
			})
			.finally(() => frappe.realtime.off(STEP, on_step));
	}

	function show_result(dialog, listview, done) {
		const form = `/app/event-producer/${encodeURIComponent(done.event_producer)}`;
		const names = (doctypes) => text(doctypes.map((each) => __(each)).join(", "));
		const lines = [];
		if (done.approved.length) lines.push(__("This site gets: {0}", [names(done.approved)]));
		if (done.given.length) lines.push(__("This site gives: {0}", [names(done.given)]));
		dialog.set_title(__("Joined"));
		dialog.fields_dict.offered.$wrapper.html(
			[
				...lines.map((line) => `<p>${line}</p>`),
				`<p class="joining-progress" aria-live="polite"></p>`,
				...done.next.map((line) => `<p class="text-muted">${text(line)}</p>`),
			].join("")
		);
		dialog.get_primary_btn().prop("disabled", false);
		dialog.set_primary_action(__("Open the Event Producer"), () => {
			dialog.hide();
			frappe.set_route("Form", "Event Producer", done.event_producer);
		});
		dialog.$wrapper.find(".joining-progress").attr("data-form", form);
		if (done.copying.length) watch_copy(dialog, done.event_producer);
		listview.refresh();
	}

	// how far the first copy has got, for as long as somebody looks
	function watch_copy(dialog, event_producer) {
		const method = "event_streaming.event_streaming.doctype.event_producer.event_producer.get_progress";
		frappe.xcall(method, { event_producer }).then((tasks) => {
			const work = tasks.find((each) => each.kind === "Copy");
			const total = work ? Math.max(cint(work.total), cint(work.done)) : 0;
			const line = !total && (!work || ACTIVE.includes(work.status))
				? __("The copy is about to begin.")
				: __("{0} of {1} documents copied, {2} failed.", [cint(work.done), total, cint(work.failed)]);
			dialog.$wrapper.find(".joining-progress").text(line);
			if (dialog.display && (!work || ACTIVE.includes(work.status))) {
				setTimeout(() => watch_copy(dialog, event_producer), 2000);
			}
		});
	}

	// ---- invitations

	function add_withdraw_button(listview) {
		listview.page.add_actions_menu_item(__("Withdraw"), () => {
			const names = listview.get_checked_items(true);
			frappe.confirm(__("The codes of {0} invitations will be good for nothing. Withdraw?", [names.length]), () =>
				names
					.reduce((before, invitation) => before.then(() => call("withdraw_invitation", { invitation })), Promise.resolve())
					.then(() => listview.refresh())
			);
		});
	}

	function table(head, rows) {
		const cells = (row, tag) => row.map((cell) => `<${tag}>${text(cell)}</${tag}>`).join("");
		return `<div class="table-responsive"><table class="table table-bordered table-sm"><thead><tr>${cells(head, "th")}</tr></thead>
			<tbody>${rows.map((row) => `<tr>${cells(row, "td")}</tr>`).join("")}</tbody></table></div>`;
	}

	return { add_invite_button, add_join_button, add_withdraw_button };
})();

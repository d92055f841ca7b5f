// Invite a Site: the dialog on the lists of Event Consumer and Event Streaming Invitation. It decides nothing: the server makes the code.

frappe.provide("event_streaming");

event_streaming.invite = (() => {
	const API = "event_streaming.api";
	const text = (value) => frappe.utils.escape_html(String(value ?? ""));
	const call = (method, args, freeze = true) =>
		frappe.call({ method: `${API}.${method}`, args, freeze }).then((answer) => answer.message);

	function add_button(listview) {
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
				primary_action: () =>
					Promise.resolve(dialog.rows_coming).then(() => make_code(dialog, listview)),
			});
			dialog.show();
		});
	}

	function make_code(dialog, listview) {
		const values = dialog.get_values();
		if (!values) return;
		const doctypes = (values.doctypes || []).filter((row) => row.document_type);
		if (!doctypes.length) {
			frappe.msgprint(
				__("Add the Document Types that the other site is to get, or choose a recipe.")
			);
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
				options: [
					{ value: "", label: "" },
					...recipes.map(({ name, title }) => ({ value: name, label: title })),
				],
				description: __("Fills in the Document Types"),
				onchange: on_recipe,
			},
			{ fieldtype: "Section Break" },
			{
				fieldname: "doctypes",
				fieldtype: "Table",
				label: __("Document Types"),
				description: __(
					"Condition: only documents that meet it are sent, for example doc.public == 1. Fields Not Sent: field names, separated by commas"
				),
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
					{
						fieldname: "condition",
						fieldtype: "Data",
						label: __("Condition"),
						in_list_view: 1,
						columns: 4,
					},
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
				description: __(
					"Optional: the Public URL of the other site. No other site can then use the code"
				),
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
		dialog.rows_coming = recipe
			? call("offered_rows", { recipe }, false).then(show)
			: show([]);
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
				{
					fieldname: "code",
					fieldtype: "Small Text",
					label: __("Code"),
					read_only: 0,
					default: made.code,
				},
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
			`<p>${__(
				"On the other site, open the list of Event Producers, press {0} and paste this code.",
				[`<b>${__("Join With a Code")}</b>`]
			)}</p>`
		);
		const lines = [
			__(
				"It is valid once, until {0}, and is not shown again. Hand it over as you would a password.",
				[until]
			),
			...made.notes,
		];
		dialog.fields_dict.more.$wrapper.html(
			lines.map((line) => `<p class="text-muted">${text(line)}</p>`).join("")
		);
		dialog.fields_dict.code.$input
			.prop("readonly", true)
			.css({ height: "10em", "font-family": "monospace" });
		dialog.show();
	}

	function add_withdraw_button(listview) {
		listview.page.add_actions_menu_item(__("Withdraw"), () => {
			const names = listview.get_checked_items(true);
			frappe.confirm(
				__("The codes of {0} invitations can't be used after this. Withdraw them?", [
					names.length,
				]),
				() =>
					names
						.reduce(
							(before, invitation) =>
								before.then(() => call("withdraw_invitation", { invitation })),
							Promise.resolve()
						)
						.then(() => listview.refresh())
			);
		});
	}

	return { add_button, add_withdraw_button };
})();

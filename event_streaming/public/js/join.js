// Join With a Code: the dialog on the list of Event Producers. It decides nothing: the server says what a code offers, what is against
// it, and what has come of it.

frappe.provide("event_streaming");

event_streaming.join = (() => {
	const API = "event_streaming.api";
	const STEP = "event_streaming_joining";
	const ACTIVE = ["Queued", "Running"];
	const text = (value) => frappe.utils.escape_html(String(value ?? ""));
	const call = (method, args, freeze = true) =>
		frappe.call({ method: `${API}.${method}`, args, freeze }).then((answer) => answer.message);

	function add_button(listview) {
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
				call("look_at_invitation", { code }).then((seen) =>
					show_offer(dialog, listview, code, seen)
				);
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
			parts.push(
				`<p><b>${__("Both directions: {0} gets the same Document Types from this site.", [text(seen.site)])}</b></p>`
			);
		}
		if (seen.mistakes.length) {
			parts.push(
				`<p class="text-danger">${__("This site can't join like this. Nothing was changed, and the code is still good.")}</p>`,
				`<ul>${seen.mistakes.map((each) => `<li>${text(each)}</li>`).join("")}</ul>`
			);
		} else {
			parts.push(
				`<p class="text-muted">${__("Join creates the user, the keys and the Event Producer, and approves these Document Types at once.")}</p>`
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
		const method =
			"event_streaming.event_streaming.doctype.event_producer.event_producer.get_progress";
		frappe.xcall(method, { event_producer }).then((tasks) => {
			const work = tasks.find((each) => each.kind === "Copy");
			const total = work ? Math.max(cint(work.total), cint(work.done)) : 0;
			const line =
				!total && (!work || ACTIVE.includes(work.status))
					? __("The copy is about to begin.")
					: __("{0} of {1} documents copied, {2} failed.", [
							cint(work.done),
							total,
							cint(work.failed),
						]);
			dialog.$wrapper.find(".joining-progress").text(line);
			if (dialog.display && (!work || ACTIVE.includes(work.status))) {
				setTimeout(() => watch_copy(dialog, event_producer), 2000);
			}
		});
	}

	function table(head, rows) {
		const cells = (row, tag) => row.map((cell) => `<${tag}>${text(cell)}</${tag}>`).join("");
		return `<div class="table-responsive"><table class="table table-bordered table-sm"><thead><tr>${cells(head, "th")}</tr></thead>
			<tbody>${rows.map((row) => `<tr>${cells(row, "td")}</tr>`).join("")}</tbody></table></div>`;
	}

	return { add_button, describe_offer };
})();

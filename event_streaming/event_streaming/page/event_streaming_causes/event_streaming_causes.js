// Why events have failed, cause by cause, and what mends all events of one at once. What it shows, and what may be done, is
// decided on the server: event_streaming.api, which has the same for scripts.

(() => {
	const API = "event_streaming.api";
	const REALTIME = "event_streaming_causes";
	const LOOK_AGAIN_MS = 2500;
	const OPEN = ["Failed", "Retrying", "Conflict"];
	const COLOURS = { Failed: "red", Retrying: "orange", Conflict: "purple" };
	const STYLE = `<style>
		.event-streaming-causes { overflow-wrap: anywhere; padding: var(--padding-md, 15px); }
		.event-streaming-causes .frappe-card { border: 1px solid var(--border-color); }
		.event-streaming-causes h4 { font-size: var(--text-lg); margin: 0; }
		.event-streaming-causes .problem { font-family: var(--font-stack-monospace, monospace); font-size: var(--text-sm); }
		.event-streaming-causes .actions { display: flex; flex-wrap: wrap; gap: var(--margin-sm, 8px); }
		.event-streaming-causes dl { display: grid; grid-template-columns: max-content 1fr; gap: 2px 12px; margin-bottom: 12px; }
		.event-streaming-causes dt { font-weight: normal; color: var(--text-color); opacity: .85; }
		.event-streaming-causes dd { margin: 0; }
		.event-streaming-causes dd a { text-decoration: underline; }
		@media (max-width: 600px) { .event-streaming-causes dl { grid-template-columns: 1fr; } }
	</style>`;

	frappe.pages["event-streaming-causes"].on_page_load = (wrapper) => {
		const page = frappe.ui.make_app_page({
			parent: wrapper,
			title: __("Causes of Failures"),
			single_column: true,
		});
		wrapper.causes = new Causes(page);
	};
	frappe.pages["event-streaming-causes"].on_page_show = (wrapper) =>
		wrapper.causes && wrapper.causes.show();

	class Causes {
		constructor(page) {
			this.page = page;
			this.causes = {};
			$(STYLE).appendTo(page.main);
			this.body = $(
				'<div class="event-streaming-causes" role="region" aria-live="polite"></div>'
			).appendTo(page.main);
			this.body.attr("aria-label", __("Causes of Failures"));
			this.producer = page.add_field({
				fieldname: "event_producer",
				fieldtype: "Link",
				options: "Event Producer",
				label: __("Event Producer"),
				change: () => this.refresh(),
			});
			page.set_secondary_action(__("Refresh"), () => this.refresh(), "refresh");
			page.add_menu_item(__("Event Sync Log"), () =>
				frappe.set_route("List", "Event Sync Log")
			);
			this.body.on("click", "button[data-action]", (event) =>
				this.act(event.currentTarget.dataset)
			);
			frappe.realtime.on(REALTIME, () => this.shown() && this.refresh());
		}

		// whoever comes from a connection sees its causes
		show() {
			const { event_producer } = frappe.route_options || {};
			// the Desk looks at the others when this is done
			if (event_producer) delete frappe.route_options.event_producer;
			// setting the field refreshes by itself
			if (event_producer && event_producer !== this.producer.get_value())
				this.producer.set_value(event_producer);
			else this.refresh();
		}

		shown() {
			return frappe.get_route()[0] === "event-streaming-causes";
		}

		refresh() {
			clearTimeout(this.timer);
			const asked = (this.asked = (this.asked || 0) + 1);
			return frappe
				.xcall(
					`${API}.causes`,
					{ event_producer: this.producer.get_value() || null },
					"GET"
				)
				.then((causes) => {
					// an answer that a later one has overtaken
					if (asked !== this.asked) return;
					this.causes = Object.fromEntries(causes.map((cause) => [cause.cause, cause]));
					this.body.html(causes.length ? causes.map(card).join("") : nothing());
					if (causes.some((cause) => at_work(cause.under_way))) {
						this.timer = setTimeout(
							() => this.shown() && this.refresh(),
							LOOK_AGAIN_MS
						);
					}
				});
		}

		act({ action, cause }) {
			const known = this.causes[cause];
			const actions = {
				show: () =>
					frappe.set_route("List", "Event Sync Log", { cause, status: ["in", OPEN] }),
				retry: () => this.call("retry_cause", { cause }),
				skip: () => this.ask_reason(known),
				adopt: () => this.show_links(known),
				add_to_value_map: () => this.ask_values(known),
			};
			actions[action]();
		}

		call(method, args) {
			return frappe
				.call({
					method: `${API}.${method}`,
					args,
					freeze: true,
					freeze_message: __("Working on it"),
				})
				.then((answer) => {
					const result = answer.message;
					frappe.show_alert(
						{
							message: frappe.utils.escape_html(result.message),
							indicator: result.queued ? "blue" : "green",
						},
						10
					);
					return this.refresh();
				});
		}

		ask_reason(cause) {
			frappe.prompt(
				[
					{
						fieldname: "reason",
						fieldtype: "Small Text",
						label: __("Reason"),
						reqd: 1,
						description: __(
							"Events that will not be applied: {0}. Their documents stay as they are on this site. The reason is kept in the audit log.",
							[cint(cause.count)]
						),
					},
				],
				({ reason }) => this.call("skip_cause", { cause: cause.cause, reason }),
				__("Skip All With a Reason"),
				__("Skip All")
			);
		}

		show_links(cause) {
			frappe
				.xcall(`${API}.adopt_cause`, { cause: cause.cause, preview: 1 })
				.then((shown) => {
					const text = frappe.utils.escape_html;
					const named = shown.links
						.slice(0, 20)
						.map(
							(link) =>
								`<li>${text(__(link.doctype))} ${text(link.document)} · ${text(link.event_producer)}</li>`
						);
					const more =
						shown.count > named.length
							? `<p>${__("And {0} more", [shown.count - named.length])}</p>`
							: "";
					const not = shown.impossible
						.slice(0, 20)
						.map((each) => `<li>${text(each.document)}: ${text(each.problem)}</li>`);
					const impossible = not.length
						? `<p>${__("{0} can't be adopted:", [cint(shown.impossible_count)])}</p><ul>${not.join("")}</ul>`
						: "";
					if (!shown.count) {
						frappe.msgprint({
							title: __("Adopt All"),
							message: impossible,
							indicator: "orange",
						});
						return;
					}
					frappe.confirm(
						`<p>${__(
							"Link these local documents to the producer's? Their values will be overwritten."
						)}</p><ul>${named.join("")}</ul>${more}${impossible}`,
						() => this.call("adopt_cause", { cause: cause.cause })
					);
				});
		}

		ask_values(cause) {
			frappe
				.xcall(`${API}.values_of_cause`, { cause: cause.cause }, "GET")
				.then(({ value_map, values }) => {
					const fields = values.map((each, index) => ({
						fieldname: `value_${index}`,
						fieldtype: "Data",
						label: escape(each.value),
						description: __("Events: {0}", [cint(each.count)]),
					}));
					const dialog = new frappe.ui.Dialog({
						title: __("Add to Value Map {0}", [escape(value_map)]),
						fields: [
							{
								fieldname: "help",
								fieldtype: "HTML",
								options: `<p>${__("Enter the value on this site for each of these values of the producer:")}</p>`,
							},
							...fields,
						],
						primary_action_label: __("Add and Retry"),
						primary_action: (given) => {
							dialog.hide();
							const pairs = Object.fromEntries(
								values.map((each, index) => [
									each.value,
									given[`value_${index}`] || "",
								])
							);
							this.call("add_to_value_map", {
								cause: cause.cause,
								value_map,
								pairs,
							});
						},
					});
					dialog.show();
				});
		}
	}

	function at_work(progress) {
		return progress && !progress.ended && !progress.stopped;
	}

	// what comes of errors, names and addresses is the other site's
	const escape = (value) => frappe.utils.escape_html(String(value ?? ""));

	function nothing() {
		return `<div class="frappe-card p-4 text-center">${__("Nothing has failed.")}</div>`;
	}

	function card(cause) {
		const about = [cause.doctype && __(cause.doctype), cause.field]
			.filter(Boolean)
			.map(escape)
			.join(" · ");
		const pills = Object.entries(cause.statuses)
			.map(
				([status, count]) =>
					`<span class="indicator-pill ${COLOURS[status]} mr-2">${cint(count)} ${escape(__(status))}</span>`
			)
			.join("");
		const rows = [
			[__("Example"), example(cause.example)],
			[__("First"), escape(frappe.datetime.str_to_user(cause.first))],
			[__("Last"), escape(frappe.datetime.str_to_user(cause.last))],
			[__("Event Producer"), cause.producers.map(escape).join(", ")],
		].map(([label, value]) => `<dt>${label}</dt><dd>${value}</dd>`);
		return `<section class="frappe-card p-4 mb-4" data-cause="${escape(cause.cause)}">
			<div class="d-flex flex-wrap justify-content-between mb-2" style="gap: 8px">
				<h4>${escape(cause.title)}${about ? `: ${about}` : ""}</h4><div>${pills}</div>
			</div>
			<p class="problem">${escape(cause.problem)}</p>
			<p><b>${__("How to fix it")}:</b> ${escape(cause.remedy)}</p>
			<dl>${rows.join("")}</dl>
			${progress(cause.under_way)}
			<div class="actions">${buttons(cause)}</div>
		</section>`;
	}

	function example({ log, document, text }) {
		const href = `/app/event-sync-log/${encodeURIComponent(log)}`;
		return `<a href="${href}">${escape(document || log)}</a>: ${escape(text)}`;
	}

	function progress(of) {
		if (!of) return "";
		if (of.ended) return of.message ? `<p role="status">${escape(of.message)}</p>` : "";
		const percent = of.total ? Math.min(100, Math.round((of.done * 100) / of.total)) : 0;
		const text = of.stopped
			? __("It was interrupted after {0} of {1}. Start it again.", [
					cint(of.done),
					cint(of.total),
				])
			: __("{0} of {1} done, {2} fixed", [cint(of.done), cint(of.total), cint(of.mended)]);
		return `<p role="status" class="mb-1">${text}</p><div class="progress mb-3"><div class="progress-bar" role="progressbar"
			aria-label="${text}" aria-valuemin="0" aria-valuemax="100" aria-valuenow="${percent}" style="width: ${percent}%"></div></div>`;
	}

	function buttons(cause) {
		const labels = {
			adopt: __("Adopt All"),
			add_to_value_map: __("Add to Value Map"),
			retry: __("Retry All"),
			skip: __("Skip All With a Reason"),
			show: __("Show Events"),
		};
		const busy = at_work(cause.under_way) ? "disabled" : "";
		return [...cause.actions, "show"]
			.map((action, index) => {
				const kind = index ? "btn-default" : "btn-primary";
				const off = action === "show" ? "" : busy;
				return `<button type="button" class="btn btn-sm ${kind}" data-action="${escape(action)}" data-cause="${escape(cause.cause)}" ${off}>${labels[action]}</button>`;
			})
			.join("");
	}
})();

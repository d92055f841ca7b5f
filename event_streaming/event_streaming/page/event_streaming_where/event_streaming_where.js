// Where a document is: on each connected site, with its events and their steps, and why it is not there. First what this site
// knows, then each other site is asked by itself, so that one that is away holds up no other.

(() => {
	const PAGE = "event-streaming-where";
	const METHOD = "event_streaming.api.where_is";
	const ASKED_TOGETHER = 3;
	const COLOURS = {
		Synced: "green",
		Taken: "green",
		Sent: "green",
		Failed: "red",
		Conflict: "red",
		Retrying: "orange",
		Waiting: "orange",
		Behind: "orange",
		Skipped: "gray",
		"Not Sent": "gray",
	};
	const STYLE = `<style>
		.event-streaming-where { overflow-wrap: anywhere; padding: var(--padding-md, 15px); }
		.event-streaming-where .frappe-card { border: 1px solid var(--border-color); }
		.event-streaming-where h4 { font-size: var(--text-lg); margin: 0; }
		.event-streaming-where ol { list-style: none; padding: 0; margin: 12px 0 0; }
		.event-streaming-where li { border-top: 1px solid var(--border-color); padding: 8px 0; }
		.event-streaming-where .steps { color: var(--text-color); opacity: .85; font-size: var(--text-sm); }
		.event-streaming-where .steps span { white-space: nowrap; margin-right: 12px; }
		.event-streaming-where a { text-decoration: underline; }
	</style>`;

	frappe.pages[PAGE].on_page_load = (wrapper) => {
		const page = frappe.ui.make_app_page({
			parent: wrapper,
			title: __("Where Is My Document?"),
			single_column: true,
		});
		wrapper.where = new Where(page);
	};
	frappe.pages[PAGE].on_page_show = (wrapper) => wrapper.where && wrapper.where.follow_route();

	class Where {
		constructor(page) {
			$(STYLE).appendTo(page.main);
			this.doctype = page.add_field({
				fieldname: "doctype",
				fieldtype: "Link",
				options: "DocType",
				label: __("Document Type"),
			});
			this.docname = page.add_field({
				fieldname: "docname",
				fieldtype: "Data",
				label: __("Document Name"),
			});
			page.set_primary_action(__("Where Is It?"), () => this.go(), "search");
			this.docname.$input.on("keydown", (event) => event.key === "Enter" && this.go());
			this.body = $(
				'<div class="event-streaming-where" role="region" aria-live="polite"></div>'
			).appendTo(page.main);
			this.body.attr("aria-label", __("Where Is My Document?"));
			this.body.on("click", "button[data-site]", (event) =>
				this.ask([event.currentTarget.dataset.site], this.number)
			);
		}

		go() {
			const [doctype, name] = [this.doctype.get_value(), this.docname.get_value()];
			if (!doctype || !name) return;
			const [, at, ...rest] = frappe.get_route();
			if (at === doctype && rest.join("/") === name) this.look(doctype, name);
			else frappe.set_route(PAGE, doctype, name);
		}

		follow_route() {
			const [, doctype, ...name] = frappe.get_route();
			if (!doctype || !name.length) return;
			// a name may hold slashes
			this.look(doctype, name.join("/"));
		}

		look(doctype, name) {
			this.doctype.set_value(doctype);
			this.docname.set_value(name);
			this.asked = { doctype, name };
			const number = (this.number = (this.number || 0) + 1);
			frappe.xcall(METHOD, { doctype, name, ask: 0 }).then((found) => {
				if (number !== this.number) return;
				this.body.html(
					head(found) +
						found.sites.map((site) => card(site, true)).join("") +
						(found.sites.length ? "" : nowhere())
				);
				this.ask(
					found.sites.filter(can_be_asked).map((site) => site.site),
					number
				);
			});
		}

		// each site by itself, a few at a time
		ask(sites, number) {
			const next = () => {
				const site = sites.shift();
				if (!site || number !== this.number) return Promise.resolve();
				return frappe
					.xcall(METHOD, { ...this.asked, site, ask: 1 })
					.then((found) => {
						if (number !== this.number) return;
						for (const each of found.sites) {
							const shown = this.body
								.find("section")
								.filter(
									(_index, one) =>
										one.dataset.site === each.site &&
										one.dataset.role === each.role
								);
							shown.replaceWith(card(each, false));
						}
					})
					.then(next);
			};
			for (let number_of = 0; number_of < ASKED_TOGETHER; number_of++) next();
		}
	}

	// what comes of other sites, and names, may hold anything
	const escape = (value) => frappe.utils.escape_html(String(value ?? ""));

	function can_be_asked(site) {
		return site.subscribed;
	}

	function head(found) {
		const there = found.there
			? `<a href="/app/${encodeURIComponent(frappe.router.slug(found.doctype))}/${encodeURIComponent(found.name)}">${escape(found.name)}</a> ${__("is on this site, changed {0}", [escape(frappe.datetime.str_to_user(found.modified))])}`
			: `${escape(found.name)} ${__("is not on this site")}`;
		return `<p class="mb-4">${escape(__(found.doctype))} ${there}</p>`;
	}

	function nowhere() {
		return `<div class="frappe-card p-4 text-center">${__("No connected site sends or receives this document.")}</div>`;
	}

	function card(site, first) {
		const comes = site.role === "Event Producer";
		const title = comes
			? __("From {0}", [escape(host(site.site))])
			: __("To {0}", [escape(host(site.site))]);
		const called =
			comes && site.document
				? `<p class="mb-1">${__("There it is {0}", [`${escape(__(site.doctype))} ${escape(site.document)}`])}</p>`
				: "";
		const why = site.why.map((line) => `<p class="mb-1">${escape(line)}</p>`).join("");
		const unasked =
			first && can_be_asked(site)
				? `<p class="mb-1" role="status">${__("Asking {0} …", [escape(host(site.site))])}</p>`
				: "";
		const problem =
			site.asked && !site.answered ? `<p class="mb-1">${escape(site.asked)}</p>` : "";
		const again = problem
			? `<button type="button" class="btn btn-default btn-sm" data-site="${escape(site.site)}">${__("Ask Again")}</button>`
			: "";
		return `<section class="frappe-card p-4 mb-4" data-site="${escape(site.site)}" data-role="${escape(site.role)}">
			<div class="d-flex flex-wrap justify-content-between mb-2" style="gap: 8px">
				<h4>${title}</h4><span class="indicator-pill ${escape(site.color)}">${escape(site.label)}</span>
			</div>
			${called}${why}${unasked}${problem}${again}
			${site.events.length ? `<ol>${site.events.map(line).join("")}</ol>` : ""}
		</section>`;
	}

	function host(url) {
		return url.split("://").pop();
	}

	function line(event) {
		const statuses = {
			Synced: __("Synced"),
			Taken: __("Taken"),
			Failed: __("Failed"),
			Conflict: __("Conflict"),
			Retrying: __("Retrying"),
			Waiting: __("Waiting"),
			Sent: __("Sent"),
			Behind: __("Behind"),
			Skipped: __("Skipped"),
			"Not Sent": __("Not Sent"),
		};
		const type = escape(__(event.update_type));
		const name = event.log
			? `<a href="/app/${escape(frappe.router.slug(event.log_doctype))}/${encodeURIComponent(event.log)}">${type}</a>`
			: type;
		const by = event.by ? ` ${__("by {0}", [escape(event.by)])}` : "";
		const position = event.position ? ` · ${__("position {0}", [cint(event.position)])}` : "";
		const held = [
			event.waits_for,
			event.until && __("Next try {0}", [frappe.datetime.str_to_user(event.until)]),
		]
			.filter(Boolean)
			.map(escape)
			.join(" · ");
		const problem =
			event.problem && event.log_doctype === "Event Sync Log"
				? `<div>${escape(event.problem)}</div>`
				: "";
		const retried = event.retried_by
			? `<div>${__("Retried by {0}", [escape(event.retried_by)])}</div>`
			: "";
		return `<li><div class="d-flex flex-wrap justify-content-between" style="gap: 8px"><span>${name}${by}${position}</span>
			<span class="indicator-pill ${COLOURS[event.status] || "gray"}">${escape(statuses[event.status] || __(event.status))}</span></div>
			${held ? `<div>${held}</div>` : ""}${problem}${retried}<div class="steps">${event.steps.map(step).join("")}</div></li>`;
	}

	function step({ step, at, seconds }) {
		const steps = {
			Logged: __("Logged"),
			Numbered: __("Numbered"),
			Sent: __("Sent"),
			Taken: __("Taken"),
			Applied: __("Applied"),
		};
		const when =
			seconds === null ? escape(frappe.datetime.str_to_user(at)) : `+${duration(seconds)}`;
		return `<span title="${escape(at)}">${steps[step]} ${when}</span>`;
	}

	function duration(seconds) {
		if (seconds < 60) return __("{0} s", [Math.round(seconds * 100) / 100]);
		if (seconds < 3600) return __("{0} min", [Math.round(seconds / 6) / 10]);
		return __("{0} h", [Math.round(seconds / 360) / 10]);
	}
})();

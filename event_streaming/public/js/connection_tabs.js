// The tabs of one connection: what each asks the server for, how it is shown, and what its buttons do. Status, which is the
// longest, is in connection_status.js.

frappe.provide("event_streaming.connection_tabs");

(() => {
	const API = "event_streaming.api";
	const ours = event_streaming.connection_tabs;
	// names, addresses and errors are other sites'
	const escape = (value) => frappe.utils.escape_html(String(value ?? ""));
	const pill = ({ label, color }) =>
		`<span class="indicator-pill ${escape(color)}">${escape(label)}</span>`;
	const when = (moment) => (moment ? escape(frappe.datetime.str_to_user(moment)) : "–");
	const get = (method, args) => frappe.xcall(`${API}.${method}`, args, "GET");

	ours.tabs = () => ({
		status: {
			label: __("Status"),
			load: (site) => get("connection", { site }),
			draw: ours.status,
		},
		timeline: {
			label: __("Timeline"),
			load: (site) => get("connection_timeline", { site }),
			draw: timeline,
		},
		schema: { label: __("Schema"), load: load_schema, draw: schema, once: true },
		settings: {
			label: __("Settings"),
			load: (site) => get("connection_settings", { site }),
			draw: settings,
			once: true,
		},
	});

	ours.table = (labels, rows_html) =>
		`<table role="table"><thead role="rowgroup"><tr role="row">${labels
			.map((label) => `<th role="columnheader" scope="col">${escape(label)}</th>`)
			.join("")}</tr></thead><tbody role="rowgroup">${rows_html.join("")}</tbody></table>`;

	ours.duration = (seconds) => {
		if (seconds === null || seconds === undefined) return "–";
		if (seconds < 120) return __("{0} s", [Number(seconds)]);
		if (seconds < 7200) return __("{0} min", [Math.round(seconds / 60)]);
		return __("{0} h", [Math.round(seconds / 360) / 10]);
	};

	// ---- parts

	function button(action, label, data = {}, kind = "btn-default") {
		const held = Object.entries({ action, ...data }).map(
			([name, value]) => `data-${escape(name)}="${escape(value)}"`
		);
		return `<button type="button" class="btn btn-sm ${escape(kind)}" data-focus="${escape([action, ...Object.values(data)].join("-"))}" ${held.join(" ")}>${escape(label)}</button>`;
	}

	function form(doctype, name, label) {
		return `<a class="btn btn-sm btn-default" href="/app/${escape(frappe.router.slug(doctype))}/${encodeURIComponent(name)}">${escape(label)}</a>`;
	}

	ours.parts = { button, escape, form, pill, when };

	// ---- timeline

	function timeline({ entries, after }) {
		if (!entries.length) return card(`<p class="mb-0">${__("Nothing is on record yet.")}</p>`);
		const older = after
			? `<div class="es-actions mt-2">${button("older", __("Show Older"), { after })}</div>`
			: "";
		return card(`<ol>${entries.map(entry).join("")}</ol>${older}`);
	}

	function entry({ at, title, text, by, color, link }) {
		const [doctype, name] = link || [];
		const named = name
			? `<a href="/app/${escape(frappe.router.slug(doctype))}/${encodeURIComponent(name)}">${escape(title)}</a>`
			: escape(title);
		const who = by ? ` · ${escape(by)}` : "";
		return `<li class="es-entry"><div class="d-flex flex-wrap justify-content-between" style="gap: 8px"><span><span class="indicator ${escape(color)}" aria-hidden="true"></span>${named}</span>
			<span>${when(at)}${who}</span></div>${text ? `<div>${escape(text)}</div>` : ""}</li>`;
	}

	function card(html) {
		return `<section class="frappe-card p-4 mb-4">${html}</section>`;
	}

	// ---- schema

	// the other site is asked, and what was found is kept
	function load_schema(site, view) {
		if (!view.found_there) return Promise.resolve(null);
		return frappe.xcall(`${API}.connection_schema`, { site, ask: 1 });
	}

	function schema(found) {
		if (!found)
			return card(
				`<p class="mb-0">${__("Nothing comes from this site: its fields are compared there.")}</p>`
			);
		const { site, differences, problem, looked_on } = found;
		const said = problem
			? `<p role="status">${__("It could not be asked: {0}", [escape(problem)])}</p>`
			: "";
		const looked = looked_on ? `<p>${__("Compared {0}", [when(looked_on)])}</p>` : "";
		const open = differences.filter((each) => !each.ignored_by);
		const ignored = differences.filter((each) => each.ignored_by);
		const none = `<p class="mb-0">${__("The fields of both sites fit for everything that is streamed.")}</p>`;
		const rest = ignored.length
			? card(
					`<h3 class="mb-2">${__("Ignored")}</h3><ol>${ignored.map((each) => difference(site, each)).join("")}</ol>`
				)
			: "";
		return (
			card(
				said +
					looked +
					(open.length
						? `<ol>${open.map((each) => difference(site, each)).join("")}</ol>`
						: none)
			) + rest
		);
	}

	function difference(site, each) {
		const fresh = each.first_look
			? ""
			: `<span class="indicator-pill orange">${__("New since {0}", [when(each.first_seen)])}</span>`;
		const data = { site, difference: each.difference };
		const buttons = [];
		if (each.can_create && !each.ignored_by)
			buttons.push(
				button(
					"create_field",
					__("Create the Field Here"),
					{ ...data, what: describe(each) },
					"btn-primary"
				)
			);
		buttons.push(
			each.ignored_by
				? button("ignore", __("Ask Again"), { ...data, ignored: 0 })
				: button("ignore", __("Ignore"), { ...data, ignored: 1 })
		);
		const by = each.ignored_by
			? `<div>${__("Ignored by {0}, {1}", [escape(each.ignored_by), when(each.ignored_on)])}</div>`
			: "";
		return `<li class="es-entry"><div class="d-flex flex-wrap justify-content-between" style="gap: 8px"><b>${escape(each.what)}</b>${fresh}</div>
			<div>${escape(each.remedy)}</div>${by}<div class="es-actions mt-2">${buttons.join("")}</div></li>`;
	}

	function describe({ field, label, fieldtype, options }) {
		return [
			`${field}: ${label || field}`,
			fieldtype,
			fieldtype === "Select" ? (options || "").split("\n").filter(Boolean).join(", ") : "",
		]
			.filter(Boolean)
			.join(" · ");
	}

	// ---- settings

	function settings({ forms }) {
		return forms
			.map(({ doctype, name, values, rows }) => {
				const each = rows.map(
					(row) =>
						`<li class="es-entry"><b>${escape(__(row.doctype))}</b>${list(row.values)}</li>`
				);
				return card(
					`<div class="d-flex flex-wrap justify-content-between mb-2" style="gap: 8px"><h3>${escape(__(doctype))}</h3>${form(doctype, name, __("Change in the Form"))}</div>
					${list(values)}<ol>${each.join("")}</ol>`
				);
			})
			.join("");
	}

	function list(values) {
		return values.length
			? `<dl class="es-values">${values.map(({ label, value }) => `<dt>${escape(label)}</dt><dd>${escape(value)}</dd>`).join("")}</dl>`
			: "";
	}

	// ---- what buttons do

	ours.act = {
		older(view, { after }) {
			get("connection_timeline", { site: view.site, after }).then((page) => {
				view.found = { ...page, entries: [...view.found.entries, ...page.entries] };
				// what is shown of older pages stays until the tab is opened anew
				view.held = true;
				view.show(view.frame(timeline(view.found)));
			});
		},

		create_field(view, { site, difference, what }) {
			frappe.confirm(__("Make this field on this site? {0}", [escape(what)]), () =>
				frappe
					.call({
						method: `${API}.create_field`,
						args: { site, difference },
						freeze: true,
					})
					.then(({ message }) => {
						frappe.show_alert({ message: escape(message), indicator: "green" }, 10);
						view.refresh();
					})
			);
		},

		ignore(view, { site, difference, ignored }) {
			frappe
				.xcall(`${API}.ignore_difference`, { site, difference, ignored })
				.then(() => view.refresh());
		},

		causes(view) {
			frappe.route_options = { event_producer: view.site };
			frappe.set_route("event-streaming-causes");
		},

		pause(view, { role, name, paused }) {
			const on = Number(paused);
			const question = on
				? __("Resume the stream?")
				: role === "event_producer"
					? __("Pull nothing from {0} until it is resumed?", [escape(name)])
					: __("Send nothing to {0} until it is resumed?", [escape(name)]);
			frappe.confirm(question, () =>
				frappe
					.xcall(`${API}.${on ? "resume" : "pause"}`, { [role]: name })
					.then(() => view.refresh())
			);
		},

		subscribe(view, { site, doctype, on }) {
			const off = Number(on);
			const question = off
				? __("Take no more events of {0} from {1}? What is here stays.", [
						escape(__(doctype)),
						escape(site),
					])
				: __(
						"Take events of {0} from {1} again? What has changed there meanwhile comes only with a copy or a verify.",
						[escape(__(doctype)), escape(site)]
					);
			frappe.confirm(question, () =>
				frappe
					.call({
						method: `${API}.set_subscribed`,
						args: { event_producer: site, doctype, subscribed: off ? 0 : 1 },
						freeze: true,
					})
					.then(() => view.refresh())
			);
		},
	};
})();

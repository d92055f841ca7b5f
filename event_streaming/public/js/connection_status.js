// The tab Status of one connection: what comes from the other site and what goes there, with each Document Type.

frappe.provide("event_streaming.connection_tabs");

(() => {
	const ours = event_streaming.connection_tabs;
	const { button, escape, form, pill, when } = ours.parts;

	ours.status = ({ site, pulls, sends }) =>
		(pulls ? coming(site, pulls) : "") + (sends ? going(site, sends) : "");

	function head(title, side, figures, buttons) {
		const text = side.headline.text ? `<p class="mb-1">${escape(side.headline.text)}</p>` : "";
		const shown = figures.map(
			([label, value]) => `<div><dt>${label}</dt><dd>${value}</dd></div>`
		);
		return `<div class="d-flex flex-wrap justify-content-between mb-2" style="gap: 8px"><h3>${title}</h3>${pill(side.headline)}</div>
			${text}<dl class="es-figures">${shown.join("")}</dl><div class="es-actions mb-3">${buttons.join("")}</div>`;
	}

	function pause_button(role, name, paused) {
		return button("pause", paused ? __("Resume") : __("Pause"), {
			role,
			name,
			paused: paused ? 1 : 0,
		});
	}

	function line_of(pulls) {
		const [used, most] = [pulls.bytes_per_second, pulls.bytes_allowed].map(
			(bytes) => Math.round(bytes / 102.4) / 10
		);
		return most ? `${used} / ${most}` : String(used);
	}

	function coming(site, pulls) {
		const figures = [
			[__("Caught up as of"), when(pulls.caught_up_on)],
			[__("Events Behind"), escape(pulls.events_behind)],
			[__("Events per Hour"), escape(pulls.per_hour)],
			[__("Delay (95 %)"), ours.duration(pulls.delay)],
			[__("Last Contact"), when(pulls.last_contact)],
			[__("Hears at Once"), listens(pulls)],
			[__("Line (KB/s)"), escape(line_of(pulls))],
		];
		if (pulls.broker) {
			figures.push([__("NATS Server"), broker(pulls)]);
		}
		const buttons = [
			pause_button("event_producer", site, pulls.paused),
			form("Event Producer", site, __("Open Event Producer")),
		];
		const labels = [
			__("Document Type"),
			__("State"),
			__("Up to Date as of"),
			__("Waiting"),
			__("Failed"),
			__("Events per Hour"),
			__("Last Verify"),
			__("Subscribed"),
		];
		const rows = pulls.doctypes.map((line) => {
			const cells = [
				pill(line),
				when(line.fresh),
				escape(line.waiting),
				failed(line),
				escape(line.per_hour),
				verified(line.verified),
				toggle(site, line),
			].map(
				(cell, index) =>
					`<td role="cell" data-label="${labels[index + 1]}"><span>${cell}</span></td>`
			);
			return `<tr role="row"><th role="rowheader" scope="row">${name_of(line)}</th>${cells.join("")}</tr>`;
		});
		return `<section class="frappe-card p-4 mb-4">${head(__("Comes From There"), pulls, figures, buttons)}${ours.table(labels, rows)}</section>`;
	}

	function listens(pulls) {
		const why = pulls.listening_problem ? ` (${escape(pulls.listening_problem)})` : "";
		return `${escape(pulls.listens)}${why}`;
	}

	function broker(pulls) {
		const why = pulls.broker_problem ? ` (${escape(pulls.broker_problem)})` : "";
		return `${escape(pulls.broker)}${why}`;
	}

	function name_of(line) {
		const there =
			line.remote_doctype === line.doctype
				? ""
				: ` (${__("there it is {0}", [escape(line.remote_doctype)])})`;
		return `${escape(__(line.doctype))}${there}`;
	}

	function failed(line) {
		if (!line.failed && !line.causes.length) return "0";
		const causes = line.causes.map(
			(cause) =>
				`<div><a href="/app/event-streaming-causes" data-action="causes" data-focus="cause-${escape(cause.cause)}">${escape(cause.title)}</a>: ${escape(cause.count)}</div>`
		);
		return `${escape(line.failed)}${causes.join("")}`;
	}

	function verified(last) {
		if (!last) return __("never");
		const differ =
			last.differing === null
				? ""
				: last.differing
					? __("{0} differ", [cint(last.differing)])
					: __("no differences");
		const shown = [when(last.on), differ].filter(Boolean).join(", ");
		return last.task
			? `<a href="/app/event-streaming-task/${encodeURIComponent(last.task)}">${shown}</a>`
			: shown;
	}

	// a switch that asks first: it shows what is so, and changes only with the answer
	function toggle(site, line) {
		const label = __("Subscribed to {0}", [escape(__(line.doctype))]);
		return `<button type="button" role="switch" class="btn btn-xs btn-default" aria-checked="${line.subscribed ? "true" : "false"}" aria-label="${label}" data-action="subscribe"
			data-focus="subscribe-${escape(line.doctype)}" data-site="${escape(site)}" data-doctype="${escape(line.doctype)}" data-on="${line.subscribed ? 1 : 0}">${line.subscribed ? __("On") : __("Off")}</button>`;
	}

	function going(site, sends) {
		const figures = [
			[__("Events Behind"), escape(sends.events_behind)],
			[__("Events per Hour"), escape(sends.per_hour)],
			[__("Delay (95 %)"), ours.duration(sends.delay)],
			[__("Last Contact"), when(sends.last_contact)],
			[__("Hears at Once"), sends.listens ? __("yes") : __("no")],
		];
		const buttons = [
			pause_button("event_consumer", site, sends.paused),
			form("Event Consumer", site, __("Open Event Consumer")),
		];
		const labels = [
			__("Document Type"),
			__("State"),
			__("Recently Delivered"),
			__("Last Delivered"),
		];
		const rows = sends.doctypes.map((line) => {
			const cells = [pill(line), escape(line.taken), when(line.last)].map(
				(cell, index) =>
					`<td role="cell" data-label="${labels[index + 1]}"><span>${cell}</span></td>`
			);
			const text = line.text ? `<div>${escape(line.text)}</div>` : "";
			return `<tr role="row"><th role="rowheader" scope="row">${escape(__(line.doctype))}${text}</th>${cells.join("")}</tr>`;
		});
		return `<section class="frappe-card p-4 mb-4">${head(__("Goes There"), sends, figures, buttons)}${ours.table(labels, rows)}</section>`;
	}
})();

// The map: this site in the middle, the others around it, each stream a line; below it a table that says the same in words.

frappe.provide("event_streaming.connection_map");

(() => {
	const MOST_DRAWN = 36;
	const RADIUS = 9;
	const COLOURS = ["green", "yellow", "orange", "red", "gray"];
	const STYLE = `<style>
		.es-map { width: 100%; display: block; }
		.es-map text { fill: var(--text-color); font-size: 12px; paint-order: stroke; stroke: var(--card-bg, var(--bg-color)); stroke-width: 3px; }
		.es-map .es-here text { font-weight: 600; }
		.es-map circle { stroke: var(--card-bg, var(--bg-color)); stroke-width: 2; fill: var(--gray-600); }
		.es-map .es-needs circle { fill: var(--red-600); }
		.es-map .es-here circle { fill: var(--text-color); }
		.es-map .es-mark { fill: none; stroke: #fff; stroke-width: 2; }
		.es-map a:focus-visible { outline: 2px solid var(--text-color); outline-offset: 2px; }
		.es-map a:hover text { text-decoration: underline; }
		${COLOURS.map((name) => `.es-map .es-${name} { stroke: var(--${name}-500); }`).join("\n")}
		.es-map .es-paused { stroke-dasharray: 6 5; }
		.es-legend { display: flex; flex-wrap: wrap; gap: 4px 16px; margin: 8px 0 0; padding: 0; list-style: none; }
		.es-legend span { display: inline-block; width: 22px; height: 4px; vertical-align: middle; margin-right: 6px; }
		${COLOURS.map((name) => `.es-legend .es-${name} { background: var(--${name}-500); }`).join("\n")}
	</style>`;

	event_streaming.connection_map.draw = (found, width) => {
		const { streams } = found;
		if (!streams.length) return `<div class="frappe-card p-4 text-center">${nothing()}</div>`;
		return `${STYLE}<section class="frappe-card p-4 mb-4" aria-label="${__("Map of All Sites")}">${drawn(found, width)}${legend()}</section>
			<section class="frappe-card p-4 mb-4"><h3 class="mb-2">${__("All Streams")}</h3>${table(streams)}</section>`;
	};

	// names and addresses are other sites'
	const escape = (value) => frappe.utils.escape_html(String(value ?? ""));
	const host = (url) => String(url).split("://").pop() || "";

	function nothing() {
		return __(
			"This site has no connection yet. Make an Event Producer here, or have another site join this one."
		);
	}

	function drawn(found, width) {
		const wide = Math.max(Math.min(width || 900, 1100) - 34, 300);
		const names = [...new Set(found.streams.map((stream) => stream.site))].slice(
			0,
			MOST_DRAWN
		);
		const high = Math.round(Math.min(160 + names.length * 24, 620));
		const centre = { x: wide / 2, y: high / 2 };
		const places = {};
		names.forEach((name, index) => {
			// few stand beside this site, where there is more room than above it
			const angle =
				(2 * Math.PI * index) / names.length - (names.length < 3 ? Math.PI : Math.PI / 2);
			// two rings where there are many, so that labels have room
			const ring = names.length > (wide < 500 ? 8 : 16) && index % 2 ? 0.62 : 1;
			places[name] = {
				x: centre.x + Math.cos(angle) * (wide / 2 - Math.min(110, wide / 5)) * ring,
				y: centre.y + Math.sin(angle) * (high / 2 - 42) * ring,
			};
		});
		const streams = found.streams.filter((stream) => places[stream.site]);
		const called = short_names(names);
		const lines = streams.map((stream) =>
			line(stream, centre, places[stream.site], both_ways(streams, stream))
		);
		const sites = names.map((name) =>
			site(
				name,
				called[name],
				places[name],
				streams.filter((stream) => stream.site === name),
				{ wide, high }
			)
		);
		const left = new Set(found.streams.map((stream) => stream.site)).size - names.length;
		return `<svg class="es-map" viewBox="0 0 ${wide} ${high}" role="group" aria-label="${__("Sites that this one is connected with")}">
			<g aria-hidden="true">${lines.join("")}</g>${sites.join("")}
			<g class="es-here" aria-hidden="true"><circle cx="${centre.x}" cy="${centre.y}" r="${RADIUS + 3}"></circle>
			${label(host(found.here), centre.x, centre.y + 4, wide, false)}</g>
		</svg>${left > 0 ? `<p>${__("And {0} more sites in the table below.", [left])}</p>` : ""}`;
	}

	// what the addresses of all sites end with says nothing of one
	function short_names(names) {
		const parts = names.map((name) => host(name).split("."));
		const same_at = (end) => new Set(parts.map((each) => each.at(-1 - end))).size === 1;
		let shared = 0;
		if (names.length > 1 && !names.some((name) => /^[\d.:]+$/.test(host(name)))) {
			const least = Math.min(...parts.map((each) => each.length)) - 1;
			while (shared < least && same_at(shared)) shared++;
		}
		const short = (each) => each.slice(0, each.length - shared).join(".");
		return Object.fromEntries(names.map((name) => [name, short(host(name).split("."))]));
	}

	function both_ways(streams, stream) {
		return streams.some(
			(other) => other.site === stream.site && other.direction !== stream.direction
		);
	}

	function line(stream, centre, place, beside) {
		// the two directions run beside each other
		const length = Math.hypot(place.x - centre.x, place.y - centre.y) || 1;
		const aside = beside ? (stream.direction === "from" ? 5 : -5) : 0;
		const [dx, dy] = [
			(-(place.y - centre.y) / length) * aside,
			((place.x - centre.x) / length) * aside,
		];
		const ends = [centre, place].map(
			({ x, y }, at) =>
				`x${at + 1}="${(x + dx).toFixed(1)}" y${at + 1}="${(y + dy).toFixed(1)}"`
		);
		const colour = COLOURS.find((name) => name === stream.color) || "gray";
		return `<line class="es-${colour}${stream.paused ? " es-paused" : ""}" ${ends.join(" ")} stroke-width="${Number(stream.width) || 2}"></line>`;
	}

	function site(name, called, { x, y }, streams, { wide, high }) {
		const needs = streams.some((stream) => stream.needs_you);
		const said = streams
			.map((stream) => `${direction(stream)}: ${stream.headline.label}`)
			.join(", ");
		// drawn, so that what is read out begins with what is seen
		const mark = needs
			? `<path class="es-mark" d="M${x.toFixed(1)} ${(y - 5).toFixed(1)}v6m0 2v2"></path>`
			: "";
		return `<a href="${address(name)}" data-action="open" data-site="${escape(name)}" data-focus="map-${escape(name)}" class="${needs ? "es-needs" : ""}"
			aria-label="${escape(`${called}. ${said}`)}"><title>${escape(name)}</title><circle cx="${x.toFixed(1)}" cy="${y.toFixed(1)}" r="${RADIUS}"></circle>${mark}
			${label(called, x, y, wide, y < high / 2 - 1)}</a>`;
	}

	// in lines as long as there is room for
	function label(text, x, y, wide, above) {
		const lines = text.match(new RegExp(`.{1,${wide < 500 ? 16 : 24}}`, "g")) || [];
		const parts = lines.map(
			(part, index) =>
				`<tspan x="${x.toFixed(1)}"${index ? ' dy="13"' : ""}>${escape(part)}</tspan>`
		);
		// away from the line that leads to the middle
		const first = above ? y - 16 - 13 * (lines.length - 1) : y + 26;
		return `<text x="${x.toFixed(1)}" y="${first.toFixed(1)}" text-anchor="middle">${parts.join("")}</text>`;
	}

	function address(name) {
		return `/app/event-streaming-connection/${encodeURIComponent(name)}`;
	}

	function direction(stream) {
		return stream.direction === "from" ? __("comes from it") : __("goes to it");
	}

	function legend() {
		const colours = {
			green: __("Within a minute"),
			yellow: __("Within 15 minutes"),
			orange: __("Slower"),
			red: __("Needs you"),
			gray: __("No events lately"),
		};
		const lines = Object.entries(colours).map(
			([name, label]) =>
				`<li><span class="es-${name}" aria-hidden="true"></span>${label}</li>`
		);
		return `<ul class="es-legend" aria-label="${__("Colours")}">${lines.join("")}</ul>
			<p class="mb-0 mt-1">${__("Colour: the time that 95 of 100 events took at most. Line width: events per hour. Dashed: paused.")}</p>`;
	}

	function table(streams) {
		const labels = [
			__("Site"),
			__("Direction"),
			__("State"),
			__("Events per Hour"),
			__("Delay (95 %)"),
			__("Behind"),
			__("Last Contact"),
		];
		const rows = streams.map((stream) => {
			const when = stream.last_contact
				? frappe.datetime.prettyDate(stream.last_contact)
				: __("never");
			const needs = stream.needs
				.map((each) => `<div class="es-why">${escape(each)}</div>`)
				.join("");
			const cells = [
				direction(stream),
				`<span class="indicator-pill ${escape(stream.headline.color)}">${escape(stream.headline.label)}</span>`,
				frappe.utils.escape_html(String(stream.per_hour)),
				event_streaming.connection_tabs.duration(stream.delay),
				escape(stream.events_behind),
				escape(when),
			].map(
				(cell, index) =>
					`<td role="cell" data-label="${labels[index + 1]}"><span>${cell}</span></td>`
			);
			return `<tr role="row"><th role="rowheader" scope="row"><a href="${address(stream.site)}" data-action="open" data-site="${escape(stream.site)}"
				data-focus="row-${escape(stream.direction)}-${escape(stream.site)}">${escape(host(stream.site))}</a>${needs}</th>${cells.join("")}</tr>`;
		});
		return event_streaming.connection_tabs.table(labels, rows);
	}
})();

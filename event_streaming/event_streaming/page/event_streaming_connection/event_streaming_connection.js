// One connection with its tabs, or, without a site in the route, the map of all. What is shown is decided on the server:
// event_streaming.api, which has the same for scripts. The map and the tabs are in public/js/connection_*.js.

(() => {
	const PAGE = "event-streaming-connection";
	const API = "event_streaming.api";
	const LOOK_AGAIN_MS = 30000;
	const PROGRESS = "event_streaming_progress";
	const STYLE = `<style>
		.event-streaming-connection { overflow-wrap: anywhere; padding: var(--padding-md, 15px); }
		.event-streaming-connection .frappe-card { border: 1px solid var(--border-color); }
		.event-streaming-connection h3 { font-size: var(--text-lg); margin: 0; }
		.event-streaming-connection a:not(.btn) { text-decoration: underline; }
		.event-streaming-connection .es-tabs { display: flex; flex-wrap: wrap; gap: 4px; border-bottom: 1px solid var(--border-color); margin-bottom: 16px; }
		.event-streaming-connection .es-tabs button { background: none; border: 0; border-bottom: 2px solid transparent; padding: 8px 12px; color: var(--text-color); }
		.event-streaming-connection .es-tabs button[aria-selected="true"] { border-bottom-color: var(--text-color); font-weight: 600; }
		.event-streaming-connection table { width: 100%; margin: 0; }
		.event-streaming-connection th, .event-streaming-connection td { padding: 8px; vertical-align: top; border-top: 1px solid var(--border-color); color: var(--text-color); }
		.event-streaming-connection thead th { border-top: 0; font-weight: 600; overflow-wrap: normal; }
		.event-streaming-connection tbody th { font-weight: normal; }
		.event-streaming-connection .es-why { font-weight: normal; }
		.event-streaming-connection .es-figures { display: flex; flex-wrap: wrap; gap: 4px 20px; margin: 8px 0; }
		.event-streaming-connection .es-figures div { display: flex; gap: 6px; }
		.event-streaming-connection .es-figures dt { font-weight: normal; }
		.event-streaming-connection .es-figures dd { margin: 0; font-weight: 600; }
		.event-streaming-connection .es-actions { display: flex; flex-wrap: wrap; gap: 8px; }
		.event-streaming-connection .es-values { display: grid; grid-template-columns: minmax(100px, 240px) minmax(60%, 1fr); gap: 2px 12px; margin: 4px 0 0; }
		.event-streaming-connection .es-values dt { font-weight: normal; }
		.event-streaming-connection .es-values dd { margin: 0; white-space: pre-line; }
		.event-streaming-connection ol { list-style: none; padding: 0; margin: 0; }
		.event-streaming-connection li.es-entry { border-top: 1px solid var(--border-color); padding: 10px 0; }
		.event-streaming-connection li.es-entry:first-child { border-top: 0; }
		.event-streaming-connection .indicator-pill { white-space: normal; height: auto; overflow-wrap: normal; }
		@media (max-width: 767px) {
			.event-streaming-connection thead { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); }
			.event-streaming-connection table, .event-streaming-connection tbody, .event-streaming-connection tr,
			.event-streaming-connection tbody th, .event-streaming-connection td { display: block; }
			.event-streaming-connection tbody tr { border-top: 1px solid var(--border-color); padding: 8px 0; }
			.event-streaming-connection tbody tr:first-child { border-top: 0; }
			.event-streaming-connection tbody th { border: 0; padding: 2px 0; font-weight: 600; }
			.event-streaming-connection td { border: 0; padding: 2px 0; display: flex; justify-content: space-between; gap: 12px; text-align: right; }
			.event-streaming-connection td::before { content: attr(data-label); text-align: left; }
		}
	</style>`;

	frappe.pages[PAGE].on_page_load = (wrapper) => {
		const page = frappe.ui.make_app_page({
			parent: wrapper,
			title: __("Connections"),
			single_column: true,
		});
		wrapper.connections = new Connections(page);
	};
	frappe.pages[PAGE].on_page_show = (wrapper) =>
		wrapper.connections && wrapper.connections.follow_route();

	class Connections {
		constructor(page) {
			this.page = page;
			$(STYLE).appendTo(page.main);
			this.body = $('<div class="event-streaming-connection"></div>').appendTo(page.main);
			page.set_secondary_action(__("Refresh"), () => this.refresh(), "refresh");
			page.add_menu_item(__("Map of All Sites"), () => frappe.set_route(PAGE));
			this.body.on("click", "[data-action]", (event) => this.act(event));
			this.body.on("keydown", "[role=tab]", (event) => this.move(event));
			setInterval(() => this.look_again(), LOOK_AGAIN_MS);
			document.addEventListener("visibilitychange", () => this.look_again());
			frappe.realtime.on(
				PROGRESS,
				(work) => work.event_producer === this.site && this.look_again()
			);
		}

		// by itself; not what asks the other site, nor where somebody reads what is older
		look_again() {
			const tab = this.site && tabs()[this.tab];
			if (this.seen() && !this.held && !(tab && tab.once)) this.refresh();
		}

		seen() {
			return (
				document.visibilityState === "visible" &&
				frappe.get_route()[0] === PAGE &&
				!cur_dialog
			);
		}

		follow_route() {
			// an address holds slashes
			const site = frappe.get_route().slice(1).join("/");
			if (site !== this.site) {
				this.site = site;
				this.tab = "status";
				this.shown = "";
				this.body.html(`<p role="status">${__("Loading")}</p>`);
			}
			this.page.set_title(site ? host(site) : __("Connections"));
			return this.refresh();
		}

		refresh() {
			this.held = false;
			const asked = (this.asked = (this.asked || 0) + 1);
			const { tab, site } = this;
			const answer = site
				? tabs()[tab].load(site, this)
				: frappe.xcall(`${API}.map`, {}, "GET");
			return answer.then((found) => {
				// an answer that a later question has overtaken
				if (asked !== this.asked) return;
				this.found = found;
				if (tab === "status" && site) this.hear(site, Boolean(found.pulls));
				this.show(
					site
						? this.frame(tabs()[tab].draw(found))
						: event_streaming.connection_map.draw(found, this.body.width())
				);
			});
		}

		// of the work that is done for a producer the server tells those who look at it
		hear(site, pulls) {
			this.found_there = pulls;
			if (!pulls || this.heard === site || !frappe.realtime.doc_subscribe) return;
			this.heard = site;
			frappe.realtime.doc_subscribe("Event Producer", site);
		}

		// what has not changed is left alone, and whoever is at a button stays there
		show(shown_html) {
			if (shown_html === this.shown) return;
			const active = document.activeElement;
			const at =
				active instanceof window.HTMLElement && this.body[0].contains(active)
					? active.dataset.focus
					: "";
			this.shown = shown_html;
			this.body.html(shown_html);
			if (at)
				this.body
					.find("[data-focus]")
					.filter((_index, each) => each.dataset.focus === at)
					.first()
					.trigger("focus");
		}

		frame(panel_html) {
			const { escape_html } = frappe.utils;
			const buttons = Object.entries(tabs()).map(([tab, { label }]) => {
				const chosen = tab === this.tab;
				const name = escape_html(tab);
				return `<button type="button" role="tab" id="es-tab-${name}" aria-controls="es-panel" aria-selected="${chosen}"
					tabindex="${chosen ? 0 : -1}" data-action="tab" data-tab="${name}" data-focus="tab-${name}">${escape_html(label)}</button>`;
			});
			const back = `<a href="/app/${PAGE}" data-action="map" data-focus="map">${__("Map of All Sites")}</a>`;
			return `<div class="d-flex flex-wrap justify-content-between mt-3 mb-2 px-2" style="gap: 8px"><h3>${frappe.utils.escape_html(host(this.site))}</h3>${back}</div>
				<div class="es-tabs" role="tablist" aria-label="${__("Connection")}">${buttons.join("")}</div>
				<div id="es-panel" role="tabpanel" aria-labelledby="es-tab-${escape_html(this.tab)}">${panel_html}</div>`;
		}

		move(event) {
			const names = Object.keys(tabs());
			const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
			if (!step) return;
			event.preventDefault();
			this.choose(names[(names.indexOf(this.tab) + step + names.length) % names.length]);
		}

		choose(tab) {
			this.tab = tab;
			this.body.find("#es-panel").html(`<p role="status">${__("Loading")}</p>`);
			for (const each of this.body.find("[role=tab]")) {
				const chosen = each.dataset.tab === tab;
				each.setAttribute("aria-selected", chosen);
				each.tabIndex = chosen ? 0 : -1;
				if (chosen) each.focus();
			}
			return this.refresh();
		}

		act(event) {
			const data = event.currentTarget.dataset;
			// as a link it would leave the Desk, or a switch would show what is not so yet
			event.preventDefault();
			event.stopPropagation();
			if (data.action === "tab") return this.choose(data.tab);
			if (data.action === "map") return frappe.set_route(PAGE);
			if (data.action === "open") return frappe.set_route(PAGE, data.site);
			return event_streaming.connection_tabs.act[data.action](
				this,
				data,
				event.currentTarget
			);
		}
	}

	function tabs() {
		return event_streaming.connection_tabs.tabs();
	}

	function host(url) {
		return url.split("://").pop();
	}
})();

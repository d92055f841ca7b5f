// The guides that come with the app. They link to each other and to their own headings, as on a code forge.

const GUIDES = {
	start: __("Start here"),
	concepts: __("Concepts"),
	guide: __("User guide"),
	admin: __("Administrator's guide"),
	incidents: __("Incidents"),
	errors: __("Error catalogue"),
	security: __("Security"),
};
const LINK_TO_GUIDE =
	/^(?:(start|concepts|guide|admin|incidents|errors|security)(\.th)?\.md)?(?:#(.*))?$/;

frappe.pages["event-streaming-guide"].on_page_load = (wrapper) => {
	const page = frappe.ui.make_app_page({
		parent: wrapper,
		title: __("Event Streaming Guide"),
		single_column: true,
	});
	const body = $('<div class="event-streaming-guide frappe-card p-4 mb-4"></div>').appendTo(
		page.main
	);
	$(
		"<style>.event-streaming-guide { overflow-wrap: break-word } .event-streaming-guide a { text-decoration: underline } .event-streaming-guide code { color: var(--text-color) } .event-streaming-guide :is(h1, h2, h3, h4) { scroll-margin-top: 120px }</style>"
	).appendTo(page.main);
	for (const [name, label] of Object.entries(GUIDES)) {
		page.add_inner_button(label, () => show_guide(body, name));
	}
	body.on("click", "a", (event) => follow(event, body));
	// event-streaming-guide/errors/es-101: a guide, and a heading in it
	const [, name, heading] = frappe.get_route();
	show_guide(body, name in GUIDES ? name : "guide", heading);
};

// without a language it is the reader's
function show_guide(body, name, heading, language) {
	const method =
		"event_streaming.event_streaming.page.event_streaming_guide.event_streaming_guide.read_guide";
	return frappe.xcall(method, { guide: name, language }).then((html) => {
		// eslint-disable-next-line ours/escaped-html -- the app's own guide, made into HTML on the server
		body.html(html);
		body.find("h1, h2, h3, h4").each((_index, each) => {
			each.dataset.heading = anchor_of(each.innerText);
		});
		// tables are wide: on a phone they scroll by themselves
		body.find("table").wrap('<div class="table-responsive"></div>');
		body.find("a").each((_index, link) => mend(link));
		if (heading) scroll_to(body, heading);
		else body[0].closest(".page-container, body").scrollIntoView();
	});
}

// what is neither a guide nor on the web is in the repository only
function mend(link) {
	const href = decodeURI(link.getAttribute("href") || "");
	if (/^https?:/.test(href)) link.target = "_blank";
	else if (!LINK_TO_GUIDE.test(href)) $(link).replaceWith($("<span>").text(link.innerText));
}

function follow(event, body) {
	const href = decodeURI(event.currentTarget.getAttribute("href") || "");
	const found = LINK_TO_GUIDE.exec(href);
	if (!found) return;
	event.preventDefault();
	event.stopPropagation();
	const [, guide, thai, heading] = found;
	if (guide) show_guide(body, guide, heading, thai ? "th" : "en");
	else scroll_to(body, heading);
}

function scroll_to(body, heading) {
	const found = body
		.find("h1, h2, h3, h4")
		.filter((_index, each) => each.dataset.heading === heading);
	// on 16 a part of the page scrolls, and not the page: the browser knows which
	if (found.length) found[0].scrollIntoView({ block: "start" });
}

function anchor_of(text) {
	return text
		.trim()
		.toLowerCase()
		.replace(/[^\p{L}\p{M}\p{N}\s_-]/gu, "")
		.replace(/\s/g, "-");
}

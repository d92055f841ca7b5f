// The form scripts without a browser: each is loaded as the Desk does, into a context with stand-ins for what they call.

const { readFileSync } = require("node:fs");
const path = require("node:path");
const vm = require("node:vm");

const APP = path.join(__dirname, "..", "..", "event_streaming");
const ESCAPED = {
	"&": "&amp;",
	"<": "&lt;",
	">": "&gt;",
	'"': "&quot;",
	"'": "&#39;",
	"`": "&#x60;",
	"=": "&#x3D;",
};
/** What another site could send as a name, an error or a value. */
const HOSTILE = `<img src=x onerror="alert('1')">`;

/** What `$wrapper` is to a script: it keeps what is shown. */
function make_wrapper() {
	const wrapper = { shown: "", html: (text) => ((wrapper.shown = String(text)), wrapper) };
	const same = () => wrapper;
	return Object.assign(wrapper, {
		empty: () => wrapper.html(""),
		find: same,
		off: same,
		on: same,
		each: same,
	});
}

/** A Desk with these scripts loaded, by their paths inside the app. */
function open_desk(...scripts) {
	const messages = [];
	const told = (message) => messages.push(message);
	const handlers = {};
	const frappe = {
		provide(name) {
			name.split(".").reduce((at, part) => (at[part] = at[part] || {}), context);
		},
		utils: {
			// as Frappe has it, down to what it makes of 0
			escape_html: (text) =>
				text ? String(text).replace(/[&<>"'`=]/g, (each) => ESCAPED[each]) : "",
			get_formatted_duration: (seconds) => `${seconds}s`,
		},
		datetime: { str_to_user: (text) => text, prettyDate: (text) => `since ${text}` },
		router: { slug: (doctype) => doctype.toLowerCase().replace(/ /g, "-") },
		meta: { get_docfield: () => null },
		model: { can_read: () => false, with_doctype() {} },
		ui: {
			form: {
				on: (doctype, given) => (handlers[doctype] = { ...handlers[doctype], ...given }),
			},
		},
		listview_settings: {},
		pages: new Proxy({}, { get: (pages, name) => (pages[name] = pages[name] || {}) }),
		msgprint: told,
		show_alert: told,
		confirm: told,
		realtime: { on() {}, off() {} },
		get_route: () => [],
		set_route() {},
		xcall: () => new Promise(() => {}),
		call: () => new Promise(() => {}),
	};
	const context = vm.createContext({
		frappe,
		event_streaming: {},
		cint: (value) => Number.parseInt(value, 10) || 0,
		__: (text, values = []) =>
			text.replace(/\{(\d+)\}/g, (all, at) => (at in values ? values[at] : all)),
		console,
		window: { innerWidth: 1400 },
		setTimeout: () => 0,
		clearTimeout() {},
	});
	for (const script of scripts) {
		vm.runInContext(readFileSync(path.join(APP, script), "utf8"), context, {
			filename: script,
		});
	}
	return { context, frappe, handlers, messages, ours: context.event_streaming };
}

module.exports = { APP, HOSTILE, make_wrapper, open_desk };

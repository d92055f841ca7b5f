// Each form is made of several scripts, which the Desk joins into one: they get on with each other, and the form opens.

const assert = require("node:assert/strict");
const { existsSync, readFileSync } = require("node:fs");
const path = require("node:path");
const { test } = require("node:test");
const vm = require("node:vm");
const { APP, open_desk } = require("./desk.cjs");

const HOOKS = readFileSync(path.join(APP, "hooks.py"), "utf8");
const DOCUMENTS = {
	"Event Producer": {
		producer_doctypes: [{ ref_doctype: "Note", status: "Approved", match_by: "title" }],
	},
	"Event Consumer": { consumer_doctypes: [{ ref_doctype: "Note", status: "Pending" }] },
	"Event Streaming Task": { kind: "Verify", status: "Done", differing: 1, report: "{}" },
	"Event Sync Log": { status: "Failed", error: "NameTaken: x", data: "{}", data_before: "{}" },
	"Document Type Mapping": { local_doctype: "Note", remote_doctype: "Note" },
};

/** A hook's dict, which is written as JSON but for the last commas. */
function hooked(name) {
	const [, dict] = HOOKS.match(new RegExp(`^${name} = (\\{[^]*?^\\})`, "m"));
	const given = JSON.parse(dict.replace(/,(\s*[}\]])/g, "$1"));
	return Object.fromEntries(Object.entries(given).map(([key, paths]) => [key, [paths].flat()]));
}

/** Whatever is asked of it, it has. */
function anything(own = {}) {
	return new Proxy(
		Object.assign(() => {}, own),
		{
			get(has, key) {
				if (key === Symbol.toPrimitive) return () => "";
				if (key === Symbol.iterator) return [][Symbol.iterator];
				// not a promise
				if (key === "then") return undefined;
				return (has[key] = key in has && key !== "name" ? has[key] : anything());
			},
			apply: () => anything(),
		}
	);
}

function joined(doctype, ending, hook, kind = "doctype") {
	const folder = doctype.toLowerCase().replace(/[ -]/g, "_");
	const own = `event_streaming/${kind}/${folder}/${folder}${ending}`;
	return [own, ...(hooked(hook)[doctype] || [])]
		.map((file) => path.join(APP, file))
		.filter(existsSync)
		.map((file) => readFileSync(file, "utf8"))
		.join("\n\n");
}

/** As the Desk does: one function around all of them. */
function evaluate(code) {
	const desk = open_desk();
	vm.runInContext(`(() => {${code}\n})()`, desk.context);
	return desk;
}

for (const [doctype, fields] of Object.entries(DOCUMENTS)) {
	test(`the form of ${doctype} opens with a document`, () => {
		const { handlers } = evaluate(joined(doctype, ".js", "doctype_js"));
		const buttons = [];
		const doc = {
			doctype,
			name: "https://site.example.com",
			__onload: { state: {} },
			...fields,
		};
		const frm = anything({
			doc,
			doctype,
			is_new: () => false,
			is_dirty: () => false,
			add_custom_button: (label) => (buttons.push(label), anything()),
		});

		for (const event of ["setup", "onload", "refresh"]) handlers[doctype][event]?.(frm);

		assert.ok(buttons.length, "no button was added");
	});
}

for (const doctype of Object.keys(hooked("doctype_list_js"))) {
	test(`the list of ${doctype} has what it calls`, () => {
		const { frappe } = evaluate(joined(doctype, "_list.js", "doctype_list_js"));
		const buttons = [];
		const page = anything({ add_inner_button: (label) => buttons.push(label) });

		frappe.listview_settings[doctype].onload(anything({ page }));

		assert.ok(buttons.length, "no button was added");
	});
}

test("no form is without its own scripts beside those that hooks name", () => {
	for (const doctype of Object.keys(hooked("doctype_js"))) {
		assert.ok(
			Object.keys(evaluate(joined(doctype, ".js", "doctype_js")).handlers).includes(doctype),
			doctype
		);
	}
});

test("a page's scripts come in the order in which they build on each other", () => {
	for (const page of Object.keys(hooked("page_js"))) {
		const { frappe, ours } = evaluate(joined(page, ".js", "page_js", "page"));

		assert.equal(typeof frappe.pages[page].on_page_load, "function");
		assert.deepEqual(Object.keys(ours.connection_tabs.tabs()), [
			"status",
			"timeline",
			"schema",
			"settings",
		]);
		assert.ok(Object.values(ours.connection_tabs.tabs()).every((tab) => tab.draw));
	}
});

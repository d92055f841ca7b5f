// The rule that keeps what was not escaped out of HTML: what it finds, and what it follows.

const assert = require("node:assert/strict");
const { before, test } = require("node:test");
const { Linter } = require("eslint");

let rule;
before(async () => {
	rule = (await import("../../tools/javascript/escaped_html.mjs")).default;
});

function found_in(code) {
	const options = { html: ["ours.table"], takes: { "ours.table": 0 } };
	const messages = new Linter().verify(code, {
		plugins: { ours: { rules: { "escaped-html": rule } } },
		languageOptions: { ecmaVersion: 2022, sourceType: "script" },
		rules: { "ours/escaped-html": ["error", options] },
	});
	assert.ok(!messages.some((each) => each.fatal), JSON.stringify(messages));
	return messages.map((each) => each.message.split(": ").slice(1).join(": "));
}

const ESCAPE = "const escape = (value) => frappe.utils.escape_html(String(value ?? ''));\n";
const HARMFUL = {
	"a value as it is": ["w.html(`<b>${doc.name}</b>`)", "doc.name"],
	"a value in an attribute": ["x = `<a href='${url}'>`", "url"],
	"a sum with a tag": ["x = '<b>' + doc.name", "doc.name"],
	"a translated value": ["x = `<b>${__(doc.status)}</b>`", "__(doc.status)"],
	"a value in a message": [
		"frappe.confirm(__('Delete {0}?', [doc.name]))",
		"__('Delete {0}?', [doc.name])",
	],
	"a message alone": ["frm.set_intro(error)", "error"],
	"a property of a message": ["frappe.msgprint({ title: 'A', message: error })", "error"],
	"a label of a dialog": [
		"new frappe.ui.Dialog({ title: 'A', fields: [{ label: row.name }] })",
		"row.name",
	],
	"one of two": ["x = `<b>${a ? escape(a) : b}</b>`", "b"],
	"an element of a list": [
		"x = `<ul>${rows.map((row) => row.name).join('')}</ul>`",
		"rows.map((row) => row.name).join('')",
	],
	"a variable that is set twice": ["let x = 'a'; x = doc.name; y = `<b>${x}</b>`", "x"],
	"a parameter that one call gives as it is": [
		"function f(t) { return `<b>${t}</b>`; } f('a'); f(doc.name);",
		"t",
	],
	"a function that gives a value as it is": [
		"const f = (d) => d.name; x = `<b>${f(doc)}</b>`",
		"f(doc)",
	],
	"a list that something was pushed to": [
		"const l = []; l.push(doc.name); x = `<b>${l.join()}</b>`",
		"l.join()",
	],
	"a sum of what may be texts": [
		"x = `<b>${rows.reduce((sum, row) => sum + row.count, 0)}</b>`",
		"rows.reduce((sum, row) => sum + row.count, 0)",
	],
	"what is handed to another file": ["ours.table(doc.rows)", "doc.rows"],
	"what is given to another file": [
		"ours.table = (rows) => rows.map((row) => row.name).join('')",
		"rows.map((row) => row.name).join('')",
	],
};
const HARMLESS = {
	escaped: "w.html(`<b>${escape(doc.name)} ${frappe.utils.escape_html(x)}</b>`)",
	"a number": "x = `<b>${cint(doc.count)} ${list.length} ${a - b} ${n.toFixed(1)}</b>`",
	"a text of ours": "x = `<b>${__('A')} ${doc.x ? __('B') : 'c'} ${doc.y && 'd'}</b>`",
	"a message with escaped values": "frappe.confirm(__('Delete {0}?', [escape(doc.name)]))",
	"no HTML at all": "x = `${doc.name} < ${doc.other}`; frm.set_value(doc.name)",
	"a list": "x = `<ul>${rows.map((row) => `<li>${escape(row)}</li>`).join('')}</ul>`",
	"a list of texts":
		"x = `<tr>${[__('A'), __('B')].map((label) => `<th>${label}</th>`).join('')}</tr>`",
	"a list that was filled": "const l = []; l.push(escape(a), '<br>'); x = `<b>${l.join()}</b>`",
	"a sum of numbers": "x = `<b>${rows.reduce((sum, row) => sum + cint(row.count), 0)}</b>`",
	pairs: "x = `<b>${[[__('A'), escape(b)]].map(([k, v]) => `${k}: ${v}`).join()}</b>`",
	"a table of texts":
		"const COLORS = { a: 'red' }; x = `<b class='${COLORS[doc.state] || 'gray'}'></b>`",
	"a function": "function f(t) { return `<b>${t}</b>`; } x = `<p>${f(escape(a))}${f('b')}</p>`",
	"a function that calls itself":
		"const f = (d) => (d.more ? f(d.more) : escape(d.name)); x = `<p>${f(d)}</p>`",
	"what is handed to another file": "ours.table(rows.map((row) => escape(row)))",
};

for (const [what, [code, part]] of Object.entries(HARMFUL)) {
	test(`found: ${what}`, () => assert.deepEqual(found_in(ESCAPE + code), [part]));
}
for (const [what, code] of Object.entries(HARMLESS)) {
	test(`let through: ${what}`, () => assert.deepEqual(found_in(ESCAPE + code), []));
}

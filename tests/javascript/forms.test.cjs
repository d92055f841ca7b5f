// What the form scripts compute, and that none of it shows as HTML what another site has sent.

const assert = require("node:assert/strict");
const { test } = require("node:test");
const { HOSTILE, make_wrapper, open_desk } = require("./desk.cjs");

// arrays of another context are no arrays of this one
const plain = (value) => JSON.parse(JSON.stringify(value));
const form_with = (field, doc) => {
	const wrapper = make_wrapper();
	return {
		frm: { doc, get_field: (name) => (assert.equal(name, field), { $wrapper: wrapper }) },
		wrapper,
	};
};
const assert_harmless = (html) => {
	assert.ok(html.includes("&lt;img"), `the value is not shown at all: ${html}`);
	assert.ok(!html.includes("<img") && !/onerror="/.test(html), html);
};

// ---- the change of an event

const { rows_of } = open_desk("public/js/event_change.js").ours.change;
const rows = (update_type, change, before = {}) =>
	plain(rows_of({ update_type, producer_doc: "Old Name" }, change, before, null));

test("an update is shown with its old and new values, without what goes along with every change", () => {
	const change = { changed: { status: "Open", modified: "now", owner: "me" } };

	assert.deepEqual(rows("Update", change, { changed: { status: "Draft" } }), [
		{ label: "status", before: "Draft", after: "Open" },
	]);
});

test("an old value that is not known is left out, one that was empty is not", () => {
	assert.deepEqual(rows("Update", { changed: { status: "Open" } }), [
		{ label: "status", after: "Open" },
	]);
	assert.equal(rows("Update", { changed: { status: "Open" } }, { changed: {} })[0].before, "");
});

test("changed, added and removed rows of a table each have a line", () => {
	const change = {
		row_changed: { items: [{ name: "r1", qty: 2 }] },
		added: { items: [{ name: "r2", item: "Pen", qty: 1 }] },
		removed: { items: ["r3"] },
	};

	assert.deepEqual(
		rows("Update", change, { row_changed: { items: [{ name: "r1", qty: 1 }] } }),
		[
			{ label: "items (r1): qty", before: "1", after: "2" },
			{ label: "items: row added", before: "", after: "item: Pen\nqty: 1" },
			{ label: "items: row removed", before: "r3", after: "" },
		]
	);
});

test("a create shows what is filled in, a rename both names, a file its name on the side where it is", () => {
	assert.deepEqual(rows("Create", { title: "A", empty: "", lines: [{ item: "Pen" }] }), [
		{ label: "title", before: "", after: "A" },
		{ label: "lines: row added", before: "", after: "item: Pen" },
	]);
	assert.deepEqual(rows("Rename", { new_name: "New" }), [
		{ label: "Name", before: "Old Name", after: "New" },
	]);
	assert.deepEqual(rows("Attach", { file_name: "a.pdf" }), [{ label: "File", after: "a.pdf" }]);
	assert.deepEqual(rows("Detach", { file_name: "a.pdf" }), [{ label: "File", before: "a.pdf" }]);
	assert.deepEqual(rows("Delete", {}), []);
});

test("a long value is cut, and a document status is said in words", () => {
	const [long, status] = rows("Update", { changed: { text: "x".repeat(700), docstatus: 1 } });

	assert.equal(long.after, `${"x".repeat(600)} …`);
	assert.equal(status.after, "Submitted");
});

test("a change that another site made up does no harm, whatever it holds", () => {
	const { ours } = open_desk("public/js/event_change.js");
	const data = JSON.stringify({ changed: { [HOSTILE]: HOSTILE, status: { [HOSTILE]: 1 } } });
	const { frm, wrapper } = form_with("change_html", {
		update_type: "Update",
		data,
		ref_doctype: "Note",
	});

	ours.change.show(frm);

	assert_harmless(wrapper.shown);
});

test("the form of an event that is not what it should be opens all the same", () => {
	const { ours } = open_desk("public/js/event_change.js");
	const { frm, wrapper } = form_with("change_html", {
		update_type: "Update",
		data: '{"added": {"items": 5}}',
	});

	ours.change.show(frm);

	assert.match(wrapper.shown, /can't be shown as a table/);
});

// ---- verify and repair

const { describe } = open_desk("public/js/verify_report.js").ours.verify_report;
const finding = (kind, more = {}) => ({ kind, local_doctype: "Note", remote_name: kind, ...more });
const kinds_in = (html) => [...html.matchAll(/<tr data-kind="([^"]+)"/g)].map(([, kind]) => kind);

test("findings that can be repaired come first, of a repair what failed", () => {
	const findings = [
		finding("Kept"),
		finding("Missing"),
		finding("Different"),
		finding("Extra", { failed: 1 }),
	];
	const counts = { Different: 1, Missing: 1, Extra: 1, Kept: 1 };

	const html = describe({ kind: "Verify", status: "Done" }, { counts, findings });

	assert.deepEqual(kinds_in(html), ["Extra", "Different", "Missing", "Kept"]);
	assert.match(html, /Documents that differ: 3/);
	assert.doesNotMatch(html, /The first/);
});

test("a report says that it lists a part only, and what was not compared", () => {
	const about = { Note: { not_compared: ["seen_by"], withheld: 7 } };

	const html = describe(
		{ kind: "Verify", status: "Done" },
		{ counts: { Missing: 40 }, findings: [finding("Missing")], doctypes: about }
	);

	assert.match(html, /The first 1 of 40 are/);
	assert.match(html, /Note: not compared: seen_by/);
	assert.match(html, /withheld documents: 7/);
});

test("nothing found is said so, and a repair says what came of it", () => {
	assert.match(
		describe({ kind: "Verify", status: "Done" }, {}),
		/green.*All documents are the same/
	);
	assert.match(
		describe({ kind: "Repair", made: 3, failed: 1 }, {}),
		/orange.*3 repaired, 1 failed/
	);
});

test("a field with several values takes as many lines, its document one cell", () => {
	const fields = [
		["title", "a", "b"],
		["status", "c", "d"],
	];

	const html = describe({ kind: "Verify" }, { findings: [finding("Different", { fields })] });

	assert.equal(kinds_in(html).length, 2);
	assert.equal(html.match(/rowspan="2"/g).length, 2);
});

test("a document that another site named does no harm in a report", () => {
	const named = { local_name: HOSTILE, remote_name: `${HOSTILE}2`, local_doctype: HOSTILE };
	const texts = {
		reason: HOSTILE,
		outcome: HOSTILE,
		fields: [[HOSTILE, HOSTILE, HOSTILE]],
		logs: [HOSTILE],
	};
	const about = {
		[HOSTILE]: { withheld: HOSTILE, not_compared: [HOSTILE], only_here: [HOSTILE] },
	};

	assert_harmless(
		describe(
			{ kind: "Verify" },
			{
				findings: [{ kind: HOSTILE, ...named, ...texts }],
				doctypes: about,
				counts: { Missing: HOSTILE },
			}
		)
	);
});

// ---- work of a producer

const tasks = open_desk("public/js/producer_tasks.js").ours.producer_tasks;

test("work is described by its counts, and by its rate while it runs", () => {
	const copy = {
		kind: "Copy",
		status: "Running",
		total: 10,
		done: 4,
		made: 3,
		here: 1,
		failed: 0,
	};

	assert.equal(
		tasks.describe(copy),
		"Running · 4 of 10 checked: 3 created, 1 here already, 0 failed"
	);
	assert.match(
		tasks.describe({ ...copy, rate: 2.4, seconds_left: 0 }),
		/ · 2 a second, 1s left$/
	);
});

test("more that was done than there was to do is the total, and a check counts each thing once", () => {
	const verify = { kind: "Verify", status: "Done", total: 3, done: 5, differing: 2 };

	assert.equal(tasks.describe(verify), "Done · 5 of 5 compared, 2 different");
	assert.match(
		tasks.describe({ kind: "Check", differing: 3, failed: 1 }),
		/Stops: 1, may hurt: 2\./
	);
	assert.match(
		tasks.describe({ ...verify, kind: "Repair", made: 2 }),
		/2 different: 2 repaired, 0 failed$/
	);
});

// ---- others

test("what a consumer does not get is each field once, masked ones marked", () => {
	const { context } = open_desk("event_streaming/doctype/event_consumer/event_consumer.js");

	const said = context.held_back({
		fields_not_sent: "salary, notes\n salary ",
		not_wanted: "photo",
		fields_masked: "phone = xxx\n\nemail",
	});

	assert.equal(said, "salary, notes, photo, phone (masked), email (masked)");
	assert.equal(context.held_back({}), "");
});

test("a heading of a guide has the anchor that a code forge gives it, in Thai as well", () => {
	const { context } = open_desk(
		"event_streaming/page/event_streaming_guide/event_streaming_guide.js"
	);

	assert.equal(context.anchor_of(" What's new, in 2 steps? "), "whats-new-in-2-steps");
	assert.equal(context.anchor_of("ตั้งค่า (ครั้งแรก)"), "ตั้งค่า-ครั้งแรก");
});

test("a value that is previewed, offered or found by a check does no harm", () => {
	const { ours } = open_desk(
		"public/js/mapping_preview.js",
		"public/js/join.js",
		"public/js/check_report.js"
	);
	const reference = { field: "a", found: [HOSTILE], remote_doctype: HOSTILE, mapping: HOSTILE };
	const document = { a: "x", [HOSTILE]: HOSTILE, rows: [{ name: "r", [HOSTILE]: HOSTILE }] };
	assert_harmless(
		ours.mapping_preview.html({ document, references: [reference], unknown: [HOSTILE] })
	);

	const offer = {
		site: HOSTILE,
		own_address: HOSTILE,
		rows: [{ doctype: HOSTILE, condition: HOSTILE }],
	};
	assert_harmless(
		ours.join.describe_offer({ ...offer, mistakes: [HOSTILE], both_directions: 1 })
	);

	const { frm, wrapper } = form_with("findings", { status: "Done" });
	const found = {
		severity: "Stops",
		doctype: HOSTILE,
		what: HOSTILE,
		remedy: HOSTILE,
		action: HOSTILE,
	};
	ours.check.show(frm, {
		amounts: [{ doctype: HOSTILE, documents: HOSTILE, megabytes: HOSTILE }],
		findings: [found, { ...found, mended: HOSTILE }],
	});
	assert_harmless(wrapper.shown);
});

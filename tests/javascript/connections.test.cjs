// The map of all sites and the tabs of one connection: what they draw, and that nothing of another site is drawn as HTML.

const assert = require("node:assert/strict");
const { test } = require("node:test");
const { HOSTILE, open_desk } = require("./desk.cjs");

const { ours } = open_desk(
	"public/js/connection_map.js",
	"public/js/connection_tabs.js",
	"public/js/connection_status.js"
);
const stream = (site, more = {}) => ({
	site,
	direction: "from",
	color: "green",
	headline: { label: "Active", color: "green" },
	needs: [],
	per_hour: 0,
	...more,
});
const draw = (streams, width = 900) =>
	ours.connection_map.draw({ here: "https://here.example.com", streams }, width);
const labels = (html) =>
	[...html.matchAll(/<tspan[^>]*>([^<]*)<\/tspan>/g)].map(([, text]) => text);
const assert_harmless = (html) => {
	assert.ok(html.includes("&lt;img"), html);
	assert.ok(!html.includes("<img") && !/onerror="/.test(html), html);
};

test("a site without connections says so instead of a map", () => {
	assert.match(draw([]), /no connection yet/);
	assert.doesNotMatch(draw([]), /<svg/);
});

test("the end that all addresses share is not written beside each", () => {
	const html = draw([
		stream("https://one.shops.example.com"),
		stream("https://two.shops.example.com"),
	]);

	assert.deepEqual(labels(html).slice(0, 2), ["one", "two"]);
});

test("addresses of numbers, a single one, and those with nothing in common are written whole", () => {
	assert.deepEqual(
		labels(draw([stream("http://10.0.0.1"), stream("http://10.0.1.1")])).slice(0, 2),
		["10.0.0.1", "10.0.1.1"]
	);
	assert.equal(labels(draw([stream("https://one.example.com")]))[0], "one.example.com");
	assert.equal(
		labels(draw([stream("https://a.example.org"), stream("https://b.example.com")]))[0],
		"a.example.org"
	);
});

test("of many sites 36 are drawn, all are in the table, and it is said how many are missing", () => {
	const html = draw(
		Array.from({ length: 40 }, (_, at) => stream(`https://shop${at}.example.com`))
	);

	assert.equal(html.match(/<line /g).length, 36);
	assert.equal(html.match(/role="rowheader"/g).length, 40);
	assert.match(html, /And 4 more sites/);
});

test("two directions with one site run beside each other, and a site that needs somebody is marked", () => {
	const site = "https://one.example.com";
	const both = draw([stream(site), stream(site, { direction: "to", paused: 1, needs_you: 1 })]);
	const places = [...both.matchAll(/<line [^>]*x1="([^"]+)" y1="([^"]+)"/g)].map(
		([, x, y]) => `${x} ${y}`
	);

	assert.equal(new Set(places).size, 2);
	assert.match(both, /es-paused/);
	assert.equal(both.match(/class="es-needs"/g).length, 1);
});

test("all that is drawn lies inside the picture, on a phone as well", () => {
	for (const width of [320, 900]) {
		const html = draw(
			Array.from({ length: 20 }, (_, at) => stream(`https://s${at}.example.com`)),
			width
		);
		const [, wide, high] = html.match(/viewBox="0 0 ([\d.]+) ([\d.]+)"/).map(Number);
		for (const [, x, y] of html.matchAll(/cx="([-\d.]+)" cy="([-\d.]+)"/g)) {
			assert.ok(x > 0 && x < wide && y > 0 && y < high, `${x}, ${y} of ${wide}, ${high}`);
		}
	}
});

test("a length of time is said in the unit that fits", () => {
	const said = [null, undefined, 0, 119, 120, 7199, 7200, 86400].map(
		ours.connection_tabs.duration
	);

	assert.deepEqual(said, ["–", "–", "0 s", "119 s", "2 min", "120 min", "2 h", "24 h"]);
});

test("the map does no harm, whatever the sites are called", () => {
	const evil = {
		direction: HOSTILE,
		color: HOSTILE,
		headline: { label: HOSTILE, color: HOSTILE },
		needs: [HOSTILE],
	};

	assert_harmless(
		draw([
			stream(`https://${HOSTILE}`, {
				...evil,
				width: HOSTILE,
				per_hour: HOSTILE,
				delay: HOSTILE,
			}),
		])
	);
});

test("the tabs do no harm, whatever the other site has sent", () => {
	const tabs = ours.connection_tabs.tabs();
	const headline = { label: HOSTILE, color: HOSTILE, text: HOSTILE };
	const line = {
		doctype: HOSTILE,
		remote_doctype: `${HOSTILE}2`,
		label: HOSTILE,
		color: HOSTILE,
		text: HOSTILE,
	};
	const causes = [{ cause: HOSTILE, title: HOSTILE, count: HOSTILE }];
	const side = {
		headline,
		events_behind: HOSTILE,
		per_hour: HOSTILE,
		last_contact: HOSTILE,
		delay: HOSTILE,
	};
	const verified = { on: HOSTILE, differing: HOSTILE, task: HOSTILE };

	assert_harmless(
		tabs.status.draw({
			site: HOSTILE,
			pulls: {
				...side,
				doctypes: [{ ...line, failed: HOSTILE, causes, verified, subscribed: HOSTILE }],
			},
			sends: { ...side, doctypes: [{ ...line, taken: HOSTILE, last: HOSTILE }] },
		})
	);
	const entry = {
		at: HOSTILE,
		title: HOSTILE,
		text: HOSTILE,
		by: HOSTILE,
		color: HOSTILE,
		link: [HOSTILE, HOSTILE],
	};
	assert_harmless(tabs.timeline.draw({ entries: [entry], after: HOSTILE }));
	const difference = {
		what: HOSTILE,
		remedy: HOSTILE,
		field: HOSTILE,
		difference: HOSTILE,
		can_create: 1,
	};
	assert_harmless(
		tabs.schema.draw({
			site: HOSTILE,
			problem: HOSTILE,
			differences: [difference, { ...difference, ignored_by: HOSTILE, ignored_on: HOSTILE }],
		})
	);
	const values = [{ label: HOSTILE, value: HOSTILE }];
	assert_harmless(
		tabs.settings.draw({
			forms: [
				{ doctype: HOSTILE, name: HOSTILE, values, rows: [{ doctype: HOSTILE, values }] },
			],
		})
	);
});

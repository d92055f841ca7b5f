// The linter of the form scripts, with what Frappe's own configuration asks for, and no package to import: an editor, pre-commit and
// `make lint` (which pins the version) all read this file.

import escaped_html from "./tools/javascript/escaped_html.mjs";

// prettier-ignore
const GIVEN_BY_THE_DESK = [
	"$", "__", "cint", "cstr", "cur_dialog", "cur_frm", "cur_list", "event_streaming", "flt", "frappe", "locals", "moment",
];
// prettier-ignore
const GIVEN_BY_THE_BROWSER = [
	"Blob", "File", "FileReader", "FormData", "URL", "clearInterval", "clearTimeout", "console", "document", "navigator",
	"setInterval", "setTimeout", "window",
];
// one file's functions for another: those that give HTML, and those that take it, with the argument that is HTML
const GIVES_HTML = [
	...["button", "escape", "form", "pill", "when"].map((name) => `ours.parts.${name}`),
	...["duration", "status", "table"].map((name) => `ours.${name}`),
	...["duration", "table"].map((name) => `event_streaming.connection_tabs.${name}`),
	"event_streaming.connection_map.draw",
	"event_streaming.verify_report.describe",
	"this.frame",
	"view.frame",
	// a tab's
	"?.draw",
];
const TAKES_HTML = {
	"event_streaming.both_sides.add_rotate_button": 1,
	"event_streaming.both_sides.show_site": 2,
	"event_streaming.connection_tabs.table": 1,
	"ours.table": 1,
	"this.frame": 0,
	"this.show": 0,
	"view.frame": 0,
	"view.show": 0,
};
const names = (list, access) => Object.fromEntries(list.map((name) => [name, access]));
const rules = (level, list) => Object.fromEntries(list.map((rule) => [rule, level]));

export default [
	{ ignores: ["**/node_modules/**", ".work/**", "**/dist/**", "site/**"] },
	{
		files: ["event_streaming/**/*.js"],
		languageOptions: {
			ecmaVersion: 2022,
			sourceType: "script",
			globals: {
				...names(GIVEN_BY_THE_DESK, "readonly"),
				...names(GIVEN_BY_THE_BROWSER, "readonly"),
				event_streaming: "writable",
			},
		},
		plugins: { ours: { rules: { "escaped-html": escaped_html } } },
		linterOptions: { reportUnusedDisableDirectives: "error" },
		rules: {
			// ESLint's own recommendation, by name
			// prettier-ignore
			...rules("error", [
				"constructor-super", "for-direction", "getter-return", "no-async-promise-executor", "no-case-declarations",
				"no-class-assign", "no-compare-neg-zero", "no-cond-assign", "no-const-assign", "no-constant-binary-expression",
				"no-constant-condition", "no-control-regex", "no-debugger", "no-delete-var", "no-dupe-args",
				"no-dupe-class-members", "no-dupe-else-if", "no-dupe-keys", "no-duplicate-case", "no-empty",
				"no-empty-character-class", "no-empty-pattern", "no-empty-static-block", "no-ex-assign", "no-fallthrough",
				"no-func-assign", "no-global-assign", "no-import-assign", "no-invalid-regexp", "no-irregular-whitespace",
				"no-loss-of-precision", "no-misleading-character-class", "no-new-native-nonconstructor", "no-nonoctal-decimal-escape",
				"no-obj-calls", "no-octal", "no-prototype-builtins", "no-redeclare", "no-regex-spaces", "no-self-assign",
				"no-setter-return", "no-shadow-restricted-names", "no-sparse-arrays", "no-this-before-super", "no-undef",
				"no-unexpected-multiline", "no-unreachable", "no-unsafe-finally", "no-unsafe-negation",
				"no-unsafe-optional-chaining", "no-unused-labels", "no-unused-private-class-members", "no-useless-backreference",
				"no-useless-catch", "no-useless-escape", "no-with", "require-yield", "use-isnan", "valid-typeof",
			]),
			// and what we ask for beside it
			// prettier-ignore
			...rules("error", [
				"array-callback-return", "no-alert", "no-caller", "no-console", "no-eval", "no-implied-eval", "no-new-func",
				"no-script-url", "no-self-compare", "no-template-curly-in-string", "no-throw-literal", "no-unmodified-loop-condition",
				"no-useless-concat", "no-var", "prefer-const",
			]),
			"no-unused-vars": ["error", { argsIgnorePattern: "^_", caughtErrors: "none" }],
			"max-lines": ["error", { max: 300, skipBlankLines: true, skipComments: true }],
			"ours/escaped-html": ["error", { html: GIVES_HTML, takes: TAKES_HTML }],
			eqeqeq: ["error", "always", { null: "ignore" }],
		},
	},
];

// The linter of the form scripts, with what Frappe's own configuration asks for, and nothing to import: an editor, pre-commit and
// `make lint` (which pins the version) all read this file.

// prettier-ignore
const GIVEN_BY_THE_DESK = [
	"$", "__", "cint", "cstr", "cur_dialog", "cur_frm", "cur_list", "event_streaming", "flt", "frappe", "locals", "moment",
];
// prettier-ignore
const GIVEN_BY_THE_BROWSER = [
	"Blob", "File", "FileReader", "FormData", "URL", "clearInterval", "clearTimeout", "console", "document", "navigator",
	"setInterval", "setTimeout", "window",
];
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
			eqeqeq: ["error", "always", { null: "ignore" }],
		},
	},
];

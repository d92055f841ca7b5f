// A rule for ESLint: what is shown as HTML has nothing in it that was not escaped.
//
// It looks at template literals and sums that hold a tag, and at what is given to those of the Desk's functions that take HTML. Each value in them has
// to be one of: a text of ours, a number, the answer of an escaping function, or something made of such alone, which the rule follows
// through variables, arrays and functions of the same file. A parameter is followed to all places that call the function. What it
// can't follow it reports: escape it where it is shown.

const TAG = /<[a-z!/]/i;
const ESCAPING = new Set([
	"encodeURIComponent",
	"cint",
	"flt",
	"Number",
	"parseInt",
	"frappe.utils.escape_html",
]);
// of the Desk: a formatted moment, a length of time
const HARMLESS = /^(Math|frappe\.datetime)\.|^frappe\.utils\.(get_formatted_duration|icon)$/;
const SAME_ELEMENTS = new Set(["filter", "slice", "reverse", "sort", "toSorted", "concat"]);
const SAME_TEXT = new Set([
	"trim",
	"slice",
	"toString",
	"toLowerCase",
	"toUpperCase",
	"replace",
	"at",
]);
const OVER_ELEMENTS = new Set(["map", "flatMap", "forEach", "filter", "find", "some", "every"]);
// functions that take HTML: which of their arguments, by position, and which properties of an object there
const SINKS = {
	"*.html": { at: 0 },
	"*.set_intro": { at: 0 },
	"*.set_headline_alert": { at: 0 },
	"*.add_indicator": { at: 0 },
	"dialog.set_title": { at: 0 },
	"*.show_progress": { at: 2 },
	"*.insertAdjacentHTML": { at: 1 },
	"frappe.msgprint": { at: 0, of: ["message", "title"] },
	"frappe.throw": { at: 0, of: ["message", "title"] },
	"frappe.show_alert": { at: 0, of: ["message"] },
	"frappe.confirm": { at: 0 },
	"frappe.prompt": { at: 0, of: ["label", "description"] },
	"frappe.call": { at: 0, of: ["freeze_message"] },
	"frappe.ui.Dialog": { at: 0, of: ["title", "label", "description"] },
};

const path_of = (node) => {
	if (node.type === "Identifier") return node.name;
	if (node.type !== "MemberExpression" || node.computed) return "?";
	return `${path_of(node.object)}.${node.property.name}`;
};
const is_function = (node) =>
	node &&
	["ArrowFunctionExpression", "FunctionExpression", "FunctionDeclaration"].includes(node.type);
const text_of = (template) => template.quasis.map((quasi) => quasi.value.cooked).join("");

/** @type {import("eslint").Rule.RuleModule} */
export default {
	meta: {
		type: "problem",
		schema: [
			{
				type: "object",
				properties: { html: { type: "array" }, takes: { type: "object" } },
				additionalProperties: false,
			},
		],
		messages: { unescaped: "This is shown as HTML and was not escaped: {{text}}" },
	},
	create(context) {
		const source = context.sourceCode;
		const [{ html = [], takes = {} } = {}] = context.options;
		// functions that give HTML to other files, and where those files hand HTML in: what is called *_html is that in the function itself
		const trusted = new Set(html);
		const sinks = {
			...SINKS,
			...Object.fromEntries(
				Object.entries(takes).map(([path, at]) => [path, { at, parts: true }])
			),
		};
		const known = new Map();

		function variable_of(identifier) {
			for (let scope = source.getScope(identifier); scope; scope = scope.upper) {
				const found = scope.set.get(identifier.name);
				if (found) return found;
			}
			return null;
		}

		// while a function is looked at it counts as safe, or one that calls itself would never be
		function once(key, node, look) {
			const kept = known.get(node) || {};
			if (!(key in kept)) {
				known.set(node, kept);
				kept[key] = true;
				kept[key] = look();
			}
			return kept[key];
		}

		function function_of(node) {
			if (is_function(node)) return node;
			if (node.type !== "Identifier") return null;
			const definition = variable_of(node)?.defs[0];
			if (definition?.type === "FunctionName") return definition.node;
			return definition?.type === "Variable" && is_function(definition.node.init)
				? definition.node.init
				: null;
		}

		function answers_of(fn) {
			if (fn.body.type !== "BlockStatement") return [fn.body];
			const found = [];
			const walk = (node) => {
				if (!node || is_function(node)) return;
				if (node.type === "ReturnStatement" && node.argument) found.push(node.argument);
				for (const key of source.visitorKeys[node.type] || [])
					[node[key]].flat().forEach((each) => each && walk(each));
			};
			walk(fn.body);
			return found;
		}

		const all_answers = (key, node, test) => {
			if (is_escaping(node)) return true;
			const fn = function_of(node);
			return Boolean(fn) && once(key, fn, () => answers_of(fn).every(test));
		};

		function is_escaping(callee) {
			const path = path_of(callee);
			if (ESCAPING.has(path) || HARMLESS.test(path) || trusted.has(path)) return true;
			if (callee.type !== "Identifier") return false;
			const [definition] = variable_of(callee)?.defs || [];
			if (definition?.type !== "Variable" || !definition.node.init) return false;
			// taken out of an object: `const { pill } = ours.parts`
			if (definition.node.id.type === "ObjectPattern")
				return [ESCAPING, trusted].some((list) =>
					list.has(`${path_of(definition.node.init)}.${callee.name}`)
				);
			return !is_function(definition.node.init) && is_escaping(definition.node.init);
		}

		// each use of a function that has a name, or null if it is used in a way that can't be followed
		function uses_of(fn) {
			const named =
				fn.type === "FunctionDeclaration"
					? fn.id
					: fn.parent.type === "VariableDeclarator"
						? fn.parent.id
						: null;
			if (!named) return is_over_elements(fn) ? [fn] : null;
			const uses = variable_of(named)
				.references.map((each) => each.identifier)
				.filter((each) => each !== named);
			return uses.every(
				(each) =>
					is_over_elements(each) ||
					(each.parent.type === "CallExpression" && each.parent.callee === each)
			)
				? uses
				: null;
		}

		const is_over_elements = ({ parent: call, ...node }) =>
			call.type === "CallExpression" &&
			call.arguments[0]?.range === node.range &&
			OVER_ELEMENTS.has(call.callee.property?.name);

		// a parameter: how `of_value` judges what is given for it, `of_elements` the array whose elements it is
		function given(definition, name, of_value, of_elements) {
			const fn = definition.node;
			const index = fn.params.findIndex(
				(each) => (each.type === "AssignmentPattern" ? each.left : each).name === name
			);
			if (index < 0) return false;
			const param = fn.params[index];
			if (param.type === "AssignmentPattern" && !of_value(param.right)) return false;
			const uses = uses_of(fn);
			// from another file, where it is looked at as it is handed in
			if (!uses) return name.endsWith("_html");
			return uses.every((use) => {
				if (is_over_elements(use))
					return index > 0 || of_elements(use.parent.callee.object);
				const value = use.parent.arguments[index];
				return !value || of_value(value);
			});
		}

		// an element of a tuple: ([name, label]) => …, for (const [name, label] of …), const [name] = …
		function in_tuple(definition, identifier) {
			const pattern = identifier.parent;
			if (pattern.type !== "ArrayPattern") return null;
			const at = pattern.elements.indexOf(identifier);
			if (definition.type === "Parameter") {
				const call = definition.node.parent;
				if (
					call.type !== "CallExpression" ||
					!OVER_ELEMENTS.has(call.callee.property?.name)
				)
					return false;
				return tuples(call.callee.object, at);
			}
			return false;
		}

		function by_name(key, identifier, of_value, of_elements) {
			if (identifier.name === "undefined") return true;
			const variable = variable_of(identifier);
			const [definition] = variable?.defs || [];
			if (!definition) return false;
			return once(key, variable, () => {
				const tuple = in_tuple(definition, definition.name);
				if (tuple !== null) return key === "safe" && tuple;
				if (definition.type === "Parameter")
					return given(definition, identifier.name, of_value, of_elements);
				if (definition.type !== "Variable" || definition.node.id.type !== "Identifier")
					return false;
				const writes = variable.references.filter((each) => each.isWrite());
				const loop = definition.node.parent.parent;
				if (loop.type === "ForOfStatement" && loop.left === definition.node.parent)
					return of_elements(loop.right);
				return (
					writes.every((each) => of_value(each.writeExpr)) &&
					pushed(variable).every(key === "safe" ? safe : elements_value)
				);
			});
		}

		const elements_value = (node) =>
			node.type === "SpreadElement" ? elements(node.argument) : safe(node);

		function pushed(variable) {
			return variable.references.flatMap(({ identifier: { parent: member } }) => {
				const is_push =
					member.type === "MemberExpression" &&
					["push", "unshift"].includes(member.property.name);
				return is_push &&
					member.parent.type === "CallExpression" &&
					member.parent.callee === member
					? member.parent.arguments
					: [];
			});
		}

		// whether a value can be put into HTML as it is
		function safe(node) {
			switch (node.type) {
				case "Literal":
					return true;
				case "TemplateLiteral":
					return node.expressions.every(safe);
				case "ConditionalExpression":
					return safe(node.consequent) && safe(node.alternate);
				case "LogicalExpression":
					return (node.operator === "&&" || safe(node.left)) && safe(node.right);
				case "BinaryExpression":
					return node.operator !== "+" || (safe(node.left) && safe(node.right));
				case "UnaryExpression":
				case "UpdateExpression":
					return true;
				case "AssignmentExpression":
					return safe(node.right);
				case "Identifier":
					return by_name("safe", node, safe, elements);
				case "MemberExpression":
					return (
						node.property.name === "length" ||
						values_of(node.object) ||
						(node.computed && elements(node.object))
					);
				case "CallExpression":
					return safe_call(node);
				default:
					return false;
			}
		}

		function safe_call({ callee, arguments: given_to }) {
			const path = path_of(callee);
			if (path === "__") {
				const [text, values] = given_to;
				if (!["Literal", "ConditionalExpression"].includes(text.type) || !safe(text))
					return false;
				return !values || values.type === "Literal" || elements(values);
			}
			if (path === "String") return safe(given_to[0]);
			if (all_answers("safe", callee, safe)) return true;
			const method = callee.property?.name;
			if (method === "join") return given_to.every(safe) && elements(callee.object);
			if (method === "toFixed") return true;
			if (method === "find") return elements(callee.object);
			if (method === "reduce" || method === "indexOf")
				return method === "indexOf" || sums(given_to);
			return SAME_TEXT.has(method) && safe(callee.object) && given_to.slice(1).every(safe);
		}

		// a sum that begins with a number and stays one: (sum, each) => sum + cint(each.count), 0
		function sums([step, first]) {
			if (typeof first?.value !== "number" || !is_function(step)) return false;
			const { type, operator, left, right } = step.body;
			return (
				type === "BinaryExpression" &&
				operator === "+" &&
				left.name === step.params[0].name &&
				safe(right)
			);
		}

		// whether each element of an array can be put into HTML as it is
		function elements(node) {
			switch (node.type) {
				case "ArrayExpression":
					return node.elements.every(elements_value);
				case "ConditionalExpression":
					return elements(node.consequent) && elements(node.alternate);
				case "LogicalExpression":
					return elements(node.left) && elements(node.right);
				case "Identifier":
					return by_name("elements", node, elements, () => false);
				case "CallExpression":
					return elements_of_call(node);
				default:
					return false;
			}
		}

		function elements_of_call({ callee, arguments: given_to }) {
			const method = callee.property?.name;
			if (path_of(callee) === "Object.keys") return Boolean(object_of(given_to[0]));
			if (method === "map") return all_answers("safe", given_to[0], safe);
			if (method === "flatMap") return all_answers("elements", given_to[0], elements);
			if (method === "split") return safe(callee.object);
			if (SAME_ELEMENTS.has(method))
				return (
					elements(callee.object) && (method !== "concat" || given_to.every(elements))
				);
			return all_answers("elements", callee, elements);
		}

		function object_of(node) {
			if (node.type === "ObjectExpression") return node;
			if (node.type === "CallExpression" && function_of(node.callee)) {
				const [answer, ...more] = answers_of(function_of(node.callee));
				return answer && !more.length ? object_of(answer) : null;
			}
			const definition = node.type === "Identifier" && variable_of(node)?.defs[0];
			return definition?.type === "Variable" && definition.node.init
				? object_of(definition.node.init)
				: null;
		}

		function values_of(node) {
			const object = object_of(node);
			return (
				Boolean(object) &&
				object.properties.every((each) => each.type === "Property" && safe(each.value))
			);
		}

		// whether the element `at` of each tuple in an array can be put into HTML as it is
		function tuples(node, at) {
			switch (node.type) {
				case "ArrayExpression":
					return node.elements.every((each) =>
						each.type === "SpreadElement"
							? tuples(each.argument, at)
							: each.type === "ArrayExpression" &&
								(!each.elements[at] || safe(each.elements[at]))
					);
				case "Identifier": {
					const [definition] = variable_of(node)?.defs || [];
					if (definition?.type === "Parameter") {
						return given(
							definition,
							node.name,
							(each) => tuples(each, at),
							() => false
						);
					}
					return (
						definition?.type === "Variable" &&
						Boolean(definition.node.init) &&
						tuples(definition.node.init, at)
					);
				}
				case "CallExpression": {
					const { callee, arguments: given_to } = node;
					const method = callee.property?.name;
					if (path_of(callee) === "Object.entries") {
						const object = object_of(given_to[0]);
						return Boolean(object) && (at === 0 || values_of(given_to[0]));
					}
					if (SAME_ELEMENTS.has(method)) return tuples(callee.object, at);
					if (method !== "map") return false;
					const fn = function_of(given_to[0]);
					return (
						Boolean(fn) &&
						answers_of(fn).every(
							(each) => each.type === "ArrayExpression" && safe(each.elements[at])
						)
					);
				}
				default:
					return false;
			}
		}

		// ---- what is reported

		function report(node) {
			context.report({
				node,
				messageId: "unescaped",
				data: { text: source.getText(node).slice(0, 60) },
			});
		}

		// the parts of an expression that are not safe, as small as they can be named
		function unsafe_parts(node) {
			if (safe(node)) return [];
			if (node.type === "TemplateLiteral") return node.expressions.flatMap(unsafe_parts);
			if (node.type === "ConditionalExpression")
				return [node.consequent, node.alternate].flatMap(unsafe_parts);
			if (node.type === "BinaryExpression")
				return [node.left, node.right].flatMap(unsafe_parts);
			return [node];
		}

		// what an argument, or each element of it, has as one of these properties; a plain text is shown as it is
		function properties(node, names, seen = new Set()) {
			if (seen.has(node)) return [];
			seen.add(node);
			const into = (each) => properties(each, names, seen);
			switch (node.type) {
				case "ArrayExpression":
					return node.elements.filter(Boolean).flatMap(into);
				case "SpreadElement":
					return into(node.argument);
				case "ObjectExpression":
					return node.properties.flatMap((each) => {
						if (each.type !== "Property") return into(each.argument);
						if (names.includes(each.key.name)) return [each.value];
						return each.key.name === "fields" ? into(each.value) : [];
					});
				case "Identifier": {
					const [definition] = variable_of(node)?.defs || [];
					if (
						definition?.type === "Variable" &&
						definition.node.init &&
						definition.node.id.type === "Identifier"
					)
						return into(definition.node.init);
					return names.includes("message") ? [node] : [];
				}
				case "CallExpression": {
					const fn = function_of(
						node.callee.property?.name === "map" ? node.arguments[0] : node.callee
					);
					return fn
						? answers_of(fn).flatMap(into)
						: path_of(node.callee) === "__" && names.includes("message")
							? [node]
							: [];
				}
				default:
					return names.includes("message") ? [node] : [];
			}
		}

		function check_call(node) {
			const path = path_of(node.callee);
			const sink =
				sinks[path] ||
				(node.callee.type === "MemberExpression" &&
					sinks[`*.${node.callee.property.name}`]);
			const argument = sink && node.arguments[sink.at];
			if (!argument || argument.type === "SpreadElement") return;
			if (sink.parts && elements(argument)) return;
			const shown =
				sink.of && argument.type !== "TemplateLiteral"
					? properties(argument, sink.of)
					: [argument];
			shown
				.filter((each) => !holds_tag(each))
				.flatMap(unsafe_parts)
				.forEach(report);
		}

		// those are looked at as what they are
		function holds_tag(node) {
			return node.type === "TemplateLiteral" && TAG.test(text_of(node));
		}

		const is_text_with_tag = (node) =>
			node.type === "Literal" && typeof node.value === "string" && TAG.test(node.value);

		return {
			AssignmentExpression({ left, right }) {
				if (left.type !== "MemberExpression") return;
				const path = path_of(left);
				if (is_function(right) && trusted.has(path))
					answers_of(right).flatMap(unsafe_parts).forEach(report);
				if (right.type !== "CallExpression" || !is_function(right.callee)) return;
				const [exported] = answers_of(right.callee).filter(
					(each) => each.type === "ObjectExpression"
				);
				for (const { key, value } of exported?.properties || []) {
					const fn = trusted.has(`${path}.${key.name}`) && function_of(value);
					if (fn) answers_of(fn).flatMap(unsafe_parts).forEach(report);
				}
			},
			CallExpression: check_call,
			NewExpression: check_call,
			TemplateLiteral(node) {
				if (holds_tag(node)) node.expressions.flatMap(unsafe_parts).forEach(report);
			},
			BinaryExpression(node) {
				if (node.operator !== "+") return;
				if (is_text_with_tag(node.left)) unsafe_parts(node.right).forEach(report);
				else if (is_text_with_tag(node.right)) unsafe_parts(node.left).forEach(report);
			},
		};
	},
};

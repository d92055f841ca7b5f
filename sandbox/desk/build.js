// Builds the Desk's bundles: node build.js STAGE PUBLIC_FOLDER…
//
// STAGE holds the framework's package as `sandbox.desk.stage` lays it out; each PUBLIC_FOLDER is searched for
// *.bundle.js and *.bundle.scss. Bundles go to STAGE/monoframe/public/dist, and STAGE/assets.json says which
// file each bundle's name stands for. npm packages are found through NODE_PATH. Ends with 1, and the compiler's
// own messages, if any bundle cannot be built.
//
// This does what bench's own build does, less watching, right-to-left styles, source maps and minifying: an
// error in a browser test is to name the function that it is from.

const fs = require("fs");
const path = require("path");
const { pathToFileURL } = require("url");
const esbuild = require("esbuild");
const sass = require("sass");
const vue = require("esbuild-plugin-vue3");

const [stage, ...publicFolders] = process.argv.slice(2).map((folder) => path.resolve(folder));
const nodeModules = path.resolve(process.env.NODE_PATH);
const dist = path.join(stage, "monoframe", "public", "dist");
const distUrl = "/assets/monoframe/dist";

// Goes before each script, as any of them can be the first on a page. The framework's global has two names, so
// that scripts written for Frappe run. There is no socket.io server in the sandbox: without the second line the
// Desk would look for one again and again, and log an error each time.
const prelude = `
	window.frappe = window.monoframe = window.monoframe || {};
	if (frappe.boot) frappe.boot.disable_async = 1;
`;

// The fork renamed what it imports from npm, too. package.json installs the packages under the names that it
// asks for; the files inside still have their own.
const renamedFile = /^(monoframe-[a-z]+\/dist\/)monoframe-/;
const ownFile = (specifier) => specifier.replace(renamedFile, "$1frappe-");

async function main() {
	const entryPoints = publicFolders.flatMap(findBundles);
	const { metafile } = await esbuild.build({
		entryPoints,
		outdir: dist,
		entryNames: "[name].[hash]",
		assetNames: "files/[name].[hash]",
		publicPath: distUrl,
		bundle: true,
		metafile: true,
		target: "es2020",
		nodePaths: [stage, nodeModules],
		banner: { js: prelude },
		define: {
			"process.env.NODE_ENV": '"production"',
			__VUE_OPTIONS_API__: "true",
			__VUE_PROD_DEVTOOLS__: "false",
			__VUE_PROD_HYDRATION_MISMATCH_DETAILS__: "false",
		},
		loader: Object.fromEntries(
			["svg", "png", "gif", "jpg", "woff", "woff2", "ttf", "eot"].map((type) => [
				`.${type}`,
				"file",
			])
		),
		external: ["/assets/*"],
		logLevel: "error",
		plugins: [names, htmlTemplates, styles, vue()],
	});
	Object.entries(metafile.outputs).forEach(putStylesIntoScript);
	const assets = assetsByBundleName(metafile);
	fs.writeFileSync(path.join(stage, "assets.json"), JSON.stringify(assets, null, 1));
	console.log(`${Object.keys(assets).length} bundles`);
}

function findBundles(folder) {
	return fs.readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
		const found = path.join(folder, entry.name);
		if (entry.isDirectory()) return findBundles(found);
		return /\.bundle\.(js|scss)$/.test(entry.name) ? [found] : [];
	});
}

// A script's styles (those of its Vue components) come out as a file of their own, which no page would ask for.
function putStylesIntoScript([script, { cssBundle }]) {
	if (!cssBundle) return;
	const css = JSON.stringify(fs.readFileSync(cssBundle, "utf8"));
	fs.appendFileSync(
		script,
		`document.head.appendChild(document.createElement("style")).textContent = ${css};`
	);
	fs.unlinkSync(cssBundle);
}

// {"desk.bundle.js": "/assets/monoframe/dist/desk.bundle.4F2K….js", …}, the shape in which Frappe reads it
function assetsByBundleName(metafile) {
	const assets = {};
	for (const [file, { entryPoint }] of Object.entries(metafile.outputs)) {
		if (!entryPoint) continue;
		const name = path.basename(entryPoint).replace(/\.scss$/, ".css");
		assets[name] = `${distUrl}/${path.basename(file)}`;
	}
	return assets;
}

const names = {
	name: "names",
	setup(build) {
		build.onResolve({ filter: renamedFile }, ({ path: specifier, resolveDir, kind }) =>
			build.resolve(ownFile(specifier), { resolveDir, kind })
		);
	},
};

// An imported template.html becomes frappe.templates["template"], as in Frappe's own build.
const htmlTemplates = {
	name: "html-templates",
	setup(build) {
		build.onLoad({ filter: /\.html$/ }, ({ path: file }) => {
			const name = JSON.stringify(path.basename(file).split(".")[0]);
			const html = fs
				.readFileSync(file, "utf8")
				.replace(/<!--.*?-->/gs, "")
				.replace(/\s+/g, " ");
			return {
				contents: `monoframe.templates[${name}] = ${JSON.stringify(html)};`,
				loader: "js",
			};
		});
	},
};

// Sass first, then esbuild, which takes in what is left: @import of plain CSS, and url().
const styles = {
	name: "styles",
	setup(build) {
		build.onLoad({ filter: /\.scss$/ }, ({ path: file }) => {
			const { css } = sass.compile(file, {
				quietDeps: true,
				logger: sass.Logger.silent,
				importers: [{ findFileUrl: styleSheet }],
			});
			return { contents: css, loader: "css", resolveDir: path.dirname(file) };
		});
	},
};

// What an @import that is not relative means: "~bootstrap/scss/x" is in an npm package, "monoframe/public/x" in
// the framework.
function styleSheet(specifier) {
	const file = specifier.startsWith("~")
		? path.join(nodeModules, ownFile(specifier.slice(1)))
		: path.join(stage, specifier);
	return pathToFileURL(file);
}

main().catch((error) => {
	if (!error.errors) console.error(error); // esbuild has printed its own already
	process.exit(1);
});

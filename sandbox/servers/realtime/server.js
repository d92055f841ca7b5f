// A realtime server as Frappe 15 and 16 have one, for sites of the sandbox: node server.js PORT REDIS_URL APPS_FOLDER…
//
// The fork of Frappe that the sandbox runs has none. This one does what a client can see of Frappe's: whom it lets in, which rooms a
// socket is in, what of Redis goes where; tests/contract/realtime/test_realtime.py says it, and a real bench is held to the same. Where
// versions of Frappe differ it is as the strictest: no connection without a cookie.
// Handlers of apps are taken from APPS_FOLDER/<app>/realtime/handlers.js, which Frappe looks for at the same place on a bench.

const fs = require("fs");
const path = require("path");
const http = require("http");
const { Server } = require("socket.io");
const redis = require("@redis/client");
const cookie = require("cookie");

const [port, redisUrl, ...appsFolders] = process.argv.slice(2);
const SECONDS_FOR_THE_SITE = 60;

function hostOf(address) {
	if (!address) return undefined;
	const host = address.includes("://") ? address.split("/")[2] : address;
	return host.split(":")[0];
}

function siteMeant({ headers }) {
	return hostOf(headers["x-frappe-site-name"]) || hostOf(headers.origin || headers.host);
}

async function whoIs({ headers }, sid) {
	const shown = headers.authorization
		? { Authorization: headers.authorization }
		: { Cookie: `sid=${sid}` };
	const answer = await fetch(`${headers.origin}/api/method/frappe.realtime.get_user_info`, {
		headers: shown,
		signal: AbortSignal.timeout(SECONDS_FOR_THE_SITE * 1000),
	});
	const { message } = await answer.json();
	// the fork does not say which apps a site has: there it has all of them
	const apps = message.installed_apps || appsFolders.flatMap((folder) => fs.readdirSync(folder));
	return { user: message.user, type: message.user_type, apps };
}

async function letIn(socket, next) {
	const { headers } = socket.request;
	if (socket.nsp.name.slice(1) !== siteMeant(socket.request))
		return next(new Error("Invalid namespace"));
	if (hostOf(headers.host) !== hostOf(headers.origin)) return next(new Error("Invalid origin"));
	if (!headers.cookie) return next(new Error("No cookie transmitted."));
	const { sid } = cookie.parse(headers.cookie);
	if (!sid && !headers.authorization) return next(new Error("No authentication method used."));
	try {
		socket.known = await whoIs(socket.request, sid);
	} catch (error) {
		return next(new Error(`Unauthorized: ${error}`));
	}
	next();
}

function handlersOf(app) {
	const found = appsFolders
		.map((folder) => path.join(folder, app, "realtime", "handlers.js"))
		.find((file) => fs.existsSync(file));
	return found && require(found);
}

function welcome(socket) {
	const { user, type, apps } = socket.known;
	socket.join([`user:${user}`, "website"]);
	if (type === "System User") socket.join("all");
	for (const app of apps) {
		const handler = handlersOf(app);
		if (handler) handler(socket);
	}
}

async function main() {
	const server = http.createServer();
	const io = new Server(server, {
		cors: { origin: true, credentials: true },
		cleanupEmptyChildNamespaces: true,
	});
	const sites = io.of(/^\/.*$/);
	sites.use(letIn);
	sites.on("connection", welcome);
	const subscriber = redis.createClient({ url: redisUrl });
	subscriber.on("error", (error) => console.error(String(error)));
	await subscriber.connect();
	await subscriber.subscribe("events", (text) => {
		const { namespace, room, event, message } = JSON.parse(text);
		if (room) io.of(`/${namespace}`).to(room).emit(event, message);
		else sites.emit(event, message);
	});
	server.listen(Number(port), "127.0.0.1", () => console.log(`listens on ${port}`));
}

main();

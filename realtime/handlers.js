// Frappe's realtime server calls this for each socket on a site that has the app. It says who may stay, and nothing else.
//
// A socket that was let in with API keys outlives them: Frappe asks once, when it is opened. Where a site listens to this one, it is
// closed when its user is changed, so that the keys have to be shown again. Sockets of browsers are left alone.

const WITHDRAWN = "event_streaming_withdrawn";

function event_streaming_handlers(socket) {
	if (!socket.request.headers.authorization) return;
	socket.onAnyOutgoing((event) => {
		if (event === WITHDRAWN) socket.disconnect(true);
	});
}

module.exports = event_streaming_handlers;

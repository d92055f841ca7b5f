// Long work of an Event Producer, on its form: it is begun, its progress is shown, and what came of it. It decides nothing.

frappe.provide("event_streaming");

event_streaming.producer_tasks = (() => {
	const METHODS = "event_streaming.event_streaming.doctype.event_producer.event_producer";
	const PROGRESS = "event_streaming_progress";
	const ACTIVE = ["Queued", "Running", "Waiting"];

	function call(frm, method, values = {}) {
		return frappe
			.call({
				method: `${METHODS}.${method}`,
				args: { event_producer: frm.doc.name, ...values },
				freeze: true,
			})
			.then((answer) => answer.message);
	}

	function start(frm, method, values, message) {
		return call(frm, method, values).then((work) => {
			frappe.show_alert({ message: frappe.utils.escape_html(message), indicator: "green" });
			show(frm, work);
			setTimeout(() => look(frm), 2000);
		});
	}

	// what the server tells of the work while it goes on
	function listen(frm) {
		frappe.realtime.off(PROGRESS);
		frappe.realtime.on(PROGRESS, (work) => {
			if (is_shown(frm) && work.event_producer === frm.doc.name) show(frm, work);
		});
	}

	// how far the last ones have got; also after a reload, and where there are no realtime messages
	function look(frm) {
		if (!is_shown(frm) || frm.is_new()) return;
		const name = frm.doc.name;
		frappe.xcall(`${METHODS}.get_progress`, { event_producer: name }).then((tasks) => {
			if (frm.doc.name !== name) return;
			tasks.forEach((work) => show(frm, work));
			if (tasks.some((work) => ACTIVE.includes(work.status))) {
				clearTimeout(frm.next_look_at_tasks);
				frm.next_look_at_tasks = setTimeout(() => look(frm), 3000);
			}
		});
	}

	function show(frm, work) {
		const words = words_of(work.kind);
		frm.active_tasks = frm.active_tasks || {};
		frm.remove_custom_button(words.stop);
		if (ACTIVE.includes(work.status)) {
			frm.dashboard.show_progress(words.title, work.percent, describe(work));
			frm.add_custom_button(words.stop, () => stop_task(frm, work));
			frm.active_tasks[work.kind] = true;
		} else if (frm.active_tasks[work.kind]) {
			frm.active_tasks[work.kind] = false;
			frm.dashboard.hide_progress();
			frappe.msgprint({
				title: frappe.utils.escape_html(words.title),
				message: `${frappe.utils.escape_html(
					[describe(work), work.message].filter(Boolean).join(" ")
				)}<br>${link_to_task(work)}`,
				indicator:
					work.status === "Done" && !work.failed && !work.differing ? "green" : "orange",
			});
		}
	}

	function words_of(kind) {
		return {
			Copy: { title: __("Copy of existing documents"), stop: __("Stop Copying") },
			Verify: { title: __("Comparison of the documents"), stop: __("Stop Verifying") },
			Repair: { title: __("Repair of what differs"), stop: __("Stop Repairing") },
			Check: { title: __("Check Before You Begin"), stop: __("Stop Checking") },
		}[kind];
	}

	function link_to_task(work) {
		if (work.kind === "Copy") return "";
		const label =
			work.differing && work.kind !== "Check" ? __("Findings and Repair") : __("Findings");
		return `<a href="/app/event-streaming-task/${encodeURIComponent(work.task)}">${label}</a>`;
	}

	function stop_task(frm, work) {
		return frappe
			.xcall(`${METHODS}.stop_task`, { event_producer: frm.doc.name, kind: work.kind })
			.then(() => look(frm));
	}

	function status_label(status) {
		const labels = {
			Queued: __("Queued"),
			Running: __("Running"),
			Waiting: __("Waiting"),
			Stopped: __("Stopped"),
			Done: __("Done"),
			Failed: __("Failed"),
		};
		return labels[status] || "";
	}

	function describe(work) {
		const counts = describe_counts(work);
		if (work.status !== "Running" || !work.rate)
			return `${status_label(work.status)} · ${counts}`;
		const left = frappe.utils.get_formatted_duration(Math.max(cint(work.seconds_left), 1));
		return `${counts} · ${__("{0} a second, {1} left", [Math.round(work.rate), left])}`;
	}

	function describe_counts(work) {
		const total = Math.max(cint(work.total), cint(work.done));
		if (work.kind === "Check") {
			return __("{0} of {1} document types checked. Stops: {2}, may hurt: {3}.", [
				cint(work.done),
				total,
				cint(work.failed),
				Math.max(cint(work.differing) - cint(work.failed), 0),
			]);
		}
		if (work.kind === "Copy") {
			return __("{0} of {1} checked: {2} created, {3} here already, {4} failed", [
				cint(work.done),
				total,
				cint(work.made),
				cint(work.here),
				cint(work.failed),
			]);
		}
		const compared = __("{0} of {1} compared, {2} different", [
			cint(work.done),
			total,
			cint(work.differing),
		]);
		if (work.kind === "Verify") return compared;
		return `${compared}: ${__("{0} repaired, {1} failed", [cint(work.made), cint(work.failed)])}`;
	}

	function is_shown(frm) {
		const shown = frappe.get_route();
		return shown[1] === frm.doctype && shown[2] === frm.doc.name;
	}

	return { call, describe, is_shown, listen, look, start };
})();

"""What the doctor looks at on this site alone: address, scheduler, workers, retention, and what stands still."""

import os
import socket
from collections.abc import Iterator
from datetime import timedelta

import frappe
from frappe.utils import cint, now_datetime
from frappe.utils.background_jobs import get_queue, get_workers
from frappe.utils.scheduler import is_scheduler_inactive
from redis.exceptions import RedisError

from event_streaming.admin.daily.awake import has_connection, is_asleep
from event_streaming.admin.doctor import disk
from event_streaming.admin.doctor.finding import FAULT, NOTE, OK, WARNING, Finding
from event_streaming.admin.words import at
from event_streaming.database.locks import lock_holder, statement_that_ends
from event_streaming.http.allowed import ALLOWED_NETWORKS
from event_streaming.http.networks import parse_bound
from event_streaming.messages.coded import _
from event_streaming.site.address import MINUTE_TASK, public_url
from event_streaming.site.settings import get_settings

# the scheduler itself may look only every four minutes
TASK_MINUTES = 15
# far longer than any pull or call may take
STUCK_SECONDS = 15 * 60
MANY_JOBS = 1_000
LOGS = ("Event Update Log", "Event Sync Log")


def examine() -> Iterator[Finding]:
	"""All checks of this site."""
	yield address()
	yield networks()
	yield encryption_key()
	yield scheduler()
	yield from sleep()
	yield from cluster()
	yield from disk.examine()
	for queue in dict.fromkeys((get_settings().queue, "long")):
		yield workers(queue)
	yield from retention()
	yield from locks()
	yield numbering()
	yield retries()


def address() -> Finding:
	url, settings = public_url(), get_settings()
	if settings.not_reachable:
		return Finding(
			"address",
			url,
			NOTE,
			_("Other sites cannot reach this one: it pulls every minute, and is not notified."),
		)
	if not settings.public_url and not frappe.conf.host_name:
		return Finding(
			"address",
			url,
			WARNING,
			_("Public URL is not set: {0} is a guess.").format(url),
			_(
				"Set Public URL in Event Streaming Settings to the address by which other sites reach this one."
			),
		)
	return Finding("address", url, OK, _("Other sites know this one as {0}.").format(url))


def networks() -> Finding:
	"""The bound of what this site may be made to call."""
	given = frappe.conf.get(ALLOWED_NETWORKS)
	try:
		bound = parse_bound(given)
	except ValueError as error:
		return Finding(
			"networks",
			ALLOWED_NETWORKS,
			FAULT,
			_("{0} in site_config.json is not a list of networks and host names: {1}").format(
				ALLOWED_NETWORKS, error
			)
			+ " "
			+ _("Until it is, no other site is called."),
			_('Write it as a list: ["10.0.0.0/8", "erp.example.com", "*.example.org"]'),
		)
	if not bound.given:
		return Finding(
			"networks",
			ALLOWED_NETWORKS,
			OK,
			_("{0} is not set: this site calls every address but link-local and metadata ones.").format(
				ALLOWED_NETWORKS
			),
		)
	return Finding(
		"networks",
		ALLOWED_NETWORKS,
		OK,
		_("This site calls only {0}.").format(
			", ".join(map(str, [given] if isinstance(given, str) else given))
		),
	)


def encryption_key() -> Finding:
	"""Without one, the first secret that is stored makes it: two processes at once, and one secret is lost."""
	site = frappe.local.site
	if frappe.conf.get("encryption_key"):
		return Finding("encryption key", site, OK, _("This site has a key that secrets are stored with."))
	return Finding(
		"encryption key",
		site,
		FAULT,
		_("site_config.json has no encryption_key: secrets that are stored here may be lost."),
		_(
			"If the site had one, put it back from a backup of site_config.json, else stored secrets have to be entered again. bench --site {0} migrate makes a new one."
		).format(site),
	)


def scheduler() -> Finding:
	site = frappe.local.site
	if is_scheduler_inactive(verbose=False):
		return Finding(
			"scheduler",
			site,
			FAULT,
			_(
				"The scheduler of this site is switched off: nothing is tried again, and lost notifications stay lost."
			),
			_(
				"bench --site {0} enable-scheduler; and see that neither maintenance_mode nor pause_scheduler is set."
			).format(site),
		)
	task = frappe.db.get_value(
		"Scheduled Job Type", {"method": MINUTE_TASK}, ["stopped", "last_execution"], as_dict=True
	)
	if not task:
		return Finding(
			"scheduler",
			site,
			FAULT,
			_("The scheduler has no job of every minute for this app."),
			_("bench --site {0} migrate").format(site),
		)
	if cint(task.stopped):
		return Finding(
			"scheduler",
			site,
			FAULT,
			_("The job of every minute is stopped."),
			_("Open Scheduled Job Type, {0}, and clear Stopped.").format(MINUTE_TASK),
		)
	now = now_datetime()
	if not task.last_execution or not now - timedelta(minutes=TASK_MINUTES) <= task.last_execution:
		return Finding(
			"scheduler",
			site,
			FAULT,
			_("The job of every minute last ran {0}.").format(at(task.last_execution)),
			_(
				"Start the scheduler and the workers: bench doctor shows them; with supervisor: supervisorctl status."
			),
		)
	return Finding(
		"scheduler", site, OK, _("The job of every minute last ran {0}.").format(at(task.last_execution))
	)


def sleep() -> Iterator[Finding]:
	"""Frappe runs the scheduler of a site that nobody uses only once a day."""
	if not has_connection():
		return
	site = frappe.local.site
	if is_asleep():
		yield Finding(
			"sleep",
			site,
			FAULT,
			_(
				"Frappe considers this site inactive and runs its scheduler only once a day: events come late."
			),
			_(
				"Log in once in a browser. It is kept awake from the next run on; if it falls asleep again, raise Run Jobs only Daily if Inactive For (Days) in System Settings."
			),
		)
		return
	yield Finding("sleep", site, OK, _("This site is kept awake, as it is connected to another site."))


def cluster() -> Iterator[Finding]:
	"""Locks of a Galera cluster are each node's own."""
	if frappe.db.db_type != "mariadb":
		return
	found = frappe.db.sql("SHOW GLOBAL VARIABLES LIKE 'wsrep_on'")
	if found and str(found[0][1]).upper() in ("ON", "1"):
		yield Finding(
			"cluster",
			frappe.local.site,
			WARNING,
			_(
				"The database is a Galera cluster: locks hold on one node only, and positions are right only if all that this site writes goes to the same node."
			),
			_("Have the proxy send everything of this site to one node, and use the others as a reserve."),
		)


def workers(queue: str) -> Finding:
	try:
		opened = get_queue(queue)
		number, waiting = sum(map(is_alive, get_workers(opened))), opened.count
	except (RedisError, frappe.ValidationError) as error:
		return Finding(
			"workers",
			queue,
			FAULT,
			_("The queue {0} can't be read: {1}").format(queue, error),
			_("Start Redis, and check redis_queue in common_site_config.json."),
		)
	if not number:
		return Finding(
			"workers",
			queue,
			FAULT,
			_("No background worker takes jobs of the queue {0}; {1} are waiting.").format(queue, waiting),
			_("Start one: bench worker --queue {0}; with supervisor: supervisorctl restart all.").format(
				queue
			),
		)
	if waiting > MANY_JOBS:
		return Finding(
			"workers",
			queue,
			WARNING,
			_("{0} jobs are waiting in the queue {1}.").format(f"{waiting:,}", queue),
			_("Start more workers, or choose another queue in Event Streaming Settings."),
		)
	return Finding(
		"workers",
		queue,
		OK,
		_("Workers for the queue {0}: {1}, jobs waiting: {2}.").format(queue, number, waiting),
	)


def is_alive(worker) -> bool:
	"""A worker that was killed stays on record for some minutes; of one on this machine it can be seen."""
	if worker.hostname != socket.gethostname() or not worker.pid:
		return True
	try:
		os.kill(worker.pid, 0)
	except ProcessLookupError:
		return False
	except PermissionError:
		return True
	return True


def retention() -> Iterator[Finding]:
	days = {
		row.ref_doctype: cint(row.days)
		for row in frappe.get_all(
			"Logs To Clear", filters={"parent": "Log Settings"}, fields=["ref_doctype", "days"]
		)
	}
	for log in LOGS:
		if days.get(log):
			yield Finding("retention", log, OK, _("{0} is cleared after {1} days.").format(_(log), days[log]))
		else:
			yield Finding(
				"retention",
				log,
				WARNING,
				_("{0} is never cleared and grows without end.").format(_(log)),
				_("Add it to Log Settings."),
			)


def locks() -> Iterator[Finding]:
	"""Locks that a process has held far too long without doing anything in the database."""
	names = {
		f"pull:{name}": _("The pull from {0}").format(name)
		for name in frappe.get_all("Event Producer", pluck="name")
	}
	names |= {
		f"notify {name}": _("The notification of {0}").format(name)
		for name in frappe.get_all("Event Consumer", pluck="name")
	}
	stuck = False
	for name, what in names.items():
		holder = lock_holder(name)
		if holder and holder.idle_seconds > STUCK_SECONDS:
			stuck = True
			yield Finding(
				"locks",
				name,
				FAULT,
				_("{0} has been stuck for {1} minutes, and no other can begin.").format(
					what, holder.idle_seconds // 60
				),
				_("Restart the workers. If it stays: {0} in the database (bench db-console).").format(
					statement_that_ends(holder)
				),
			)
	if not stuck:
		yield Finding("locks", frappe.local.site, OK, _("No lock is stuck."))


def numbering() -> Finding:
	"""Events that are committed and have no position can't be read by anybody."""
	before = now_datetime() - timedelta(seconds=STUCK_SECONDS)
	if frappe.get_all("Event Update Log", {"position": 0, "creation": ["<", before]}, limit=1):
		return Finding(
			"positions",
			"Event Update Log",
			FAULT,
			_(
				"Events that were logged more than {0} minutes ago have no position, so no consumer gets them."
			).format(STUCK_SECONDS // 60),
			_(
				"Check that the job of every minute runs. A transaction that has been open for long may block it: SHOW PROCESSLIST."
			),
		)
	return Finding("positions", "Event Update Log", OK, _("Every event has its position."))


def retries() -> Finding:
	"""Events whose time to be tried again has long come."""
	before = now_datetime() - timedelta(hours=1)
	paused = frappe.get_all("Event Producer", {"paused": 1}, pluck="name")
	filters: dict = {"status": "Retrying", "next_retry": ["<", before]}
	if paused:
		filters["event_producer"] = ["not in", paused]
	late = frappe.get_all("Event Sync Log", filters, ["event_producer"], limit=1)
	if late:
		return Finding(
			"retries",
			late[0].event_producer,
			WARNING,
			_("Events from {0} should have been tried again more than an hour ago.").format(
				late[0].event_producer
			),
			_("Check the findings about the scheduler, the workers and that producer."),
		)
	return Finding("retries", "Event Sync Log", OK, _("No retry is overdue."))

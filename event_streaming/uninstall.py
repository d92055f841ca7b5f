"""Removes what Frappe leaves behind when the app is uninstalled.

Frappe itself removes DocTypes, workspace, custom fields and whatever else names our module. It calls these functions
for `--dry-run` too, so nothing is changed before the app really is gone. Documents that were streamed stay; only the
two fields that say where they came from go.
"""

from pathlib import Path

import frappe
from frappe.utils import get_table_name
from frappe.utils.background_jobs import get_queues
from redis.exceptions import ConnectionError as RedisUnreachable
from rq.registry import FailedJobRegistry

from event_streaming.admin.navigation import leave_automation
from event_streaming.producer.log.mark import FILE
from event_streaming.site.roles import remove_role

APP, MODULE, PREFIX = "event_streaming", "Event Streaming", "event_streaming."
FIELDS = ("remote_docname", "remote_site_name")
# rows that belong to a DocType without linking to it in a way that Frappe follows: table -> column
LEFT_BEHIND = {
	"Logs To Clear": "ref_doctype",
	"Version": "ref_doctype",
	"Comment": "reference_doctype",
	"DocShare": "share_doctype",
	"Property Setter": "doc_type",
	"Custom DocPerm": "parent",
	"List Filter": "reference_doctype",
	"Deleted Document": "deleted_doctype",
	"Singles": "doctype",
	"__Auth": "doctype",
	"__UserSettings": "doctype",
}


def before_uninstall() -> None:
	"""Remember what can't be found out afterwards. Changes nothing."""
	frappe.flags.event_streaming_doctypes = frappe.get_all("DocType", {"module": MODULE}, pluck="name")
	frappe.flags.event_streaming_steps = frappe.get_all(
		"Onboarding Step Map", {"parent": MODULE, "parenttype": "Module Onboarding"}, pluck="step"
	)
	frappe.flags.event_streaming_fields = frappe.get_all(
		"Custom Field", {"module": MODULE, "fieldname": ["in", FIELDS]}, ["dt", "fieldname"]
	)


def after_uninstall() -> None:
	"""Remove the rest, if this was not a dry run."""
	if APP in frappe.get_installed_apps():
		return
	remove_columns(frappe.flags.event_streaming_fields or [])
	remove_rows(frappe.flags.event_streaming_doctypes or [])
	remove_role()
	remove_scheduled_jobs()
	remove_navigation()
	remove_onboarding_steps(frappe.flags.event_streaming_steps or [])
	frappe.db.commit()
	Path(frappe.get_site_path(FILE)).unlink(missing_ok=True)
	remove_from_redis()
	frappe.clear_cache()


def remove_columns(fields: list[dict]) -> None:
	"""Drop the columns of the custom fields that the app made; their indexes go with them."""
	for field in fields:
		if frappe.get_meta(field.dt, cached=False).has_field(field.fieldname):
			# somebody else's field of the same name
			continue
		if frappe.db.table_exists(field.dt) and frappe.db.has_column(field.dt, field.fieldname):
			frappe.db.sql_ddl(f"ALTER TABLE `tab{field.dt}` DROP COLUMN `{field.fieldname}`")
		frappe.clear_cache(doctype=field.dt)


def remove_rows(doctypes: list[str]) -> None:
	"""Remove rows about our DocTypes and their documents, the sequences of their names, the counter of positions."""
	tables = frappe.db.get_tables(cached=False)
	for table, column in LEFT_BEHIND.items():
		if doctypes and get_table_name(table) in tables:
			frappe.db.delete(table, {column: ["in", doctypes]})
	for doctype in doctypes:
		frappe.db.sql_ddl(f"DROP SEQUENCE IF EXISTS {frappe.scrub(doctype)}_id_seq")
	frappe.db.delete("Series", {"name": ["like", f"{PREFIX}%"]})
	frappe.db.delete("Patch Log", {"patch": ["like", f"{PREFIX}%"]})


def remove_scheduled_jobs() -> None:
	"""Remove the scheduler's entries; Frappe would only do that with the next migrate."""
	jobs = frappe.get_all("Scheduled Job Type", {"method": ["like", f"{PREFIX}%"]}, pluck="name")
	if jobs:
		frappe.db.delete("Scheduled Job Log", {"scheduled_job_type": ["in", jobs]})
		frappe.db.delete("Scheduled Job Type", {"name": ["in", jobs]})


def remove_navigation() -> None:
	"""Remove what Frappe 16 shows of the workspace elsewhere. (Its own clean-up looks for the title of the first app.)"""
	leave_automation()
	for doctype in ("Workspace Sidebar", "Desktop Icon"):
		if frappe.db.exists("DocType", doctype):
			# on_trash would delete the app's file in developer mode
			frappe.delete_doc(doctype, MODULE, ignore_missing=True, force=True, ignore_on_trash=True)


def remove_onboarding_steps(steps: list[str]) -> None:
	"""They name no module, so that Frappe leaves them behind; one that another onboarding has taken up stays."""
	taken = (
		set(frappe.get_all("Onboarding Step Map", {"step": ["in", steps]}, pluck="step")) if steps else set()
	)
	for step in set(steps) - taken:
		frappe.db.delete("Onboarding Step", {"name": step})


def remove_from_redis() -> None:
	"""Remove our background jobs of this site, and what was cached."""
	try:
		for queue in get_queues():
			failed = FailedJobRegistry(queue=queue)
			for job_id in [*queue.get_job_ids(), *failed.get_job_ids()]:
				remove_job(queue.fetch_job(job_id))
		frappe.cache.delete_keys("event_streaming:")
	except RedisUnreachable:
		# whatever was queued there fails to import and ends
		frappe.logger(APP).warning("uninstalled while Redis could not be reached")


def remove_job(job) -> None:
	if not job or job.kwargs.get("site") != frappe.local.site:
		return
	# for a call by name or of a function alike
	method = job.kwargs.get("method")
	name = method if isinstance(method, str) else f"{method.__module__}.{method.__name__}"
	if name.startswith(PREFIX):
		job.delete()

"""Between two tests: puts a site back to how the app was when it was just installed.

Only what belongs to the app: rows of its own DocTypes, its settings, its jobs in the queues, and the caches.
Documents that a test made of other DocTypes stay, so tests give theirs names of their own.
"""

from sandbox.sites.site import Site


def reset_site(site: Site) -> None:
	"""Also brings back the web server, where a test has stopped that."""
	if not site.processes.is_running("web"):
		site.start_web()
	site.run(put_back, module="Event Streaming")


def put_back(module: str) -> None:
	"""Runs inside the site: all of it in one call, as nearly every test begins with this."""
	import frappe

	forget_jobs()
	# a job may still be at work: PostgreSQL would refuse to delete what it has changed since this connection was opened
	frappe.db.commit()
	delete_rows_of_module(module)
	forget_how_far_the_log_was()


def forget_how_far_the_log_was() -> None:
	"""Runs inside the site: its epochs are gone with the rows, and no backup was restored."""
	from pathlib import Path

	import frappe

	Path(frappe.get_site_path("event_streaming_log.json")).unlink(missing_ok=True)


def delete_rows_of_module(module: str) -> None:
	"""Runs inside the site. Asks once which tables have rows at all: most have none, and each DELETE has its price."""
	import frappe

	doctypes = frappe.get_all(
		"DocType", filters={"module": module, "is_virtual": 0}, fields=["name", "issingle"]
	)
	singles = [doctype.name for doctype in doctypes if doctype.issingle]
	tables = [doctype.name for doctype in doctypes if not doctype.issingle]
	frappe.db.delete("__Auth", {"doctype": ["in", singles + tables]})
	for doctype in filled(tables):
		frappe.db.delete(doctype)
	forget_cached_data()
	for doctype in singles:
		put_settings_back(doctype)
	from event_streaming.site.site_id import make_id

	make_id()


def put_settings_back(doctype: str) -> None:
	"""Runs inside the site. Writing a Single's 60 fields takes longer than looking whether they have been changed."""
	if not is_set_back(doctype):
		fresh_settings(doctype).update_single(fresh_settings(doctype).get_valid_dict())


def is_set_back(doctype: str) -> bool:
	"""Runs inside the site: whether all fields of a Single are as they come, but for the id of the site."""
	import frappe

	stored = dict(frappe.db.sql("SELECT field, value FROM tabSingles WHERE doctype = %s", doctype))
	fresh = fresh_settings(doctype).get_valid_dict()
	as_stored = {name: None if value is None else str(value) for name, value in fresh.items()}
	return stored | dict.fromkeys(("site_id", "modified", "modified_by")) == as_stored


def fresh_settings(doctype: str):
	import frappe

	settings = frappe.new_doc(doctype)
	settings.name = doctype  # Frappe 15 takes a Single whose stored name is empty for a new one
	return settings


def filled(doctypes: list[str]) -> list[str]:
	"""Runs inside the site: those whose table has a row."""
	import frappe

	looks = [f"(SELECT {frappe.db.escape(doctype)} FROM `tab{doctype}` LIMIT 1)" for doctype in doctypes]
	return [row[0] for row in frappe.db.sql(" UNION ALL ".join(looks))]


def forget_jobs() -> None:
	"""Runs inside the site: no job of the test before may run in this one, or count as running."""
	from frappe.utils.background_jobs import get_queue, get_queue_list

	for name in get_queue_list():
		queue = get_queue(name)
		queue.empty()
		for registry in (queue.started_job_registry, queue.scheduled_job_registry, queue.failed_job_registry):
			for job_id in registry.get_job_ids():
				if job := queue.fetch_job(job_id):
					job.delete()
			# of a worker that was killed; rq's own registry of what is running takes no orders
			registry.connection.delete(registry.key)


def forget_cached_data() -> None:
	"""Runs inside the site. Clears all that is cached but what Frappe knows of DocTypes, which deleting rows does
	not change and which takes a third of a second to read again."""
	import frappe

	kept = ("doctype_", "table_columns", "app_hooks", "app_modules", "db_tables", "server_script_map")
	keys = []
	for key in frappe.cache.get_keys(""):
		name = (key.decode() if isinstance(key, bytes) else key).partition("|")[2]
		if not name.startswith(kept):
			keys.append(key)
	frappe.cache.delete_value(keys, make_keys=False)
	frappe.local.cache.clear()

"""Between two tests: puts a site back to how the app was when it was just installed.

Only what belongs to the app: rows of its own DocTypes, its settings, its jobs in the queues, and the caches.
Documents that a test made of other DocTypes stay, so tests give theirs names of their own.
"""

from sandbox.sites.site import Site


def reset_site(site: Site) -> None:
	"""Also brings back the web server, where a test has stopped that."""
	site.start_web()
	site.run(forget_jobs)
	site.run(delete_rows_of_module, module="Event Streaming")
	site.run(forget_how_far_the_log_was)


def forget_how_far_the_log_was() -> None:
	"""Runs inside the site: its epochs are gone with the rows, and no backup was restored."""
	from pathlib import Path

	import frappe

	Path(frappe.get_site_path("event_streaming_log.json")).unlink(missing_ok=True)


def delete_rows_of_module(module: str) -> None:
	"""Runs inside the site."""
	import frappe

	doctypes = frappe.get_all(
		"DocType", filters={"module": module, "is_virtual": 0}, fields=["name", "issingle"]
	)
	for doctype in doctypes:
		frappe.db.delete("__Auth", {"doctype": doctype.name})
		if doctype.issingle:
			frappe.db.delete("Singles", {"doctype": doctype.name})
		else:
			frappe.db.delete(doctype.name)
	forget_cached_data()
	for doctype in doctypes:
		if doctype.issingle:
			settings = frappe.new_doc(doctype.name)
			settings.flags.ignore_mandatory = True
			settings.flags.ignore_validate = True
			settings.save()
	from event_streaming.site.site_id import make_id_if_missing

	make_id_if_missing()


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

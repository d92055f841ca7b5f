"""A site's RQ worker for all queues, as `bench worker` is one: `python -m sandbox.engine.worker`.

Like a bench's worker it forks for each job. What jobs import is imported before that, so that a job starts at
once. A queue's name has the `bench_id` of the site's configuration in it, so a site's worker gets only its jobs.
"""

from sandbox.engine import entry


def main() -> None:
	entry.prepare()
	import frappe

	frappe.init(entry.site_name(), sites_path=".")
	from frappe.utils.background_jobs import get_queue_list, get_redis_conn
	from rq import Worker

	_import_what_jobs_need()
	queues = get_queue_list(None, build_queue_name=True)
	connection = get_redis_conn()
	frappe.destroy()
	Worker(queues, connection=connection).work(logging_level="INFO", with_scheduler=False)


def _import_what_jobs_need() -> None:
	import frappe.database.query
	import frappe.model.document
	import frappe.utils.safe_exec
	import frappe.utils.typing_validations  # noqa: F401


if __name__ == "__main__":
	main()

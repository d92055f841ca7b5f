"""What notifications and pulls rely on: what is queued when, under which names, for how long, and every minute."""

import pytest

METHOD = "frappe.client.get_count"


@pytest.fixture
def queues(site):
	"""The site with nothing in its queues, before and after."""
	from sandbox.sites.reset import forget_jobs

	site.run(forget_jobs)
	yield site
	site.run(forget_jobs)


def waiting(queue: str = "default") -> list[dict]:
	"""What waits in a queue, as Frappe's worker would take it."""
	from frappe.utils.background_jobs import get_queue

	jobs = [get_queue(queue).fetch_job(job_id) for job_id in get_queue(queue).get_job_ids()]
	return [
		{
			"method": job.kwargs["method"],
			"site": job.kwargs["site"],
			"user": job.kwargs["user"],
			"arguments": job.kwargs["kwargs"],
			"timeout": job.timeout,
		}
		for job in jobs
	]


def enqueue(end: str = "commit", times: int = 1, **options) -> list[int]:
	"""How many jobs wait before and after the end of the transaction."""
	import frappe

	for _each in range(times):
		frappe.enqueue(METHOD, doctype="ToDo", **options)
	before = len(waiting())
	if end == "commit":
		frappe.db.commit()
	else:
		frappe.db.rollback()
	return [before, len(waiting())]


def test_a_job_waits_at_once(queues):
	assert queues.run(enqueue, end="rollback") == [1, 1]


def test_enqueue_after_commit_queues_with_the_commit(queues):
	assert queues.run(enqueue, enqueue_after_commit=True) == [0, 1]


def test_enqueue_after_commit_forgets_the_job_with_a_rollback(queues):
	assert queues.run(enqueue, end="rollback", enqueue_after_commit=True) == [0, 0]


def test_deduplicate_queues_no_second_job_while_one_of_the_same_id_waits(queues):
	assert queues.run(enqueue, times=3, job_id="contract:one", deduplicate=True) == [1, 1]


def test_without_deduplicate_jobs_that_are_alike_all_wait(queues):
	assert queues.run(enqueue, times=3) == [3, 3]


def test_a_job_keeps_site_user_method_and_arguments(queues):
	site_name = queues.run(enqueue_as_guest)
	[job] = queues.run(waiting)

	assert (job["site"], job["user"], job["method"]) == (site_name, "Guest", METHOD)
	assert job["arguments"] == {"doctype": "ToDo"}


def enqueue_as_guest() -> str:
	import frappe

	frappe.set_user("Guest")
	frappe.enqueue(METHOD, doctype="ToDo")
	return frappe.local.site


@pytest.mark.parametrize("queue", ["short", "default", "long"])
def test_each_queue_of_the_settings_exists_and_its_time_is_longer_than_the_longest_slice(queues, queue):
	queues.run(enqueue, queue=queue)
	[job] = queues.run(waiting, queue=queue)

	assert job["timeout"] > 240 + 30


def test_the_queues_can_be_listed_with_their_jobs(queues):
	queues.run(enqueue, times=2)

	assert queues.run(count_in_all_queues) == 2


def count_in_all_queues() -> int:
	from frappe.utils.background_jobs import get_queues

	return sum(len(queue.get_job_ids()) for queue in get_queues())


def test_a_cron_hook_is_a_scheduled_job_that_is_due_every_minute(site):
	job = site.run(scheduled_job)

	assert (job["frequency"], job["cron_format"], job["stopped"]) == ("Cron", "* * * * *", 0)
	assert job["seconds_between"] == 60


def scheduled_job() -> dict:
	import frappe
	from frappe.utils import get_datetime

	name = frappe.db.get_value(
		"Scheduled Job Type", {"method": "event_streaming.tasks.event_streaming_every_minute"}
	)
	doc = frappe.get_doc("Scheduled Job Type", name)
	doc.last_execution = "2026-01-01 10:00:00"
	between = get_datetime(doc.get_next_execution()) - get_datetime(doc.last_execution)
	return {
		"frequency": doc.frequency,
		"cron_format": doc.cron_format,
		"stopped": doc.stopped,
		"seconds_between": between.total_seconds(),
	}

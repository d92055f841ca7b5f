"""What "nothing is forgotten during a pull" relies on: which job is dropped because another of its name is there."""

import pytest
from documents import unique
from streams import wait_for


@pytest.fixture
def job_id(producer):
	job_id = unique("contract").replace(" ", "-")
	yield job_id
	producer.stop_worker()
	producer.run(remove_job, job_id=job_id)


def remove_job(job_id: str) -> None:
	from frappe.utils.background_jobs import get_job

	if job := get_job(job_id):
		job.delete()


def status_of(job_id: str) -> str | None:
	from frappe.utils.background_jobs import get_job

	job = get_job(job_id)
	return str(getattr(job.get_status(), "value", job.get_status())) if job else None


def queue_ping(job_id: str, after_commit: bool = False) -> None:
	import frappe

	frappe.enqueue(
		"frappe.ping", queue="short", job_id=job_id, enqueue_after_commit=after_commit, deduplicate=True
	)


def test_a_job_for_after_the_commit_survives_a_rollback_to_a_savepoint(producer, job_id):
	producer.run(queue_inside_savepoint, job_id=job_id)

	assert producer.run(status_of, job_id=job_id) == "queued"


def queue_inside_savepoint(job_id: str) -> None:
	import frappe

	frappe.db.savepoint("contract")
	queue_ping(job_id, after_commit=True)
	frappe.db.rollback(save_point="contract")


def times_queued(job_id: str) -> int:
	from frappe.utils.background_jobs import create_job_id, get_queue

	return get_queue("short").get_job_ids().count(create_job_id(job_id))


def test_a_second_job_with_the_same_id_is_dropped_while_the_first_is_running_too(producer, job_id):
	"""So an event that comes during a pull can't be left to such a job."""
	name = producer.run(make_todo)
	holder = producer.shell()
	holder.run(lock_todo, name=name, commit=False)
	producer.run(queue_change, job_id=job_id, name=name, description="first")
	producer.start_worker()
	wait_for(lambda: producer.run(status_of, job_id=job_id) == "started", "the job's start")

	producer.run(queue_change, job_id=job_id, name=name, description="second")

	assert producer.run(times_queued, job_id=job_id) == 0
	holder.rollback()
	wait_for(lambda: producer.run(status_of, job_id=job_id) == "finished", "the job's end")
	assert producer.run(description_of, name=name) == "first"


def test_the_same_id_can_be_queued_again_when_the_job_has_finished(producer, job_id):
	producer.run(queue_ping, job_id=job_id)
	producer.start_worker()
	wait_for(lambda: producer.run(status_of, job_id=job_id) == "finished", "the job's end")
	producer.stop_worker()

	producer.run(queue_ping, job_id=job_id)

	assert producer.run(status_of, job_id=job_id) == "queued"


def test_whether_a_job_is_still_there_is_known_by_its_id(producer, job_id):
	"""So a job of the sweep that was lost with its queue is missed."""
	assert not producer.run(is_there, job_id=job_id)

	producer.run(queue_ping, job_id=job_id)
	assert producer.run(is_there, job_id=job_id)

	producer.run(remove_job, job_id=job_id)
	assert not producer.run(is_there, job_id=job_id)


def is_there(job_id: str) -> bool:
	from frappe.utils.background_jobs import is_job_enqueued

	return bool(is_job_enqueued(job_id))


def make_todo() -> str:
	import frappe

	return frappe.get_doc({"doctype": "ToDo", "description": "contract"}).insert().name


def lock_todo(name: str) -> None:
	import frappe

	frappe.db.get_value("ToDo", name, for_update=True)


def queue_change(job_id: str, name: str, description: str) -> None:
	import frappe

	frappe.enqueue(
		"frappe.client.set_value",
		queue="short",
		job_id=job_id,
		deduplicate=True,
		doctype="ToDo",
		name=name,
		fieldname="description",
		value=description,
	)


def description_of(name: str) -> str:
	import frappe

	return frappe.db.get_value("ToDo", name, "description")

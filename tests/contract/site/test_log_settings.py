"""What keeping the logs small relies on: Frappe's Log Settings take our logs over, and its daily job clears them."""

import pytest
from documents import unique


@pytest.mark.parametrize("doctype", ["Event Update Log", "Event Sync Log"])
def test_the_hook_default_log_clearing_doctypes_brings_our_logs_into_log_settings(site, doctype):
	assert site.run(days_after_saving, doctype=doctype) == 60


def days_after_saving(doctype: str) -> int | None:
	import frappe

	settings = frappe.get_single("Log Settings")
	settings.logs_to_clear = [row for row in settings.logs_to_clear if row.ref_doctype != doctype]
	settings.save()
	stored = {row.ref_doctype: row.days for row in frappe.get_single("Log Settings").logs_to_clear}
	return stored.get(doctype)


def test_frappes_clean_up_calls_clear_old_logs_with_the_days_of_log_settings(site):
	marks = {"old": unique("old"), "young": unique("young")}
	site.run(make_logs, marks=marks)

	site.run("frappe.core.doctype.log_settings.log_settings.run_log_clean_up")

	assert site.run(count_logs, marks=marks) == {"old": 0, "young": 1}


def make_logs(marks: dict) -> None:
	import frappe

	settings = frappe.get_single("Log Settings")
	settings.save()
	for mark, days in ((marks["old"], 61), (marks["young"], 59)):
		frappe.get_doc(
			{"doctype": "Event Sync Log", "update_type": "Create", "status": "Synced", "event_id": mark}
		).insert(ignore_links=True, ignore_mandatory=True)
		frappe.db.set_value(
			"Event Sync Log",
			{"event_id": mark},
			"creation",
			frappe.utils.add_days(frappe.utils.now_datetime(), -days),
			update_modified=False,
		)


def count_logs(marks: dict) -> dict:
	import frappe

	return {age: frappe.db.count("Event Sync Log", {"event_id": mark}) for age, mark in marks.items()}


def test_the_clean_up_is_a_scheduled_job_of_every_day(site):
	assert site.run(hours_between_clean_ups) <= 24


def hours_between_clean_ups() -> float:
	import frappe
	from frappe.utils import get_datetime

	name = frappe.db.get_value("Scheduled Job Type", {"method": ["like", "%log_settings.run_log_clean_up"]})
	job = frappe.get_doc("Scheduled Job Type", name)
	job.last_execution = "2026-01-01 10:00:00"
	between = get_datetime(job.get_next_execution()) - get_datetime(job.last_execution)
	return between.total_seconds() / 3600


def test_our_logs_are_of_frappes_log_types(site):
	"""So that no version is kept of them, and they are not streamed."""
	assert site.run(log_types_of_ours) == ["Event Sync Log", "Event Update Log"]


def log_types_of_ours() -> list[str]:
	from frappe.model import log_types

	return sorted({"Event Sync Log", "Event Update Log"}.intersection(log_types))

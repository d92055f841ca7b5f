"""What keeping a site awake relies on: by which signs Frappe takes a site for one that nobody uses."""


def dormant_after(work: str, days: int = 0) -> list:
	"""(before, after) some work, nine days after the last sign of life, where Frappe lets sites sleep."""
	from datetime import timedelta
	from importlib import import_module

	import frappe
	from frappe.utils import now_datetime, scheduler

	frappecloud = import_module("frappe.utils.frappecloud")

	def dormant() -> bool:
		if hasattr(scheduler.is_dormant, "clear_cache"):
			scheduler.is_dormant.clear_cache()
		return bool(scheduler.is_dormant(check_time=now_datetime() + timedelta(days=days)))

	frappe.db.delete("Activity Log")
	users = frappe.qb.DocType("User")
	frappe.qb.update(users).set(users.last_active, now_datetime() - timedelta(days=9)).run()
	frappe.db.set_single_value("System Settings", "dormant_days", 4)
	frappe.clear_cache()
	# Frappe 16 asks whether it is on Frappe's own hosting
	hosted = {name: value for name, value in vars(frappecloud).items() if name.startswith("on_")}
	developing, frappe.conf.developer_mode = frappe.conf.developer_mode, 0
	try:
		for name in hosted:
			setattr(frappecloud, name, lambda: True)
		before = dormant()
		if work == "our note":
			frappe.get_doc({"doctype": "Activity Log", "user": "Administrator", "subject": "x"}).insert()
			frappe.db.set_value("User", "Administrator", "last_active", now_datetime(), update_modified=False)
		elif work == "a call over REST":
			from frappe.client import get_count

			get_count("ToDo")
		return [before, dormant()]
	finally:
		for name, value in hosted.items():
			setattr(frappecloud, name, value)
		frappe.conf.developer_mode = developing
		frappe.db.rollback()
		frappe.clear_cache()
		if hasattr(scheduler.is_dormant, "clear_cache"):
			scheduler.is_dormant.clear_cache()


def test_a_site_without_a_sign_of_life_is_dormant_and_work_over_rest_is_none(site):
	assert site.run(dormant_after, work="a call over REST") == [True, True]


def test_activity_log_and_last_active_are_the_signs_of_life(site):
	assert site.run(dormant_after, work="our note") == [True, False]


def test_what_was_noted_counts_for_days_and_another_moment_can_be_asked_about(site):
	assert site.run(dormant_after, work="our note", days=3) == [True, False]
	assert site.run(dormant_after, work="our note", days=5) == [True, True]

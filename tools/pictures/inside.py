"""What runs inside a site for the pictures: its person, its language and light, its sales, a day of history.

`site.run` sends each function there as its source; see sandbox/README.md.
"""


def make_person(email: str, name: str, password: str) -> None:
	import frappe
	from frappe.utils.password import update_password

	first, last = name.split()
	user = {
		"doctype": "User",
		"email": email,
		"first_name": first,
		"last_name": last,
		"send_welcome_email": 0,
	}
	frappe.get_doc(user).insert(ignore_permissions=True).add_roles("System Manager")
	update_password(email, password)
	frappe.db.set_single_value("System Settings", "enable_onboarding", 0)
	frappe.clear_cache()


def dress(email: str, language: str, theme: str) -> None:
	"""The person's language, and light or dark."""
	import frappe

	frappe.db.set_value("User", email, {"language": language, "desk_theme": theme})
	frappe.clear_cache(user=email)


def sell(number: int, by: str, company: str, customers: list, items: list, seed: int) -> None:
	"""So many invoices, submitted, each in a transaction of its own."""
	import random

	import frappe

	frappe.set_user(by)
	some = random.Random(seed)
	for _each in range(number):
		rows = [
			{"item": code, "qty": some.randint(1, 12), "rate": rate}
			for code, rate in some.sample(items, some.randint(1, 3))
		]
		doc = frappe.get_doc(
			{
				"doctype": "Shop Invoice",
				"company": company,
				"customer": some.choice(customers),
				"tax_rate": 7,
				"items": rows,
			}
		)
		doc.docstatus = 1
		doc.insert()
		frappe.db.commit()
	frappe.set_user("Administrator")


def reprice(number: int, by: str, items: list, seed: int) -> None:
	"""So many new prices, each in a transaction of its own."""
	import random

	import frappe

	frappe.set_user(by)
	some = random.Random(seed)
	for _each in range(number):
		code, rate = some.choice(items)
		doc = frappe.get_doc("Shop Item", code)
		doc.rate = rate + some.randint(-5, 9)
		doc.save()
		frappe.db.commit()
	frappe.set_user("Administrator")


def spread_over_a_day(seed: int) -> None:
	"""The logs as if what happened just now had happened in the course of a day, most of it while shops are open."""
	import random
	from datetime import timedelta

	import frappe
	from frappe.utils import now_datetime

	some, now = random.Random(seed), now_datetime()
	minutes = range(1, 23 * 60)
	open_at = [9 <= (now - timedelta(minutes=back)).hour < 20 for back in minutes]
	for log in ("Event Update Log", "Event Sync Log"):
		names = frappe.get_all(log, pluck="name", order_by="name asc", limit=0)
		backs = sorted(
			some.choices(minutes, [6 if each else 1 for each in open_at], k=len(names)), reverse=True
		)
		for name, back in zip(names, backs, strict=True):
			at = now - timedelta(minutes=back, seconds=some.randint(0, 59))
			slow = some.random() < 0.06
			took = timedelta(seconds=some.randint(70, 400) if slow else some.randint(1, 9))
			values = {"creation": at, "modified": at}
			if log == "Event Sync Log":
				values["event_creation"] = at - took
			frappe.db.set_value(log, name, values, update_modified=False)
			if log == "Event Update Log":
				frappe.db.set_value(
					"Event Update Log Consumer",
					{"parent": str(name)},
					{"creation": at + took},
					update_modified=False,
				)


def translate(language: str, texts: dict) -> None:
	"""Words of the pictured shop, which is no app of anybody and has no translations of its own."""
	import frappe

	for source, text in texts.items():
		if not frappe.db.exists("Translation", {"language": language, "source_text": source}):
			frappe.get_doc(
				{
					"doctype": "Translation",
					"language": language,
					"source_text": source,
					"translated_text": text,
				}
			).insert()


def forget_bundles() -> None:
	import frappe

	frappe.client_cache.delete_value("assets_json", shared=True)

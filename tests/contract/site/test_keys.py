"""What changing keys relies on: where Frappe keeps a secret, and that a new one is in force at once."""

import pytest
import requests
from streams import SUBSCRIBER, make_subscriber

WHO = "frappe.auth.get_logged_user"
KEY = "contractkey"


def who_is(site, secret: str) -> int:
	headers = {"Authorization": f"token {KEY}:{secret}", "Accept": "application/json"}
	return requests.get(f"{site.url}/api/method/{WHO}", headers=headers, timeout=60).status_code


@pytest.fixture
def user(site):
	site.run(make_subscriber, keys=[KEY, "first"])
	yield SUBSCRIBER
	site.run(make_subscriber)


def test_the_secret_in_the_password_store_is_the_one_that_logs_in_from_the_commit_on(site, user):
	assert who_is(site, "first") == 200

	site.run(set_secret, user=user, secret="second")

	assert (who_is(site, "first"), who_is(site, "second")) == (401, 200)


def set_secret(user: str, secret: str) -> None:
	from frappe.utils.password import set_encrypted_password

	set_encrypted_password("User", user, secret, "api_secret")


def test_a_user_that_is_saved_keeps_the_secret_of_the_password_store_if_its_field_is_not_empty(site, user):
	site.run(set_secret, user=user, secret="third")

	site.run(save, doctype="User", name=user)

	assert who_is(site, "third") == 200


def save(doctype: str, name: str) -> None:
	import frappe

	frappe.get_doc(doctype, name).save()


def test_the_password_store_keeps_under_a_document_what_is_no_field_of_it_until_the_document_goes(site):
	assert site.run(a_life) == ["hidden", "hidden", None]


def a_life() -> list:
	import frappe
	from frappe.utils.password import get_decrypted_password, set_encrypted_password

	def stored() -> str | None:
		return get_decrypted_password("ToDo", doc.name, "no_such_field", raise_exception=False)

	doc = frappe.get_doc({"doctype": "ToDo", "description": "contract"}).insert()
	set_encrypted_password("ToDo", doc.name, "hidden", "no_such_field")
	seen = [stored()]
	doc.description = "changed"
	doc.save()
	seen.append(stored())
	assert "hidden" not in frappe.as_json(frappe.get_doc("ToDo", doc.name))
	frappe.delete_doc("ToDo", doc.name)
	return [*seen, stored()]


def test_a_request_is_a_guests_without_a_header_of_frappes(site):
	"""Others, as that of our token, log nobody in."""
	headers = {"X-Event-Streaming-Token": "x" * 43, "Accept": "application/json"}

	assert requests.get(f"{site.url}/api/method/{WHO}", headers=headers, timeout=60).status_code == 403


def test_what_a_guest_sends_is_changed_unless_the_function_says_that_it_may_be_anything(site):
	assert site.run(sanitized) == [True, False]


def sanitized() -> list[bool]:
	"""Whether an argument is changed for a guest; ours are not."""
	import frappe

	from event_streaming import endpoints

	@frappe.whitelist(allow_guest=True)
	def other() -> None:
		pass

	frappe.set_user("Guest")
	seen = []
	for function in (other, endpoints.update_status):
		frappe.local.form_dict = frappe._dict(subscriptions="<script>1</script>")
		frappe.is_whitelisted(function)
		seen.append(frappe.local.form_dict.subscriptions != "<script>1</script>")
	return seen

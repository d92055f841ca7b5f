"""What pulling as another user relies on: what `set_user` throws away, and that `acting_as` brings it back."""

from contract_doctypes import HASHED
from streams import SUBSCRIBER

SUBJECT = "Guest"


def prepare_request() -> None:
	"""As a person's request looks like from inside."""
	import frappe

	frappe.local.session.sid = "contract sid"
	frappe.local.session.data = frappe._dict(csrf_token="contract token")
	frappe.local.form_dict = frappe._dict(argument="contract")


def state_of_request() -> dict:
	import frappe

	session = frappe.local.session
	return {
		"user": session.user,
		"sid": session.sid,
		"data": dict(session.data),
		"form_dict": dict(frappe.local.form_dict),
	}


WHOLE = {
	"user": "Administrator",
	"sid": "contract sid",
	"data": {"csrf_token": "contract token"},
	"form_dict": {"argument": "contract"},
}


def test_set_user_empties_the_session_and_the_arguments_of_the_request(producer):
	assert producer.run(set_user_in_request) == {"user": SUBJECT, "sid": SUBJECT, "data": {}, "form_dict": {}}


def set_user_in_request() -> dict:
	import frappe

	prepare_request()
	frappe.set_user(SUBJECT)
	return state_of_request()


def test_setting_the_user_back_brings_neither_back(producer):
	assert producer.run(set_user_there_and_back) == {
		"user": "Administrator",
		"sid": "Administrator",
		"data": {},
		"form_dict": {},
	}


def set_user_there_and_back() -> dict:
	import frappe

	prepare_request()
	frappe.set_user(SUBJECT)
	frappe.set_user("Administrator")
	return state_of_request()


def test_acting_as_is_the_other_user_inside_and_puts_all_of_it_back(producer):
	inside, after = producer.run(act_as)

	assert inside["user"] == SUBJECT
	assert after == WHOLE


def act_as() -> list[dict]:
	from event_streaming.site.acting import acting_as

	prepare_request()
	with acting_as(SUBJECT):
		inside = state_of_request()
	return [inside, state_of_request()]


def test_acting_as_puts_it_back_after_an_exception_too(producer):
	assert producer.run(act_as_and_fail) == WHOLE


def act_as_and_fail() -> dict:
	from event_streaming.site.acting import acting_as

	prepare_request()
	try:
		with acting_as(SUBJECT):
			raise ValueError
	except ValueError:
		return state_of_request()


def test_permissions_follow_the_user_of_the_moment(producer):
	assert producer.run(may_create_before_inside_and_after) == [True, False, True]


def may_create_before_inside_and_after() -> list[bool]:
	import frappe

	from event_streaming.site.acting import acting_as

	may = [frappe.has_permission("Event Producer", "create")]
	with acting_as(SUBJECT):
		may.append(frappe.has_permission("Event Producer", "create"))
	return [*may, frappe.has_permission("Event Producer", "create")]


def test_set_user_leaves_the_open_transaction_alone(producer):
	assert producer.run(write_and_set_user)


def write_and_set_user() -> bool:
	import frappe

	name = frappe.get_doc({"doctype": "ToDo", "description": "contract"}).insert().name
	frappe.set_user(SUBJECT)
	kept = bool(frappe.db.exists("ToDo", name))
	frappe.db.rollback()
	return kept and not frappe.db.exists("ToDo", name)


def test_fields_of_a_level_that_a_user_may_not_read_are_no_permitted_fields(site):
	permitted = site.run(permitted_fields)

	assert "title" in permitted and "guarded" not in permitted


def permitted_fields() -> list:
	"""Of a System Manager, who may read the DocType and nothing of its higher levels."""
	import frappe

	frappe.set_user(SUBSCRIBER)
	meta = frappe.get_meta(HASHED)
	return meta.get_permitted_fieldnames(permission_type="read", with_virtual_fields=False)

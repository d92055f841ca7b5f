"""What the calls between sites rely on: token authentication, answers, error answers, and who may call what how."""

import json

import pytest
import requests
from contract_doctypes import HASHED, NOBODY
from doctypes import CITY
from documents import unique
from streams import SUBSCRIBER

WHO = "frappe.auth.get_logged_user"
PAGE = "event_streaming.endpoints.get_page"
NOTIFY = "event_streaming.event_streaming.doctype.event_producer.event_producer.new_event_notification"
UPDATE_LOGS = (
	"event_streaming.event_streaming.doctype.event_update_log.event_update_log.get_update_logs_for_consumer"
)
REGISTER = "event_streaming.event_streaming.doctype.event_consumer.event_consumer.register_consumer"


def ask(site, verb: str, path: str, body: dict | None = None, token: str | None = None) -> requests.Response:
	"""A request as the app's own client makes it; as Administrator unless `token` says otherwise."""
	if token is None:
		token = token_of(site, "Administrator")
	headers = {"Accept": "application/json"}
	if token:
		headers["Authorization"] = f"token {token}"
	if body is not None:
		headers["Content-Type"] = "application/json"
	data = None if body is None else json.dumps(body)
	return requests.request(
		verb, f"{site.url}/api/{path}", data=data, headers=headers, timeout=60, allow_redirects=False
	)


def token_of(site, user: str) -> str:
	client = site.rest(user)
	return f"{client.api_key}:{client.api_secret}"


def told(answer: requests.Response) -> tuple[int, str | None]:
	return answer.status_code, answer.json().get("exc_type")


def first_message(answer: requests.Response) -> str:
	return json.loads(json.loads(answer.json()["_server_messages"])[0])["message"]


def test_what_stands_in_the_response_before_an_error_goes_with_the_error(site):
	"""That is how a site that was not meant says which one it is."""
	headers = {"Authorization": f"token {token_of(site, SUBSCRIBER)}", "Accept": "application/json"}
	answer = requests.post(
		f"{site.url}/api/method/{NOTIFY}",
		json={"producer_url": "http://nobody.example"},
		headers={**headers, "X-Event-Streaming-For": "00000000-0000-4000-8000-000000000000"},
		timeout=60,
	)

	assert told(answer) == (403, "WrongSite")
	assert answer.json()["site_id"] == site.run(own_id)


def own_id() -> str:
	from event_streaming.site.site_id import own_id

	return own_id()


# ---- who is calling


def test_api_key_and_secret_make_the_call_the_users(site):
	answer = ask(site, "POST", f"method/{WHO}", {}, token_of(site, SUBSCRIBER))

	assert answer.status_code == 200
	assert answer.json()["message"] == SUBSCRIBER


@pytest.mark.parametrize("part", ["key", "secret"])
def test_a_wrong_key_and_a_wrong_secret_are_answered_with_401(site, part):
	key, secret = token_of(site, SUBSCRIBER).split(":")
	token = f"wrong:{secret}" if part == "key" else f"{key}:wrong"

	assert told(ask(site, "POST", f"method/{WHO}", {}, token)) == (401, "AuthenticationError")


def test_a_call_without_keys_of_what_guests_may_not_call_is_answered_with_403(site):
	assert told(ask(site, "POST", f"method/{PAGE}", {}, token="")) == (403, "PermissionError")


def test_a_call_of_a_function_that_is_not_whitelisted_is_answered_with_403(site):
	assert told(ask(site, "POST", "method/event_streaming.site.settings.get_settings", {})) == (
		403,
		"PermissionError",
	)


def test_methods_post_refuses_get(site):
	assert told(ask(site, "GET", f"method/{PAGE}?event_consumer=x&cursor=0")) == (403, "PermissionError")


# ---- what is answered


def test_the_answer_of_a_function_is_its_message_and_arguments_keep_their_types(site):
	name = unique("Typed")
	body = {"doc": {"doctype": CITY, "title": name, "country_name": "ไทย"}}
	answer = ask(site, "POST", "method/frappe.client.insert", body)

	assert answer.status_code == 200
	assert answer.json()["message"]["name"] == name
	assert answer.json()["message"]["country_name"] == "ไทย"


def test_what_a_call_that_fails_has_written_is_undone(site):
	name = unique("Undone")
	docs = [{"doctype": CITY, "title": name}, {"doctype": CITY, "title": name}]

	assert ask(site, "POST", "method/frappe.client.insert_many", {"docs": docs}).status_code == 409
	assert ask(site, "GET", f"resource/{CITY}/{name}").status_code == 404


def test_a_function_that_does_not_exist_is_answered_as_an_error_other_than_a_busy_one(site):
	path = "method/event_streaming.producer.feed.no_such_function"

	assert told(ask(site, "POST", path, {})) == (417, "ValidationError")
	assert told(ask(site, "POST", "method/no_such_app.function", {})) == (417, "ValidationError")


def test_a_document_that_does_not_exist_is_answered_with_404(site):
	answer = ask(site, "GET", f"resource/{CITY}/{unique('nowhere')}")

	assert told(answer) == (404, "DoesNotExistError")


def test_a_doctype_that_does_not_exist_is_answered_with_500(site):
	"""So this status alone does not say that waiting helps."""
	assert told(ask(site, "GET", "resource/No Such DocType/x")) == (500, "ImportError")


def test_a_list_of_a_doctype_that_does_not_exist_is_answered_as_an_error(site):
	body = {"doctype": "No Such DocType", "filters": "{}", "fields": '["name"]'}

	assert told(ask(site, "POST", "method/frappe.client.get_list", body)) == (404, "DoesNotExistError")


def test_a_call_that_lacks_an_argument_is_answered_with_500(site):
	assert told(ask(site, "POST", f"method/{PAGE}", {"event_consumer": "x"})) == (500, "TypeError")


def test_a_filter_by_a_field_that_does_not_exist_is_answered_as_an_error(site):
	body = {"doctype": CITY, "filters": json.dumps({"no_such_field": "x"}), "fields": '["name"]'}
	answer = ask(site, "POST", "method/frappe.client.get_list", body)

	assert told(answer) == (417, "DataError")


def test_a_validation_error_is_answered_with_417_and_its_message(site):
	answer = ask(site, "POST", f"method/{REGISTER}", {"data": json.dumps({"consumer_doctypes": "[]"})})

	assert answer.status_code == 417
	assert first_message(answer)


def test_a_link_to_nothing_is_answered_with_417_and_its_class(site):
	answer = ask(site, "POST", f"resource/{HASHED}", {"city": unique("nowhere")})

	assert told(answer) == (417, "LinkValidationError")
	assert "City" in first_message(answer)


def test_an_argument_of_a_wrong_type_is_answered_with_417(site):
	answer = ask(site, "POST", f"method/{PAGE}", {"event_consumer": "x", "cursor": "many"})

	assert told(answer) == (417, "FrappeTypeError")


def test_a_user_who_may_not_is_answered_with_403(site):
	answer = ask(site, "POST", f"resource/{CITY}", {"title": "x"}, token_of(site, NOBODY))

	assert told(answer) == (403, "PermissionError")


def test_a_name_that_is_taken_is_answered_with_409(site):
	body = {"title": unique("Twice")}
	ask(site, "POST", f"resource/{CITY}", body)

	assert told(ask(site, "POST", f"resource/{CITY}", body)) == (409, "DuplicateEntryError")


def test_an_exception_of_ours_is_answered_with_its_own_status_and_class(site):
	body = {"event_consumer": "http://nowhere.example.com", "cursor": 0}

	assert told(ask(site, "POST", f"method/{PAGE}", body, token_of(site, SUBSCRIBER))) == (
		404,
		"NotRegistered",
	)


# ---- documents over REST


def test_a_document_that_is_named_by_an_address_is_read_and_changed_over_rest(site):
	"""Event Consumers are: sites with the old app read and write them this way."""
	name = f"https://{unique('site').replace(' ', '')}.example.com:8000/path"
	path = f"resource/{CITY}/{requests.utils.quote(name, safe='')}"
	ask(site, "POST", f"resource/{CITY}", {"title": name})

	assert ask(site, "GET", path).json()["data"]["name"] == name
	assert ask(site, "PUT", path, {"country_name": "x"}).json()["data"]["country_name"] == "x"
	assert ask(site, "GET", path).json()["data"]["country_name"] == "x"


def test_rest_answers_with_the_rows_of_a_document_and_never_with_a_password(site):
	body = {"title": "x", "secret": "okapi-8253", "rows": [{"item": "a"}]}
	name = ask(site, "POST", "resource/Streamed Order", body).json()["data"]["name"]
	data = ask(site, "GET", f"resource/Streamed Order/{name}").json()["data"]

	assert [row["item"] for row in data["rows"]] == ["a"]
	assert "okapi-8253" not in json.dumps(data)


def test_get_list_finds_by_filters_as_text(site):
	name = unique("Found")
	ask(site, "POST", f"resource/{CITY}", {"title": name})
	body = {
		"doctype": CITY,
		"filters": json.dumps({"title": name}),
		"fields": '["name"]',
		"limit_page_length": 2,
	}

	assert ask(site, "POST", "method/frappe.client.get_list", body).json()["message"] == [{"name": name}]


# ---- the paths of Frappe 13


@pytest.mark.parametrize("path", [NOTIFY, UPDATE_LOGS, REGISTER])
def test_the_old_paths_are_answered_by_the_same_functions(site, path):
	old = path.replace("event_streaming.event_streaming.", "frappe.event_streaming.")
	body = {
		NOTIFY: {"producer_url": "http://nowhere.example.com"},
		UPDATE_LOGS: {"event_consumer": "http://nowhere.example.com", "doctypes": "[]", "last_update": ""},
		REGISTER: {"data": "{}"},
	}[path]
	answers = [ask(site, "POST", f"method/{each}", body) for each in (path, old)]

	assert told(answers[0]) == told(answers[1])
	assert told(answers[0])[1] != "PermissionError"
	assert answers[0].json().get("exception") == answers[1].json().get("exception")

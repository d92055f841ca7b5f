"""Who may call what: every whitelisted function of the app, found by walking its modules, against docs/security.md."""

import json
from pathlib import Path

import pytest
import requests
from doctypes import CITY, with_orders
from streams import SUBSCRIBER, subscribe

SECURITY = Path(__file__).resolve().parents[3] / "docs" / "security.md"
DOCTYPES = "event_streaming.event_streaming.doctype"
PRODUCER_FORM = f"{DOCTYPES}.event_producer.event_producer"
SYNC_LOG = f"{DOCTYPES}.event_sync_log.event_sync_log"
MAPPING = f"{DOCTYPES}.document_type_mapping.document_type_mapping"
API = "event_streaming.api"
# the workspace's number cards and charts
FIGURES = (
	"events_behind",
	"applied_in_the_last_hour",
	"failed_events",
	"conflicts_in_the_last_week",
	"oldest_waiting_event",
	"events_to_be_taken",
	"logged_in_the_last_hour",
	"events_per_hour",
	"longest_delay_per_hour",
)
PLAIN, OTHER_ADMIN = "plain@example.com", "other-admin@example.com"
ANYBODY, ADMINS, OWN_USER = {PLAIN, OTHER_ADMIN, SUBSCRIBER}, {OTHER_ADMIN, SUBSCRIBER}, {SUBSCRIBER}
NO_CHANGE = json.dumps({CITY: {"status": "Approved", "unsubscribed": 0, "condition": None}})

# function -> the site it is asked on, who may call it, and arguments that do no harm; {producer} and {consumer} are URLs
ACCESS = {
	"event_streaming.endpoints.get_page": (
		"producer",
		OWN_USER,
		{"event_consumer": "{consumer}", "cursor": 0},
	),
	"event_streaming.endpoints.get_documents": (
		"producer",
		OWN_USER,
		{"event_consumer": "{consumer}", "documents": "[]"},
	),
	"event_streaming.endpoints.describe": (
		"producer",
		OWN_USER,
		{"event_consumer": "{consumer}", "doctypes": "[]"},
	),
	"event_streaming.endpoints.site_facts": ("producer", ADMINS, {}),
	"event_streaming.endpoints.get_site_id": ("producer", ANYBODY, {}),
	# a code that there is not is refused to everybody alike, not for lack of a right
	"event_streaming.endpoints.meet_invitation": ("producer", {"", *ANYBODY}, {"invitation": "none"}),
	"event_streaming.endpoints.redeem_invitation": ("producer", {"", *ANYBODY}, {"invitation": "none"}),
	"event_streaming.endpoints.complete_invitation": (
		"producer",
		ANYBODY,
		{"invitation": "none", "proof": "none"},
	),
	f"{API}.invite": ("consumer", ADMINS, {}),
	f"{API}.withdraw_invitation": ("consumer", ADMINS, {"invitation": "none"}),
	f"{API}.offered_rows": ("consumer", ADMINS, {"recipe": "none"}),
	f"{API}.look_at_invitation": ("consumer", ADMINS, {"code": "none"}),
	f"{API}.join": ("consumer", ADMINS, {"code": "none"}),
	# of an id that was not refused
	f"{API}.export_setup": ("consumer", ADMINS, {}),
	f"{API}.recipes": ("consumer", ADMINS, {}),
	f"{API}.check": ("consumer", ADMINS, {"event_producer": "{producer}", "doctypes": "None"}),
	f"{API}.check_report": ("consumer", ADMINS, {"event_producer": "{producer}"}),
	f"{API}.mend_finding": ("consumer", ADMINS, {"task": "none", "number": 0}),
	f"{API}.apply_setup": ("consumer", ADMINS, {"setup": '{"event_streaming_setup": 1}'}),
	"event_streaming.endpoints.trace_document": (
		"producer",
		OWN_USER,
		{"event_consumer": "{consumer}", "doctype": CITY, "name": "none"},
	),
	# with a token only, see below
	"event_streaming.endpoints.trace_arrival": (
		"consumer",
		set(),
		{"producer_url": "{producer}", "doctype": CITY, "name": "none"},
	),
	"event_streaming.endpoints.documents_repaired": (
		"producer",
		OWN_USER,
		{"event_consumer": "{consumer}", "doctype": CITY, "positions": "{}"},
	),
	f"{API}.where_is": ("consumer", ADMINS, {"doctype": CITY, "name": "none", "ask": 0}),
	f"{API}.connection": ("consumer", ADMINS, {"site": "{producer}"}),
	f"{API}.map": ("consumer", ADMINS, {}),
	f"{API}.connection_timeline": ("consumer", ADMINS, {"site": "{producer}"}),
	f"{API}.connection_settings": ("consumer", ADMINS, {"site": "{producer}"}),
	f"{API}.connection_schema": ("consumer", ADMINS, {"site": "{producer}", "ask": 0}),
	f"{API}.create_field": ("consumer", ADMINS, {"site": "{producer}", "difference": "none"}),
	f"{API}.ignore_difference": ("consumer", ADMINS, {"site": "{producer}", "difference": "none"}),
	f"{API}.set_subscribed": (
		"consumer",
		ADMINS,
		{"event_producer": "{producer}", "doctype": "none", "subscribed": 0},
	),
	f"{API}.causes": ("consumer", ADMINS, {}),
	f"{API}.values_of_cause": ("consumer", ADMINS, {"cause": "none"}),
	f"{API}.retry_cause": ("consumer", ADMINS, {"cause": "none"}),
	f"{API}.skip_cause": ("consumer", ADMINS, {"cause": "none", "reason": "none at all"}),
	f"{API}.adopt_cause": ("consumer", ADMINS, {"cause": "none"}),
	f"{API}.add_to_value_map": ("consumer", ADMINS, {"cause": "none", "value_map": "none", "pairs": "{}"}),
	f"{API}.accept_site": ("consumer", ADMINS, {"site_id": "none", "event_producer": "{producer}"}),
	f"{API}.position": ("producer", ADMINS, {}),
	f"{API}.wait_for": ("consumer", ADMINS, {"position": 0, "seconds": 0, "event_producer": "{producer}"}),
	f"{API}.new_site_id": ("producer", ADMINS, {"instead_of": "none"}),
	"event_streaming.endpoints.find_files": (
		"producer",
		OWN_USER,
		{"event_consumer": "{consumer}", "references": "[]"},
	),
	"event_streaming.endpoints.get_content": (
		"producer",
		OWN_USER,
		{"event_consumer": "{consumer}", "file": "none"},
	),
	f"{DOCTYPES}.event_update_log.event_update_log.get_update_logs_for_consumer": (
		"producer",
		OWN_USER,
		{"event_consumer": "{consumer}", "doctypes": "[]", "last_update": "2026-01-01 00:00:00"},
	),
	f"{DOCTYPES}.event_consumer.event_consumer.register_consumer": (
		"producer",
		OWN_USER,
		{"data": json.dumps({"event_consumer": "http://nobody.example", "user": SUBSCRIBER})},
	),
	"event_streaming.endpoints.get_copy_page": (
		"producer",
		OWN_USER,
		{"event_consumer": "{consumer}", "doctype": CITY},
	),
	"event_streaming.endpoints.get_check": (
		"producer",
		OWN_USER,
		{"event_consumer": "{consumer}", "doctype": CITY},
	),
	"event_streaming.endpoints.get_match_page": (
		"producer",
		OWN_USER,
		{"event_consumer": "{consumer}", "doctype": CITY, "fields": '["name"]'},
	),
	"event_streaming.endpoints.count_documents": (
		"producer",
		OWN_USER,
		{"event_consumer": "{consumer}", "doctype": CITY},
	),
	"event_streaming.endpoints.get_digests": (
		"producer",
		OWN_USER,
		{"event_consumer": "{consumer}", "doctype": CITY, "shape": '{"fields": []}', "buckets": 16},
	),
	"event_streaming.endpoints.look_at": (
		"producer",
		OWN_USER,
		{"event_consumer": "{consumer}", "doctype": CITY, "names": "[]"},
	),
	"event_streaming.endpoints.confirm": (
		"consumer",
		ADMINS,
		{"token": "x", "producer_url": "{producer}"},
	),
	"event_streaming.endpoints.update_status": (
		"consumer",
		OWN_USER,
		{"producer_url": "{producer}", "subscriptions": NO_CHANGE},
	),
	# with a token only, see below
	"event_streaming.endpoints.new_event_notification": ("consumer", set(), {"producer_url": "{producer}"}),
	"event_streaming.endpoints.rotate_keys": (
		"producer",
		OWN_USER,
		{"event_consumer": "{consumer}", "consumer_token": "too short to be one"},
	),
	f"{PRODUCER_FORM}.new_event_notification": ("consumer", ANYBODY, {"producer_url": "{producer}"}),
	f"{PRODUCER_FORM}.pull_now": ("consumer", ADMINS, {"event_producer": "{producer}"}),
	f"{PRODUCER_FORM}.pull_from_node": ("consumer", ADMINS, {"event_producer": "{producer}"}),
	f"{PRODUCER_FORM}.test_connection": ("consumer", ADMINS, {"event_producer": "{producer}"}),
	f"{PRODUCER_FORM}.start_copy": ("consumer", ADMINS, {"event_producer": "{producer}", "doctypes": "None"}),
	f"{PRODUCER_FORM}.get_copy_progress": ("consumer", ADMINS, {"event_producer": "{producer}"}),
	f"{PRODUCER_FORM}.stop_copy": ("consumer", ADMINS, {"event_producer": "{producer}"}),
	f"{PRODUCER_FORM}.preview_match": (
		"consumer",
		ADMINS,
		{"event_producer": "{producer}", "doctypes": "None"},
	),
	f"{PRODUCER_FORM}.start_match": ("consumer", ADMINS, {"event_producer": "{producer}"}),
	f"{PRODUCER_FORM}.start_check": (
		"consumer",
		ADMINS,
		{"event_producer": "{producer}", "doctypes": "None"},
	),
	f"{PRODUCER_FORM}.start_verify": (
		"consumer",
		ADMINS,
		{"event_producer": "{producer}", "doctypes": "None"},
	),
	f"{PRODUCER_FORM}.start_repair": ("consumer", ADMINS, {"event_producer": "{producer}"}),
	f"{PRODUCER_FORM}.get_progress": ("consumer", ADMINS, {"event_producer": "{producer}"}),
	f"{PRODUCER_FORM}.get_standing": ("consumer", ADMINS, {"event_producer": "{producer}"}),
	f"{DOCTYPES}.event_consumer.event_consumer.get_standing": (
		"producer",
		ADMINS,
		{"event_consumer": "{consumer}"},
	),
	f"{PRODUCER_FORM}.stop_task": ("consumer", ADMINS, {"event_producer": "{producer}", "kind": "Verify"}),
	f"{PRODUCER_FORM}.resync": ("consumer", ADMINS, {"update": '{"name": "0"}'}),
	f"{SYNC_LOG}.resync_log": ("consumer", ADMINS, {"name": "0"}),
	f"{SYNC_LOG}.resync_logs": ("consumer", ADMINS, {"names": "[]"}),
	f"{SYNC_LOG}.resync_all_failed": ("consumer", ADMINS, {}),
	f"{SYNC_LOG}.settle": ("consumer", ADMINS, {"name": "0", "choices": "{}"}),
	f"{SYNC_LOG}.preview_adoption": ("consumer", ADMINS, {"names": "[]"}),
	f"{SYNC_LOG}.adopt_many": ("consumer", ADMINS, {"names": "[]"}),
	f"{SYNC_LOG}.adopt": ("consumer", ADMINS, {"name": "0"}),
	f"{MAPPING}.preview": (
		"consumer",
		ADMINS,
		{"mapping": "none", "event_producer": "{producer}", "remote_name": "none"},
	),
	f"{MAPPING}.fetch_remote_fields": (
		"consumer",
		ADMINS,
		{"event_producer": "{producer}", "remote_doctype": CITY},
	),
	f"{MAPPING}.remote_names": (
		"consumer",
		ADMINS,
		{"event_producer": "{producer}", "remote_doctype": CITY},
	),
	f"{DOCTYPES}.document_type_value_map.document_type_value_map.import_csv": (
		"consumer",
		ADMINS,
		{"value_map": "Access Test", "content": "a,b"},
	),
	f"{DOCTYPES}.event_streaming_settings.event_streaming_settings.this_site": ("consumer", ADMINS, {}),
	**{f"event_streaming.admin.charts.{name}": ("consumer", ADMINS, {}) for name in FIGURES},
	# of a document that they may not read
	"event_streaming.admin.document.get_streams": (
		"consumer",
		ADMINS,
		{"doctype": "System Settings", "name": "System Settings"},
	),
	"event_streaming.admin.document.not_delivered": ("producer", ADMINS, {"event": 1}),
	"event_streaming.event_streaming.page.event_streaming_guide.event_streaming_guide.read_guide": (
		"consumer",
		ADMINS,
		{"guide": "guide"},
	),
	f"{API}.status": ("consumer", ADMINS, {}),
	f"{API}.doctor": ("consumer", ADMINS, {}),
	# to anybody: there is nothing in it
	f"{API}.health": ("consumer", {"", *ANYBODY}, {}),
	f"{API}.put_off": (
		"consumer",
		ADMINS,
		{"finding": "none", "until": "2099-01-01", "reason": "access"},
	),
	f"{API}.metrics": ("consumer", ADMINS, {}),
	f"{API}.pull": ("consumer", ADMINS, {}),
	f"{API}.copy": ("consumer", ADMINS, {"event_producer": "{producer}", "doctypes": "None"}),
	f"{API}.match": ("consumer", ADMINS, {"event_producer": "{producer}", "doctypes": "None"}),
	f"{API}.adopt": ("consumer", ADMINS, {"names": "[]"}),
	f"{API}.verify": ("consumer", ADMINS, {"event_producer": "{producer}", "doctypes": "None"}),
	f"{API}.repair": ("consumer", ADMINS, {"event_producer": "{producer}"}),
	f"{API}.resync": ("consumer", ADMINS, {}),
	f"{API}.approve": ("producer", ADMINS, {"event_consumer": "{consumer}"}),
	f"{API}.pause": ("consumer", ADMINS, {"event_producer": "{producer}"}),
	f"{API}.resume": ("consumer", ADMINS, {"event_producer": "{producer}"}),
	f"{API}.rotate_keys": ("consumer", ADMINS, {}),
}
# what the token of an Event Producer opens, for a guest
WITH_TOKEN = {"confirm", "update_status", "new_event_notification", "trace_arrival"}
# what the code of an invitation opens
WITH_CODE = {"meet_invitation", "redeem_invitation"}
# what only looks, and the two that sites with the old app call as they like
NOT_POST_ONLY = {
	"connection",
	"map",
	"connection_timeline",
	"connection_settings",
	"causes",
	"values_of_cause",
	"export_setup",
	"recipes",
	"get_update_logs_for_consumer",
	"new_event_notification",
	"this_site",
	"check_report",
	"get_copy_progress",
	"get_progress",
	"get_standing",
	"status",
	"metrics",
	"health",
	*FIGURES,
	"get_streams",
	"not_delivered",
	"read_guide",
}


def whitelisted_functions() -> dict[str, list]:
	"""Path -> the HTTP methods it may be called with. Runs inside a site."""
	import importlib
	import pkgutil

	import frappe

	import event_streaming

	for module in pkgutil.walk_packages(event_streaming.__path__, "event_streaming."):
		importlib.import_module(module.name)
	api = "event_streaming.api"
	return {
		# whichever of the modules of the API it stands in, its name is there
		f"{api if function.__module__.startswith(f'{api}.') else function.__module__}.{function.__name__}": list(
			frappe.allowed_http_methods_for_whitelisted_func[function]
		)
		for function in frappe.whitelisted
		if function.__module__.startswith("event_streaming.")
	}


def open_to_guests() -> list[str]:
	import frappe

	return [f.__name__ for f in frappe.guest_methods if f.__module__.startswith("event_streaming.")]


@pytest.fixture(scope="module")
def functions(cluster) -> dict[str, list]:
	return cluster.site("consumer").run(whitelisted_functions)


def make_users() -> None:
	import frappe

	for user, roles in ((PLAIN, []), (OTHER_ADMIN, ["System Manager"])):
		if not frappe.db.exists("User", user):
			doc = frappe.get_doc(
				{"doctype": "User", "email": user, "first_name": user, "send_welcome_email": 0}
			)
			doc.insert()
			doc.add_roles(*roles)
	if not frappe.db.exists("Document Type Value Map", "Access Test"):
		doc = frappe.new_doc("Document Type Value Map")
		doc.update(
			{
				field.fieldname: "Access Test"
				for field in doc.meta.fields
				if field.reqd and field.fieldtype == "Data"
			}
		)
		doc.insert(set_name="Access Test")


def status_of(site, path: str, arguments: dict, user: str = "", token: str = "") -> int:
	client = site.rest(user) if user else None
	headers = dict(client.session.headers) if client else {"Accept": "application/json"}
	if token:
		headers["X-Event-Streaming-Token"] = token
	verb = "GET" if path in (f"{API}.metrics", f"{API}.health") else "POST"
	answer = requests.request(
		verb, f"{site.url}/api/method/{path}", json=arguments, headers=headers, timeout=60
	)
	return answer.status_code


def test_the_table_in_the_docs_names_every_function_and_none_that_is_not_there(functions):
	text = SECURITY.read_text()
	assert set(functions) == set(ACCESS)
	missing = [path for path in functions if f"{path.rsplit('.', 1)[1]}`" not in text]
	assert not missing


def test_what_tokens_and_codes_open_and_health_are_open_to_guests_and_what_changes_something_is_post_only(
	consumer, functions
):
	assert sorted(consumer.run(open_to_guests)) == sorted({*WITH_TOKEN, *WITH_CODE, "health"})
	others = {path.rsplit(".", 1)[1] for path, methods in functions.items() if methods != ["POST"]}
	assert others == NOT_POST_ONLY


def test_each_function_refuses_whom_the_table_does_not_name(producer, consumer):
	with_orders(producer, consumer)
	subscribe(consumer, producer, CITY)
	sites = {"producer": producer, "consumer": consumer}
	for site in sites.values():
		site.run(make_users)
	wrong = []
	for path, (where, allowed, arguments) in ACCESS.items():
		filled = filled_in(arguments, producer, consumer)
		for user in ("", PLAIN, OTHER_ADMIN, SUBSCRIBER):
			status = status_of(sites[where], path, filled, user)
			if (status in (401, 403)) == (user in allowed):
				wrong.append(f"{path.rsplit('.', 1)[1]} as {user or 'guest'}: {status}")
	assert not wrong


def filled_in(arguments: dict, producer, consumer) -> dict:
	return {
		key: value.replace("{producer}", producer.url).replace("{consumer}", consumer.url)
		if isinstance(value, str)
		else value
		for key, value in arguments.items()
	}


def test_a_token_opens_four_functions_and_nothing_else(producer, consumer):
	with_orders(producer, consumer)
	subscribe(consumer, producer, CITY)
	token = producer.run(token_of, event_consumer=consumer.url)
	opened = set()
	for path, (_where, allowed, arguments) in ACCESS.items():
		if "" in allowed:
			continue
		for site in (producer, consumer):
			status = status_of(site, path, filled_in(arguments, producer, consumer), token=token)
			if status not in (401, 403):
				opened.add((site.url, path))

	assert opened == {(consumer.url, f"event_streaming.endpoints.{name}") for name in WITH_TOKEN}
	for path in (
		"frappe.auth.get_logged_user",
		"frappe.client.get_list",
		"frappe.core.doctype.user.user.generate_keys",
	):
		assert status_of(consumer, path, {"doctype": "User", "user": SUBSCRIBER}, token=token) in (401, 403)
	headers = {"X-Event-Streaming-Token": token, "Accept": "application/json"}
	for resource in ("Event Producer", "User", f"Event Producer/{producer.url}"):
		answer = requests.get(f"{consumer.url}/api/resource/{resource}", headers=headers, timeout=60)
		assert answer.status_code in (401, 403, 404), resource


def token_of(event_consumer: str) -> str:
	from event_streaming.producer.subscriptions import calling

	return calling.token_of(event_consumer)


def test_nobody_but_a_system_manager_reads_our_doctypes_over_rest(producer, consumer):
	for site in (producer, consumer):
		site.run(make_users)
	for doctype, single in consumer.run(own_doctypes):
		path = f"{doctype}/{doctype}" if single else doctype
		headers = dict(consumer.rest(PLAIN).session.headers)
		answer = requests.get(f"{consumer.url}/api/resource/{path}", headers=headers, timeout=60)
		assert answer.status_code == 403, doctype


def own_doctypes() -> list[list]:
	"""Each with whether it is a single."""
	import frappe

	own = {"module": "Event Streaming", "istable": 0}
	return frappe.get_all("DocType", own, ["name", "issingle"], as_list=True)

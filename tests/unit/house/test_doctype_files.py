"""The files of the DocTypes agree with each other, with the controllers, and with the names that are public."""

import ast
import importlib.util
import json
import re
from pathlib import Path

import pytest

APP = Path(__file__).parents[3] / "event_streaming"
MODULE = APP / "event_streaming"
FILES = sorted(MODULE.glob("doctype/*/*.json"))
DOCTYPES = {definition["name"]: definition for definition in (json.loads(file.read_text()) for file in FILES)}
WORKSPACES = [json.loads(file.read_text()) for file in MODULE.glob("workspace/*/*.json")]

OF_FRAPPE = {"DocType", "Role", "User"}
# a person has no business with these: found by their names, not by the workspace
NOT_IN_THE_WORKSPACE = {"Event Given Document", "Event Log Epoch", "Event Delivery Hour"}
LAYOUT = {"Section Break", "Column Break", "Tab Break", "HTML", "Button"}
STANDARD_COLUMNS = {"name", "creation", "modified", "owner", "modified_by", "docstatus", "idx", "parent"}
# what MariaDB can index without a prefix
INDEXABLE = {"Data", "Link", "Dynamic Link", "Select", "Int", "Datetime", "Check", "Autocomplete"}

PUBLIC_FIELDS = {
	"Event Producer": "producer_url api_key api_secret user producer_doctypes incoming_change",
	"Event Producer Document Type": "ref_doctype has_mapping mapping use_same_name status unsubscribe condition",
	"Event Producer Last Update": "event_producer last_update",
	"Event Consumer": "callback_url api_key api_secret user consumer_doctypes incoming_change",
	"Event Consumer Document Type": "ref_doctype status unsubscribed condition",
	"Event Update Log": "update_type ref_doctype docname data consumers",
	"Event Update Log Consumer": "consumer",
	"Event Sync Log": "update_type ref_doctype docname status event_producer producer_doc data error use_same_name mapping",
	"Document Type Mapping": "mapping_name local_doctype remote_doctype field_mapping",
	"Document Type Field Mapping": "local_fieldname remote_fieldname default_value mapping_type mapping"
	" remote_value_filters",
}
PUBLIC_LABELS = {
	"Event Producer": {
		"producer_url": "Producer URL",
		"api_secret": "API Secret",
		"user": "Event Subscriber",
	},
	"Event Producer Document Type": {
		"ref_doctype": "Document Type",
		"has_mapping": "Has Mapping",
		"use_same_name": "Use Same Name",
		"status": "Approval Status",
		"unsubscribe": "Unsubscribe",
	},
	"Event Consumer": {"callback_url": "Callback URL"},
	"Event Update Log": {"update_type": "Update Type", "docname": "Document Name", "consumers": "Consumers"},
	"Event Sync Log": {"producer_doc": "Remote Document Name", "event_producer": "Event Producer"},
	"Document Type Field Mapping": {
		"local_fieldname": "Local Fieldname",
		"remote_fieldname": "Remote Fieldname",
		"mapping_type": "Mapping Type",
		"remote_value_filters": "Remote Value Filters",
	},
}
PUBLIC_NAMING = {
	"Event Producer": "field:producer_url",
	"Event Consumer": "field:callback_url",
	"Document Type Mapping": "field:mapping_name",
	"Event Update Log": "autoincrement",
	"Event Sync Log": "autoincrement",
}
# names that other sites call and scripts import
PUBLIC_FUNCTIONS = {
	"event_consumer": {"register_consumer"},
	"event_update_log": {"get_update_logs_for_consumer"},
	"event_producer": {"new_event_notification", "pull_from_node", "pull_producer_data", "resync"},
}

each_doctype = pytest.mark.parametrize("doctype", sorted(DOCTYPES))


def scrub(name: str) -> str:
	return name.replace(" ", "_").lower()


def controller(doctype: str) -> ast.Module:
	file = MODULE / "doctype" / scrub(doctype) / f"{scrub(doctype)}.py"
	return ast.parse(file.read_text(), str(file))


def fields(doctype: str) -> dict[str, dict]:
	return {field["fieldname"]: field for field in DOCTYPES[doctype]["fields"]}


def stored_fields(doctype: str) -> dict[str, dict]:
	return {name: field for name, field in fields(doctype).items() if field["fieldtype"] not in LAYOUT}


def functions(doctype: str) -> dict[str, ast.FunctionDef]:
	return {node.name: node for node in controller(doctype).body if isinstance(node, ast.FunctionDef)}


@each_doctype
def test_a_doctype_lies_where_frappe_looks_for_it(doctype):
	folder = MODULE / "doctype" / scrub(doctype)

	assert (folder / f"{scrub(doctype)}.json").exists()
	assert (folder / "__init__.py").exists()
	assert DOCTYPES[doctype]["module"] in (APP / "modules.txt").read_text().splitlines()


@each_doctype
def test_each_field_is_in_the_order_once_and_has_a_label(doctype):
	names = [field["fieldname"] for field in DOCTYPES[doctype]["fields"]]

	assert DOCTYPES[doctype]["field_order"] == names
	assert len(set(names)) == len(names)
	assert [name for name, field in stored_fields(doctype).items() if not field.get("label")] == []


@each_doctype
def test_links_and_tables_lead_somewhere(doctype):
	for field in fields(doctype).values():
		if field["fieldtype"] in ("Table", "Table MultiSelect"):
			assert DOCTYPES[field["options"]].get("istable"), field["fieldname"]
		if field["fieldtype"] == "Link":
			assert field["options"] in DOCTYPES.keys() | OF_FRAPPE, field["fieldname"]
	for link in DOCTYPES[doctype]["links"]:
		assert link["link_fieldname"] in fields(link["link_doctype"])


@each_doctype
def test_what_the_doctype_says_about_its_fields_names_fields_that_exist(doctype):
	definition, known = DOCTYPES[doctype], fields(doctype).keys() | STANDARD_COLUMNS
	named = [definition.get("title_field"), definition["sort_field"]]
	named += (definition.get("search_fields") or "").split(",")
	if (definition.get("autoname") or "").startswith("field:"):
		named.append(definition["autoname"].removeprefix("field:"))

	assert {name for name in named if name} <= known


@each_doctype
def test_who_may_what_is_said_where_it_has_to_be(doctype):
	permissions = DOCTYPES[doctype]["permissions"]

	if DOCTYPES[doctype].get("istable"):
		assert permissions == []
	else:
		roles = {"System Manager"} | ({"Event Subscriber"} if doctype == "Event Consumer" else set())
		assert {permission["role"] for permission in permissions} == roles


def test_who_takes_documents_may_see_and_save_its_own_consumer_and_no_more():
	[own] = [row for row in DOCTYPES["Event Consumer"]["permissions"] if row["role"] == "Event Subscriber"]

	assert own == {"role": "Event Subscriber", "read": 1, "write": 1}


def test_the_audit_log_can_be_read_and_exported_by_people_and_changed_by_nobody():
	[rights] = DOCTYPES["Event Streaming Audit Log"]["permissions"]

	assert rights["read"] and rights["export"] and rights["report"]
	assert not any(rights.get(right) for right in ("create", "write", "delete", "import", "share"))


def test_every_decision_that_is_recorded_is_an_option_of_the_audit_log():
	texts = [
		ast.literal_eval(node.value)
		for node in ast.parse((APP / "site" / "audit.py").read_text()).body
		if isinstance(node, ast.Assign) and isinstance(node.value, ast.Constant | ast.Tuple)
		if not any(isinstance(part, ast.Name) for part in ast.walk(node.value))
	]
	said = {text for text in texts if isinstance(text, str)}
	said |= {each for text in texts if isinstance(text, tuple) for each in text}
	options = {
		option
		for field in fields("Event Streaming Audit Log").values()
		if field["fieldtype"] == "Select"
		for option in field["options"].split("\n")
	}

	assert options == {text for text in said if str(text)[0].isupper()} - {"Event Streaming Audit Log"}


@pytest.mark.parametrize(
	"doctype",
	[
		"Event Update Log",
		"Event Sync Log",
		"Event Document Identity",
		"Event Made Document",
		"Event Given Document",
		"Event Log Epoch",
		"Event Streaming Alert",
		"Event Streaming Audit Log",
		"Event Streaming Invitation",
	],
)
def test_nobody_writes_what_code_alone_writes(doctype):
	assert DOCTYPES[doctype]["in_create"]
	assert not any(permission.get("write") for permission in DOCTYPES[doctype]["permissions"])
	assert all(field.get("read_only") for field in stored_fields(doctype).values())


@pytest.mark.parametrize("doctype", ["Event Producer", "Event Consumer", "Document Type Mapping"])
def test_changes_that_people_make_are_tracked(doctype):
	assert DOCTYPES[doctype]["track_changes"]


@each_doctype
def test_the_controller_says_what_it_is_for_and_has_the_types_of_the_fields(doctype):
	module = controller(doctype)
	classes = [node for node in module.body if isinstance(node, ast.ClassDef)]

	assert ast.get_docstring(module)
	assert [node.name for node in classes] == [doctype.replace(" ", "")]
	[types] = [node for node in classes[0].body if isinstance(node, ast.If)]
	annotated = {node.target.id for node in types.body if isinstance(node, ast.AnnAssign)}
	assert annotated - STANDARD_COLUMNS - {"parentfield", "parenttype"} == set(stored_fields(doctype))


@each_doctype
def test_indexes_are_of_columns_that_exist_and_fit(doctype):
	calls = [
		node
		for node in ast.walk(controller(doctype))
		if isinstance(node, ast.Call)
		and getattr(node.func, "attr", getattr(node.func, "id", "")) == "add_index"
	]
	names = []
	for call in calls:
		of_doctype, columns, name = (ast.literal_eval(argument) for argument in call.args)
		names.append(name)
		assert of_doctype == doctype
		for column in columns:
			assert column in STANDARD_COLUMNS or fields(doctype)[column]["fieldtype"] in INDEXABLE
	assert len(set(names)) == len(names)
	# Frappe drops an index of one column when the field does not ask for it
	single = {field for field in fields(doctype) if fields(doctype)[field].get("search_index")}
	assert not single & {column for call in calls for column in ast.literal_eval(call.args[1])[:1]}


@pytest.mark.parametrize("doctype", sorted(PUBLIC_FIELDS))
def test_public_fields_keep_their_names_and_labels(doctype):
	assert set(PUBLIC_FIELDS[doctype].split()) <= set(fields(doctype))
	for name, label in PUBLIC_LABELS.get(doctype, {}).items():
		assert fields(doctype)[name]["label"] == label


@pytest.mark.parametrize("doctype", sorted(PUBLIC_NAMING))
def test_documents_that_other_sites_name_are_named_as_ever(doctype):
	assert DOCTYPES[doctype]["autoname"] == PUBLIC_NAMING[doctype]


@pytest.mark.parametrize("module", sorted(PUBLIC_FUNCTIONS))
def test_public_functions_stay_where_they_are(module):
	doctype = next(name for name in DOCTYPES if scrub(name) == module)

	assert PUBLIC_FUNCTIONS[module] <= functions(doctype).keys()


@each_doctype
def test_arguments_of_endpoints_are_annotated(doctype):
	for function in functions(doctype).values():
		if any("whitelist" in ast.unparse(decorator) for decorator in function.decorator_list):
			assert all(argument.annotation for argument in function.args.args), function.name


@each_doctype
def test_form_scripts_call_modules_and_functions_that_exist(doctype):
	for file in (MODULE / "doctype" / scrub(doctype)).glob("*.js"):
		for text in file.read_text().split('"'):
			if text.startswith("event_streaming.event_streaming.doctype."):
				_app, _module, _doctype, folder, module, *function = text.split(".")
				of = next(name for name in DOCTYPES if scrub(name) == folder == module)
				assert set(function) <= functions(of).keys(), f"{file.name}: {text}"


def test_the_workspace_shows_each_of_its_shortcuts_and_cards_once():
	[workspace] = WORKSPACES
	blocks = json.loads(workspace["content"])
	shown = [(block["type"], block["data"].get(f"{block['type']}_name")) for block in blocks]

	shortcuts = [("shortcut", shortcut["label"]) for shortcut in workspace["shortcuts"]]
	cards = [("card", link["label"]) for link in workspace["links"] if link["type"] == "Card Break"]
	numbers = [("number_card", card["label"]) for card in workspace["number_cards"]]
	charts = [("chart", chart["label"]) for chart in workspace["charts"]]
	blocks_of_the_file = [entry for entry in shown if entry[0] not in ("header", "spacer", "onboarding")]
	assert sorted(blocks_of_the_file) == sorted(shortcuts + cards + numbers + charts)
	assert len({block["id"] for block in blocks}) == len(blocks)


def test_the_workspace_leads_to_every_doctype():
	[workspace] = WORKSPACES
	linked = {link["link_to"] for link in workspace["links"] if link["type"] == "Link"}
	pages = {page["name"] for page in of_the_module("page")}

	of_their_own = {name for name, definition in DOCTYPES.items() if not definition.get("istable")}
	assert linked - pages == of_their_own - NOT_IN_THE_WORKSPACE
	assert {shortcut["link_to"] for shortcut in workspace["shortcuts"]} <= linked


def of_the_module(folder: str) -> list[dict]:
	return [json.loads(file.read_text()) for file in MODULE.glob(f"{folder}/*/*.json")]


def whitelisted(path: str) -> bool:
	module, _dot, name = path.rpartition(".")
	tree = ast.parse(Path(importlib.util.find_spec(module).origin).read_text())
	return any(
		isinstance(node, ast.FunctionDef) and node.name == name and node.decorator_list for node in tree.body
	)


def test_number_cards_and_charts_lead_to_functions_that_may_be_called():
	[workspace] = WORKSPACES
	cards, charts = of_the_module("number_card"), of_the_module("dashboard_chart")

	assert {card["name"] for card in cards} == {
		card["number_card_name"] for card in workspace["number_cards"]
	}
	assert {chart["name"] for chart in charts} == {chart["chart_name"] for chart in workspace["charts"]}
	assert all(whitelisted(card["method"]) for card in cards)
	for chart in charts:
		script = MODULE / "dashboard_chart_source" / scrub(chart["source"]) / f"{scrub(chart['source'])}.js"
		[method] = re.findall(r'method: "(.+)"', script.read_text())
		assert f'chart_sources["{chart["source"]}"]' in script.read_text()
		assert whitelisted(method)


def test_the_onboarding_leads_through_steps_that_exist_to_places_that_exist():
	[onboarding], steps = of_the_module("module_onboarding"), of_the_module("onboarding_step")
	pages = {page["name"] for page in of_the_module("page")}

	assert [step["step"] for step in onboarding["steps"]]
	assert {step["step"] for step in onboarding["steps"]} == {step["name"] for step in steps}
	for step in steps:
		if step["action"] == "Go to Page":
			place = step["path"].removeprefix("List/").removeprefix("Form/").removesuffix("/new")
			assert place in DOCTYPES.keys() | OF_FRAPPE | pages
		else:
			assert step["reference_document"] in DOCTYPES


def test_the_sidebar_of_frappe_16_leads_somewhere():
	for file in (APP / "workspace_sidebar").glob("*.json"):
		for item in json.loads(file.read_text())["items"]:
			known = {
				"DocType": set(DOCTYPES),
				"Page": {page["name"] for page in of_the_module("page")},
				"Workspace": {space["name"] for space in WORKSPACES},
			}
			assert item["link_to"] in known[item["link_type"]]


def test_every_patch_is_a_module_with_something_to_execute():
	lines = (APP / "patches.txt").read_text().splitlines()
	patches = [line.split()[0] for line in lines if line.strip() and line[0] not in "[#"]

	for patch in patches:
		found = importlib.util.find_spec(patch)
		assert found and found.origin, patch
		tree = ast.parse(Path(found.origin).read_text())
		assert any(isinstance(node, ast.FunctionDef) and node.name == "execute" for node in tree.body), patch


def test_no_hook_is_said_twice_so_that_the_second_would_take_the_place_of_the_first():
	body = ast.parse((APP / "hooks.py").read_text()).body
	names = [
		name.id
		for node in body
		if isinstance(node, ast.Assign)
		for target in node.targets
		for name in ast.walk(target)
		if isinstance(name, ast.Name)
	]

	assert len(names) > 10 and sorted(names) == sorted(set(names))


def test_every_document_of_a_site_has_one_handler_of_ours_for_an_event_and_none_that_another_can_do_without():
	"""Each costs every save on the site some thirty calls; `tests/two_sites/many/test_cost_of_a_save.py` counts ours."""
	hooks = {
		node.targets[0].id: node.value
		for node in ast.parse((APP / "hooks.py").read_text()).body
		if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name)
	}
	handlers = ast.literal_eval(hooks["doc_events"])["*"]
	of_a_save = {
		*(
			"before_insert",
			"after_insert",
			"before_validate",
			"validate",
			"before_save",
			"on_update",
			"on_change",
		),
		*("before_submit", "on_submit", "autoname", "before_naming"),
	}

	assert {path.rpartition(".")[0] for path in handlers.values()} == {"event_streaming.document_events"}
	assert of_a_save & handlers.keys() == {"before_validate", "after_insert", "on_change"}

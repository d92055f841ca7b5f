"""A site as the older Event Streaming has left it: its ten tables, with its columns and nothing of ours.

Functions here run inside a site. `generation` is "app" for the app of the same name on Frappe 15, whose logs have random
names and whose DocTypes are still there, or "module" for Frappe 14's own module, whose logs are numbered by the database
and whose DocTypes Frappe 15 has removed.
"""

STANDARD = (
	"name {name} PRIMARY KEY, creation datetime(6), modified datetime(6), modified_by varchar(140), owner varchar(140),"
	" docstatus int(1) NOT NULL DEFAULT 0, idx int(8) NOT NULL DEFAULT 0"
)
CHILD = "parent varchar(140), parentfield varchar(140), parenttype varchar(140), INDEX parent(parent)"
TEXT, LONG, CHECK = "varchar(140)", "longtext", "int(1) NOT NULL DEFAULT 0"
OLDER_TABLES = {
	"Event Producer": {
		"producer_url": f"{TEXT} UNIQUE",
		"api_key": TEXT,
		"api_secret": "text",
		"user": TEXT,
		"incoming_change": CHECK,
	},
	"Event Producer Document Type": {
		"ref_doctype": TEXT,
		"status": f"{TEXT} DEFAULT 'Pending'",
		"use_same_name": CHECK,
		"unsubscribe": CHECK,
		"has_mapping": CHECK,
		"mapping": TEXT,
		"condition": LONG,
	},
	"Event Producer Last Update": {"event_producer": f"{TEXT} UNIQUE", "last_update": TEXT},
	"Event Consumer": {
		"callback_url": f"{TEXT} UNIQUE",
		"api_key": TEXT,
		"api_secret": "text",
		"user": TEXT,
		"incoming_change": CHECK,
	},
	"Event Consumer Document Type": {
		"ref_doctype": TEXT,
		"status": f"{TEXT} DEFAULT 'Pending'",
		"unsubscribed": CHECK,
		"condition": LONG,
	},
	"Event Update Log": {"update_type": TEXT, "ref_doctype": TEXT, "docname": TEXT, "data": LONG},
	"Event Update Log Consumer": {"consumer": TEXT},
	"Event Sync Log": {
		"update_type": TEXT,
		"ref_doctype": TEXT,
		"docname": TEXT,
		"status": TEXT,
		"event_producer": TEXT,
		"producer_doc": TEXT,
		"use_same_name": f"{TEXT} DEFAULT '0'",
		"mapping": TEXT,
		"data": LONG,
		"error": LONG,
	},
	"Document Type Mapping": {
		"mapping_name": f"{TEXT} UNIQUE",
		"local_doctype": TEXT,
		"remote_doctype": TEXT,
	},
	"Document Type Field Mapping": {
		"remote_fieldname": TEXT,
		"local_fieldname": TEXT,
		"default_value": TEXT,
		"mapping_type": TEXT,
		"mapping": TEXT,
		"remote_value_filters": LONG,
	},
}
OLDER_CHILDREN = {
	"Event Producer Document Type",
	"Event Consumer Document Type",
	"Event Update Log Consumer",
	"Document Type Field Mapping",
}
OLDER_LOGS = ("Event Update Log", "Event Sync Log")
OUR_MODULE = "Event Streaming"


def take_the_app_away() -> None:
	"""All of ours in the database: tables, DocTypes, sequences, the counter."""
	import frappe

	for doctype in frappe.get_all("DocType", {"module": OUR_MODULE}, pluck="name"):
		frappe.db.sql_ddl(f"DROP TABLE IF EXISTS `tab{doctype}`")
		frappe.db.sql_ddl(f"DROP SEQUENCE IF EXISTS {frappe.scrub(doctype)}_id_seq")
		frappe.db.delete("Singles", {"doctype": doctype})
		for table in ("DocField", "DocPerm", "DocType Link", "DocType Action", "DocType State"):
			frappe.db.delete(table, {"parent": doctype})
		frappe.db.delete("DocType", {"name": doctype})
	for table in OLDER_TABLES:
		frappe.db.sql_ddl(f"DROP TABLE IF EXISTS `tab{table}`")
	for table in ("_older_event_update_log", "_older_event_sync_log"):
		frappe.db.sql_ddl(f"DROP TABLE IF EXISTS `{table}`")
	frappe.db.delete("Module Def", {"name": OUR_MODULE})
	frappe.db.delete("Series", {"name": ["like", "event_streaming.%"]})
	frappe.db.commit()
	frappe.clear_cache()


def make_older_tables(generation: str) -> None:
	import frappe

	take_the_app_away()
	for doctype, columns in OLDER_TABLES.items():
		numbered = generation == "module" and doctype in OLDER_LOGS
		parts = [
			STANDARD.format(name="bigint" if numbered else "varchar(140)"),
			*(f"`{column}` {kind}" for column, kind in columns.items()),
			*([CHILD] if doctype in OLDER_CHILDREN else []),
		]
		frappe.db.sql_ddl(f"CREATE TABLE `tab{doctype}` ({', '.join(parts)}) COLLATE utf8mb4_unicode_ci")
		if numbered:
			frappe.db.sql_ddl(f"CREATE SEQUENCE {frappe.scrub(doctype)}_id_seq START 10 NOCACHE")
		if generation == "app":
			frappe.db.sql(
				"INSERT INTO `tabDocType` (name, creation, modified, module, istable) VALUES (%s, NOW(), NOW(), %s, %s)",
				(doctype, OUR_MODULE, int(doctype in OLDER_CHILDREN)),
			)
	if generation == "app":
		frappe.db.sql(
			"INSERT INTO `tabModule Def` (name, creation, modified, module_name, app_name)"
			" VALUES (%(module)s, NOW(), NOW(), %(module)s, 'event_streaming')",
			{"module": OUR_MODULE},
		)
	frappe.db.commit()
	frappe.clear_cache()


def add_row(doctype: str, generation: str = "app", **values) -> str:
	"""A row of the older app; its name as the older app would have given it."""
	import frappe

	if not values.get("name"):
		numbered = generation == "module" and doctype in OLDER_LOGS
		values["name"] = (
			frappe.db.get_next_sequence_val(doctype) if numbered else frappe.generate_hash(length=10)
		)
	values = {"creation": "2024-05-06 07:08:09", "owner": "stream@example.com", **values}
	columns = ", ".join(f"`{column}`" for column in values)
	places = ", ".join(["%s"] * len(values))
	frappe.db.sql(f"INSERT INTO `tab{doctype}` ({columns}) VALUES ({places})", tuple(values.values()))
	return str(values["name"])


def add_event(
	generation: str, when: str, update_type: str, doctype: str, docname: str, data: dict | None, **values
) -> str:
	import json

	text = None if data is None else json.dumps(data, indent=1, sort_keys=True)
	event = {"update_type": update_type, "ref_doctype": doctype, "docname": docname, "data": text, **values}
	return add_row("Event Update Log", generation, creation=when, **event)


def add_delivery(log: str, consumer: str) -> None:
	place = {"parent": log, "parenttype": "Event Update Log", "parentfield": "consumers"}
	add_row("Event Update Log Consumer", consumer=consumer, **place)


def add_partner(doctype: str, url: str, rows: list[dict], keys: list, user: str) -> None:
	"""An Event Producer or Event Consumer with its secret and its rows."""
	from frappe.utils.password import set_encrypted_password

	url_field, table = {
		"Event Producer": ("producer_url", "producer_doctypes"),
		"Event Consumer": ("callback_url", "consumer_doctypes"),
	}[doctype]
	add_row(doctype, name=url, api_key=keys[0], api_secret="*" * len(keys[1]), user=user, **{url_field: url})
	set_encrypted_password(doctype, url, keys[1], "api_secret")
	for idx, row in enumerate(rows, start=1):
		place = {"parent": url, "parenttype": doctype, "parentfield": table, "idx": idx}
		add_row(f"{doctype} Document Type", **place, **row)


def upgrade(generation: str) -> None:
	"""What `bench migrate` does with our app where the older one was installed, or `bench install-app` where Frappe's own
	module was, in the same order."""
	import frappe
	from frappe.installer import add_module_defs
	from frappe.model.sync import sync_for

	from event_streaming import install
	from event_streaming.patches.v1_0 import take_over_older_app

	if generation == "module":
		install.before_install()
		add_module_defs("event_streaming")
	else:
		take_over_older_app.execute()
	sync_for("event_streaming")
	if generation == "module":
		install.after_install()
	frappe.db.commit()
	frappe.clear_cache()


def the_app_is_whole() -> bool:
	"""Whether this site is as after an upgrade that went well."""
	import frappe

	from event_streaming.patches.v1_0.older_app.tables import KEPT, NEW_COLUMN, columns_of

	return (
		all(column in columns_of(f"tab{doctype}") for doctype, column in NEW_COLUMN.items())
		and not any(columns_of(kept) for kept in KEPT.values())
		and bool(frappe.db.exists("DocType", "Event Streaming Settings"))
	)


def put_the_app_back() -> None:
	"""After a test, whatever it has left behind."""
	import frappe
	from frappe.model.sync import sync_for

	from event_streaming import install

	take_the_app_away()
	sync_for("event_streaming", force=True)
	install.after_install()
	frappe.db.commit()
	frappe.clear_cache()

"""Triggers that write down each committed state of a document, and what is read of a site at rest. Runs inside a site.

A trigger writes in the transaction of the change: what is rolled back was never there, and rows of one document are in the order of
their commits, as each waits for the lock of the one before. `trx` is the transaction (MariaDB's own number, of a versioned table;
PostgreSQL's own).
"""

import json

from tests.database.dialects import make_table, make_trigger
from tests.soak.evidence import ID, TOKEN
from tests.soak.sites.inside import CUSTOMER, INVOICE, ITEM, TICKET, TOKEN_FIELDS

ROWS_OF_INVOICES = "Shop Invoice Item"
# what each site keeps for itself
OWN = {"lft", "rgt", "old_parent", "remote_docname", "remote_site_name", "parent"}
OWN_OF_ROWS = {"owner", "creation", "modified", "modified_by", "parent", "parenttype"}
LEDGER = ("voucher_type", "voucher_no", "account", "party", "cost_center", "debit", "credit", "is_cancelled")


def watch() -> None:
	version = "n {number}, doctype VARCHAR(140), name VARCHAR(140), op CHAR(1), token VARCHAR(400),"
	version += " docstatus INT, ref VARCHAR(140)"
	make_table("soak_version", version, with_transaction=True)
	make_table("soak_cursor", "n {number}, producer VARCHAR(140), position BIGINT")
	make_table("soak_moved", "n {number}, event BIGINT, was BIGINT, now BIGINT")
	for doctype, token in TOKEN_FIELDS.items():
		ref = "{row}.customer" if doctype == INVOICE else "NULL"
		docstatus = "{row}.docstatus"
		for op, when, row in (("I", "INSERT", "NEW"), ("U", "UPDATE", "NEW"), ("D", "DELETE", "OLD")):
			values = f"'{doctype}', {row}.name, '{op}', {row}.{token}, {docstatus}, {ref}".format(row=row)
			trigger(
				f"soak_{op}_{token}_{doctype}", doctype, when, f"soak_version {COLUMNS} VALUES ({values})"
			)
	rows = f"soak_version {COLUMNS} VALUES ('{ROWS_OF_INVOICES}', NEW.parent, 'R', '', 0, NEW.item)"
	trigger("soak_rows", ROWS_OF_INVOICES, "INSERT", rows)
	for when in ("INSERT", "UPDATE"):
		cursor = "soak_cursor (producer, position) VALUES (NEW.event_producer, NEW.position)"
		trigger(f"soak_cursor_{when}", "Event Producer Last Update", when, cursor)
	moved = "soak_moved (event, was, now) SELECT NEW.name, OLD.position, NEW.position FROM (SELECT 1) AS one "
	moved += "WHERE OLD.position > 0 AND OLD.position <> NEW.position"
	trigger("soak_moved", "Event Update Log", "UPDATE", moved)


COLUMNS = "(doctype, name, op, token, docstatus, ref)"


def trigger(name: str, doctype: str, when: str, what: str) -> None:
	make_trigger(name.replace(" ", "_").lower(), f"tab{doctype}", when, what)


def prepare(public_url: str, settings: dict) -> None:
	"""The DocTypes, a company of the same name, the settings."""
	import frappe

	from tests.doctypes import make_order_doctypes
	from tests.soak.sites import playing
	from tests.soak.sites.inside import COMPANY_ABBR

	make_order_doctypes()
	playing.make_doctypes()
	company = {"company_name": f"Company {COMPANY_ABBR}", "abbr": COMPANY_ABBR}
	frappe.get_doc({"doctype": "Shop Company", **company}).insert()
	doc = frappe.get_single("Event Streaming Settings")
	doc.update({"public_url": public_url, **settings})
	doc.save()


# ---------------------------------------------------------------- at rest


def collect() -> dict:
	import frappe

	from event_streaming.producer.log.sequence import head_position

	refs = {INVOICE: CUSTOMER, ROWS_OF_INVOICES: ITEM}
	columns = "n, doctype, name, op, token, docstatus, ref, trx"
	versions = frappe.db.sql(f"SELECT {columns} FROM soak_version ORDER BY n", as_dict=True)
	for row in versions:
		ref = row.pop("ref")
		row["refs"] = [[refs[row["doctype"]], ref]] if ref else []
	fields = [
		"name",
		"update_type",
		"status",
		"event_producer",
		"remote_doctype",
		"ref_doctype",
		"producer_doc",
	]
	fields += ["docname", "outcome", "error", "event_id", "position", "event_creation", "origin", "data"]
	fields += ["attempts", "divided"]
	logs = frappe.get_all("Event Sync Log", fields=fields, order_by="name asc", limit=0)
	own = ["name", "update_type", "ref_doctype", "docname", "position", "origin", "data"]
	updates = frappe.get_all("Event Update Log", fields=own, order_by="name asc", limit=0)
	for log in logs:
		log["data"] = token_in(log["remote_doctype"], log["data"])
	for log in updates:
		log["data"] = token_in(log["ref_doctype"], log["data"])
	return {
		"versions": versions,
		"documents": {doctype: documents(doctype) for doctype in TOKEN_FIELDS},
		"sync_logs": logs,
		"update_logs": updates,
		"ledger": frappe.get_all("Shop Ledger Entry", fields=list(LEDGER), limit=0),
		"cursors": frappe.db.sql("SELECT producer, position FROM soak_cursor ORDER BY n"),
		"moved_positions": frappe.db.sql("SELECT event, was, now FROM soak_moved ORDER BY n"),
		"head": head_position(),
	}


def token_in(doctype: str, data: str | None) -> str:
	"""The token that an event has set; a document may hold those of others besides, in fields that it has fetched."""
	values = json.loads(data or "{}")
	values = values.get("changed", values) if isinstance(values, dict) else {}
	return str((values or {}).get(TOKEN_FIELDS.get(doctype, "")) or "")


def documents(doctype: str) -> dict[str, dict]:
	import frappe

	found: dict[str, dict] = {}
	tables = [field.options for field in frappe.get_meta(doctype).get_table_fields()]
	rows = {table: rows_of(table, doctype) for table in tables}
	moments = moments_of(doctype)
	files: dict[str, list] = {}
	attached = {"attached_to_doctype": doctype}
	for file in frappe.get_all("File", attached, ["attached_to_name", "content_hash"], limit=0):
		files.setdefault(file.attached_to_name, []).append(file.content_hash)
	for values in frappe.db.sql(f"SELECT * FROM `tab{doctype}`", as_dict=True):
		token = TOKEN.search(str(values.get(TOKEN_FIELDS[doctype]) or ""))
		named = ID.search(str(values["name"]))
		if not token and not named:
			continue
		key = token.group(1) if token else named.group(0)
		while key in found:
			key += " (twice)"
		name = values["name"]
		if doctype == TICKET:
			# each site names these by itself
			del values["name"]
		found[key] = {
			**{
				field: plain(as_instant(value) if field in moments else value)
				for field, value in values.items()
				if field not in OWN and field[0] != "_"
			},
			**{table: rows[table].get(name, []) for table in tables},
			"files": sorted(files.get(name, [])),
		}
	return found


def rows_of(table: str, doctype: str) -> dict[str, list[dict]]:
	import frappe

	found: dict[str, list[dict]] = {}
	query = f"SELECT * FROM `tab{table}` WHERE parenttype = %s ORDER BY parent, idx"
	moments = moments_of(table)
	for row in frappe.db.sql(query, doctype, as_dict=True):
		values = {
			field: plain(as_instant(value) if field in moments else value)
			for field, value in row.items()
			if field not in OWN_OF_ROWS
		}
		found.setdefault(row.parent, []).append(values)
	return found


def moments_of(doctype: str) -> set[str]:
	"""The fields that hold a moment, in the time zone of the site."""
	import frappe

	return {"creation", "modified"} | {
		field.fieldname for field in frappe.get_meta(doctype).fields if field.fieldtype == "Datetime"
	}


def as_instant(value):
	"""The same moment whatever the time zone of the site."""
	from zoneinfo import ZoneInfo

	from frappe.utils import get_datetime, get_system_timezone

	if not value:
		return value
	return get_datetime(value).replace(tzinfo=ZoneInfo(get_system_timezone())).astimezone(ZoneInfo("UTC"))


def plain(value):
	return None if value in (None, "") else str(value)

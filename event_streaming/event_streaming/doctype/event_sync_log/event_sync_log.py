"""What became of one event on this site. Rows are written by `event_streaming.consumer.logs.sync_log` alone.

The functions are what a person may do about an event that failed; the work is in `event_streaming.consumer.pull.by_hand`.
"""

import frappe
from frappe.model.document import Document

from event_streaming.consumer.logs import retention
from event_streaming.consumer.pull import adopting, by_hand
from event_streaming.database.indexes import add_index


class EventSyncLog(Document):
	# begin: auto-generated types
	# This code is auto-generated. Do not modify anything in this block.

	from typing import TYPE_CHECKING

	if TYPE_CHECKING:
		from frappe.types import DF

		attempts: DF.Int
		cause: DF.Data | None
		conflict_type: DF.Literal[
			"",
			"Both Changed a Field",
			"Deleted Here, Changed There",
			"Changed Here, Deleted There",
			"Renamed on Both Sites",
			"Deleted and Made Again Here",
			"Merged Here, Changed There",
			"Submitted Here, Changed There",
			"Changed Here, Submitted There",
		]
		conflicts: DF.Code | None
		data: DF.Code | None
		data_before: DF.Code | None
		divided: DF.Check
		docname: DF.Data | None
		error: DF.Code | None
		event_creation: DF.Datetime | None
		event_id: DF.Data | None
		event_producer: DF.Link | None
		given: DF.Datetime | None
		mapping: DF.Link | None
		modified_by_remote: DF.Data | None
		name: DF.Int | None
		next_retry: DF.Datetime | None
		origin: DF.Data | None
		outcome: DF.SmallText | None
		position: DF.Int
		problem: DF.Data | None
		problem_field: DF.Data | None
		producer_doc: DF.Data | None
		ref_doctype: DF.Link | None
		remote_doctype: DF.Data | None
		retried_by: DF.Link | None
		retried_on: DF.Datetime | None
		root: DF.SmallText | None
		status: DF.Literal["", "Synced", "Failed", "Retrying", "Waiting", "Conflict", "Skipped"]
		transaction_id: DF.Data | None
		update_type: DF.Literal["Create", "Update", "Delete", "Rename", "Attach", "Detach"]
		use_same_name: DF.Check
		warnings: DF.SmallText | None
		waits_for: DF.Data | None

	# end: auto-generated types
	@staticmethod
	def clear_old_logs(days: int = 30) -> None:
		retention.clear_sync_log(days)


@frappe.whitelist(methods=["POST"])
def resync_log(name: str | int) -> str:
	"""The form's button: try the event again; returns its status afterwards."""
	frappe.only_for("System Manager")
	return by_hand.resync_log(str(name))


@frappe.whitelist(methods=["POST"])
def settle(name: str | int, choices: str | dict) -> str:
	"""The form's button: keep these values of a conflict ("here" or "there" by key); returns the status afterwards."""
	frappe.only_for("System Manager")
	return by_hand.settle(str(name), frappe.parse_json(choices))


@frappe.whitelist(methods=["POST"])
def resync_logs(names: str | list) -> dict:
	"""The list's action: try the selected events again; returns how many were tried and how many took effect."""
	frappe.only_for("System Manager")
	return by_hand.resync_logs([str(name) for name in frappe.parse_json(names)])


@frappe.whitelist(methods=["POST"])
def resync_all_failed() -> int:
	"""The list's menu: try everything that has failed again, in the background; returns how many events that is."""
	frappe.only_for("System Manager")
	return by_hand.request_resync_all()


@frappe.whitelist(methods=["POST"])
def adopt(name: str | int) -> str:
	"""The form's button: the local document of the same name is the one that is meant."""
	frappe.only_for("System Manager")
	return by_hand.adopt(str(name))


@frappe.whitelist(methods=["POST"])
def preview_adoption(
	names: str | list | None = None, event_producer: str | None = None, doctype: str | None = None
) -> dict:
	"""What adopting the selected events, or all of a producer's DocType, would link to what. Changes nothing."""
	frappe.only_for("System Manager")
	return adopting.preview(list_of_names(names), event_producer, doctype)


@frappe.whitelist(methods=["POST"])
def adopt_many(
	names: str | list | None = None, event_producer: str | None = None, doctype: str | None = None
) -> dict:
	"""The list's action: adopt the selected events, or all of a producer's DocType; many in the background."""
	frappe.only_for("System Manager")
	result = adopting.request_adopt(list_of_names(names), event_producer, doctype)
	return {**result, "message": adopting.tell(result)}


def list_of_names(names: str | list | None) -> list[str] | None:
	return None if names is None else [str(name) for name in frappe.parse_json(names) or []]


def on_doctype_update():
	add_index(
		"Event Sync Log",
		["event_producer", "remote_doctype", "producer_doc", "status"],
		"remote_document_status",
	)
	add_index("Event Sync Log", ["status", "event_producer", "next_retry"], "status_producer_retry")
	add_index("Event Sync Log", ["event_producer", "event_id"], "producer_event")
	# renames that are still open are asked for with each page, and are few
	add_index("Event Sync Log", ["event_producer", "update_type", "status"], "producer_type_status")
	add_index("Event Sync Log", ["ref_doctype", "docname"], "local_document")
	# causes are counted over this one alone
	add_index("Event Sync Log", ["status", "cause", "event_producer"], "status_cause_producer")
	# few rows have one: the list of them, and how many there were lately
	add_index("Event Sync Log", ["conflict_type", "creation"], "conflict_type_creation")
	# Frappe 16 makes this one itself, under this name
	add_index("Event Sync Log", ["creation"], "creation")

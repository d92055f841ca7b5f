"""A table of values: what the producer calls a company, an account or a warehouse, and what it is called here.

Used by a row of a Document Type Mapping; the look-up itself is done by `event_streaming.consumer.mapping.rules`.
"""

import frappe
from frappe.model.document import Document

from event_streaming.consumer.mapping.value_maps import parse_pairs
from event_streaming.messages.coded import _
from event_streaming.site import audit


class DocumentTypeValueMap(Document):
	# begin: auto-generated types
	# This code is auto-generated. Do not modify anything in this block.

	from typing import TYPE_CHECKING

	if TYPE_CHECKING:
		from frappe.types import DF

		from event_streaming.event_streaming.doctype.document_type_value_map_pair.document_type_value_map_pair import (
			DocumentTypeValueMapPair,
		)

		other_values: DF.Literal["Keep the Value", "Use the Default Value", "Fail"]
		pairs: DF.Table[DocumentTypeValueMapPair]
		value_map_name: DF.Data

	# end: auto-generated types
	def validate(self):
		first: dict[str, int] = {}
		for row in self.pairs:
			row.remote_value = (row.remote_value or "").strip()
			row.local_value = (row.local_value or "").strip()
			if row.remote_value in first:
				frappe.throw(
					_("Row {0}: the remote value {1} stands in row {2} already.").format(
						row.idx, row.remote_value, first[row.remote_value]
					)
				)
			first[row.remote_value] = row.idx

	def on_update(self):
		audit.record_save(self, audit.MAPPING_CHANGED, keys={"pairs": "remote_value"})

	def on_trash(self):
		audit.record(audit.DELETED, self.doctype, self.name, audit.differences(None, self)[1])

	def add_pairs(self, pairs: list[tuple[str, str]]) -> None:
		"""Add pairs; a remote value that is in the table gets the new local one."""
		rows = {row.remote_value: row for row in self.pairs}
		for remote_value, local_value in pairs:
			if remote_value in rows:
				rows[remote_value].local_value = local_value
			else:
				rows[remote_value] = self.append(
					"pairs", {"remote_value": remote_value, "local_value": local_value}
				)


@frappe.whitelist(methods=["POST"])
def import_csv(value_map: str, content: str) -> int:
	"""Add the pairs of a CSV file with two columns (remote value, local value); returns how many there were."""
	doc = frappe.get_doc("Document Type Value Map", value_map)
	doc.check_permission("write")
	try:
		pairs = parse_pairs(content)
	except ValueError as error:
		frappe.throw(_("The file has not been imported: {0}").format(error))
	doc.add_pairs(pairs)
	doc.save()
	return len(pairs)

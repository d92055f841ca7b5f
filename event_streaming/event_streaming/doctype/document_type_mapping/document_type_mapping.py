"""How documents of another site's DocType become documents of one here: the fields, one by one.

Whether it makes sense is judged by `event_streaming.consumer.mapping.validation`; the mapping itself is done by
`event_streaming.consumer.mapping.rules`.
"""

import frappe
from frappe import _
from frappe.model.document import Document

from event_streaming.admin.remote import told_in_the_desk
from event_streaming.consumer.mapping import preview as previewing
from event_streaming.consumer.mapping.validation import problems_of
from event_streaming.site import audit


class DocumentTypeMapping(Document):
	# begin: auto-generated types
	# This code is auto-generated. Do not modify anything in this block.

	from typing import TYPE_CHECKING

	if TYPE_CHECKING:
		from frappe.types import DF

		from event_streaming.event_streaming.doctype.document_type_field_mapping.document_type_field_mapping import (
			DocumentTypeFieldMapping,
		)

		field_mapping: DF.Table[DocumentTypeFieldMapping]
		local_doctype: DF.Link
		mapping_name: DF.Data
		remote_doctype: DF.Data

	# end: auto-generated types
	def validate(self):
		self.forget_what_does_not_apply()
		if problems := problems_of(self):
			frappe.throw(
				"<br>".join(map(frappe.utils.escape_html, problems)), title=_("The mapping can't work")
			)

	def on_update(self):
		audit.record_save(self, audit.MAPPING_CHANGED, keys={"field_mapping": "local_fieldname"})

	def on_trash(self):
		audit.record(audit.DELETED, self.doctype, self.name, audit.differences(None, self)[1])

	def forget_what_does_not_apply(self) -> None:
		"""What a person typed before choosing another Mapping Type is hidden on the form: it must not count."""
		for row in self.field_mapping:
			for fieldname in ("local_fieldname", "remote_fieldname", "default_value", "remote_value_filters"):
				value = row.get(fieldname)
				row.set(fieldname, None if value is None else str(value).strip() or None)
			if not row.mapping_type:
				row.mapping = None
			if row.mapping_type != "Document":
				row.remote_value_filters = None
			if row.mapping_type:
				row.value_map = None


@frappe.whitelist(methods=["POST"])
def fetch_remote_fields(event_producer: str, remote_doctype: str) -> list[dict]:
	"""The fields that the producer's DocType has, for the form to offer."""
	frappe.only_for("System Manager")
	with told_in_the_desk():
		return previewing.remote_fields(event_producer, remote_doctype)


@frappe.whitelist(methods=["POST"])
def preview(mapping: str, event_producer: str, remote_name: str) -> dict:
	"""The local document that a remote one would become; nothing is saved."""
	frappe.only_for("System Manager")
	with told_in_the_desk():
		return previewing.preview(mapping, event_producer, remote_name)


@frappe.whitelist(methods=["POST"])
def remote_names(event_producer: str, remote_doctype: str, text: str = "") -> list[str]:
	"""Names of documents on the producer, for the preview to offer."""
	frappe.only_for("System Manager")
	with told_in_the_desk():
		return previewing.remote_names(event_producer, remote_doctype, text)

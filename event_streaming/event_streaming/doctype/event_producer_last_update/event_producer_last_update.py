"""How far this site has got with one producer. Written by `event_streaming.consumer.logs.state` alone; holds no logic."""

from frappe.model.document import Document


class EventProducerLastUpdate(Document):
	# begin: auto-generated types
	# This code is auto-generated. Do not modify anything in this block.

	from typing import TYPE_CHECKING

	if TYPE_CHECKING:
		from frappe.types import DF

		broker_place: DF.Data | None
		caught_up_on: DF.Datetime | None
		connection: DF.Literal["Unknown", "Online", "Offline", "Refused"]
		epoch: DF.Data | None
		event_producer: DF.Data
		events_behind: DF.Int
		failures: DF.Int
		keys_sent_on: DF.Datetime | None
		last_contact: DF.Datetime | None
		last_error: DF.Text | None
		last_pull: DF.Datetime | None
		last_update: DF.Data | None
		last_warning: DF.Text | None
		listen: DF.SmallText | None
		new_token_hash: DF.Data | None
		next_pull: DF.Datetime | None
		other_site_id: DF.Data | None
		outages: DF.LongText | None
		position: DF.Int
		protocol: DF.Int
		receipt: DF.Data | None
		remote_time_zone: DF.Data | None
		restored_documents: DF.Text | None
		restored_from: DF.Int
		restored_on: DF.Datetime | None
		restored_to: DF.Int
		rotated_on: DF.Datetime | None
		scheduled_for: DF.Date | None
		scheduled_part: DF.Int
		scheduled_task: DF.Data | None
		schema_notes: DF.LongText | None
		taken_ahead: DF.LongText | None
		taken_until: DF.Data | None
		token_hash: DF.Data | None
		verify_rounds: DF.LongText | None
		verify_wanted: DF.Check

	# end: auto-generated types
	pass

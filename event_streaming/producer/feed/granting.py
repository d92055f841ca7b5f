"""What a page tells a consumer of the broker: where it is, and the keys of the DocTypes that the consumer may read whole.

Only what whoever publishes has said it publishes, and only as far as the consumer may read it now as well.
"""

from typing import Any

from frappe.utils import cint

from event_streaming.broker.settings import get_reader_settings
from event_streaming.producer.subscriptions import broker_keys
from event_streaming.producer.subscriptions.reader import Reader
from event_streaming.site.site_id import own_id
from event_streaming.wire.broker.grants import NATS, Grant


def grant_for(reader: Reader, epoch: str, transport: str | None) -> Grant | None:
	"""None for a consumer that does not ask for it, has no DocType that goes over the broker, or is paused."""
	if transport != NATS or cint(reader.consumer.paused):
		return None
	said = broker_keys.kept_standing()
	if not said or said["epoch"] != epoch:
		return None
	doctypes = {
		doctype: {
			"token": broker_keys.token_of(doctype),
			"after": cint(row.from_position),
			"key": _key(reader, row, said),
		}
		for doctype, row in reader.rows.items()
	}
	if not any(each["key"] for each in doctypes.values()):
		return None
	settings = get_reader_settings()
	return {
		"servers": list(settings.servers),
		"user": settings.user,
		"password": settings.password,
		"site": own_id(),
		"epoch": epoch,
		"standing": said["standing"],
		"public_key": broker_keys.public_key(),
		"doctypes": doctypes,
	}


def _key(reader: Reader, row: Any, said: dict) -> str | None:
	doctype = row.ref_doctype
	if reader.consumer.name not in said["open"].get(doctype, ()):
		return None
	# of these alone it is on record from where on the cursor says what was taken
	if doctype not in reader.open:
		return None
	return broker_keys.key_of(said["epoch"], said["standing"], doctype).hex()

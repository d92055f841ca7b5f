"""Method paths of the endpoints: the names by which two sites call each other. And of what is published to sites that listen."""

from hashlib import sha256
from typing import Any

DOCTYPES_PATH = "event_streaming.event_streaming.doctype"
REGISTER = f"{DOCTYPES_PATH}.event_consumer.event_consumer.register_consumer"
OLD_FEED = f"{DOCTYPES_PATH}.event_update_log.event_update_log.get_update_logs_for_consumer"
NOTIFY = f"{DOCTYPES_PATH}.event_producer.event_producer.new_event_notification"
FEED = "event_streaming.endpoints.get_page"
DOCUMENTS = "event_streaming.endpoints.get_documents"
DESCRIBE = "event_streaming.endpoints.describe"
CHECK = "event_streaming.endpoints.get_check"
ABOUT = "event_streaming.endpoints.site_facts"
SITE_ID = "event_streaming.endpoints.get_site_id"
FIND_FILES = "event_streaming.endpoints.find_files"
FILE_CONTENT = "event_streaming.endpoints.get_content"
COPY = "event_streaming.endpoints.get_copy_page"
MATCH = "event_streaming.endpoints.get_match_page"
COUNT = "event_streaming.endpoints.count_documents"
DIGESTS = "event_streaming.endpoints.get_digests"
LOOK_AT = "event_streaming.endpoints.look_at"
REPAIRED = "event_streaming.endpoints.documents_repaired"
TRACE_DOCUMENT = "event_streaming.endpoints.trace_document"
TRACE_ARRIVAL = "event_streaming.endpoints.trace_arrival"
CONFIRM = "event_streaming.endpoints.confirm"
UPDATE_STATUS = "event_streaming.endpoints.update_status"
# the same as NOTIFY, for a producer that has a token
NOTIFY_WITH_TOKEN = "event_streaming.endpoints.new_event_notification"
ROTATE = "event_streaming.endpoints.rotate_keys"
# a code of an invitation: what it offers, its use, and that the site has registered
MEET_INVITATION = "event_streaming.endpoints.meet_invitation"
REDEEM_INVITATION = "event_streaming.endpoints.redeem_invitation"
COMPLETE_INVITATION = "event_streaming.endpoints.complete_invitation"
# whose answers have documents, or lists of them, and neither keys nor tokens
WITH_DOCUMENTS = (FEED, DOCUMENTS, COPY, DIGESTS, MATCH, LOOK_AT, CHECK, FIND_FILES, FILE_CONTENT)
# in which a producer shows its token: headers are in no access log
TOKEN_HEADER = "X-Event-Streaming-Token"
# over a producer's realtime server: up to which position there is something to pull
POSITION_EVENT = "event_streaming_position"
# over the same: whoever has shown the keys of this user has to show them anew; realtime/handlers.js knows it
WITHDRAWN_EVENT = "event_streaming_withdrawn"
# where Frappe 13 and 14 have the same DocTypes, in a module of their own
FRAPPE_MODULE_PATH = "frappe.event_streaming.doctype"


def path_in_frappe(method: str) -> str:
	"""What Frappe 13 and 14 call one of the methods that all generations have."""
	return method.replace(DOCTYPES_PATH, FRAPPE_MODULE_PATH, 1)


def position_event(callback_url: str) -> str:
	"""The realtime event of one consumer: consumers that share a user on the producer are sent each other's messages too."""
	return f"{POSITION_EVENT}:{sha256(callback_url.encode()).hexdigest()[:16]}"


def position_message(position: int, within: float = 0.0) -> dict[str, Any]:
	"""What is said to a consumer, over whatever: up to which position there is something to pull, and within how many seconds it is to
	ask, if many are told. A consumer of an older version asks at once."""
	return {"position": position, "within": round(within, 2)} if within else {"position": position}

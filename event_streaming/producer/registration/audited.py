"""What is decided about a consumer, as Event Streaming Audit Log has it: one row for each kind of decision in a save."""

from typing import Any

from frappe.utils import cint

from event_streaming.producer.registration.neighbours import KEPT_ANYWAY, NOTED
from event_streaming.producer.subscriptions.streamed import APPROVED, CONSUMER
from event_streaming.site import audit

TABLE = "consumer_doctypes"
# what this site notes down by itself
IGNORED = (KEPT_ANYWAY - {"protocol"}) | set(NOTED)
KEYS = {TABLE: "ref_doctype"}
Values = dict[str, Any]


def record_changes(doc) -> None:
	"""Called by the document's `on_update`."""
	before = doc.get_doc_before_save()
	old, new = audit.differences(before, doc, IGNORED, KEYS)
	where = audit.OTHER_SITE if doc.flags.from_consumer or doc.flags.the_older_way else ""
	if before is None:
		audit.record(audit.REGISTERED, CONSUMER, doc.name, None, new, where)
	elif where and (old or new):
		audit.record(audit.REGISTRATION_CHANGED, CONSUMER, doc.name, old, new, where)
	else:
		for what, (was, now) in _by_kind(old, new).items():
			# the decision is of who has invited the site; it comes into force as that registers
			by = audit.OTHER_SITE if doc.flags.by_invitation else ""
			audit.record(what, CONSUMER, doc.name, was, now, by)


def _by_kind(old: Values, new: Values) -> dict[str, tuple[Values, Values]]:
	found: dict[str, tuple[Values, Values]] = {}
	for fieldname in [name for name in new if name != TABLE]:
		was, now = found.setdefault(_kind(fieldname, new[fieldname]), ({}, {}))
		was[fieldname], now[fieldname] = old.get(fieldname), new[fieldname]
	for doctype in new.get(TABLE) or {}:
		before, after = old[TABLE].get(doctype), new[TABLE][doctype]
		if before is None or after is None:
			was, now = found.setdefault(audit.SUBSCRIPTION_CHANGED, ({}, {}))
			was[doctype], now[doctype] = before, after
			if (after or {}).get("status") == APPROVED:
				was, now = found.setdefault(audit.APPROVED, ({}, {}))
				was[doctype], now[doctype] = None, {"status": APPROVED}
			continue
		for fieldname in after:
			was, now = found.setdefault(_kind_of_row(fieldname, after[fieldname]), ({}, {}))
			was.setdefault(doctype, {})[fieldname] = before.get(fieldname)
			now.setdefault(doctype, {})[fieldname] = after[fieldname]
	return found


def _kind(fieldname: str, value: Any) -> str:
	if fieldname == "paused":
		return audit.PAUSED if cint(value) else audit.RESUMED
	if fieldname == "needs_copy":
		return audit.LIMITS_CHANGED if cint(value) else audit.FRESH_COPY_CLEARED
	return audit.CONNECTION_CHANGED


def _kind_of_row(fieldname: str, value: Any) -> str:
	if fieldname == "status":
		return {"Approved": audit.APPROVED, "Rejected": audit.REJECTED}.get(value, audit.BACK_TO_PENDING)
	return (
		audit.CONDITION_CHANGED if fieldname in ("condition", "when_condition_ends") else audit.LIMITS_CHANGED
	)

"""Event Streaming Audit Log: who has decided what, when, from where, with the values before and after.

A row is written in the transaction of the decision. That somebody tried what is not allowed is kept also where the
transaction is undone. Holds no secrets; never changes or deletes a row, but for Log Settings (`clear`).
"""

import json
from collections.abc import Collection, Iterable
from datetime import timedelta
from typing import Any

import frappe
from frappe.model import no_value_fields, table_fields
from frappe.utils import cint, now_datetime
from frappe.utils.password import get_decrypted_password

DOCTYPE = "Event Streaming Audit Log"
DONE, REFUSED = "Done", "Refused"

# what was decided, as the log's options have it
REGISTERED = "Registered"
REGISTRATION_CHANGED = "Registration Changed"
APPROVED = "Approved"
REJECTED = "Rejected"
BACK_TO_PENDING = "Back to Pending"
CONDITION_CHANGED = "Condition Changed"
LIMITS_CHANGED = "Limits Changed"
PAUSED = "Paused"
RESUMED = "Resumed"
FRESH_COPY_CLEARED = "Fresh Copy Cleared"
CONNECTION_CHANGED = "Connection Changed"
KEYS_ROTATED = "Keys Rotated"
SUBSCRIPTION_CHANGED = "Subscription Changed"
SETTINGS_CHANGED = "Settings Changed"
MAPPING_CHANGED = "Mapping Changed"
SETUP_APPLIED = "Set-Up Applied"
INVITED = "Site Invited"
INVITATION_WITHDRAWN = "Invitation Withdrawn"
INVITATION_USED = "Invitation Used"
INVITATION_REFUSED = "Invitation Refused"
JOINED = "Joined"
DELETED = "Deleted"
ADOPTED = "Adopted"
MATCHED = "Matched"
SETTLED = "Settled"
RESYNCED = "Resynced"
SKIPPED = "Skipped"
REPAIRED = "Repaired"
PUT_OFF = "Finding Put Off"
MENDED = "Finding Mended"
FIELD_CREATED = "Field Created"
DIFFERENCE_IGNORED = "Difference Ignored"
TRIED = "Tried What Is Not Allowed"

DESK, REST, COMMAND, OTHER_SITE, JOB, CONSOLE = (
	"Desk",
	"REST",
	"Command",
	"Other Site",
	"Background Job",
	"Console",
)
# never written, whatever their field type
SECRETS = frozenset(("api_key", "api_secret", "password", "secret", "token", "sid", "authorization"))
HIDDEN = "***"
# of one value, and of all values of a row
LONGEST_TEXT, LONGEST_VALUES = 2_000, 60_000
# names that are listed; of the rest the number
LISTED = 100


def record(
	what: str,
	reference_doctype: str,
	reference_name: str | None,
	before: dict[str, Any] | None = None,
	after: dict[str, Any] | None = None,
	where: str = "",
	outcome: str = DONE,
) -> str:
	"""Write a row in the transaction that is open; returns its name, "" while the app itself is installed or removed.

	`where` is where it came from, if that can't be seen from here: OTHER_SITE.
	"""
	if any(frappe.flags.get(each) for each in ("in_install", "in_uninstall", "in_patch")):
		return ""
	row = _row(what, reference_doctype, reference_name, before, after, where, outcome)
	_insert(row)
	return row["name"]


def record_refused(
	what: str,
	reference_doctype: str,
	reference_name: str | None,
	before: dict[str, Any] | None = None,
	after: dict[str, Any] | None = None,
	where: str = "",
) -> str:
	"""The same for what is refused: it is kept though the transaction, or a savepoint in it, is undone. Raises nothing."""
	row = _row(what, reference_doctype, reference_name, before, after, where, REFUSED)
	_insert(row)

	def keep() -> None:
		if not frappe.db.exists(DOCTYPE, row["name"]):
			_insert(row)
			frappe.db.commit()

	frappe.db.after_rollback.add(keep)
	frappe.db.after_commit.add(keep)
	return row["name"]


def differences(
	before: Any, doc: Any, ignored: Collection[str] = (), keys: dict[str, str] | None = None
) -> tuple[dict[str, Any], dict[str, Any]]:
	"""The values of two states of a document that differ, old and new; `before` is None for one that is new.

	Rows of a table are told apart by the field that `keys` names for it, else by their number; of a row that is new or gone the
	other side has None.
	"""
	old: dict[str, Any] = {}
	new: dict[str, Any] = {}
	for df in doc.meta.fields:
		if df.fieldname in ignored:
			continue
		if df.fieldtype in table_fields:
			key = (keys or {}).get(df.fieldname, "idx")
			rows = [_rows(each, df.fieldname, key, ignored) for each in (before, doc)]
			was, now = _differing(*rows)
			if was or now:
				old[df.fieldname], new[df.fieldname] = was, now
		elif df.fieldtype not in no_value_fields and df.fieldtype != "Password":
			was, now = _plain(before.get(df.fieldname)) if before else None, _plain(doc.get(df.fieldname))
			if was != now:
				old[df.fieldname], new[df.fieldname] = was, now
	for fieldname in doc.flags.changed_secrets or ():
		old[fieldname], new[fieldname] = HIDDEN if before else None, HIDDEN
	return old, new


def notice_secrets(doc: Any) -> None:
	"""For `validate`: remember which Password fields are changed; once the document is saved, that can't be seen any more."""
	doc.flags.changed_secrets = [
		df.fieldname
		for df in doc.meta.fields
		if df.fieldtype == "Password" and is_new_secret(doc, df.fieldname)
	]


def is_new_secret(doc: Any, fieldname: str) -> bool:
	"""Whether saving would store another secret than is stored: what a form sends of one that stays are stars."""
	value = doc.get(fieldname) or ""
	if value and set(value) == {"*"}:
		return False
	try:
		stored = get_decrypted_password(doc.doctype, doc.name, fieldname, raise_exception=False) or ""
	except (frappe.ValidationError, frappe.AuthenticationError):
		# encrypted with a key that this site has not got any more
		frappe.clear_last_message()
		stored = None
	return value != stored


def record_save(
	doc: Any,
	what: str,
	ignored: Collection[str] = (),
	keys: dict[str, str] | None = None,
) -> None:
	"""For `on_update`: a row where the save has changed anything."""
	old, new = differences(doc.get_doc_before_save(), doc, ignored, keys)
	if old or new:
		record(what, doc.doctype, doc.name, old, new)


def listed(names: Iterable[Any]) -> dict[str, Any]:
	"""Many names as a row has them: how many, and the first."""
	names = [str(name) for name in names]
	return {"count": len(names), "names": names[:LISTED]}


def clear(days: int) -> None:
	"""Delete what is older, as Frappe clears its own logs; its daily job, which alone calls this, commits."""
	frappe.db.delete(DOCTYPE, {"creation": ("<", now_datetime() - timedelta(days=cint(days)))})


def _row(
	what: str,
	reference_doctype: str,
	reference_name: str | None,
	before: dict[str, Any] | None,
	after: dict[str, Any] | None,
	where: str,
	outcome: str,
) -> dict[str, Any]:
	return {
		"doctype": DOCTYPE,
		"name": frappe.generate_hash(length=16),
		"decision": what,
		"outcome": outcome,
		"user": frappe.session.user,
		"reference_doctype": reference_doctype,
		"reference_name": reference_name,
		"came_from": where or _where(),
		"ip_address": getattr(frappe.local, "request_ip", None),
		"values_before": _dump(before),
		"values_after": _dump(after),
	}


def _insert(row: dict[str, Any]) -> None:
	# no document life cycle: nobody, not even Administrator, may write these by one
	doc = frappe.get_doc(dict(row))
	doc.db_insert()


def _where() -> str:
	"""Where the current user is at work."""
	if frappe.flags.event_streaming_command:
		return COMMAND
	request = getattr(frappe.local, "request", None)
	if request is not None:
		return REST if request.headers.get("Authorization") else DESK
	return JOB if getattr(frappe.local, "job", None) else CONSOLE


def _rows(doc: Any, table: str, key: str, ignored: Collection[str]) -> dict[str, dict[str, Any]]:
	if doc is None:
		return {}
	found: dict[str, dict[str, Any]] = {}
	for row in doc.get(table) or []:
		values = {
			df.fieldname: _plain(row.get(df.fieldname))
			for df in row.meta.fields
			if df.fieldtype not in no_value_fields
			and df.fieldtype != "Password"
			and df.fieldname not in ignored
			and df.fieldname != key
		}
		name = str(row.get(key))
		found[name if name not in found else f"{name} ({row.idx})"] = values
	return found


def _differing(old: dict[str, dict], new: dict[str, dict]) -> tuple[dict[str, Any], dict[str, Any]]:
	was: dict[str, Any] = {}
	now: dict[str, Any] = {}
	for key in dict.fromkeys([*old, *new]):
		before, after = old.get(key), new.get(key)
		if before is None or after is None:
			was[key], now[key] = before, after
			continue
		changed = [fieldname for fieldname in after if before.get(fieldname) != after[fieldname]]
		if changed:
			was[key] = {fieldname: before.get(fieldname) for fieldname in changed}
			now[key] = {fieldname: after[fieldname] for fieldname in changed}
	return was, now


def _plain(value: Any) -> Any:
	"""What compares equal whether it comes from a form or from the database: nothing, 0 and "" are the same."""
	if not value or value == "0":
		return None
	return value if isinstance(value, int | float | bool) else str(value)


def _dump(values: dict[str, Any] | None) -> str | None:
	if not values:
		return None
	text = json.dumps(masked(values), indent=1, ensure_ascii=False, default=str)
	return text if len(text) <= LONGEST_VALUES else text[:LONGEST_VALUES] + "\n…"


def masked(value: Any, name: str = "") -> Any:
	"""The same without secrets, and with no text that is endless."""
	if name.lower() in SECRETS and value:
		return HIDDEN
	if isinstance(value, dict):
		return {key: masked(each, str(key)) for key, each in value.items()}
	if isinstance(value, list | tuple):
		return [masked(each) for each in value]
	return value[:LONGEST_TEXT] + "…" if isinstance(value, str) and len(value) > LONGEST_TEXT else value

"""Who subscribes to what: registering, approving, unsubscribing; and the cached set of streamed DocTypes.

The only module that writes Event Consumer documents on behalf of another site. The rows of an Event Consumer decide what is
sent; what a request asks for never does.
"""

import json
from collections.abc import Iterable
from time import monotonic
from typing import Any

import frappe
from frappe import _
from frappe.utils import cint
from redis.exceptions import ConnectionError as RedisUnreachable

from event_streaming.exceptions import EventStreamingError, RemoteError, RemoteRefused
from event_streaming.http_client import SiteClient
from event_streaming.producer import conditions, notify
from event_streaming.producer.sequence import assign_positions, head_position, position_at, time_of_head
from event_streaming.refused import OWN_MODULE, refuse_system_doctypes
from event_streaming.site import normalise_url, public_url, time_zone
from event_streaming.wire import CONFIRM, PROTOCOL, UPDATE_STATUS

CONSUMER = "Event Consumer"
ROWS = "Event Consumer Document Type"
LOG = "Event Update Log"
PENDING, APPROVED = "Pending", "Approved"
CALL_SECONDS = 10

# ---------------------------------------------------------------- the streamed DocTypes

STREAMED = "event_streaming:streamed"
STREAMED_VERSION = "event_streaming:streamed_version"
KEPT_SECONDS = 24 * 60 * 60
GUESSED_SECONDS = 2
MEMO_SECONDS = 0.05
# only the newest reading counts: a slower process must not put an older one over it
SET_IF_NEWEST = """
if redis.call("GET", KEYS[1]) == ARGV[1] then
	return redis.call("SET", KEYS[2], ARGV[2], "EX", ARGV[3])
end
"""

_memo: dict[str, tuple[float, frozenset[str]]] = {}


def streamed_doctypes() -> frozenset[str]:
	"""The DocTypes whose changes are logged: approved for at least one consumer.

	One look-up in the process, at most MEMO_SECONDS old; behind it Redis; behind it the database.
	"""
	site = frappe.local.site
	memo = _memo.get(site)
	now = monotonic()
	if memo and now - memo[0] < MEMO_SECONDS:
		return memo[1]
	doctypes = _cached_doctypes()
	_memo[site] = (now, doctypes)
	return doctypes


def refresh_streamed_doctypes() -> frozenset[str]:
	"""Read the set and make it known to every process. For after a commit: it must see what was committed."""
	cache = frappe.cache
	version_key, key = cache.make_key(STREAMED_VERSION), cache.make_key(STREAMED)
	try:
		version = cache.incr(version_key)
		doctypes = _read_doctypes()
		cache.eval(SET_IF_NEWEST, 2, version_key, key, str(version), _packed(doctypes), KEPT_SECONDS)
	except RedisUnreachable:
		doctypes = _read_doctypes()
	_memo[frappe.local.site] = (monotonic(), doctypes)
	return doctypes


def forget_streamed_doctypes() -> None:
	"""After the app is removed or a site's database is put back: nothing that was remembered holds."""
	_memo.pop(frappe.local.site, None)
	frappe.cache.delete_value([STREAMED, STREAMED_VERSION])


def _cached_doctypes() -> frozenset[str]:
	cache = frappe.cache
	key = cache.make_key(STREAMED)
	try:
		if (packed := cache.get(key)) is not None:
			return frozenset(json.loads(packed))
		doctypes = _read_doctypes()
		# never over what a refresh has written meanwhile; and not for long, for this transaction's picture may be old
		cache.set(key, _packed(doctypes), ex=GUESSED_SECONDS, nx=True)
	except RedisUnreachable:
		return _read_doctypes()
	return doctypes


def _packed(doctypes: Iterable[str]) -> str:
	return json.dumps(sorted(doctypes))


def _read_doctypes() -> frozenset[str]:
	"""From the database. Nothing while the app's tables are not there yet, or are still those of the old app."""
	try:
		if not frappe.db.table_exists(LOG) or not frappe.db.has_column(LOG, "position"):
			return frozenset()
		rows = frappe.qb.DocType(ROWS)
		query = (
			frappe.qb.from_(rows)
			.select(rows.ref_doctype)
			.distinct()
			.where((rows.parenttype == CONSUMER) & (rows.status == APPROVED) & (rows.unsubscribed == 0))
		)
		subscribed = [doctype for (doctype,) in query.run() if doctype]
		return frozenset(subscribed) - _not_streamable(subscribed)
	except Exception as error:
		if frappe.db.is_table_missing(error) or frappe.db.is_missing_column(error):
			return frozenset()
		raise


def _not_streamable(doctypes: list[str]) -> set[str]:
	if not doctypes:
		return set()
	table = frappe.qb.DocType("DocType")
	query = (
		frappe.qb.from_(table)
		.select(table.name)
		.where(table.name.isin(doctypes))
		.where((table.istable == 1) | (table.is_virtual == 1) | (table.module == OWN_MODULE))
	)
	return {name for (name,) in query.run()} | set(frappe.model.log_types)


# ---------------------------------------------------------------- registering


def register(data: dict | str) -> dict[str, Any]:
	"""A consumer makes itself known, or says again what it subscribes to; answers what the contract says.

	Raises with a message for the admin of the other site, who sees it when saving the Event Producer.
	"""
	data = _parsed(data)
	callback_url = _callback_url(data)
	user = _check_user(data)
	wanted = _wanted(data)
	refuse_system_doctypes(list(wanted))
	for entry in wanted.values():
		conditions.check(entry.get("condition"))
	existing = frappe.db.get_value(CONSUMER, callback_url, ["name", "user"], as_dict=True)
	if existing and existing.user != user:
		frappe.throw(
			_(
				"{0} is already registered on {1} by another user ({2}). Delete that Event Consumer there first."
			).format(callback_url, public_url(), existing.user),
			EventStreamingError,
		)
	if cint(data.get("protocol")) >= PROTOCOL:
		if cint(data.get("reachable")):
			_call_back(callback_url, data)
	elif existing:
		# an old consumer changes its subscriptions through the document
		return {"last_update": str(time_of_head())}
	# "from now on" starts after everything that is committed, also what has no position yet
	frappe.db.commit()
	assign_positions()
	consumer = _save_consumer(callback_url, user, data, wanted, bool(existing))
	return _registration(consumer, data.get("last_update"))


def register_from_json(data: str | dict) -> str:
	"""`register`, as the public endpoint speaks it: JSON in, JSON out."""
	return json.dumps(register(data), default=str)


def subscriptions_of(consumer) -> dict[str, dict[str, Any]]:
	"""What is on record for the consumer, as every page carries it."""
	return {
		row.ref_doctype: {
			"status": row.status or PENDING,
			"unsubscribed": cint(row.unsubscribed),
			"condition": row.condition or None,
		}
		for row in consumer.consumer_doctypes
	}


def _parsed(data: dict | str) -> dict:
	if isinstance(data, str):
		try:
			data = json.loads(data)
		except ValueError:
			data = None
	if not isinstance(data, dict):
		frappe.throw(_("The registration is not a JSON object."), EventStreamingError)
	return data


def _callback_url(data: dict) -> str:
	try:
		url = normalise_url(data.get("event_consumer"))
	except (ValueError, AttributeError):
		url = ""
	if not url.startswith(("http://", "https://")):
		frappe.throw(
			_(
				"The consumer gave no address at which it can be reached: set the public URL in its Event Streaming Settings."
			),
			EventStreamingError,
		)
	if url == public_url():
		frappe.throw(
			_(
				"{0} is the address of the producer itself. A site can't subscribe to itself; if the consumer is another"
				" site, set the public URL in the Event Streaming Settings of both."
			).format(url),
			EventStreamingError,
		)
	return url


def _check_user(data: dict) -> str:
	"""The user of the subscription: who calls, known here, enabled and a System Manager."""
	user, here = data.get("user"), public_url()
	if not user or not isinstance(user, str):
		frappe.throw(_("The registration names no user: choose an Event Subscriber."), EventStreamingError)
	found = frappe.db.get_value("User", user, ["name", "enabled"], as_dict=True)
	if not found:
		frappe.throw(
			_(
				"The user {0} does not exist on {1}. Make the same user there, with the role System Manager."
			).format(user, here),
			EventStreamingError,
		)
	if not found.enabled:
		frappe.throw(
			_("The user {0} is disabled on {1}. Enable it there.").format(user, here), EventStreamingError
		)
	if frappe.session.user != found.name:
		frappe.throw(
			_(
				"The API keys belong to {0} on {1}, but the Event Subscriber is {2}. Enter the keys of {2}."
			).format(frappe.session.user, here, user),
			frappe.PermissionError,
		)
	if "System Manager" not in frappe.get_roles(found.name):
		frappe.throw(
			_("The user {0} is not a System Manager on {1}. Give it that role there.").format(user, here),
			frappe.PermissionError,
		)
	return found.name


def _wanted(data: dict) -> dict[str, dict]:
	"""The entries of `consumer_doctypes` by DocType, in their order."""
	entries = data.get("consumer_doctypes") or []
	if isinstance(entries, str):
		try:
			entries = json.loads(entries)
		except ValueError:
			entries = None
	if not isinstance(entries, list) or not all(
		isinstance(entry, dict) and entry.get("doctype") for entry in entries
	):
		frappe.throw(
			_("The DocTypes of the registration are not a list of {doctype, condition}."), EventStreamingError
		)
	return {str(entry["doctype"]): entry for entry in entries}


def _call_back(callback_url: str, data: dict) -> None:
	"""Ask at the consumer's address whether it is the site that is registering, with the keys that it gave."""
	client = SiteClient(callback_url, str(data.get("api_key") or ""), str(data.get("api_secret") or ""))
	here = public_url()
	try:
		answer = client.call(CONFIRM, {"token": str(data.get("token") or "")}, timeout=CALL_SECONDS)
	except RemoteRefused:
		frappe.throw(
			_(
				"{0} refused the API keys of {1} that it was registered with. Generate keys for that user there again."
			).format(callback_url, data.get("user")),
			EventStreamingError,
		)
	except EventStreamingError as error:
		frappe.throw(
			_(
				"{0} tried to reach the consumer at {1} and could not: {2} Correct the public URL in the consumer's Event"
				" Streaming Settings, or tick there that other sites cannot reach it."
			).format(here, callback_url, str(error)),
			EventStreamingError,
		)
	finally:
		client.close()
	if not isinstance(answer, dict) or not answer.get("token_known"):
		frappe.throw(
			_(
				"At {0} another site answers than the one that is registering. Correct the public URL in the consumer's"
				" Event Streaming Settings."
			).format(callback_url),
			EventStreamingError,
		)


def _save_consumer(callback_url: str, user: str, data: dict, wanted: dict[str, dict], exists: bool):
	consumer = frappe.get_doc(CONSUMER, callback_url) if exists else frappe.new_doc(CONSUMER)
	protocol = min(cint(data.get("protocol")) or 1, PROTOCOL)
	consumer.update(
		{
			"callback_url": callback_url,
			"user": user,
			"api_key": data.get("api_key"),
			"api_secret": data.get("api_secret"),
			"protocol": protocol,
		}
	)
	before = {row.ref_doctype: row for row in consumer.get("consumer_doctypes") or []}
	consumer.set("consumer_doctypes", [])
	for doctype, entry in wanted.items():
		row = before.get(doctype)
		values = {"ref_doctype": doctype, "condition": entry.get("condition") or None}
		if "unsubscribed" in entry or row is None:
			values["unsubscribed"] = cint(entry.get("unsubscribed"))
		if row is None:
			consumer.append("consumer_doctypes", {**values, "status": PENDING})
		else:
			row.update(values)
			consumer.append("consumer_doctypes", row)
	if not exists:
		consumer.position = head_position()
	consumer.flags.from_consumer = True
	consumer.save(ignore_permissions=True) if exists else consumer.insert(ignore_permissions=True)
	return consumer


def _registration(consumer, last_update: Any = None) -> dict[str, Any]:
	"""The answer to a registration. `last_update` is where the consumer stood in the old protocol."""
	answer: dict[str, Any] = {"last_update": str(time_of_head())}
	if consumer.protocol >= PROTOCOL:
		answer.update(
			protocol=PROTOCOL,
			position=head_position(),
			site=public_url(),
			time_zone=time_zone(),
			subscriptions=subscriptions_of(consumer),
		)
		if last_update:
			answer["position_then"] = position_at(last_update)
	return answer


# ---------------------------------------------------------------- the Event Consumer document


def validate_consumer(doc) -> None:
	"""Called by the document's `validate`: addresses, DocTypes and conditions; who may set a status; where to start."""
	doc.callback_url = normalise_url(doc.callback_url)
	seen: set[str] = set()
	for row in doc.consumer_doctypes:
		if row.ref_doctype in seen:
			frappe.throw(_("Row {0}: {1} is there twice.").format(row.idx, row.ref_doctype))
		seen.add(row.ref_doctype)
	before = doc.get_doc_before_save()
	rows_before = {row.ref_doctype: row for row in before.consumer_doctypes} if before else {}
	for row in doc.consumer_doctypes:
		_settle_row(doc, row, rows_before.get(row.ref_doctype))
	doc.incoming_change = 0


def consumer_changed(doc) -> None:
	"""Called by the document's `on_update`: every process learns the new set, and the consumer its new statuses."""
	frappe.db.after_commit.add(refresh_streamed_doctypes)
	before = doc.get_doc_before_save()
	if doc.flags.from_consumer or not before or subscriptions_of(before) == subscriptions_of(doc):
		return
	tell_consumer(doc)
	frappe.db.after_commit.add(notify.events_committed)


def consumer_removed(doc) -> None:
	"""Called by the document's `on_trash`: nothing is kept or logged for it any more."""
	deliveries = frappe.qb.DocType("Event Update Log Consumer")
	frappe.qb.from_(deliveries).delete().where(deliveries.consumer == doc.name).run()
	frappe.db.after_commit.add(refresh_streamed_doctypes)


def _settle_row(doc, row, before) -> None:
	from_other_site = doc.flags.from_consumer or cint(doc.incoming_change)
	if before is None:
		if from_other_site or not row.status:
			row.status = PENDING
		conditions.check(row.condition)
		refuse_system_doctypes([row.ref_doctype])
	else:
		row.from_position = before.from_position
		if from_other_site:
			row.status = before.status
		if (row.condition or "") != (before.condition or ""):
			conditions.check(row.condition)
			row.condition_error = None
			if row.status == before.status:
				row.status = PENDING
	if _flows(row) and not _flows(before):
		row.from_position = head_position()


def _flows(row) -> bool:
	return bool(row and row.status == APPROVED and not cint(row.unsubscribed))


def tell_consumer(event_consumer) -> bool:
	"""Tell the consumer at once what is on record for it; if it can't be told, it learns it with its next pull."""
	doc = frappe.get_doc(CONSUMER, event_consumer) if isinstance(event_consumer, str) else event_consumer
	client = SiteClient(
		doc.callback_url, doc.api_key, doc.get_password("api_secret", raise_exception=False) or ""
	)
	try:
		if cint(doc.protocol) >= PROTOCOL:
			args = {"producer_url": public_url(), "subscriptions": json.dumps(subscriptions_of(doc))}
			client.call(UPDATE_STATUS, args, timeout=CALL_SECONDS)
		else:
			_tell_old_consumer(client, doc)
	except EventStreamingError as error:
		frappe.msgprint(
			_(
				"Saved here, but {0} could not be told: {1} It learns it the next time it asks for events."
			).format(doc.callback_url, str(error)),
			indicator="orange",
			alert=True,
		)
		return False
	finally:
		client.close()
	return True


def _tell_old_consumer(client: SiteClient, doc) -> None:
	"""The way of the old app: change the Event Producer over there, which is named by the address that it has for us."""
	producer = client.get_document("Event Producer", public_url())
	if not producer:
		raise RemoteError(_("{0} has no Event Producer for {1}.").format(doc.callback_url, public_url()))
	statuses = {row.ref_doctype: row.status for row in doc.consumer_doctypes}
	rows = producer.get("producer_doctypes") or []
	for row in rows:
		remote_doctype = row.get("ref_doctype")
		if cint(row.get("has_mapping")) and row.get("mapping"):
			mapping = client.get_document("Document Type Mapping", row["mapping"])
			remote_doctype = mapping.get("remote_doctype") or remote_doctype
		row["status"] = statuses.get(remote_doctype, row.get("status"))
	client.update_document("Event Producer", public_url(), {"producer_doctypes": rows, "incoming_change": 1})

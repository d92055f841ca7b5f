"""Links documents that both sites have already, by *Match By*: looks at all of a DocType, shows what would be linked, links it.

Linking writes identities, nothing else; the values of the producer come with the copy, or with the next event of a document.
It can be done again, and broken off: what is linked stays so.
"""

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

import frappe

from event_streaming.consumer.first_copy.scope import as_list, wanted_subscriptions
from event_streaming.consumer.logs import state
from event_streaming.consumer.matching.fields import MatchFields, match_fields
from event_streaming.consumer.matching.here import in_names_of_this_site, local_values, taken_names
from event_streaming.consumer.matching.pairs import Pairs, pair
from event_streaming.consumer.subscriptions import registration
from event_streaming.consumer.subscriptions.remote import Producer
from event_streaming.consumer.subscriptions.subscription import Subscription
from event_streaming.consumer.workers.crew import pull_lock
from event_streaming.exceptions import EventStreamingError, PullRunning, RemoteUnavailable
from event_streaming.identity import registry
from event_streaming.identity.registry import LINKED, own_identity
from event_streaming.messages.coded import _
from event_streaming.site import audit
from event_streaming.site.acting import acting_as
from event_streaming.site.address import public_url
from event_streaming.site.roles import has_right_to_all
from event_streaming.wire.events import Root
from event_streaming.wire.matching import Values
from event_streaming.wire.pages import PROTOCOL

# so many are shown of each kind
SHOWN = 100
# so many are linked in one commit
BATCH = 200
WAIT_SECONDS = 30


# ---- what a person asks for


def preview_match(event_producer: str, doctypes: str | Iterable[str] | None = None) -> list[dict[str, Any]]:
	"""What would be linked, and what not and why: for each DocType counts and the first of each kind. Changes nothing."""
	with _asked(event_producer, doctypes) as (doc, producer, wanted):
		return [as_answer(look_with_rights(doc, producer, each)) for each in wanted]


def apply_match(event_producer: str, doctypes: str | Iterable[str] | None = None) -> list[dict[str, Any]]:
	"""Link what `preview_match` shows as to be linked; the same answers, with `linked_now`.

	Raises PullRunning when a pull goes on for too long.
	"""
	answers = []
	with _asked(event_producer, doctypes) as (doc, producer, wanted):
		audit.record(audit.MATCHED, doc.doctype, doc.name, None, {"doctypes": as_list(doctypes)})
		for each in wanted:
			looked = look_at_both(doc, producer, each)
			done = sum(link(doc.name, looked))
			answers.append({**as_answer(looked), "linked_now": done})
	return answers


def request_match(event_producer: str, doctypes: str | Iterable[str] | None = None) -> None:
	"""Have a background job link them; the person who asked is told."""
	frappe.enqueue(
		"event_streaming.consumer.first_copy.linking.match_job",
		queue="long",
		enqueue_after_commit=True,
		event_producer=event_producer,
		doctypes=as_list(doctypes),
		asked_by=frappe.session.user,
	)


def match_job(event_producer: str, doctypes: list[str], asked_by: str) -> None:
	with acting_as(asked_by):
		try:
			message = {"done": [tell(each) for each in apply_match(event_producer, doctypes)]}
		except (EventStreamingError, frappe.ValidationError) as error:
			message = {"error": frappe.utils.strip_html(str(error))}
		frappe.publish_realtime(
			"event_streaming_matched", {"event_producer": event_producer, **message}, user=asked_by
		)


def tell(answer: dict[str, Any]) -> str:
	"""One line of what was done for a DocType."""
	counts = answer["counts"]
	return _("{0}: {1} linked, {2} linked before, {3} not clear, {4} only there, {5} only here").format(
		_(answer["doctype"]),
		answer["linked_now"],
		counts["linked"],
		counts["ambiguous"] + counts["taken"] + counts["forbidden"],
		counts["only_there"],
		counts["only_here"],
	)


@contextmanager
def _asked(event_producer: str, doctypes) -> Iterator[tuple[Any, Producer, list[Subscription]]]:
	"""The producer and the rows that are meant, as the Event Subscriber."""
	doc = frappe.get_doc("Event Producer", event_producer)
	named = as_list(doctypes)
	wanted = wanted_subscriptions(doc, named)
	without = [each.local_doctype for each in wanted if not match_fields(each)]
	if (named and without) or len(without) == len(wanted):
		frappe.throw(
			_(
				"Fill in Match By on the row of {0} first: it says by which fields documents are matched."
			).format(", ".join(_(doctype) for doctype in without))
		)
	producer = Producer(doc)
	try:
		kept = registration.ensure_registered(doc, producer, state.load_state(doc.name))
		if kept.protocol < PROTOCOL:
			raise EventStreamingError(
				_("{0} runs the older app, which can't say what it has: install this one there.").format(
					doc.name
				)
			)
		with acting_as(doc.user):
			yield doc, producer, [each for each in wanted if match_fields(each)]
	finally:
		producer.client.close()


# ---- both sites


@dataclass
class Looked:
	"""All of a DocType on both sites, and the pairs found. `forbidden` pairs are of documents that the subscriber may not write: what of
	`pairs.found` was asked about, see `set_forbidden_apart`."""

	subscription: Subscription
	fields: MatchFields
	there: dict[str, Values]
	roots: dict[str, Root | None]
	here: dict[str, Values]
	pairs: Pairs
	forbidden: dict[str, str] = field(default_factory=dict)


def look_at_both(doc, producer: Producer, subscription: Subscription) -> Looked:
	"""Read both sites and pair their documents. Ends the transaction's picture of the database."""
	fields = match_fields(subscription)
	there, roots = read_there(doc.name, producer, subscription, fields)
	# as it is now: reading the other site may have taken minutes
	frappe.db.commit()
	here = local_values(subscription.local_doctype, fields)
	pairs = pair(
		there,
		here,
		linked_before(doc.name, subscription, roots),
		taken_names(subscription.local_doctype, here),
	)
	return Looked(subscription, fields, there, roots, here, pairs)


def read_there(
	event_producer: str, producer: Producer, subscription: Subscription, fields: MatchFields
) -> tuple[dict[str, Values], dict[str, Root | None]]:
	"""Remote name -> values in this site's terms, and where each was first made."""
	there: dict[str, Values] = {}
	roots: dict[str, Root | None] = {}
	after, cursor = "", state.load_state(event_producer).position_of(subscription.remote_doctype)
	while True:
		page = producer.get_match_page(subscription.remote_doctype, list(fields.remote), after, cursor)
		if page["paused"]:
			raise RemoteUnavailable(_("The producer's administrator has paused this site."))
		for row in in_names_of_this_site(event_producer, page["rows"], fields):
			there[row["name"]], roots[row["name"]] = row["values"], row["root"]
		if not page["has_more"]:
			return there, roots
		after = page["after"]


def linked_before(
	event_producer: str, subscription: Subscription, roots: dict[str, Root | None]
) -> dict[str, str]:
	"""Remote name -> local name of those that stand for each other already, also by where they were first made."""
	doctype, here = subscription.local_doctype, public_url()
	keys = [(subscription.remote_doctype, name) for name in roots]
	linked = {key[1]: local[1] for key, local in find_many(event_producer, keys).items()}
	open_roots = {name: root for name, root in roots.items() if root and name not in linked}
	known = registry.find_by_roots(root for root in open_roots.values() if root["site"] != here)
	for name, root in open_roots.items():
		if root["site"] == here and root["doctype"] == doctype:
			linked[name] = root["name"]
		elif local := known.get((root["site"], root["doctype"], root["name"])):
			linked[name] = local[1]
	return linked


def find_many(event_producer: str, keys: list[registry.RemoteKey]) -> dict:
	found: dict = {}
	waiting = iter(keys)
	while part := list(islice(waiting, 5 * BATCH)):
		found.update(registry.find_many(event_producer, part))
	return found


def look_with_rights(doc, producer: Producer, subscription: Subscription) -> Looked:
	"""The same, and which of what was found may not be linked."""
	looked = look_at_both(doc, producer, subscription)
	for part in batches(looked.pairs.found):
		set_forbidden_apart(looked, part)
	return looked


def batches(pairs: dict[str, str]) -> Iterator[dict[str, str]]:
	"""Remote name -> local name, so many at once; `pairs` may lose what was given out."""
	waiting = iter(list(pairs.items()))
	while part := dict(islice(waiting, BATCH)):
		yield part


def set_forbidden_apart(looked: Looked, part: dict[str, str]) -> None:
	"""Of a part of what was found, that which the session's user, the Event Subscriber, may not change: a link lets the producer do that.

	Where no single document is to be asked about, none is read: there may be a hundred thousand.
	"""
	doctype = looked.subscription.local_doctype
	if has_right_to_all(doctype, "write"):
		return
	for remote, local in list(part.items()):
		if not may_write(doctype, local):
			looked.forbidden[remote] = local
			del looked.pairs.found[remote], part[remote]


def may_write(doctype: str, name: str) -> bool:
	if not frappe.db.exists(doctype, name):
		return False
	return bool(frappe.has_permission(doctype, "write", doc=frappe.get_doc(doctype, name)))


def link(event_producer: str, looked: Looked) -> Iterator[int]:
	"""Link what was found, in batches of one commit each, under the pull's lock; yields how many each has linked.

	What has changed since it was looked at is left out.
	"""
	subscription = looked.subscription
	for part in batches(looked.pairs.found):
		set_forbidden_apart(looked, part)
		with pull_lock(event_producer, WAIT_SECONDS) as taken:
			if not taken:
				frappe.throw(
					_("A pull from {0} is running: try again in a moment.").format(event_producer),
					PullRunning,
				)
			# what is read from here on has what the last pull committed
			frappe.db.commit()
			new = still_open(event_producer, looked, part)
			registry.add_new(
				own_identity(
					event_producer,
					(subscription.remote_doctype, remote),
					(subscription.local_doctype, local),
					looked.roots[remote],
					LINKED,
				)
				for remote, local in new.items()
			)
			frappe.db.commit()
		yield len(new)


def still_open(event_producer: str, looked: Looked, part: dict[str, str]) -> dict[str, str]:
	"""Those of which neither document stands for another by now, and the local one is still there."""
	subscription = looked.subscription
	known = registry.find_many(event_producer, [(subscription.remote_doctype, name) for name in part])
	taken = registry.find_for_local(subscription.local_doctype, list(part.values()))
	there = set(
		frappe.get_all(
			subscription.local_doctype,
			filters={"name": ["in", list(part.values())]},
			pluck="name",
			order_by=None,
			limit=0,
		)
	)
	there = {str(name) for name in there}
	return {
		remote: local
		for remote, local in part.items()
		if (subscription.remote_doctype, remote) not in known and local not in taken and local in there
	}


# ---- the first stage of a copy


def match_first(
	report: dict, doc, producer: Producer, wanted: list[Subscription], goes_on: Callable[[], bool]
) -> bool:
	"""Link what rows with *Match By* have on both sites, before it is copied; returns whether all is done.

	`report` keeps what was done of each DocType. `goes_on` is asked after each batch.
	"""
	done = report.setdefault("matched", {})
	for each in wanted:
		if each.remote_doctype in done or not match_fields(each):
			continue
		looked = look_at_both(doc, producer, each)
		count = 0
		for linked in link(doc.name, looked):
			count += linked
			if not goes_on():
				return False
		done[each.remote_doctype] = {**as_answer(looked)["counts"], "linked_now": count}
	return True


# ---- what is told


def as_answer(looked: Looked) -> dict[str, Any]:
	"""Counts and the first of each kind, as a form or a terminal shows them."""
	pairs = looked.pairs
	kinds = {
		"linked": [(there, here) for there, here in pairs.linked.items()],
		"found": [(there, here) for there, here in pairs.found.items()],
		"ambiguous": [
			(", ".join(there[:SHOWN]), ", ".join(here[:SHOWN])) for _v, there, here in pairs.ambiguous
		],
		"taken": list(pairs.taken.items()),
		"forbidden": list(looked.forbidden.items()),
		"only_there": [(name, "") for name in pairs.only_there],
		"only_here": [("", name) for name in pairs.only_here],
	}
	ambiguous = [values for values, _there, _here in pairs.ambiguous]
	return {
		"doctype": looked.subscription.local_doctype,
		"remote_doctype": looked.subscription.remote_doctype,
		"match_by": list(looked.fields.local),
		"counts": {kind: len(each) for kind, each in kinds.items()},
		"rows": {
			kind: [
				{
					"there": there,
					"here": here,
					"values": list(
						ambiguous[number]
						if kind == "ambiguous"
						else looked.there.get(there) or looked.here.get(here) or ()
					),
				}
				for number, (there, here) in enumerate(each[:SHOWN])
			]
			for kind, each in kinds.items()
		},
	}

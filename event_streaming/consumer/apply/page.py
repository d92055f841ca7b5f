"""Everything that one page of events needs to know before it is applied, read in a fixed number of queries and requests.

It reads and fetches; it applies and writes nothing.
"""

from collections.abc import Iterator

from event_streaming.consumer.apply import gaps, localise
from event_streaming.consumer.apply.work import Work
from event_streaming.consumer.folding.runs import all_steps, is_composed
from event_streaming.consumer.life_cycle import naming
from event_streaming.consumer.logs import open_rows, taken_events
from event_streaming.consumer.subscriptions.fetched import FetchedDocuments
from event_streaming.wire.checks import InvalidPage
from event_streaming.wire.events import ATTACH, CREATE, UPDATE, Event, keys_of, parse_data, remote_key


def prepare(work: Work, events: list[Event]) -> None:
	"""Look up what the events of a page need: identities, held-back documents, namesakes, documents to be fetched."""
	unknown = look_up_here(work, events)
	fetch_unknown_documents(work, unknown)
	work.gaps = gaps.find_gaps(work, events)
	work.files.ask_ahead(events)
	localise.needs_of_page(work, events)
	naming.foresee(names_coming(work, events))


def names_coming(work: Work, events: list[Event]) -> Iterator[tuple[str, dict, str]]:
	"""What a page makes under the producer's names, as (local DocType, values, name)."""
	for event in events:
		subscription = work.subscriptions.get(event["ref_doctype"])
		if event["update_type"] != CREATE or not subscription or not subscription.use_same_name:
			continue
		if not subscription.mapping and naming.is_counted(subscription.local_doctype):
			try:
				yield subscription.local_doctype, parse_data(event), event["docname"]
			except InvalidPage:
				# it fails with its own event
				continue


def look_up_here(work: Work, events: list[Event]) -> list[Event]:
	"""The part of it that asks nobody but this site; returns the events of documents that are not known here."""
	keys = list(dict.fromkeys(key for event in events for key in keys_of(event)))
	work.held_back = open_rows.documents_held_back(work.event_producer, keys) | work.left
	# the cursor is past all that was dealt with, unless a hook has committed in the middle of a group
	steps = all_steps(events)
	work.known = taken_events.events_known(work.event_producer, steps)
	if work.renumbered_until:
		work.known |= taken_events.events_known_otherwise(work.event_producer, steps, work.renumbered_until)
	composed = {remote_key(event) for event in events if is_composed(event)}
	work.taken_to = taken_events.taken_to(work.event_producer, composed)
	work.fetched = FetchedDocuments()
	if work.brought:
		work.fetched.add(work.brought)
	work.dependencies = localise.open_dependencies(work)
	return work.resolver.begin_page(events)


def fetch_unknown_documents(work: Work, unknown: list[Event]) -> None:
	"""Updates of documents that are not here bring the whole document: fetched for the page in one go."""
	created, wanted = set(), []
	for event in unknown:
		key = remote_key(event)
		if event["update_type"] == CREATE:
			created.add(key)
		elif event["update_type"] in (UPDATE, ATTACH) and key not in created:
			if event["root"] and work.resolver.seen.by_root(event["root"]):
				continue
			if event["ref_doctype"] in work.subscriptions and (
				key not in work.held_back or key in work.retried
			):
				wanted.append(key)
	work.fetch(wanted)

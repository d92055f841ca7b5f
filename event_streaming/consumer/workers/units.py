"""Events of a page that are applied as one: which they are, and where.

A run of events of one document is applied where its last one stands. Where events of other documents stand between, only the draft
of a document that can be submitted waits for its submission (or its next change), and only if none of them has to do with it (see
`footprints.py`): what a submission does to stock and ledgers is done in its own place, and a draft does none of that. The cursor
goes no further than the first event that is not in: if the process dies, what is in comes again and is known by its row.

An event that is still open, or has a row already, is in no run. It applies and writes nothing but through `apply_in_groups`.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

import frappe
from frappe.utils import cint

from event_streaming.consumer.apply.told import is_quiet
from event_streaming.consumer.apply.work import Work
from event_streaming.consumer.folding.runs import Run, all_steps, in_order, is_whole, runs_of, statuses_of
from event_streaming.consumer.folding.steps_needed import are_needed
from event_streaming.consumer.unit_of_work.groups import Handling, Mark, apply_in_groups
from event_streaming.consumer.workers.footprints import components_of_page
from event_streaming.wire.events import Event, parse_data, remote_key, texts_in
from event_streaming.wire.files import is_local_url


def apply_together(work: Work, events: list[Event], mark: Mark, deadline: float, handling: Handling) -> bool:
	"""Apply events that `prepare` has seen, those as one that can be. False: the time ran out before the last one."""
	units = put_together(work, events)
	if len(units) != len(events):
		known = {id(event) for event in events if is_known(event, work)}
		units.sort(key=lambda unit: id(unit) in known)
		mark = MarkOfUnits(mark, events, units, known)
	return apply_in_groups(work, units, mark, deadline, handling)


@dataclass
class MarkOfUnits:
	"""The mark of a page whose events are applied in another order, and some as one: what of it is dealt with from its
	beginning. `units` become more while they are applied, when one has to be taken apart. Those that are in already (`known`, by
	their `id()`) come last: a slice that has time for one only is to be one further."""

	page: Mark
	events: list[Event]
	units: list[Event]
	known: set[int]

	def end(self, upto: int) -> int:
		done = self.known.union(id(step) for step in all_steps(self.units[:upto]))
		return next(
			(number for number, event in enumerate(self.events) if id(event) not in done), len(self.events)
		)

	def write(self, upto: int, statuses: list[str]) -> None:
		self.page.write(self.end(upto), statuses)

	def committed(self, upto: int, statuses: list[str]) -> None:
		units = self.units[upto - len(statuses) : upto]
		became = [
			each for unit, status in zip(units, statuses, strict=True) for each in statuses_of(unit, status)
		]
		self.page.committed(self.end(upto), became)


def put_together(work: Work, events: list[Event]) -> list[Event]:
	"""The events in the order in which they are applied, those that are applied as one in the place of the last."""
	page = Page(work, events)
	runs = [
		run
		for run in runs_of(events, page.may, page.may_wait)
		if is_whole(run, events) and page.loses_nothing(run)
	]
	return in_order(events, runs) if runs else list(events)


def is_known(event: Event, work: Work) -> bool:
	"""Whether an event has its row already."""
	return (event["id"], event["creation"]) in work.known


@dataclass
class Page:
	"""What of a prepared page may be put together; each thing is found out when it is asked for."""

	work: Work
	events: Sequence[Event]
	_needed: dict[str, bool] = field(default_factory=dict)
	_components: list[int] = field(default_factory=list)
	_names: set[str] = field(default_factory=set)

	def may(self, event: Event) -> bool:
		"""Whether an event may be one with others of its document."""
		work, doctype = self.work, event["ref_doctype"]
		subscription = work.subscriptions.get(doctype)
		if not subscription or event["origin"] == work.here or remote_key(event) in work.held_back:
			return False
		if is_known(event, work):
			return False
		if doctype not in self._needed:
			self._needed[doctype] = are_needed(subscription)
		return not self._needed[doctype]

	def may_wait(self, run: Run, number: int) -> bool:
		"""Whether a run may be applied in the place of a later event, over what stands between: drafts alone may."""
		subscription = self.work.subscriptions[run.steps[0]["ref_doctype"]]
		if not run.is_draft or not cint(frappe.get_meta(subscription.local_doctype).get("is_submittable")):
			return False
		if not self._components:
			self._components = components_of_page(self.work, self.events)
		between = self._components[run.last + 1 : number]
		return self._components[number] not in between

	def loses_nothing(self, run: Run) -> bool:
		"""Whether nothing that a step would have brought is left out: a document that it names and that is not here, a file. And
		whether all or none of it is to be heard of."""
		subscription = self.work.subscriptions[run.steps[0]["ref_doctype"]]
		first, last = (is_quiet(run.steps[each], subscription, self.work) for each in (0, -1))
		if first != last:
			return False
		named = {text for step in run.steps for text in texts_in(parse_data(step))}
		dropped = named.difference(texts_in(run.data))
		return not any(is_local_url(text) or text in self.names() for text in dropped)

	def names(self) -> set[str]:
		"""What documents are called that the page makes, or that are not here when it begins."""
		if not self._names:
			dependencies = self.work.dependencies
			missing = (*dependencies.fetched, *dependencies.missing)
			self._names = {event["docname"] for event in self.events} | {name for _doctype, name in missing}
		return self._names

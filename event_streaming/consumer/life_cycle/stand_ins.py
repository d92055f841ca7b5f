"""Everything that stands in for a method of a document while it is written, set and taken away in one place.

| method of the document | what stands in for it |
| --- | --- |
| `set_user_and_timestamp` | the producer's stamps |
| `_validate_links` | a link to a cancelled document is no error; nothing is fetched from linked documents over what came |
| `set_new_name` | what `before_insert` has set is put back: the name is made of what came; it is the applied document's |
| `run_before_save_methods` | the controller's hooks run; what came is put back after them, but for what they compute from what both sites have changed |
| `_validate_mandatory` | a field that came empty is empty on the producer, too; a password never comes |
| `validate_workflow` | a state that came is no transition of this site; where none came, a new document gets this site's |
| `validate_update_after_submit` | what changed on the producer may change here, whether or not a person may change it |
| `validate_set_only_once` | nor is a value that came a change by somebody of this site |
| `check_permission`, `validate_higher_perm_levels` | what was asked by `permission.authorise` is not asked again, nor by level |
| `update_child_table` | see `rows.UpdateTable` |
| `save_file` of a File | its content lies in the folder already |
| `load_doc_before_save` | see `state_before.StateBefore`; set when the document is read, for its next save |

They call the class's own method. Each is an object of a class: hooks may copy the document, or pickle it into a job; there it has
lost what it stood for, and calls the class's own.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, ClassVar, Protocol

import frappe
from frappe.model.document import Document
from frappe.model.workflow import get_workflow
from frappe.utils import cint, get_datetime

from event_streaming.consumer.life_cycle.kept_values import KeptValues
from event_streaming.consumer.life_cycle.rows import UpdateTable
from event_streaming.consumer.life_cycle.shortcuts import lengthen, miss_nothing, shorten
from event_streaming.consumer.life_cycle.state_before import is_frappes
from event_streaming.consumer.unit_of_work.lost_transaction import hooks_run
from event_streaming.identity.origin import named
from event_streaming.messages.coded import _

STAMPS = ("creation", "modified", "modified_by", "owner")
BEFORE = "load_doc_before_save"


@dataclass
class Life:
	"""What is to stay while a document goes through its life cycle; `rights` are those that the user has.

	`seen` is what the controller's hooks see: `kept`, and what hooks of `event_streaming_before_apply` have set for them.
	"""

	stamps: dict[str, Any]
	kept: KeptValues
	seen: KeptValues
	rights: tuple[str, ...] = ()


class StandIn:
	"""Stands in for one method of one document."""

	method: ClassVar[str] = ""

	def __init__(self, doc: Document, life: Life | None):
		self.doc = doc
		self.life = life

	def __getstate__(self) -> dict:
		return {"doc": self.doc, "life": None}

	def __setstate__(self, state: dict) -> None:
		vars(self).update(state)

	def __call__(self, *args: Any, **options: Any) -> Any:
		original = getattr(type(self.doc), self.method)
		if self.life is None:
			return original(self.doc, *args, **options)
		return self.act(self.life, original, *args, **options)

	def act(self, life: Life, original: Callable, *args: Any, **options: Any) -> Any:
		raise NotImplementedError


class KeepStamps(StandIn):
	method = "set_user_and_timestamp"

	def act(self, life: Life, original: Callable) -> None:
		original(self.doc)
		for fieldname, value in life.stamps.items():
			self.doc.set(fieldname, value)


class FetchNothing(StandIn):
	method = "_validate_links"

	def act(self, life: Life, original: Callable) -> None:
		told = len(frappe.local.message_log or ())
		try:
			original(self.doc)
		except frappe.CancelledLinkError:
			del frappe.local.message_log[told:]
		life.seen.put_back(self.doc)


class NamedByWhatCame(StandIn):
	method = "set_new_name"

	def act(self, life: Life, original: Callable, *args: Any, **options: Any) -> None:
		life.kept.put_back(self.doc)
		original(self.doc, *args, **options)
		if life.seen is not life.kept:
			# `validate` comes next
			life.seen.put_back(self.doc)
		named(self.doc)


class KeepWhatCame(StandIn):
	method = "run_before_save_methods"

	def act(self, life: Life, original: Callable) -> None:
		original(self.doc)
		life.kept.take_computed(self.doc)
		life.kept.put_back(self.doc)


class EmptyThereToo(StandIn):
	method = "_validate_mandatory"

	def act(self, life: Life, original: Callable) -> None:
		doc, came = self.doc, life.kept
		missing = [name for name in missing_in(doc, came) if name not in {*came.values, *came.tables}]
		for table, rows in came.tables.items():
			now = doc.get(table) or []
			if not now or miss_nothing(now):
				continue
			known = {id(kept.row): kept.values for kept in rows}
			for row in now:
				values = known.get(id(row), {})
				missing += [name for name in missing_in(row, came) if name not in values]
		for df in doc.meta.get_table_fields():
			if df.fieldname not in came.tables:
				for row in doc.get(df.fieldname) or []:
					missing += missing_in(row, came)
		if missing:
			original(doc)


def missing_in(doc: Document, came: KeptValues) -> list[str]:
	"""Mandatory fields of a document or row that are empty, but for passwords: these never come, and a person of this site fills them in."""
	missing = [each[0] for each in doc._get_missing_mandatory_fields()]
	passwords = [name for name in missing if (df := doc.meta.get_field(name)) and df.fieldtype == "Password"]
	if doc.is_new():
		came.passwords.extend(_(doc.meta.get_label(name)) for name in passwords)
	return [name for name in missing if name not in passwords]


class NoTransition(StandIn):
	method = "validate_workflow"

	def act(self, life: Life, original: Callable) -> None:
		"""The state that came is the state. Where this site alone has a workflow, the document would be stuck without one: it
		gets the first that goes with its docstatus, as Frappe gives it, but asks for nobody's role."""
		doc = self.doc
		if not (doc.is_new() or doc._action == "submit") or not doc.meta.get_workflow():
			return
		workflow = get_workflow(doc.doctype)
		state, own = workflow.workflow_state_field, {row.state for row in workflow.states}
		if state in life.kept.values or (doc.get(state) and doc.get(state) not in own):
			return
		fitting = [row.state for row in workflow.states if cint(row.doc_status) == cint(doc.docstatus)]
		if fitting and doc.get(state) not in fitting:
			doc.set(state, fitting[0])


class ChangedAfterSubmission(StandIn):
	method = "validate_update_after_submit"

	def act(self, life: Life, original: Callable) -> None:
		"""The producer has set it, be it by db_set."""


class SetAgain(StandIn):
	method = "validate_set_only_once"

	def act(self, life: Life, original: Callable) -> bool:
		return False


class AskedAlready(StandIn):
	method = "check_permission"

	def act(self, life: Life, original: Callable, permtype: str = "read", permlevel: Any = None) -> None:
		if permtype not in life.rights:
			original(self.doc, permtype, permlevel)


class AllLevels(StandIn):
	method = "validate_higher_perm_levels"

	def act(self, life: Life, original: Callable) -> None:
		"""All or nothing: see permission.py."""


STAND_INS = (
	KeepStamps,
	FetchNothing,
	NamedByWhatCame,
	KeepWhatCame,
	EmptyThereToo,
	NoTransition,
	ChangedAfterSubmission,
	SetAgain,
	AskedAlready,
	AllLevels,
)
# what a document that is being written may have of its own in the place of its class's
ON_THE_DOCUMENT = (*(stand_in.method for stand_in in STAND_INS), "update_child_table", BEFORE)


@contextmanager
def faithfully(doc: Document, life: Life) -> Iterator[None]:
	"""Inside the block, Frappe's life cycle of `doc` leaves what came as it came."""
	state = vars(doc)
	for stand_in in STAND_INS:
		state[stand_in.method] = stand_in(doc, life)
	if is_frappes(type(doc), "update_child_table"):
		doc.update_child_table = UpdateTable(doc)
	filled, shortened = fill_nothing(doc, life), shorten(doc)
	try:
		yield
	finally:
		# not before: what stands in for the state before would not hold any more
		hooks_run()
		take_away(doc)
		lengthen(shortened)
		for each in filled:
			each.dont_update_if_missing = []


def fill_nothing(doc: Document, life: Life) -> list[Document]:
	"""Fields that came empty get no default of this site, nor its clock."""
	doc.dont_update_if_missing = list(life.kept.values)
	filled = [doc]
	for rows in life.kept.tables.values():
		for kept in rows:
			if kept.row.is_new():
				kept.row.dont_update_if_missing = list(kept.values)
				filled.append(kept.row)
	return filled


def take_away(doc: Document) -> None:
	"""They hold the document: with them, it would stay in memory until Python looks for such circles."""
	state = vars(doc)
	for method in ON_THE_DOCUMENT:
		if method in state:
			del state[method]


def stamps_of(doc: Document, data: dict) -> dict[str, Any]:
	"""The producer's stamps for a document, as the database gives them back: Frappe compares two as text before a save."""
	stamps = {field: data[field] for field in STAMPS if data.get(field)}
	for fieldname in ("creation", "modified"):
		if fieldname in stamps:
			stamps[fieldname] = get_datetime(stamps[fieldname])
	if not stamps.get("modified"):
		stamps.pop("modified_by", None)
	elif doc.modified_by:
		# a difference does not mention it when the same person changed the document again
		stamps.setdefault("modified_by", doc.modified_by)
	return stamps


class Stored(Protocol):
	"""Content that lies in this site's folder for files already."""

	url: str
	content_hash: str
	size: int


class AsStored:
	"""Stands in for the `save_file` of a File that is being inserted.

	Frappe's own would write the content again, and a JPEG in another compression: its hash would not be the producer's.
	"""

	def __init__(self, doc: Document, stored: Stored):
		self.doc = doc
		self.stored = stored

	def __call__(self, *_args: Any, **_options: Any) -> None:
		# whoever asks for the content from now on gets it from the disk
		self.doc.content = b""
		self.doc.file_url = self.stored.url
		self.doc.content_hash = self.stored.content_hash
		self.doc.file_size = self.stored.size


@contextmanager
def stored_already(doc: Document, stored: Stored) -> Iterator[None]:
	"""Inside the block, a File is inserted with content that lies in the folder already."""
	vars(doc)["save_file"] = AsStored(doc, stored)
	# so that Frappe does not read it all either
	doc.content = b"stored"
	try:
		yield
	finally:
		vars(doc).pop("save_file", None)

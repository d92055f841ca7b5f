"""A document of the producer was merged into another one, and what this site may have merged meanwhile.

It never commits, and leaves failing to the caller. Two sites that subscribe to each other may merge the same documents before
they hear of each other. `X into Y` comes; what X and Y are here by now says what is done:

- both are here: X is merged into what Y is.
- both have become one that is not X: it is done already.
- *merged into each other*: Y has become X here. Each site has one of the two left, and both sites decide alike that the one that
  was made first stays. The site that has it keeps it, and does not delete it with the merge. The other one brings it back, once its
  own merges have been heard of over there (so that all that it had changed before is in it), and merges what it has into it.
- X has become W here, and Y is another one: nobody has said that these two are the same. Both stay, and what X had of files goes
  to the one of them that was made first.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

import frappe
from frappe.model.delete_doc import check_if_doc_is_dynamically_linked, check_if_doc_is_linked
from frappe.utils import cint, get_datetime

from event_streaming.consumer.apply import two_way
from event_streaming.consumer.apply.bringing import bring_missing, with_root
from event_streaming.consumer.apply.outcomes import outcome_of
from event_streaming.consumer.apply.work import Work
from event_streaming.consumer.conflict_rules.policies import MERGED_HERE
from event_streaming.consumer.life_cycle import documents
from event_streaming.consumer.life_cycle.times import convert_times
from event_streaming.consumer.logs.sync_log import Outcome
from event_streaming.consumer.resolve.about import About
from event_streaming.consumer.resolve.resolver import same_moment
from event_streaming.exceptions import DependencyMissing
from event_streaming.identity import registry
from event_streaming.identity.fates import Merge
from event_streaming.identity.registry import LINKED, LocalKey, RemoteKey
from event_streaming.messages.coded import _
from event_streaming.wire.checks import MAX_NAME, text
from event_streaming.wire.events import IF_NEEDED, Event, parse_data, parse_root
from event_streaming.wire.pages import PROTOCOL

STAMPS = ["modified", "modified_by"]


@dataclass(frozen=True)
class Into:
	"""The document that another one is merged into: as the event names it, and the merges that it went through here."""

	about: About
	made: datetime | None
	merges: list[Merge]

	@property
	def local(self) -> LocalKey | None:
		"""What it has become here; None when it is not here."""
		if self.merges:
			return self.about.subscription.local_doctype, self.merges[-1].into
		return self.about.local if self.about.is_here else None


def merge_here(event: Event, about: About, key: RemoteKey, work: Work) -> Outcome:
	"""The event that deletes the merged document follows; what is not merged here goes with that."""
	data, local = parse_data(event), about.local
	is_here = about.is_here and work.resolver.exists(local)
	into = what_it_went_into(event, about, key, work)
	if is_here and cint(frappe.db.get_value(*local, "docstatus")) > cint(data.get("docstatus")):
		return outcome_of(
			about.subscription,
			local[1],
			_("Submitted or cancelled on this site in the meantime: it stays"),
		)
	if is_here and into.merges and into.local == local:
		return merge_into_each_other(about, into, work)
	if not into.local and not is_wanted(data, about):
		return outcome_of(
			about.subscription,
			None,
			_("{0}, into which it was merged, is not meant for this site").format(key[1]),
		)
	target = into.local or find_target(into, work)
	if not target:
		return outcome_of(
			about.subscription, None, _("{0}, into which it was merged, is gone").format(key[1])
		)
	# what was brought after the merge has later ones
	said = {} if into.merges or into.about.covers(event["position"]) else data
	stamps = stamps_after(target, said, work)
	merges = is_here and target != local
	if merges:
		documents.rename(*local, target[1], merge=True, stamps=stamps)
		work.resolver.drop(about.key)
	if not is_here and gets_its_files(event, about, target, work):
		bring_files(key, into, target, work)
	documents.stamp(*target, stamps, told=merges)
	return outcome_of(
		about.subscription,
		target[1],
		_("Merged into {0}").format(target[1]),
		conflict=MERGED_HERE if into.merges else "",
	)


def what_it_went_into(event: Event, about: About, key: RemoteKey, work: Work) -> Into:
	said = parse_data(event, "data_before").get("into")
	return became(said, key, about, work)


def became(said: Any, key: RemoteKey, merged: About, work: Work) -> Into:
	"""What has become here of the document into which another one was merged; `said` is what the event says of it."""
	said = said if isinstance(said, dict) else {}
	root, made = parse_root(said.get("root")), two_way.moment_in(said, merged, work)
	about = work.resolver.look_named(key, root, merged.subscription)
	if not about.local and not root:
		about = with_root(about, work.fetch([key]).roots.get(key), work)
	if about.is_here and not two_way.is_remade(about, made, work):
		return Into(about, made, [])
	return Into(about.gone(), made, two_way.merges_here(about, about.root, made, work))


def is_wanted(data: dict, about: About) -> bool:
	"""Whether the document that is left is to be brought: the producer may not mean it for this site, where nothing links to the one that
	is merged into it."""
	if not data.get(IF_NEEDED):
		return True
	if not about.is_here:
		return False
	doc = frappe.get_doc(*about.local)
	try:
		check_if_doc_is_linked(doc)
		check_if_doc_is_dynamically_linked(doc)
	except frappe.LinkExistsError:
		frappe.clear_last_message()
		return True
	return False


def find_target(into: Into, work: Work) -> LocalKey | None:
	"""The local document that another one is merged into, brought if it never was here; None when it is gone."""
	key = into.about.key
	deleted = into.about.deleted_here
	if into.about.local and not deleted and work.resolver.exists(into.about.local):
		# another one of its name
		return None
	fetched = work.fetch([key])
	target = with_root(into.about, fetched.roots.get(key), work)
	if target.is_here:
		if two_way.is_remade(target, into.made, work):
			return None
		work.resolver.keep_identity(target, target.local, 0)
		return target.local
	if two_way.deletion_here(target, work) or key not in fetched.documents:
		return None
	brought = bring_missing(target, work)
	return brought.local_doctype, brought.local_name


def gets_its_files(event: Event, about: About, target: LocalKey, work: Work) -> bool:
	"""Whether the files of a document that is not here are the target's: they are those of what this site has merged it into, if
	that is another document, and was made first."""
	other = two_way.merged_into(about, about.root, two_way.made_at(event, about, work), work)
	return not other or other == target or made_first(target, other)


def bring_files(key: RemoteKey, into: Into, target: LocalKey, work: Work) -> None:
	"""What a merged document had of files went over there without an event, and this site never had them or deleted them with it.

	Renamed over there since, it is asked for by the name that it has here, which may be its name there by now; else it comes whole
	with the event that says so.
	"""
	subscription = into.about.subscription
	for each in (key, (key[0], target[1])) if subscription.use_same_name else (key,):
		fetched = work.fetch([each])
		there = work.resolver.creation(fetched.documents.get(each, {}), subscription)
		if (each == key and there) or same_moment(there, frappe.db.get_value(*target, "creation")):
			work.files.attach_all(fetched.files.get(each, []), target, subscription)
			return
	known = into.about.identity
	work.resolver.keep(key, target, into.about.root or (known and known.root), LINKED)


def made_first(one: LocalKey, other: LocalKey) -> bool:
	return _age(*one) < _age(*other)


def _age(doctype: str, name: str, creation: Any = None) -> tuple[datetime, str]:
	creation = creation or frappe.db.get_value(doctype, name, "creation")
	return get_datetime(creation or datetime.max), name


def stamps_of(local: LocalKey) -> dict:
	return frappe.db.get_value(*local, STAMPS, as_dict=True)


def stamps_after(target: LocalKey, data: dict, work: Work) -> dict:
	"""A merge gives the document that stays another time stamp: of two that subscribe to each other both sites keep the later
	of the two, whatever it cost them to do what the other one did. `data` is what the event says of them."""
	return later_of(stamps_of(target), target, data, work)


def stamp(target: LocalKey, before: dict, data: dict, work: Work) -> None:
	"""The same of a document that has been written since it had the stamps `before`."""
	documents.stamp(*target, later_of(before, target, data, work))


def later_of(before: dict, target: LocalKey, data: dict, work: Work) -> dict:
	came = convert_times(target[0], {field: data.get(field) for field in STAMPS}, work.time_zone)
	if not came.get("modified"):
		came = before
	elif two_way.tells_back(target[0], work):
		came = max(before, came, key=lambda stamps: get_datetime(stamps["modified"]))
	return came


# ---------------------------------------------------------------- merged into each other


def merge_into_each_other(about: About, into: Into, work: Work) -> Outcome:
	doctype, name = about.local
	other, made = left_there(into.merges, name, work.event_producer)
	if _age(doctype, name) <= _age(doctype, other, made):
		if len(into.merges) > 1 and not about.subscription.use_same_name:
			# in a ring, the other site may not know what this one is called here
			two_way.restate(doctype, name, None, work.event_producer, stays=True)
	else:
		wait_until_heard(doctype, into.merges, work)
		key = into.about.key if other == into.merges[0].name else remote_key_of(doctype, other, about, work)
		name = take_its_place(about, key, into, made, work)
	done = _("Merged into each other on both sites: {0} was made first and stays").format(name)
	return outcome_of(about.subscription, name, done, conflict=MERGED_HERE)


def left_there(merges: list[Merge], left_here: str, producer: str) -> tuple[str, Any]:
	"""The one of the documents, with the moment it was made, that the other site has left once it has taken the merges from here.

	It goes from merge to merge as this one did, up to the one that leads to a document that it has merged away by itself. Pure.
	"""
	merged_there = {merge.name for merge in merges if merge.origin == producer} | {left_here}
	for merge in merges:
		if merge.origin != producer and merge.into in merged_there:
			return merge.name, merge.creation
	return merges[0].name, merges[0].creation


def wait_until_heard(doctype: str, merges: list[Merge], work: Work) -> None:
	"""Raises DependencyMissing until the producer has taken what this site tells it of its own merges."""
	if cint(frappe.db.get_value("Event Consumer", work.event_producer, "protocol")) < PROTOCOL:
		return
	taken = two_way.heard_up_to(doctype, work.event_producer)
	own = [merge for merge in merges if merge.origin != work.event_producer]
	if any(not merge.position or merge.position > taken for merge in own):
		raise waits_for_word(doctype, own[0].name, work)


def waits_for_word(doctype: str, name: str, work: Work) -> DependencyMissing:
	return DependencyMissing(
		_(
			"{0} {1} was merged on both sites, each time into the other one. This goes on once {2} has pulled what this site has to"
			" tell."
		).format(_(doctype), name, work.event_producer)
	)


def remote_key_of(doctype: str, name: str, about: About, work: Work) -> RemoteKey:
	"""What the producer calls a document that this site has merged away, and that the event does not name."""
	known = registry.find_for_local(doctype, [name]).get(name, ())
	mine = [each.remote_name for each in known if each.event_producer == work.event_producer]
	if not mine and not about.subscription.use_same_name:
		raise waits_for_word(doctype, name, work)
	return about.key[0], mine[0] if mine else name


def take_its_place(about: About, key: RemoteKey, into: Into, made: Any, work: Work) -> str:
	"""What is left here goes into the document `key`, which this site has merged away; returns what that is called here."""
	# as it is now, after it has heard of the merges here
	work.fetched.forget(key)
	fetched, doctype = work.fetch([key]), about.local[0]
	back = work.resolver.look(key, fetched.roots.get(key), about.subscription)
	if key in fetched.documents:
		name = bring_missing(back.as_before(work.resolver.name_here(back)), work).local_name
		values = convert_times(doctype, fetched.documents[key], work.time_zone)
		stamps = {field: values.get(field) for field in STAMPS}
		documents.rename(*about.local, name, merge=True, stamps=stamps)
		work.resolver.drop(about.key)
		documents.stamp(doctype, name, stamps, told=True)
		return name
	# it has gone on over there: what is here takes its name, and gets its values with the event that says what became of it
	name = about.local[1]
	if about.subscription.use_same_name:
		name = documents.rename(doctype, name, key[1], merge=False)
	documents.stamp_making(doctype, name, {"creation": made})
	# until its deletion comes: by its former name it would be taken for the one that this site has renamed
	work.resolver.keep(about.key, (doctype, name), about.root or (about.identity and about.identity.root))
	work.resolver.keep(key, (doctype, name), back.root or into.about.root, LINKED)
	return name


def stays_after_a_merge(event: Event, about: About, work: Work) -> bool:
	"""Whether a deletion only ends a merge into a document that is this very one here."""
	into = parse_data(event, "data_before").get("into")
	if not isinstance(into, dict) or not two_way.tells_back(about.subscription.local_doctype, work):
		return False
	name = text(into.get("name"), "into", MAX_NAME)
	if not name or became(into, (event["ref_doctype"], name), about, work).local != about.local:
		return False
	if not same_moment(frappe.db.get_value(*about.local, "creation"), two_way.made_at(event, about, work)):
		# what is here has taken the other one's place
		work.resolver.drop(about.key)
	return True

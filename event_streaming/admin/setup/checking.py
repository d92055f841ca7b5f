"""What is wrong with a set-up file on this site: DocTypes, fields, mappings and users that it names and that are not here.

All of it is found before anything is written. The conditions' fields are checked by the producer, which refuses what it can't
evaluate when the rows are registered.
"""

from collections.abc import Iterable, Iterator
from typing import Any

import frappe
from frappe.utils import strip_html

from event_streaming.admin.decisions import existing
from event_streaming.admin.setup.fields import (
	LINK,
	MAPPING,
	MAPPING_ROW,
	PRODUCER,
	PRODUCER_ROW,
	SETTINGS,
	VALUE_MAP,
	Rules,
)
from event_streaming.admin.setup.planning import remote_doctypes, remote_of
from event_streaming.admin.setup.reading import Mistake, Part, Row, Setup
from event_streaming.consumer.line.meter import MOST_KB
from event_streaming.consumer.line.windows import parse_windows
from event_streaming.consumer.mapping.validation import problems_of
from event_streaming.consumer.subscriptions.producer_form import (
	problem_of_decided,
	problem_of_match,
	problem_of_number,
	problem_of_typed_policy,
)
from event_streaming.messages.coded import _
from event_streaming.site.refused import TEMPLATES, holds_code, why_refused
from event_streaming.site.settings import MOST_WORKERS


def aim(wanted: Setup, event_producer: str | None) -> tuple[list[Part], list[Part], list[Mistake]]:
	"""For which Event Producers the parts of a file are: (those that are here, those that are not, mistakes).

	`event_producer` is the one that a file is meant for whose only producer has another address, or none.
	"""
	mistakes: list[Mistake] = []
	if event_producer and (problem := aim_at(wanted.producers, existing(PRODUCER, event_producer))):
		mistakes.append(Mistake("producers", problem))
	here, away = [], []
	names = frappe.get_all(PRODUCER, pluck="name", order_by="name asc")
	first: dict[str, str] = {}
	for part in wanted.producers:
		if not part.name and len(names) > 1:
			problem = _(
				"it has no address, and this site has several Event Producers: say for which one it is"
			)
			mistakes.append(Mistake(f"{part.path}.producer_url", problem))
			continue
		name = producer_here(part.name) if part.name else "".join(names)
		if name and name in first:
			mistakes.append(
				Mistake(f"{part.path}.producer_url", _("{0} is already in {1}").format(name, first[name]))
			)
		elif name:
			first[name] = part.path
			part.name = name
			here.append(part)
		else:
			away.append(part)
	return here, away, mistakes


def aim_at(parts: list[Part], event_producer: str) -> str:
	"""Name the one that is meant; returns why that can't be told."""
	nameless = [part for part in parts if not part.name]
	meant = parts if len(parts) == 1 else nameless
	if len(meant) != 1:
		return _("the file has {0} producers: it can't be told which one is meant for {1}").format(
			len(parts), event_producer
		)
	meant[0].name = event_producer
	return ""


def producer_here(url: str) -> str:
	try:
		return existing(PRODUCER, url)
	except frappe.DoesNotExistError:
		frappe.clear_last_message()
		return ""


def mistakes_of(wanted: Setup, here: Setup, rules: Rules) -> Iterator[Mistake]:
	"""All that can be told of a file on this site."""
	installed = frappe.get_installed_apps()
	for app in wanted.apps:
		if app not in installed:
			yield Mistake("apps", _("the app {0} is not installed on this site").format(app))
	yield from of_links([wanted.settings], SETTINGS, wanted, rules)
	yield from of_links(wanted.value_maps.values(), VALUE_MAP, wanted, rules)
	yield from of_mappings(wanted, here, rules)
	yield from of_producers(wanted, here, rules)


def of_links(parts: Iterable[Part], doctype: str, wanted: Setup, rules: Rules) -> Iterator[Mistake]:
	for part in parts:
		yield from links_of(part.values, part.path, doctype, wanted, rules)


def links_of(values: dict, path: str, doctype: str, wanted: Setup, rules: Rules) -> Iterator[Mistake]:
	"""What is linked to and is neither here nor in the file."""
	coming = {MAPPING: wanted.mappings, VALUE_MAP: wanted.value_maps}
	for key, field in rules[doctype].items():
		name = values.get(key)
		if field.kind != LINK or not name or name in coming.get(field.options[0], ()):
			continue
		if not frappe.db.exists(field.options[0], name):
			yield Mistake(
				f"{path}.{key}", _("there is no {0} {1} on this site").format(_(field.options[0]), name)
			)


# ---- mappings


def of_mappings(wanted: Setup, here: Setup, rules: Rules) -> Iterator[Mistake]:
	docs: dict[str, Any] = {}
	for name, part in wanted.mappings.items():
		found = [*links_of(part.values, part.path, MAPPING, wanted, rules)]
		for row in part.rows:
			found += links_of(row.values, row.path, MAPPING_ROW, wanted, rules)
		if name not in here.mappings:
			found += [
				Mistake(f"{part.path}.{key}", _("it is missing"))
				for key in ("local_doctype", "remote_doctype")
				if not part.values.get(key)
			]
			if not part.rows:
				found.append(Mistake(f"{part.path}.fields", _("it is missing")))
		yield from found
		if not found:
			docs[name] = merged_mapping(part, name in here.mappings, rules)
	for name, doc in docs.items():
		for problem in problems_of(doc, docs):
			yield Mistake(wanted.mappings[name].path, problem)


def merged_mapping(part: Part, is_here: bool, rules: Rules) -> Any:
	"""The mapping as it will be. It is not saved."""
	doc = frappe.get_doc(MAPPING, part.name) if is_here else frappe.new_doc(MAPPING, mapping_name=part.name)
	fields, row_fields = rules[MAPPING], rules[MAPPING_ROW]
	for key, value in part.values.items():
		doc.set(fields[key].fieldname, fields[key].stored(value))
	rows = {row.local_fieldname: row for row in doc.field_mapping}
	for row in part.rows:
		target = rows.get(row.values["local_fieldname"]) or doc.append("field_mapping", {})
		target.update(
			{row_fields[key].fieldname: row_fields[key].stored(row.values[key]) for key in row.values}
		)
	doc.forget_what_does_not_apply()
	return doc


# ---- producers


def of_producers(wanted: Setup, here: Setup, rules: Rules) -> Iterator[Mistake]:
	remotes = remote_doctypes(here, wanted)
	local = {
		name: part.values.get("local_doctype")
		for setup in (here, wanted)
		for name, part in setup.mappings.items()
	}
	for part in wanted.producers:
		yield from links_of(part.values, part.path, PRODUCER, wanted, rules)
		yield from of_lists(part)
		seen: dict[str, str] = {}
		for row in part.rows:
			yield from of_row(row, local, wanted, rules)
			remote = remote_of(row, remotes)
			if remote and remote in seen:
				yield Mistake(row.path, _("{0} is already in {1}").format(remote, seen[remote]))
			seen.setdefault(remote, row.path)


def of_lists(part: Part) -> Iterator[Mistake]:
	if "workers" in part.values and not 0 <= part.values["workers"] <= MOST_WORKERS:
		yield Mistake(
			f"{part.path}.workers", _("it must be a number from {0} to {1}").format(1, MOST_WORKERS)
		)
	if "most_kb_per_second" in part.values and not 0 <= part.values["most_kb_per_second"] <= MOST_KB:
		path = f"{part.path}.most_kb_per_second"
		yield Mistake(path, _("it must be a number from {0} to {1}").format(0, MOST_KB))
	try:
		parse_windows(part.values.get("only_between"))
	except ValueError as error:
		path = f"{part.path}.only_between"
		yield Mistake(path, _("Only Between: {0} is not two times of day such as 22:00-06:00.").format(error))
	for key in ("also_bring", "never_bring"):
		for doctype in part.values.get(key, ()):
			path = f"{part.path}.{key}"
			if not frappe.db.exists("DocType", doctype):
				yield Mistake(path, _("there is no {0} {1} on this site").format(_("DocType"), doctype))
			elif key == "also_bring" and (reason := why_refused(doctype)):
				yield Mistake(path, strip_html(reason))
			elif key == "also_bring" and (doctype in TEMPLATES or holds_code(frappe.get_meta(doctype))):
				yield Mistake(
					path,
					_(
						"{0} can hold code or templates. Add a row for it, if you trust the producer with that."
					).format(_(doctype)),
				)


def of_row(row: Row, local: dict[str, str | None], wanted: Setup, rules: Rules) -> Iterator[Mistake]:
	doctype, mapping = row.values["document_type"], row.values.get("mapping")
	if reason := why_refused(doctype):
		yield Mistake(f"{row.path}.document_type", strip_html(reason))
		return
	yield from links_of(row.values, row.path, PRODUCER_ROW, wanted, rules)
	if mapping and local.get(mapping) and local[mapping] != doctype:
		yield Mistake(
			f"{row.path}.mapping",
			_("the mapping {0} is for {1}, not for {2}").format(mapping, _(local[mapping]), _(doctype)),
		)
	meta = frappe.get_meta(doctype)
	for key, problem_of in (
		("fields_this_site_decides", problem_of_decided),
		("add_up", problem_of_number),
		("field_policies", problem_of_typed_policy),
		("match_by", problem_of_match),
	):
		for name in row.values.get(key, ()):
			if problem := problem_of(meta, name):
				yield Mistake(f"{row.path}.{key}", strip_html(problem))

"""Finds the hooks for a DocType and calls them: those of the adapters here, then those of other apps.

Where no event is applied nothing is called. What a hook raises is raised on.
"""

from collections.abc import Callable
from importlib import import_module
from types import ModuleType
from typing import Any

import frappe

from event_streaming.adapters.context import context_of
from event_streaming.identity.origin import applied_now

BEFORE_APPLY, AFTER_APPLY, RESOLVE_CONFLICT = "before_apply", "after_apply", "resolve_conflict"
# app -> its adapter: hooks by DocType, in dicts that are called as the hooks are; see `erpnext`
ADAPTERS = {"erpnext": "event_streaming.adapters.erpnext"}
ANSWERS = ("here", "there")

Hook = Callable[..., Any]


def before_writing(doc: Any, came: dict) -> list[str]:
	"""The document has the values that came, and is about to be inserted or saved. Returns warnings."""
	return call(BEFORE_APPLY, doc, came)


def is_told(doc: Any) -> bool:
	"""Whether a hook of `before_writing` may have set something in the document."""
	return bool(applied_now() and hooks_for(BEFORE_APPLY, doc.doctype))


def after_writing(doc: Any, came: dict) -> list[str]:
	"""The document is written. Returns warnings."""
	return call(AFTER_APPLY, doc, came)


def call(kind: str, doc: Any, came: dict) -> list[str]:
	warnings: list[str] = []
	applied = applied_now()
	if applied and (hooks := hooks_for(kind, doc.doctype)):
		context = context_of(applied, came, warnings)
		for hook in hooks:
			hook(doc, context)
	return warnings


def decision_of(doc: Any, conflict: dict, came: dict) -> str | None:
	"""Whose value a hook wants to stay where both sites have changed a field; None when none has an opinion."""
	applied = applied_now()
	hooks = hooks_for(RESOLVE_CONFLICT, doc.doctype) if applied else []
	for hook in hooks:
		answer = hook(doc, dict(conflict), context_of(applied, came, []))
		if answer in ANSWERS:
			return answer
		if answer is not None:
			raise frappe.ValidationError(
				f"{hook.__module__}.{hook.__qualname__}: event_streaming_resolve_conflict must answer"
				f' "here", "there" or None, not {answer!r}'
			)
	return None


def hooks_for(kind: str, doctype: str) -> list[Hook]:
	known = kept_for_the_request()
	key = (kind, doctype)
	if key not in known:
		known[key] = list(find_hooks(kind, doctype))
	return known[key]


def find_hooks(kind: str, doctype: str) -> list[Hook]:
	found: list[Hook] = []
	for adapter in adapters():
		by_doctype = getattr(adapter, kind.upper(), {})
		found += [by_doctype[each] for each in (doctype, "*") if each in by_doctype]
	paths = frappe.get_hooks(f"event_streaming_{kind}") or {}
	if not isinstance(paths, dict):
		# a path by itself is for every DocType
		paths = {"*": paths}
	for each in (doctype, "*"):
		given = paths.get(each) or []
		found += [frappe.get_attr(path) for path in ([given] if isinstance(given, str) else given)]
	return found


def named_hooks(kind: str, *doctypes: str) -> bool:
	"""Whether another app has a hook for one of these DocTypes, or for all where "*" is among them. Adapters are none."""
	paths = frappe.get_hooks(f"event_streaming_{kind}") or {}
	if not isinstance(paths, dict):
		paths = {"*": paths}
	return any(paths.get(doctype) for doctype in doctypes)


def adapters() -> list[ModuleType]:
	"""The adapters of the apps that this site has."""
	known = kept_for_the_request()
	if "adapters" not in known:
		installed = frappe.get_installed_apps()
		known["adapters"] = [import_module(path) for app, path in ADAPTERS.items() if app in installed]
	return known["adapters"]


def kept_for_the_request() -> dict:
	"""For one request or job: installing an app is followed by new ones."""
	try:
		return frappe.local.event_streaming_adapters
	except AttributeError:
		known = frappe.local.event_streaming_adapters = {}
		return known

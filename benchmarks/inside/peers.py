"""The same process with the app and without it: its document hooks are taken out for the time of a sample."""

import gc
from contextlib import contextmanager

import frappe

APP = "event_streaming"


@contextmanager
def with_app():
	yield


@contextmanager
def without_app():
	"""The document hooks of all apps but this one, as on a site where it is not installed."""
	kept = frappe.get_doc_hooks()
	frappe.local.doc_events_hooks = {
		doctype: {
			event: [handler for handler in handlers if not handler.startswith(f"{APP}.")]
			for event, handlers in events.items()
		}
		for doctype, events in kept.items()
	}
	try:
		yield
	finally:
		frappe.local.doc_events_hooks = kept


@contextmanager
def with_empty_hooks():
	"""As with the app, if its hooks did nothing: what Frappe takes for calling them."""
	from event_streaming import document_events

	own = [path.rpartition(".")[2] for paths in frappe.get_doc_hooks()["*"].values() for path in paths]
	kept = {name: hook for name, hook in vars(document_events).items() if name in own}
	for name in kept:
		setattr(document_events, name, _nothing)
	try:
		yield
	finally:
		for name, hook in kept.items():
			setattr(document_events, name, hook)


def _nothing(*_arguments, **_more) -> None: ...


@contextmanager
def no_collection():
	"""Python's garbage collector does not run in the middle of a sample."""
	gc.collect()
	gc.disable()
	try:
		yield
	finally:
		gc.enable()


PEERS = {"ours": with_app, "bare": without_app}
# what no log can do without; "row": one INSERT more, of a row like those that the app logs
FLOORS = {"bare": without_app, "hooks": with_empty_hooks, "row": without_app}

"""What single DocTypes need when another site's documents are applied, and the hooks by which any app says so.

It looks up and calls; it reads no event and writes no document of its own. The adapters here are for apps that do not know
this one (`erpnext`); each is loaded only where its app is installed. The core knows none of their DocTypes.

An app says in its `hooks.py`, by DocType or `"*"` for all of them, each a dotted path or a list:

	event_streaming_before_apply = {"Sales Invoice": "my_app.streams.before_apply"}
	event_streaming_after_apply = {"*": ["my_app.streams.after_apply"]}
	event_streaming_resolve_conflict = {"Item": "my_app.streams.resolve_conflict"}

`before_apply(doc, context)`
	The values that came are set on `doc`, and its life cycle has not begun: what is set here, a controller sees in `validate`.
	It is for the controller's eyes: before the document is written, what came is put back; see `context.decide`.
	Called when the document is made and whenever it is changed, not when it is renamed or deleted.
`after_apply(doc, context)`
	The document is written, in the same savepoint. What the hook writes is undone with the event if that fails.
`resolve_conflict(doc, conflict, context)`
	Both sites have changed a field: "here" or "there" says whose value stays, None leaves it to the conflict policy. `conflict`
	is a dict: `fieldname`, `table` and `row` ("" for a field of the document itself), `before`, `here`, `there`. `doc` is as it is
	here and is not to be changed. The first hook that answers has decided.

`context` says what is applied, as plain data: `producer`, `doctype` (of this site), `remote_doctype`, `name` (the producer's),
`update_type`, `quiet` (no mails and the like are to go out), and `came`: the values of the whole document when it is made or
replaced, the difference (`changed`, `added`, `removed`, `row_changed`) when it is changed. `context.warn(text)` puts a warning into
Event Sync Log. `context.decide(doc, fieldname, value, because)` sets a field to a value of this site's, which then stays instead of the one
that came, with a warning.

The adapters of this app come first, then other apps in the order of their installation, those for the DocType before those for
all. A hook that raises an error fails that event alone, with the error's own words, and it is tried again like any other. Hooks
run as the Event Subscriber, inside the event's savepoint: they must not commit or roll back.

Hooks of other kinds, a controller's or those in `doc_events`, can ask `event_streaming.is_applying()`.
"""

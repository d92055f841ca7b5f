"""What this app's documents need to be streamed: the adapter of an app that knows of event_streaming."""


def before_apply(doc, *_more, **_named) -> None:
	"""`validate` checks the due date against the posting date, and so has to see the one that came, not today."""
	if doc.meta.has_field("set_posting_time"):
		doc.set_posting_time = 1

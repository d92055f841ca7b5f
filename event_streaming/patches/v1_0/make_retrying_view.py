"""The saved view *Retrying* of Event Sync Log, on sites that had the others already."""

from event_streaming.install import make_saved_views


def execute() -> None:
	make_saved_views()

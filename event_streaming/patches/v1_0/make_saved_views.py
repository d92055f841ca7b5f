"""The saved views of Event Sync Log, on sites where the app was installed before there were any."""

from event_streaming.install import make_saved_views


def execute() -> None:
	make_saved_views()

"""The Notifications on Event Streaming Alert, on sites where the app was installed before there were any."""

from event_streaming.admin.alerts import make_notifications


def execute() -> None:
	make_notifications()

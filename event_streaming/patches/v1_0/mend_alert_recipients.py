"""Alerts go to people, on sites whose Notifications still are as the first version of them was made."""

from event_streaming.admin.alerts import mend_recipients


def execute() -> None:
	mend_recipients()

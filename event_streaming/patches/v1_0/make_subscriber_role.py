"""The role Event Subscriber, on sites where the app was installed before there was one. Before the DocTypes that name it."""

from event_streaming.site.roles import make_role


def execute() -> None:
	make_role()

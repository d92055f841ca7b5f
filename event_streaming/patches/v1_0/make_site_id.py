"""An id for sites where the app was installed before there was one."""

from event_streaming.site.site_id import make_id_if_missing


def execute() -> None:
	make_id_if_missing()

"""What another site may know of this one to tell whether the two fit together: addresses, versions, clocks."""

import time
from typing import Any

import frappe

from event_streaming import __version__
from event_streaming.site.address import public_url, time_zone
from event_streaming.site.site_id import own_id
from event_streaming.wire.pages import PROTOCOL


def facts() -> dict[str, Any]:
	"""Addresses, versions and time zone of this site; `now` is its clock, in seconds since 1970 UTC."""
	return {
		"site": public_url(),
		"site_id": own_id(),
		"app": __version__,
		"frappe": frappe.__version__,
		"protocol": PROTOCOL,
		"time_zone": time_zone(),
		"now": time.time(),
	}

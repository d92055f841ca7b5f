"""What another site may know of this one to tell whether the two fit together: addresses, versions, clocks."""

import time
from typing import Any

import frappe

from event_streaming import __version__
from event_streaming.site import public_url, time_zone
from event_streaming.wire import PROTOCOL


@frappe.whitelist(methods=["POST"])
def site_facts() -> dict[str, Any]:
	"""Asked by the doctor of the other site. `now` is this site's clock, in seconds since 1970 UTC."""
	frappe.only_for("System Manager")
	return facts()


def facts() -> dict[str, Any]:
	return {
		"site": public_url(),
		"app": __version__,
		"frappe": frappe.__version__,
		"protocol": PROTOCOL,
		"time_zone": time_zone(),
		"now": time.time(),
	}

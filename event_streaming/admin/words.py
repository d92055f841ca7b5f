"""Numbers and times as a person reads them."""

from datetime import datetime

import frappe
from frappe import _

from event_streaming.consumer.logs import broker_use
from event_streaming.consumer.logs.broker_use import BrokerUse
from event_streaming.consumer.logs.listener import Listener
from event_streaming.consumer.logs.overview import MOST_COUNTED
from event_streaming.site.address import as_local


def counted(number: int) -> str:
	"""The number; "10,000 or more" where counting stopped."""
	return f"{number:,}" if number < MOST_COUNTED else _("{0} or more").format(f"{MOST_COUNTED:,}")


def ago(moment: datetime | None) -> str:
	"""How long ago; "never" for None."""
	return frappe.utils.pretty_date(moment) if moment else _("never")


def at(moment) -> str:
	"""A time to the second; "never" for None."""
	return str(moment)[:19] if moment else _("never")


def clock(moment: datetime | None) -> str:
	"""The time of day of a moment soon."""
	return f"{moment:%H:%M}" if moment else ""


def listening(listener: Listener | None) -> str:
	"""Whether this site hears from a producer at once, and when it did last; "no" where nobody listens."""
	if not listener:
		return _("no")
	if not listener["connected"]:
		return _("not connected")
	if not listener["hears"]:
		return _("connected, no message yet")
	return _("yes, last message {0}").format(ago(as_local(listener["heard_on"])))


def over_broker(use: BrokerUse | None) -> str:
	"""Whether this site reads a producer's events from its NATS server."""
	if not use:
		return _("nothing read yet")
	if use["kind"] == broker_use.NOT_OFFERED:
		return _("not offered")
	if use["kind"] == broker_use.PROBLEM:
		return _("can't be used since {0}").format(ago(as_local(use["since"])))
	return _("last read {0}").format(ago(as_local(use["on"])))

"""What the doctor says of a producer whose events are to come over a broker: whether they do, and what the server has said last."""

from collections.abc import Iterator

from frappe.utils import cint

from event_streaming.admin.doctor.finding import NOTE, OK, WARNING, Finding
from event_streaming.admin.words import at
from event_streaming.consumer.logs import broker_use
from event_streaming.messages.coded import _
from event_streaming.site.address import as_local
from event_streaming.wire.broker.grants import NATS


def from_producer(doc) -> Iterator[Finding]:
	"""Nothing where nothing is to come over a broker."""
	if doc.get("transport") != NATS or cint(doc.paused):
		return
	name, use = doc.name, broker_use.of(doc.name)
	if use is None:
		yield Finding(
			"broker", name, NOTE, _("Nothing was read from the NATS server of {0} yet.").format(name)
		)
	elif use["kind"] == broker_use.USED:
		yield Finding(
			"broker",
			name,
			OK,
			_("Events of {0} can be read from its NATS server; last read: {1}.").format(
				name, at(as_local(use["on"]))
			),
		)
	elif use["kind"] == broker_use.NOT_OFFERED:
		yield Finding(
			"broker",
			name,
			NOTE,
			_(
				"{0} says nothing of a NATS server for this site: everything comes from the producer itself."
			).format(name),
			_(
				"On the producer NATS Servers have to be set, bench --site … event-streaming publish has to run, and a row of this site has to"
				" be approved, without a condition, and of documents that its user may all read."
			),
		)
	else:
		yield Finding(
			"broker",
			name,
			WARNING,
			_("The NATS server of {0} can't be used since {1}; last time, on {2}: {3}").format(
				name, at(as_local(use["since"])), at(as_local(use["on"])), use["problem"] or "?"
			),
			_(
				"Everything comes from the producer itself meanwhile. See that the server can be reached from here, and that its user for readers"
				" has the permissions of the guide (“A broker between the sites”)."
			),
		)

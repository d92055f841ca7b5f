"""What the doctor says of hearing at once: whether this site listens to a producer, and whether a consumer listens here."""

import time
from collections.abc import Iterator

from frappe.utils import cint

from event_streaming.admin.doctor.finding import NOTE, OK, WARNING, Finding
from event_streaming.admin.words import at
from event_streaming.consumer.logs import listener, state
from event_streaming.messages.coded import _
from event_streaming.producer.notify import relay
from event_streaming.site.address import as_local
from event_streaming.site.settings import get_settings
from event_streaming.wire.broker.grants import NATS

# the producer sends one with the next pull after the connection was made
DEAF_SECONDS = 180


def to_producer(doc) -> Iterator[Finding]:
	"""Whether this site hears from the producer at once; nothing where the producer can call it and nobody listens."""
	name, standing = doc.name, listener.standing_of(doc.name)
	if cint(doc.paused):
		return
	if standing is None:
		if get_settings().not_reachable and state.load_state(name).listen:
			yield Finding(
				"listening",
				name,
				NOTE,
				_("No process listens to {0}: changes come with the pull of every minute.").format(name),
				_("To hear of them at once, have bench event-streaming listen run on this bench."),
			)
	elif standing["connected"] and not standing["hears"] and time.time() - standing["since"] > DEAF_SECONDS:
		yield Finding(
			"listening",
			name,
			WARNING,
			_("This site is connected to the realtime server of {0} since {1}, and no message comes.").format(
				name, at(as_local(standing["since"]))
			),
			_(
				"Changes come with the pull of every minute, or the producer calls. See that this site's NATS server is joined to the producer's."
			)
			if over_nats(name)
			else _(
				"Changes come with the pull of every minute, or the producer calls. See on the producer that its realtime server and its web"
				" server use the same Redis for queues, and that its Frappe is not too old to take API keys there."
			),
		)
	elif standing["connected"]:
		yield Finding(
			"listening",
			name,
			OK,
			_("This site listens to {0} since {1}; last message: {2}.").format(
				name, at(as_local(standing["since"])), at(as_local(standing["heard_on"]))
			),
		)
	else:
		yield Finding(
			"listening",
			name,
			WARNING,
			_("This site can't listen to {0} since {1}: {2}").format(
				name, at(as_local(standing["since"])), standing["problem"] or "?"
			),
			_(
				"Changes come with the pull of every minute meanwhile. See that the producer's NATS server can be reached from here, and that its"
				" user for readers may subscribe to event_streaming_positions.>."
			)
			if over_nats(name)
			else _(
				"Changes come with the pull of every minute meanwhile. On the producer the proxy has to pass /socket.io on to Frappe's"
				" realtime server, as bench sets it up; or Realtime Port of its Event Streaming Settings has to be right."
			),
		)


def over_nats(event_producer: str) -> bool:
	return (state.listen_offers().get(event_producer) or {}).get("back_end") == relay.BACK_END


def from_consumer(doc) -> Finding:
	"""What there is to say of a consumer that can't be called."""
	if cint(doc.listens):
		return Finding(
			"connection",
			doc.name,
			OK,
			_("{0} can't be reached from here. It listens, and hears of new events at once.").format(
				doc.name
			),
		)
	if get_settings().listen_through == NATS and not relay.is_running():
		return Finding(
			"connection",
			doc.name,
			WARNING,
			_(
				"{0} can't be reached from here, and can't listen: nothing hands positions on to the NATS server."
			).format(doc.name),
			_(
				"Have bench --site … event-streaming publish run for this site, or let consumers listen through Realtime."
			),
		)
	return Finding(
		"connection",
		doc.name,
		NOTE,
		_("{0} can't be reached from here, and says so: it pulls by itself.").format(doc.name),
	)

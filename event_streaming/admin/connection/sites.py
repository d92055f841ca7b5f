"""The map: all sites that this one knows, and the streams between them and this one, each with its colour and thickness.

Reads only, asks no other site. Streams to consumers are measured for MOST_MEASURED of them, those heard of last; the others are
on the map without figures.
"""

from datetime import datetime, timedelta
from typing import TypedDict

import frappe
from frappe.utils import now_datetime

from event_streaming.admin.connection.shapes import color_of, percentile, width_of
from event_streaming.admin.decisions import CONSUMER, PRODUCER
from event_streaming.admin.headlines import Headline, headline_of, headline_of_consumer
from event_streaming.admin.status import needs_of_consumer, needs_of_producer
from event_streaming.consumer.logs import by_doctype
from event_streaming.consumer.logs import overview as consuming
from event_streaming.consumer.logs.overview import ProducerRow
from event_streaming.producer.registration import figures as producing
from event_streaming.producer.registration import overview as registered
from event_streaming.producer.registration.overview import ConsumerRow
from event_streaming.site.address import public_url
from event_streaming.site.hours import HOUR

DAY = timedelta(days=1)
MOST_MEASURED = 100
FROM, TO = "from", "to"


class Stream(TypedDict):
	"""What goes between this site and another in one direction. `delay`: 95 of 100 events took no more seconds; None: not known."""

	site: str
	direction: str
	headline: Headline
	needs_you: bool
	needs: list[str]
	paused: bool
	events_behind: int
	per_hour: int
	delay: int | None
	color: str
	width: float
	last_contact: datetime | None


class Map(TypedDict):
	"""`streams`: those that need a person first, then by site."""

	here: str
	now: datetime
	streams: list[Stream]


def map_of_sites() -> Map:
	"""Every site that this one takes from or sends to."""
	now = now_datetime()
	streams = [*streams_from(now), *streams_to(now)]
	return {
		"here": public_url(),
		"now": now,
		"streams": sorted(streams, key=lambda each: (not each["needs_you"], each["site"], each["direction"])),
	}


def streams_from(now: datetime) -> list[Stream]:
	"""What comes to this site."""
	rates: dict[str, int] = {}
	for (producer, _doctype), count in by_doctype.taken_since(now - HOUR).items():
		rates[producer] = rates.get(producer, 0) + count
	delays, readable = by_doctype.delays_since(now - DAY), names_of(PRODUCER)
	return [
		_stream(
			row,
			FROM,
			headline_of(row, public_url(), now),
			needs_of_producer(row, public_url(), now),
			rates.get(row["name"], 0),
			percentile(delays.get(row["name"], [])),
		)
		for row in consuming.producers()
		if row["name"] in readable
	]


def streams_to(now: datetime) -> list[Stream]:
	"""What goes from this site."""
	readable = names_of(CONSUMER)
	rows = [row for row in registered.consumers() if row["name"] in readable]
	heard = sorted((row for row in rows if row["last_contact"]), key=lambda row: row["last_contact"])
	measured = {row["name"] for row in heard[-MOST_MEASURED:]}
	found = []
	for row in rows:
		per_hour, delays = 0, []
		if row["name"] in measured:
			per_hour, delays = producing.delays_counted(row["name"], now - DAY, now - HOUR)
		found.append(
			_stream(
				row,
				TO,
				headline_of_consumer(row, now),
				needs_of_consumer(row, now),
				per_hour,
				percentile(delays),
			)
		)
	return found


def names_of(doctype: str) -> set[str]:
	"""Those that the session's user may read."""
	return set(frappe.get_list(doctype, pluck="name", limit=0))


def _stream(
	row: ProducerRow | ConsumerRow,
	direction: str,
	headline: Headline,
	needs: list[str],
	per_hour: int,
	delay: int | None,
) -> Stream:
	needs_you = bool(needs) or headline["color"] == "red"
	return {
		"site": row["name"],
		"direction": direction,
		"headline": headline,
		"needs_you": needs_you,
		"needs": needs,
		"paused": row["paused"],
		"events_behind": row["events_behind"],
		"per_hour": per_hour,
		"delay": delay,
		"color": color_of(delay, needs_you),
		"width": width_of(per_hour),
		"last_contact": row["last_contact"],
	}

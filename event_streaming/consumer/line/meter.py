"""How much of the line to a producer this site has used, and how long it has to wait so as not to use more than it may.

A bucket in Redis, which all processes of the site fill, and which empties at the bound: a process that dies takes nothing of it along.
Bytes are those on the wire, as they are sent. It waits only where a caller says so or nothing is written, and never knows what goes over
the line. Without Redis there is no bound.
"""

import time
from typing import Any

import frappe
from frappe.utils import cint
from redis.exceptions import RedisError

from event_streaming.site.claims import redis_key
from event_streaming.site.settings import get_settings

KB = 1024
# so much may go at once after a silence
BURST_SECONDS = 2.0
# one request waits no longer than this, and a pull not that long before a worker is given back
LONGEST_WAIT, LONGEST_PAUSE = 30.0, 5.0
# a page is of about this many seconds of the line; documents are sent as a quarter of what they are in memory
PAGE_SECONDS, COMPRESSED, SMALLEST_PAGE = 4, 4, 16 * KB
# of which the rate is said
MEASURED_SECONDS, PART_SECONDS = 60, 5
MOST_KB = 1_000_000

# adds bytes to what is in the bucket, which has emptied since; answers what is in it. The clock is the server's, so that one whose own is
# wrong does not matter
ADD = """
local now = redis.call('TIME')
local at = tonumber(now[1]) + tonumber(now[2]) / 1000000
local kept = redis.call('HMGET', KEYS[1], 'level', 'at')
local rate = tonumber(ARGV[1])
local level = tonumber(kept[1] or '0')
local since = math.max(at - tonumber(kept[2] or at), 0)
level = math.max(level - since * rate, 0) + tonumber(ARGV[2])
redis.call('HSET', KEYS[1], 'level', tostring(level), 'at', string.format('%.6f', at))
redis.call('EXPIRE', KEYS[1], math.ceil(level / rate) + 60)
return tostring(level)
"""


class Meter:
	"""The line of this site to one producer. `bytes_per_second` is 0 without a bound: then it only measures. `longest_wait`: no request
	waits longer than that, in seconds; with 0 it only counts."""

	def __init__(self, event_producer: str, kb_per_second: int = 0, longest_wait: float = LONGEST_WAIT):
		self.event_producer, self.longest_wait = event_producer, longest_wait
		self.bytes_per_second = min(max(cint(kb_per_second), 0), MOST_KB) * KB

	def count(self, number: int) -> None:
		"""So many bytes have gone over the line, in whichever direction."""
		try:
			self._add(number)
			part = self._part(time.time())
			frappe.cache.incrby(part, number)
			frappe.cache.expire(part, MEASURED_SECONDS + 2 * PART_SECONDS)
		except RedisError:
			# measured by nobody then, and bounded by nobody
			return

	def wait_seconds(self) -> float:
		"""How long the next request has to wait."""
		if not self.bytes_per_second:
			return 0.0
		try:
			level = self._add(0)
		except RedisError:
			return 0.0
		return max(level / self.bytes_per_second - BURST_SECONDS, 0.0)

	def _add(self, number: int) -> float:
		if not self.bytes_per_second:
			return 0.0
		key = frappe.cache.make_key(redis_key("line", self.event_producer))
		return float(frappe.cache.eval(ADD, 1, key, self.bytes_per_second, number))

	def before(self) -> None:
		"""Before a request: wait, where nothing is open that others would have to wait for as well."""
		if self.bytes_per_second and self.longest_wait and not frappe.db.transaction_writes:
			time.sleep(min(self.wait_seconds(), self.longest_wait))

	def pause(self, deadline: float) -> float:
		"""Wait until the next request may be made; returns the seconds that are left where that is too long to be waited for here, or
		longer than until `deadline`, a time of the monotonic clock."""
		seconds = self.wait_seconds()
		if seconds > LONGEST_PAUSE or time.monotonic() + seconds > deadline:
			return seconds
		time.sleep(seconds)
		return 0.0

	def page_bytes(self) -> int:
		"""How large a page may be, so that what comes first has not to wait long for one that has begun."""
		most = get_settings().page_bytes
		if not self.bytes_per_second:
			return most
		return min(most, max(self.bytes_per_second * PAGE_SECONDS * COMPRESSED, SMALLEST_PAGE))

	def batch_bytes(self) -> int:
		"""The same for messages that are counted as they are sent."""
		most = get_settings().page_bytes
		if not self.bytes_per_second:
			return most
		return min(most, max(self.bytes_per_second * PAGE_SECONDS, SMALLEST_PAGE // COMPRESSED))

	def rate(self) -> float:
		"""Bytes per second of the last minute."""
		now = time.time()
		parts = [self._part(now - back) for back in range(0, MEASURED_SECONDS + PART_SECONDS, PART_SECONDS)]
		try:
			found = frappe.cache.mget(parts)
		except RedisError:
			return 0.0
		# the part that is under way counts as far as it has got
		seconds = MEASURED_SECONDS + now % PART_SECONDS
		return sum(int(each or 0) for each in found) / seconds

	def _part(self, moment: float) -> bytes:
		return frappe.cache.make_key(
			redis_key("line_used", f"{self.event_producer}:{int(moment // PART_SECONDS)}")
		)


def meter_of(doc: Any, longest_wait: float = LONGEST_WAIT) -> Meter:
	"""That of an Event Producer or of its row."""
	return Meter(doc.name, cint(doc.get("most_kb_per_second")), longest_wait)

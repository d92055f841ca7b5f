"""What every save on the site asks for: kept in the process for a moment, in Redis for all processes, in the database for good.

It does not know what it keeps: whoever owns a value says how it is read, and when another one is true.
"""

from collections.abc import Callable
from time import monotonic
from typing import Any, Generic, TypeVar

import frappe
from redis.exceptions import ConnectionError as RedisUnreachable

MEMO_SECONDS = 0.05

Value = TypeVar("Value")

# how often a process was told that another value is true: what was put together of several is old then
changes = 0


class Kept(Generic[Value]):
	"""One value for each site. `name` is its key in Redis, where what was read from the database stays for `seconds`."""

	def __init__(
		self,
		name: str,
		seconds: int,
		read: Callable[[], Value],
		pack: Callable[[Value], str],
		unpack: Callable[[str | bytes], Value],
	):
		self.name = name
		self.seconds = seconds
		self.read = read
		self.pack = pack
		self.unpack = unpack
		self.memo: dict[str, tuple[float, Value]] = {}
		# what Redis gave last, and the value that it is: mostly it gives the same again
		self.unpacked: tuple[str | bytes, Value] | None = None

	def value(self) -> Value:
		"""One look-up in the process, at most MEMO_SECONDS old; behind it Redis; behind it the database."""
		memo, now = self.memo.get(frappe.local.site), monotonic()
		if memo and now - memo[0] < MEMO_SECONDS:
			return memo[1]
		(value,) = look_up(self)
		return value

	def remember(self, value: Value) -> None:
		"""Another value is true from now on, in this process."""
		global changes
		self.memo[frappe.local.site] = (monotonic(), value)
		changes += 1

	def forget(self) -> None:
		"""Nothing that this process remembers of it holds."""
		global changes
		self.memo.pop(frappe.local.site, None)
		changes += 1

	def value_of(self, packed: str | bytes) -> Value:
		last = self.unpacked
		if last is None or last[0] != packed:
			last = self.unpacked = (packed, self.unpack(packed))
		return last[1]

	def read_and_keep(self) -> Value:
		"""From the database; in Redis never over what was written there meanwhile, for this transaction's picture may be old."""
		value, cache = self.read(), frappe.cache
		cache.set(cache.make_key(self.name), self.pack(value), ex=self.seconds, nx=True)
		return value


def look_up(*kept: Kept) -> list[Any]:
	"""The values of several, for which Redis is asked once; they are remembered for a moment."""
	cache, site, now = frappe.cache, frappe.local.site, monotonic()
	try:
		found = cache.mget([cache.make_key(each.name) for each in kept])
		values = [
			each.read_and_keep() if packed is None else each.value_of(packed)
			for each, packed in zip(kept, found, strict=True)
		]
	except RedisUnreachable:
		values = [each.read() for each in kept]
	for each, value in zip(kept, values, strict=True):
		each.memo[site] = (now, value)
	return values

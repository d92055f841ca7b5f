"""Pauses between tries to hold a connection. Pure."""

import random

# a connection that has held so long was a good one: what was before it no longer counts
GOOD_SECONDS = 60


class Pauses:
	"""At random up to a bound, so that many don't come at once; the bound doubles with each failure, from `first` to `longest` seconds."""

	def __init__(self, first: float, longest: float):
		self.first, self.longest = first, longest
		self.failures = 0

	def after(self, held: float) -> float:
		"""Seconds until the next try, after one that has held for `held` seconds or has failed in that time."""
		self.failures = 0 if held >= GOOD_SECONDS else self.failures + 1
		return random.uniform(0, self.bound())

	def bound(self) -> float:
		"""The most that the pause can be now, in seconds."""
		return min(self.longest, self.first * 2 ** min(self.failures, 10))

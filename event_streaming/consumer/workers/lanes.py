"""Pure: cuts the events of a page into lanes that several workers can apply at the same time.

What an event touches is a set of marks: its document, what that links to, whatever only one worker may be at. Events that
share a mark, over however many others, are in the same lane, and every lane keeps the order of the log. What the marks
are is not its business; see footprints.py.
"""

from collections.abc import Collection, Hashable, Sequence
from heapq import heappop, heappush

Mark = Hashable
# the number of an event in its page
Number = int


def components(touched: Sequence[Collection[Mark]]) -> list[list[Number]]:
	"""The events that belong together, by their marks: each in the order of the log, the earliest first."""
	leader = list(range(len(touched)))

	def find(number: Number) -> Number:
		while leader[number] != number:
			leader[number] = leader[leader[number]]
			number = leader[number]
		return number

	seen: dict[Mark, Number] = {}
	for number, marks in enumerate(touched):
		for mark in marks:
			one, other = find(seen.setdefault(mark, number)), find(number)
			leader[max(one, other)] = min(one, other)
	together: dict[Number, list[Number]] = {}
	for number in range(len(touched)):
		together.setdefault(find(number), []).append(number)
	return list(together.values())


def deal_out(lengths: Sequence[int], shares: Sequence[int]) -> list[list[int]]:
	"""Components of such lengths on a lane for each share, about in that proportion; empty lanes are left out.

	No component is divided. Answers with the numbers of the components of each lane.
	"""
	dealt: list[list[int]] = [[] for _share in shares]
	filled = [(0.0, number) for number in range(len(shares))]
	for component in sorted(range(len(lengths)), key=lambda each: -lengths[each]):
		part, lane = heappop(filled)
		dealt[lane].append(component)
		heappush(filled, (part + lengths[component] / shares[lane], lane))
	return [sorted(lane) for lane in dealt if lane]


def shares_of(workers: int, each: int, most: int) -> list[int]:
	"""Lanes that become shorter, a few for each worker: those who are done first wait only for a short one at the end."""
	return [each - number // workers for number in range(workers * each)][: max(most, 1)]


def runs(alone: Sequence[bool], shortest: int) -> list[tuple[int, int, bool]]:
	"""The page as (start, end, whether several may work on it): events that have to be dealt with alone, and stretches too
	short to be worth sharing, go together with their neighbours that are not shared."""
	found: list[tuple[int, int, bool]] = []
	start = 0
	while start < len(alone):
		end = start
		while end < len(alone) and alone[end] == alone[start]:
			end += 1
		shared = not alone[start] and end - start >= shortest
		if found and not shared and not found[-1][2]:
			found[-1] = (found[-1][0], end, False)
		else:
			found.append((start, end, shared))
		start = end
	return found

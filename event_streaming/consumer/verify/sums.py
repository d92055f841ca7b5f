"""The first two stages of a comparison: sums of digests in buckets, and single digests of the buckets that differ."""

from event_streaming.consumer.digesting.local_digests import Pair
from event_streaming.consumer.verify.comparison import Comparison
from event_streaming.consumer.verify.lately import pairs_of, remember
from event_streaming.wire import digests

# digests that are listed together, on both sites
LISTED_TOGETHER = 5_000


def sum_up(check: Comparison) -> None:
	"""One request, and as many documents here as that was about; at the end, the buckets that differ."""
	place = check.task.place
	if not place["there_done"]:
		page = check.ask(None, place["after"])
		if page is None:
			return
		place = check.task.place
		there = digests.add_up(digests.unpack(place["there"], place["buckets"]), page.sums)
		place |= {
			"there": digests.pack(there),
			"after": page.after,
			"there_done": not page.has_more,
			"looked_at": place["looked_at"] + page.looked_at,
		}
		check.task.done += page.looked_at
	while not place["here_done"] and (place["there_done"] or place["here_count"] < place["looked_at"]):
		sum_up_here(check, place)
		if check.part.over:
			break
	if place["there_done"] and place["here_done"]:
		pairs = zip(
			digests.unpack(place["there"], place["buckets"]),
			digests.unpack(place["here"], place["buckets"]),
			strict=True,
		)
		check.start_looking([number for number, (there, here) in enumerate(pairs) if there != here])


def sum_up_here(check: Comparison, place: dict) -> None:
	pairs = check.local().pairs(tuple(place["here_after"]))
	sums = digests.unpack(place["here"], place["buckets"])
	for name, digest in check.local().of(pairs):
		digests.add(sums, name, digest)
	place |= {
		"here": digests.pack(sums),
		"here_done": not pairs,
		"here_count": place["here_count"] + len(pairs),
		"here_after": list(pairs[-1].place) if pairs else place["here_after"],
	}


def list_some(check: Comparison) -> None:
	"""Of some of the buckets that differ, the documents whose digests differ, or that only one site has."""
	place = check.task.place
	expected = max(place["counts"][place["number"]] // place["buckets"], 1)
	numbers = place["left"][: max(LISTED_TOGETHER // expected, 1)]
	there: dict[str, int] = {}
	after, more = "", True
	while more:
		page = check.ask(numbers, after)
		there.update(page.digests)
		after, more = page.after, page.has_more
	if check.filters:
		here = dict(check.local().of(pairs_of(check, list(there))))
		check.task.done += len(there)
	else:
		here = dict(check.local().of(pairs_in(check, set(numbers))))
		if check.part_wanted:
			# of everything the sums have counted them
			check.task.done += len(there)
	names = [name for name, digest in there.items() if here.get(name) != digest]
	names += [name for name in here if name not in there]
	check.task.place["left"] = place["left"][len(numbers) :]
	if check.since:
		remember(check, names, there)
	else:
		check.task.place["suspects"] = [[name, 0] for name in names]


def pairs_in(check: Comparison, numbers: set[int]) -> list[Pair]:
	found, after, buckets = [], ("", ""), check.task.place["buckets"]
	while pairs := check.local().pairs(after):
		found += [pair for pair in pairs if digests.bucket_of(pair.remote, buckets) in numbers]
		after = pairs[-1].place
	return found

"""Trouble that is seen minute after minute -> episodes that begin and end. Pure: counts, not clocks.

An episode begins when its trouble was there for some looks in a row, and is over when it was gone for some in a row: a
line that comes and goes is one episode, and a clock that jumps begins none. What begins with the same look and is of
the same kind is one episode, so that a network that is down makes one alert and not one for each site.

It is over when all of its sites are back. One that is back for long enough leaves it before: where it falls out again while others are
still away, that is news.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

UNREACHABLE, NOT_PULLING, BEHIND, FAILED, SILENT, RESTORED, DOCTOR = (
	"Producer Unreachable",
	"Not Pulling",
	"Events Behind",
	"Events Failed",
	"Consumer Silent",
	"Producer Restored",
	"Found by the Doctor",
)
KINDS = (UNREACHABLE, NOT_PULLING, BEHIND, FAILED, SILENT, RESTORED, DOCTOR)
# looks in a row, about a minute each; where a broker gives the events, five minutes may pass between two contacts with a producer
LOOKS_TO_BEGIN = {
	UNREACHABLE: 3,
	NOT_PULLING: 8,
	BEHIND: 15,
	FAILED: 2,
	SILENT: 3,
	RESTORED: 1,
	DOCTOR: 1,
}
LOOKS_TO_END = 15


@dataclass(frozen=True)
class Trouble:
	"""One trouble with one site, as it is now; `text` is for a person."""

	kind: str
	site: str
	text: str

	@property
	def key(self) -> str:
		return f"{self.kind}|{self.site}"


@dataclass(frozen=True)
class Episode:
	"""An episode that is going on: `name` is that of its document."""

	name: str
	kind: str
	sites: tuple[str, ...]

	@property
	def keys(self) -> list[str]:
		return [f"{self.kind}|{site}" for site in self.sites]


@dataclass(frozen=True)
class Step:
	"""What a look leads to. `counts` is to be remembered until the next one; if it is lost, it only takes longer."""

	begin: list[list[Trouble]] = field(default_factory=list)
	end: list[Episode] = field(default_factory=list)
	# what is left of an episode that some of its sites have left: those that are still in trouble, or were so just now
	left: list[Episode] = field(default_factory=list)
	counts: dict[str, int] = field(default_factory=dict)


def look(troubles: Iterable[Trouble], going_on: Iterable[Episode], counts: Mapping[str, int]) -> Step:
	"""What begins, what is over, and what is over for some of its sites, after another look."""
	now = {trouble.key: trouble for trouble in troubles}
	going_on = list(going_on)
	known = {key for episode in going_on for key in episode.keys}
	step = Step()
	ripe: dict[str, list[Trouble]] = {}
	for key, trouble in now.items():
		if key in known:
			continue
		seen = counts.get(key, 0) + 1
		if seen >= LOOKS_TO_BEGIN[trouble.kind]:
			ripe.setdefault(trouble.kind, []).append(trouble)
		else:
			step.counts[key] = seen
	step.begin.extend(ripe.values())
	for episode in going_on:
		gone = [0 if key in now else counts.get(key, 0) + 1 for key in episode.keys]
		stay = [pair for pair in zip(episode.sites, gone, strict=True) if pair[1] < LOOKS_TO_END]
		if not stay:
			step.end.append(episode)
			continue
		left = replace(episode, sites=tuple(site for site, _count in stay))
		if left.sites != episode.sites:
			step.left.append(left)
		step.counts.update({key: count for key, (_site, count) in zip(left.keys, stay, strict=True) if count})
	return step

"""Pure: pairs of remote and local documents whose values are equal, and unique on both sides."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

from event_streaming.wire.matching import Values, says_something


@dataclass
class Pairs:
	"""What came of comparing two sites. All of it by name: remote ones in `linked`, `only_there`; local ones in `only_here`."""

	# remote name -> local name, linked before
	linked: dict[str, str] = field(default_factory=dict)
	# remote name -> local name, found now
	found: dict[str, str] = field(default_factory=dict)
	# what more than one document has: (values, names there, names here)
	ambiguous: list[tuple[Values, list[str], list[str]]] = field(default_factory=list)
	# remote name -> local name that stands for another remote document already
	taken: dict[str, str] = field(default_factory=dict)
	only_there: list[str] = field(default_factory=list)
	only_here: list[str] = field(default_factory=list)


def pair(
	there: Mapping[str, Values],
	here: Mapping[str, Values],
	linked: Mapping[str, str],
	taken: Collection[str],
) -> Pairs:
	"""Compare the documents of both sites by their values.

	`linked` are remote documents that have a local one (remote name -> local name), whatever their values; `taken` are local
	names that stand for any remote document. A value that is there twice is ambiguous even if one of the two is linked
	already: nobody knows which of them was meant.
	"""
	result = Pairs(linked={name: linked[name] for name in there if name in linked})
	by_values_there, by_values_here = _by_values(there), _by_values(here)
	seen_here: set[str] = set(result.linked.values())
	for values, names in by_values_there.items():
		open_names = [name for name in names if name not in linked]
		local = by_values_here.get(values, [])
		if not open_names:
			continue
		if not local:
			result.only_there += open_names
		elif len(names) > 1 or len(local) > 1:
			result.ambiguous.append((values, names, local))
			seen_here.update(local)
		elif local[0] in taken:
			result.taken[names[0]] = local[0]
			seen_here.add(local[0])
		else:
			result.found[names[0]] = local[0]
			seen_here.add(local[0])
	result.only_there += [name for name in there if name not in linked and not says_something(there[name])]
	result.only_here = [name for name in here if name not in seen_here and name not in taken]
	return result


def _by_values(documents: Mapping[str, Values]) -> dict[Values, list[str]]:
	"""Documents whose values say something, by these."""
	grouped: dict[Values, list[str]] = {}
	for name, values in documents.items():
		if says_something(values):
			grouped.setdefault(values, []).append(name)
	return grouped

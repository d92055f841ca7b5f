"""Pure: an order in which every document comes after what it needs, and the needs that a cycle makes impossible.

It knows nothing of documents: keys, and which key needs which.
"""

from collections.abc import Hashable, Iterator, Mapping
from typing import TypeVar

Key = TypeVar("Key", bound=Hashable)
Needs = Mapping[Key, Mapping[Key, bool]]


def order_by_need(needs: Needs, last: Key | None = None) -> tuple[list[Key], set[tuple[Key, Key]]]:
	"""The keys, each after those it needs; and the pairs (key, needed key) that had to be cut to break cycles.

	`needs` says for each key what it needs and whether it can't do without. What is needed but no key of `needs`
	itself is taken to be there already. Of a cycle, those needs are cut that can be done without, where there are any; among
	keys that can do without as much, `last` goes last. The same input gives the same output.
	"""
	ordered: list[Key] = []
	cut: set[tuple[Key, Key]] = set()
	for component in components(needs):
		order_component(component, needs, ordered, cut, last)
	return ordered, cut


def order_component(
	component: list[Key], needs: Needs, ordered: list[Key], cut: set[tuple[Key, Key]], last: Key | None
) -> None:
	"""Order keys that all need one another, one at a time: the one that gives up least goes first."""
	waiting = {
		key: {other: needs[key][other] for other in needs[key] if other in set(component)}
		for key in component
	}
	while waiting:
		key = min(waiting, key=lambda each: (sum(waiting[each].values()), each == last, len(waiting[each])))
		cut.update((key, other) for other in waiting.pop(key))
		ordered.append(key)
		for others in waiting.values():
			others.pop(key, None)


def components(needs: Needs) -> Iterator[list[Key]]:
	"""Tarjan's strongly connected components, without recursion; a component comes after those that it needs."""
	index: dict[Key, int] = {}
	lowest: dict[Key, int] = {}
	stack: list[Key] = []
	on_stack: set[Key] = set()
	for start in needs:
		if start in index:
			continue
		trail = [(start, iter(needs[start]))]
		index[start] = lowest[start] = len(index)
		stack.append(start)
		on_stack.add(start)
		while trail:
			key, others = trail[-1]
			for other in others:
				if other not in needs:
					continue
				if other not in index:
					index[other] = lowest[other] = len(index)
					stack.append(other)
					on_stack.add(other)
					trail.append((other, iter(needs[other])))
					break
				if other in on_stack:
					lowest[key] = min(lowest[key], index[other])
			else:
				trail.pop()
				if trail:
					lowest[trail[-1][0]] = min(lowest[trail[-1][0]], lowest[key])
				if lowest[key] == index[key]:
					yield take_component(key, stack, on_stack)


def take_component(key: Key, stack: list[Key], on_stack: set[Key]) -> list[Key]:
	component = []
	while True:
		other = stack.pop()
		on_stack.discard(other)
		component.append(other)
		if other == key:
			return component[::-1]

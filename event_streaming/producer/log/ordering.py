"""Pure: the order in which committed events get their positions, so that those of one transaction stand side by side.

Names are taken as events are written, so those of two transactions that are open at the same time stand between each other. Each
transaction is put where its last event stands. That keeps the order of each document's changes: whoever changes a document that
another transaction has changed waits for that one's commit, so all its later names, the last one too, come after all of the other's.
The same holds for any part of a transaction: one may be divided anywhere.
"""

from collections import Counter
from collections.abc import Collection, Sequence

# name of an event, and the transaction that it was made in ("": nothing is known)
Row = tuple[int, str]


def in_order(rows: Sequence[Row], going_on: Collection[str]) -> list[int]:
	"""The names of `rows`, which come in their order, in the order of their positions.

	Transactions that are `going_on` after the last row wait for the rest of them, unless nothing else is there.
	"""
	ready = ([row for row in rows if row[1] not in going_on] or rows) if going_on else rows
	if _stand_together(ready):
		return [name for name, _transaction in ready]
	last = {transaction: name for name, transaction in rows if transaction}
	return [
		name for _place, name in sorted((last.get(transaction, name), name) for name, transaction in ready)
	]


def _stand_together(rows: Sequence[Row]) -> bool:
	"""Whether the events of each transaction stand side by side as they come, as they do where none has met another."""
	seen: set[str] = set()
	current = ""
	for _name, transaction in rows:
		if transaction == current:
			continue
		if transaction in seen:
			return False
		if transaction:
			seen.add(transaction)
		current = transaction
	return True


def small_ones(rows: Sequence[Row], most: int) -> set[str]:
	"""The transactions that have no more than so many of the rows."""
	found = Counter(transaction for _name, transaction in rows if transaction)
	return {transaction for transaction, count in found.items() if count <= most}

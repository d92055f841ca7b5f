"""Pure: which SQL statements a rehearsal lets through. What could end its transaction, or what no rollback takes back, is refused.

A list of what is allowed, not of what is not: a statement that nobody thought of is refused.
"""

import re
from collections.abc import Callable

ALLOWED = frozenset(
	(
		*("select", "insert", "update", "delete", "replace", "with", "values"),
		*("savepoint", "release", "rollback", "show", "describe", "desc", "explain", "set"),
	)
)
BEGINS = ("start", "begin")
ROLLBACK = "rollback"
# comments and brackets may stand before the first word
NOISE = re.compile(r"\A(?:\s+|\(|/\*.*?\*/|--[^\n]*\n|#[^\n]*\n)+", re.DOTALL)
FIRST_WORD = re.compile(r"[a-z]+")
# drivers may take several statements at once
SECOND = re.compile(
	r";\s*(?:commit|start|begin|create|alter|drop|truncate|rename|lock|unlock|grant|revoke|call|xa|set\s+autocommit)\b"
)
NEXT_NUMBER = re.compile(r"\bnextval\(\s*[`'\"]*(\w+)[`'\"]*\s*\)", re.IGNORECASE)


def first_word(query: str) -> str:
	"""What a statement is, in lower case; "" for none."""
	found = FIRST_WORD.match(NOISE.sub("", query[:10_000]).lower())
	return found.group() if found else ""


def is_whole_rollback(query: str) -> bool:
	"""Whether it undoes all of the transaction, not only what came after a savepoint."""
	return first_word(query) == ROLLBACK and " to " not in f" {' '.join(query.lower().split())} "


def is_refused(query: str, before: str = "") -> bool:
	"""Whether the statement may end the transaction; `before` is the one before it.

	A new transaction may only be begun right after the old one was rolled back: else that would commit it.
	"""
	word = first_word(query)
	if word in BEGINS:
		return not is_whole_rollback(before)
	lower = query.lower()
	return word not in ALLOWED or (word == "set" and "autocommit" in lower) or bool(SECOND.search(lower))


def numbered(query: str, next_number: Callable[[str], int]) -> str:
	"""The statement with numbers in the place of those that it would take from sequences, which no rollback gives back."""
	if "nextval" not in query.lower():
		return query
	return NEXT_NUMBER.sub(lambda found: str(next_number(found.group(1))), query)

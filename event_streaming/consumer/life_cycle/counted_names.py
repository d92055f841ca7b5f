"""Pure: whether a naming rule can have made a name, and which counter at which number it was then.

A rule is written as Frappe writes it: `SINV-.YYYY.-.#####`, `format:ORD-{YY}-{####}`, or a prefix and a number of digits.
A name that the rule can't have made says nothing; what stands at its end is never guessed at.
"""

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import lru_cache

# what Frappe puts in the place of these parts; JJJ is only Frappe 16's, and means itself under 15
DATES = {
	"YY": r"\d\d",
	"YYYY": r"\d{4}",
	"MM": r"(?:0[1-9]|1[0-2])",
	"DD": r"(?:0[1-9]|[12]\d|3[01])",
	"WW": r"[0-5]\d",
	"JJJ": r"(?:[0-3]\d\d|JJJ)",
	"timestamp": r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d(?:\.\d+)?",
}
# as many digits fit into the counter's column, with room to count on
MOST_DIGITS = 9
IN_BRACES = re.compile(r"(\{[\w | #]+\})")

# the text that a part of a rule becomes which is no date and no number; None: that can't be told
Fill = Callable[[str], str | None]


@dataclass(frozen=True)
class Rule:
	"""What stands before the number and after it, as patterns, and the number's digits. `key` names the counter where the
	text before the number does not."""

	before: str
	digits: int
	after: str = ""
	key: str | None = None


def rule_of_series(series: str, fill: Fill) -> Rule | None:
	"""The rule that a naming series is: parts with dots between them, five digits where it has none."""
	if "#" not in series:
		series += ".#####"
	before, after, digits = [], [], 0
	for part in filter(None, series.split(".")):
		if part.startswith("#"):
			# only the first one counts, any other is empty
			digits = digits or len(part)
			continue
		pattern = pattern_of(part, fill)
		if pattern is None:
			return None
		(after if digits else before).append(pattern)
	return Rule("".join(before), digits, "".join(after)) if digits else None


def rule_of_format(text: str, fill: Fill) -> Rule | None:
	"""The rule of `format:`, with parts in braces. Frappe counts for all of these with one counter, which has no name."""
	before, after, digits = [], [], 0
	for literal, part in pieces_of_format(text):
		if not part:
			pattern = literal
		elif part.startswith("#"):
			if digits:
				# each number would be counted by itself
				return None
			digits = len(part)
			continue
		else:
			pattern = pattern_of(part, fill)
		if pattern is None:
			return None
		(after if digits else before).append(pattern)
	return Rule("".join(before), digits, "".join(after), key="") if digits else None


@lru_cache(maxsize=512)
def pieces_of_format(text: str) -> list[tuple[str, str]]:
	"""(pattern, "") for text that means itself, ("", part) for what stands in braces."""
	pieces = []
	for piece in IN_BRACES.split(text.split(":", 1)[1]):
		part = piece[1:-1] if IN_BRACES.fullmatch(piece) else ""
		pieces.append(("", part) if part else (re.escape(piece), ""))
	return pieces


def pattern_of(part: str, fill: Fill) -> str | None:
	if part in DATES:
		return DATES[part]
	text = fill(part)
	return None if text is None else re.escape(text)


def number_in(name: str, rule: Rule) -> tuple[str, int] | None:
	"""The counter and the number that make the name; None when the rule can't have made it."""
	found = compiled(rule).fullmatch(name)
	if not found:
		return None
	before, number = found.group("before", "number")
	if len(number) > MOST_DIGITS or not int(number):
		return None
	return (before if rule.key is None else rule.key), int(number)


def numbers_in(name: str, rules: Iterable[Rule]) -> dict[str, int]:
	"""The same for several rules: each that can have made the name must not make it again."""
	found: dict[str, int] = {}
	for rule in rules:
		if match := number_in(name, rule):
			found[match[0]] = max(match[1], found.get(match[0], 0))
	return found


@lru_cache(maxsize=512)
def compiled(rule: Rule) -> re.Pattern:
	# a number has as many digits as the rule says, and more only when they are needed
	digits = rule.digits
	return re.compile(
		rf"(?P<before>{rule.before})(?P<number>\d{{{digits}}}|[1-9]\d{{{digits},}}){rule.after}", re.DOTALL
	)

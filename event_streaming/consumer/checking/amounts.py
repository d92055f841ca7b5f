"""Pure: how much a first copy of a DocType will bring, and how long it will take."""

from dataclasses import dataclass
from typing import Any

# fewer say little of how fast it goes
ENOUGH_TRIED = 3


@dataclass(frozen=True)
class Amount:
	"""Of one DocType. `documents` are at most so many; the others are None where they can't be told."""

	doctype: str
	documents: int
	megabytes: float | None
	minutes: float | None

	def as_dict(self) -> dict[str, Any]:
		return {
			"doctype": self.doctype,
			"documents": self.documents,
			"megabytes": self.megabytes,
			"minutes": self.minutes,
		}


def amount_of(
	doctype: str, documents: int, sampled: int, sampled_bytes: int, tried: int, seconds: float, earlier: float
) -> Amount:
	"""`sampled` documents have `sampled_bytes`; `tried` of them were applied in `seconds`; `earlier` is how many a second the last
	copy has brought, 0 for none."""
	megabytes = documents * sampled_bytes / sampled / 1_000_000 if sampled else None
	rate = tried / seconds if tried >= ENOUGH_TRIED and seconds > 0 else earlier
	minutes = documents / rate / 60 if rate > 0 else None
	if not documents:
		megabytes = minutes = 0.0
	return Amount(
		doctype,
		documents,
		None if megabytes is None else round(megabytes, 2),
		None if minutes is None else round(minutes, 1),
	)


def in_all(amounts: list[dict[str, Any]]) -> dict[str, Any]:
	"""The sum of several; None where it can't be told of one."""

	def sum_of(what: str, digits: int) -> float | None:
		values = [each[what] for each in amounts]
		return None if None in values else round(sum(values), digits)

	return {
		"documents": sum(each["documents"] for each in amounts),
		"megabytes": sum_of("megabytes", 2),
		"minutes": sum_of("minutes", 1),
	}

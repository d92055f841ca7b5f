"""Pure: samples of two peers that took turns -> medians, their ratio and its spread."""

from dataclasses import asdict, dataclass, field
from statistics import median, quantiles
from typing import Any


@dataclass
class Figure:
	"""One measured value and what it is to be. `ratio` figures are what is quoted; the others explain them."""

	name: str
	value: float
	unit: str = "×"
	low: float | None = None
	high: float | None = None
	target: str = ""
	note: str = ""
	details: dict[str, Any] = field(default_factory=dict)

	def as_dict(self) -> dict[str, Any]:
		return asdict(self)


def ratio(
	name: str,
	above: list[float],
	below: list[float],
	target: str = "",
	note: str = "",
	unit_of_samples: str = "ms",
) -> Figure:
	"""`above` ÷ `below`, by medians. The spread is the middle half of the ratios of samples taken one after the other."""
	pairs = [one / other for one, other in zip(above, below, strict=True) if other]
	low, high = middle_half(pairs)
	return Figure(
		name,
		median(above) / median(below),
		"×",
		low,
		high,
		target,
		note or f"{median(above):.3g} ÷ {median(below):.3g} {unit_of_samples}",
		{"above": above, "below": below, "unit": unit_of_samples},
	)


def single(name: str, samples: list[float], unit: str, target: str = "", note: str = "") -> Figure:
	"""The median of samples of one kind."""
	low, high = middle_half(samples)
	return Figure(name, median(samples), unit, low, high, target, note, {"samples": samples})


def middle_half(samples: list[float]) -> tuple[float, float]:
	"""The first and the third quartile."""
	if len(samples) < 2:
		return samples[0], samples[0]
	first, _middle, third = quantiles(samples, n=4)
	return first, third

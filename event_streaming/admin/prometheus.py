"""The text format in which Prometheus reads metrics: plain numbers in, text out. Pure.

https://prometheus.io/docs/instrumenting/exposition_formats/#text-based-format
"""

import math
from collections.abc import Iterable
from dataclasses import dataclass, field

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
GAUGE, COUNTER = "gauge", "counter"

Labels = dict[str, str]


@dataclass
class Metric:
	"""One metric: its name, what it is, and a value for each set of labels. A value of None is left out."""

	name: str
	help: str
	type: str = GAUGE
	samples: list[tuple[Labels, float | None]] = field(default_factory=list)

	def add(self, value: float | None, **labels: str) -> None:
		self.samples.append((labels, value))


def exposition(metrics: Iterable[Metric]) -> str:
	"""The whole answer. A metric without a value is left out altogether."""
	lines = []
	for metric in metrics:
		samples = [(labels, value) for labels, value in metric.samples if value is not None]
		if not samples:
			continue
		lines.append(f"# HELP {metric.name} {escaped_help(metric.help)}")
		lines.append(f"# TYPE {metric.name} {metric.type}")
		lines += [f"{metric.name}{label_text(labels)} {number(value)}" for labels, value in samples]
	return "".join(f"{line}\n" for line in lines)


def label_text(labels: Labels) -> str:
	if not labels:
		return ""
	return "{" + ",".join(f'{name}="{escaped_label(str(value))}"' for name, value in labels.items()) + "}"


def escaped_label(text: str) -> str:
	return text.replace("\\", "\\\\").replace("\n", "\\n").replace('"', '\\"')


def escaped_help(text: str) -> str:
	return text.replace("\\", "\\\\").replace("\n", "\\n")


def number(value: float) -> str:
	"""Whole numbers as they are, others as short as they can be read back, and Go's words for what is none."""
	if isinstance(value, bool | int):
		return str(int(value))
	if math.isnan(value):
		return "NaN"
	if math.isinf(value):
		return "+Inf" if value > 0 else "-Inf"
	return repr(value)

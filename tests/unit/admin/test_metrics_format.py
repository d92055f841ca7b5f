"""Numbers -> the text that Prometheus reads."""

import math
import re

import pytest

from event_streaming.admin.prometheus import COUNTER, Metric, exposition

# a line that is no comment, as the format's own grammar has it
SAMPLE = re.compile(
	r'[a-zA-Z_:][a-zA-Z0-9_:]*(\{[a-zA-Z_][a-zA-Z0-9_]*="(\\\\|\\n|\\"|[^\\"\n])*"'
	r'(,[a-zA-Z_][a-zA-Z0-9_]*="(\\\\|\\n|\\"|[^\\"\n])*")*\})? (NaN|[+-]Inf|-?[0-9.e+-]+)'
)
NASTY = 'back\\slash "quote"\nnew line } , = ไทย'


def metric(value=1, name="thing", type="gauge", help="What it is.", **labels) -> Metric:
	made = Metric(name, help, type)
	made.add(value, **labels)
	return made


def test_a_metric_says_what_it_is_before_its_values():
	made = metric(3, "things_total", COUNTER, producer="https://a.example")
	made.add(4, producer="https://b.example")

	assert exposition([made]) == (
		"# HELP things_total What it is.\n"
		"# TYPE things_total counter\n"
		'things_total{producer="https://a.example"} 3\n'
		'things_total{producer="https://b.example"} 4\n'
	)


def test_nothing_in_a_label_or_a_help_can_break_out_of_its_line():
	text = exposition([metric(site=NASTY, other=NASTY, help=NASTY)])

	help_line, _type, sample = text.splitlines()
	assert help_line == '# HELP thing back\\\\slash "quote"\\nnew line } , = ไทย'
	assert SAMPLE.fullmatch(sample)
	assert '\\\\slash \\"quote\\"\\nnew' in sample


@pytest.mark.parametrize(
	("value", "text"),
	[
		(True, "1"),
		(False, "0"),
		(12345678901234567, "12345678901234567"),
		(1764000000.25, "1764000000.25"),
		(0.1, "0.1"),
		(math.nan, "NaN"),
		(math.inf, "+Inf"),
		(-math.inf, "-Inf"),
	],
)
def test_numbers_are_written_so_that_they_can_be_read_back(value, text):
	sample = exposition([metric(value)]).splitlines()[-1]

	assert sample == f"thing {text}"
	assert SAMPLE.fullmatch(sample)


def test_what_has_no_value_is_left_out():
	assert exposition([metric(None), Metric("empty", "Nothing.")]) == ""

"""The pairs of a value map are read from a CSV file."""

import pytest

from event_streaming.consumer.mapping.value_maps import parse_pairs


@pytest.mark.parametrize(
	"content",
	[
		"Head Office,HO Ltd\nBranch,BR Ltd\n",
		"Remote Value,Local Value\r\nHead Office,HO Ltd\r\nBranch,BR Ltd\r\n",
		"\ufeffremote;local\nHead Office;HO Ltd\n\nBranch;BR Ltd",
		"Head Office\tHO Ltd\nBranch\t BR Ltd \t\n",
		'"Head Office","HO Ltd"\n"Branch","BR Ltd"',
	],
)
def test_pairs_are_read_whatever_program_wrote_them(content):
	assert parse_pairs(content) == [("Head Office", "HO Ltd"), ("Branch", "BR Ltd")]


def test_a_value_may_hold_the_separator_and_the_local_one_may_be_empty():
	assert parse_pairs('"Smith, John",Smith\nNobody,') == [("Smith, John", "Smith"), ("Nobody", "")]


@pytest.mark.parametrize(
	("content", "problem"),
	[
		("", "no line"),
		("Remote Value,Local Value\n", "no line"),
		("a,b\nc\n", "line 2: two values are needed"),
		("a,b,c\n", "line 1: two values are needed, there are 3"),
		("a,b\n,c\n", "line 2: the remote value is empty"),
		("a,b\nc,d\na,e\n", "line 3: a stands in line 1 already"),
		(f"a,{'b' * 141}\n", "line 1: a value is longer"),
	],
)
def test_what_is_wrong_is_said_with_the_line(content, problem):
	with pytest.raises(ValueError, match=problem):
		parse_pairs(content)

"""Pure: the pairs of a value map, read from a CSV file."""

import csv
import io

DELIMITERS = ",;\t"
MAX_VALUE = 140
HEADERS = {"remote value", "remote", "remote_value"}


def parse_pairs(content: str) -> list[tuple[str, str]]:
	"""(remote value, local value) of each line; a first line that names the columns is passed over.

	Comma, semicolon and tab separate. Raises ValueError with the number of the line that is wrong.
	"""
	content = content.lstrip("\ufeff")
	pairs: list[tuple[str, str]] = []
	first: dict[str, int] = {}
	reader = csv.reader(io.StringIO(content), delimiter=delimiter_of(content))
	for cells in reader:
		cells = [cell.strip() for cell in cells]
		if not any(cells) or (not pairs and cells[0].casefold() in HEADERS):
			continue
		remote_value, local_value = read_line(cells, reader.line_num)
		if remote_value in first:
			raise ValueError(
				f"line {reader.line_num}: {remote_value} stands in line {first[remote_value]} already"
			)
		first[remote_value] = reader.line_num
		pairs.append((remote_value, local_value))
	if not pairs:
		raise ValueError("there is no line with two values")
	return pairs


def read_line(cells: list[str], line: int) -> tuple[str, str]:
	while len(cells) > 2 and not cells[-1]:
		cells = cells[:-1]
	if len(cells) != 2:
		raise ValueError(f"line {line}: two values are needed, there are {len(cells)}")
	if not cells[0]:
		raise ValueError(f"line {line}: the remote value is empty")
	if max(map(len, cells)) > MAX_VALUE:
		raise ValueError(f"line {line}: a value is longer than {MAX_VALUE} characters")
	return cells[0], cells[1]


def delimiter_of(content: str) -> str:
	"""The separator that the first line has most of."""
	line = content.strip().partition("\n")[0]
	return max(DELIMITERS, key=line.count)

"""Pure: the CSV file of sites to invite, one a line.

The first line names the columns: `site`, and as many as are wanted of `address`, `recipe`, `doctypes` (separated by ;),
`both_directions`, `expires_in_hours`. What a line leaves empty is as the command says it for all.
"""

import csv
import io
from dataclasses import dataclass, field
from typing import Any

MOST_LINES = 1_000
COLUMNS = ("site", "address", "recipe", "doctypes", "both_directions", "expires_in_hours")
YES, NO = ("1", "yes", "true", "y"), ("0", "no", "false", "n")


class WrongLines(ValueError):
	"""The file is not such a one; the message has each mistake with the number of its line."""


@dataclass(frozen=True)
class Line:
	"""One site; `values` are arguments of an invitation."""

	number: int
	values: dict[str, Any] = field(default_factory=dict)


def read_lines(content: str) -> list[Line]:
	"""The sites of a file. Raises WrongLines with all mistakes."""
	reader = csv.DictReader(io.StringIO(content.lstrip("\ufeff")), strict=True)
	try:
		columns = [name.strip().lower() for name in reader.fieldnames or ()]
		rows = [(reader.line_num, row) for row in reader]
	except csv.Error as error:
		raise WrongLines(f"it is no CSV file ({error})") from None
	if "site" not in columns or (unknown := [name for name in columns if name not in COLUMNS]):
		raise WrongLines(
			f"line 1: name the column site, and of these what is wanted: {', '.join(COLUMNS[1:])}"
			+ (f"; not known: {', '.join(unknown)}" if "site" in columns else "")
		)
	reader.fieldnames = columns
	found, mistakes, seen = [], [], {}
	for number, row in rows:
		given = {str(key or "").strip().lower(): (value or "").strip() for key, value in row.items() if key}
		if None in row:
			mistakes.append(f"line {number}: there are more values than columns")
		values, problem = _values(given)
		if values["invited"] in seen:
			problem = problem or f"{values['invited']} stands in line {seen[values['invited']]} already"
		if problem:
			mistakes.append(f"line {number}: {problem}")
		seen.setdefault(values["invited"], number)
		found.append(Line(number, values))
	if not rows or len(rows) > MOST_LINES:
		mistakes.append(f"there have to be from 1 to {MOST_LINES} sites")
	if mistakes:
		raise WrongLines("\n".join(mistakes))
	return found


def _values(given: dict[str, str]) -> tuple[dict[str, Any], str]:
	values: dict[str, Any] = {"invited": given["site"]}
	problem = "" if given["site"] else "the site has no name"
	if given.get("recipe") and given.get("doctypes"):
		problem = "it has a recipe and doctypes: one of both"
	if given.get("address"):
		values["only_address"] = given["address"]
	if given.get("recipe"):
		values.update(recipe=given["recipe"], doctypes=None)
	if given.get("doctypes"):
		names = [name.strip() for name in given["doctypes"].split(";")]
		values.update(doctypes=[name for name in names if name], recipe=None)
	if both := given.get("both_directions", "").lower():
		if both not in (*YES, *NO):
			problem = "both_directions must be yes or no"
		values["both_directions"] = both in YES
	if hours := given.get("expires_in_hours"):
		if not hours.isdecimal():
			problem = "expires_in_hours must be a whole number"
		else:
			values["expires_in_hours"] = int(hours)
	return values, problem


def as_csv(rows: list[dict[str, Any]]) -> str:
	"""What was made, as a file: site, invitation, expires_on, code."""
	out = io.StringIO()
	writer = csv.DictWriter(out, ("site", "invitation", "expires_on", "code"), lineterminator="\n")
	writer.writeheader()
	writer.writerows(rows)
	return out.getvalue()

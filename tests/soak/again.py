"""Runs that are over: `python -m tests.soak.again FOLDER` checks the evidence of one again; without a folder it sums all of them up.

The sum is a table as docs/reliability.md has it, and how many steps and minutes that were.
"""

import json
import sys
from pathlib import Path

from sandbox.paths import work_folder
from tests.soak.checker import check
from tests.soak.evidence import evidence_from
from tests.soak.history import NOTHING

RESULT = "result.json"


def main() -> int:
	if len(sys.argv) < 2:
		print("\n".join(summed_up(all_results(work_folder() / "storms"))))
		return 0
	findings = check(evidence_from(json.loads((Path(sys.argv[1]) / "evidence.json").read_text())))
	print("\n".join(map(str, findings)) or "nothing found")
	return int(bool(findings))


def all_results(folder: Path) -> list[dict]:
	"""Of the runs that came to their end, the oldest first. A folder is named after the time of the day; files have the date."""
	files = sorted(folder.glob(f"*/{RESULT}"), key=lambda file: file.stat().st_mtime)
	return [json.loads(file.read_text()) for file in files]


def summed_up(results: list[dict]) -> list[str]:
	rows = [
		"| run | steps | states kept | events taken | faults | found |",
		"| --- | --- | --- | --- | --- | --- |",
	]
	for each in results:
		what = f"{each['shape']}, {each['seconds']} s, {each['faults']}, seed {each['seed']}"
		what += f", with {each['kinds']}" if each.get("kinds", "none") != "none" else ""
		what += f", on {each['database']}" if each.get("database") else ""
		figures = (f"{each[key]:,}" for key in ("steps", "states", "events", "struck"))
		rows.append(f"| {what} | {' | '.join(figures)} | {'; '.join(each['found']) or 'nothing'} |")
	steps, seconds = (sum(each[key] for each in results) for key in ("steps", "seconds"))
	idle = sum(each["outcomes"].get(NOTHING, 0) for each in results)
	rows.append(
		f"{len(results)} runs: {steps:,} steps in {seconds / 60:.0f} minutes of work; with {idle:,} of them there was nothing to do"
	)
	return rows


if __name__ == "__main__":
	sys.exit(main())

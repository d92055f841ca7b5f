"""Frappe's rules for semgrep, with our exceptions: `semgrep scan --json … | python -m tools.semgrep_findings`.

The rules are Frappe's own repository (frappe/semgrep-rules) and no part of this one: `make semgrep SEMGREP_RULES=…` names a copy.
What is meant is listed with its reason in semgrep_exceptions.toml, and not on each of a hundred lines.
"""

import json
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path

import tomllib

EXCEPTIONS = Path(__file__).with_name("semgrep_exceptions.toml")


@dataclass(frozen=True)
class Finding:
	rule: str
	file: str
	line: int


@dataclass(frozen=True)
class Exception_:
	"""Files, as patterns, in which a rule's findings are meant."""

	rule: str
	file: str

	def covers(self, finding: Finding) -> bool:
		return finding.rule == self.rule and fnmatchcase(finding.file, self.file)


def findings_of(report: dict) -> list[Finding]:
	"""What semgrep's JSON says; a rule's name comes with the folders that it lies in. A file that semgrep could not read is an error."""
	if errors := [error for error in report.get("errors", ()) if error.get("level") == "error"]:
		raise ValueError(f"semgrep met errors: {errors[0].get('message')}")
	return [
		Finding(
			result["check_id"].rpartition(".")[2], result["path"].removeprefix("./"), result["start"]["line"]
		)
		for result in report["results"]
	]


def exceptions_of(text: str) -> list[Exception_]:
	"""The list of exceptions; each has to have its reason."""
	found = []
	for entry in tomllib.loads(text)["exception"]:
		if not entry.get("reason", "").strip():
			raise ValueError(f"an exception of {entry['rule']} has no reason")
		found += [Exception_(entry["rule"], file) for file in entry["files"]]
	return found


def problems(findings: Iterable[Finding], exceptions: Iterable[Exception_]) -> list[str]:
	"""One line for each finding without an exception and for each exception without a finding."""
	findings, exceptions = list(findings), list(exceptions)
	lines = [
		f"{finding.file}:{finding.line}: {finding.rule}"
		for finding in findings
		if not any(exception.covers(finding) for exception in exceptions)
	]
	lines += [
		f"{EXCEPTIONS.name}: {exception.rule} is not found in {exception.file} any more"
		for exception in exceptions
		if not any(exception.covers(finding) for finding in findings)
	]
	return lines


def main() -> None:
	findings = findings_of(json.load(sys.stdin))
	lines = problems(findings, exceptions_of(EXCEPTIONS.read_text(encoding="utf-8")))
	print("\n".join(lines) or f"Nothing new: {len(findings)} findings, each with its reason.")
	sys.exit(bool(lines))


if __name__ == "__main__":
	main()

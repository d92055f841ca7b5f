"""Findings of semgrep are compared with the list of those that are meant."""

import pytest

from tools.semgrep_findings import EXCEPTIONS, Exception_, Finding, exceptions_of, findings_of, problems

COMMIT = "frappe-manual-commit"


def test_the_name_of_a_rule_is_read_without_the_folder_it_lies_in():
	result = {"check_id": f"tmp.rules.{COMMIT}", "path": "./event_streaming/api.py", "start": {"line": 7}}

	assert findings_of({"results": [result]}) == [Finding(COMMIT, "event_streaming/api.py", 7)]


def test_a_scan_that_met_an_error_is_not_taken_for_a_clean_one():
	with pytest.raises(ValueError, match="no such file"):
		findings_of({"results": [], "errors": [{"level": "error", "message": "no such file"}]})


def test_a_finding_without_an_exception_and_an_exception_without_a_finding_are_problems():
	findings = [Finding(COMMIT, "event_streaming/consumer/pull/loop.py", 3), Finding(COMMIT, "other.py", 4)]
	exceptions = [Exception_(COMMIT, "event_streaming/consumer/*"), Exception_("another-rule", "other.py")]

	assert problems(findings, exceptions) == [
		f"other.py:4: {COMMIT}",
		"semgrep_exceptions.toml: another-rule is not found in other.py any more",
	]
	assert not problems(findings[:1], exceptions[:1])


def test_an_exception_has_a_reason():
	with pytest.raises(ValueError, match="no reason"):
		exceptions_of('[[exception]]\nrule = "a"\nfiles = ["b"]\nreason = " "')


def test_the_list_can_be_read_and_names_files_that_are_there():
	for exception in exceptions_of(EXCEPTIONS.read_text()):
		assert list(EXCEPTIONS.parents[1].glob(exception.file.removesuffix("/*"))), exception

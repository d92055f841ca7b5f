"""What holds each module against mutants is there, and each module of the packages has something."""

import pytest

from sandbox.paths import PROJECT
from tools.mutants.targets import PACKAGES, held_by
from tools.mutants.trying import told

MODULES = [
	str(path.relative_to(PROJECT))
	for package in PACKAGES
	for path in sorted((PROJECT / package).glob("*.py"))
	if path.name != "__init__.py"
]


@pytest.mark.parametrize("module", MODULES)
def test_the_tests_that_hold_a_module_are_there(module):
	for each in held_by(module):
		assert (PROJECT / each).exists(), each


def test_what_survives_is_said():
	mutant = {"module": "event_streaming/a/b.py", "line": 7, "was": "a == b", "now": "a != b", "seconds": 3}

	assert told({**mutant, "killed_by": ""}) == "a/b.py:7: a == b  ->  a != b: SURVIVED (3 s)"
	assert told({**mutant, "killed_by": "tests/x.py::y"}).endswith("killed by tests/x.py::y (3 s)")

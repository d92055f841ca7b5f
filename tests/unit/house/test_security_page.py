"""docs/security.md says what is stopped, and names the tests that show it: each is there."""

import re
from pathlib import Path

PROJECT = Path(__file__).resolve().parents[3]


def test_each_test_that_the_page_names_is_there():
	named = set(re.findall(r"`(test_\w+)`", (PROJECT / "docs" / "security.md").read_text()))
	found = set()
	for file in (PROJECT / "tests").rglob("test_*.py"):
		found.update(re.findall(r"^def (test_\w+)", file.read_text(), re.MULTILINE))
		found.add(file.stem)

	assert len(named) > 30
	assert not {name for name in named if name.removesuffix(".py") not in found}

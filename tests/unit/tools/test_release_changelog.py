"""What a release asks of CHANGELOG.md, of the version and of the packages."""

import pytest

from tools.release.changelog import ReleaseError, check_bump, order_of, section_for, sections
from tools.release.packages import NEEDED, wrong_with

CHANGELOG = """# Changelog

## [Unreleased]

## [1.1.0] - 2026-12-01

### Added

- One thing, which takes
  two lines.

## [1.0.0] - 2026-11-01

- The first.
"""


def test_sections_are_read_in_their_order_with_what_they_say():
	found = sections(CHANGELOG)

	assert [(section.version, section.when) for section in found] == [
		("Unreleased", ""),
		("1.1.0", "2026-12-01"),
		("1.0.0", "2026-11-01"),
	]
	assert found[1].body == "### Added\n\n- One thing, which takes\n  two lines."


def test_the_section_of_the_version_is_the_first():
	assert section_for(CHANGELOG, "1.1.0").when == "2026-12-01"
	for version in ("1.0.0", "1.2.0"):
		with pytest.raises(ReleaseError, match=r"first section of CHANGELOG\.md is 1\.1\.0"):
			section_for(CHANGELOG, version)
	with pytest.raises(ReleaseError, match="missing"):
		section_for("# Changelog\n", "1.0.0")


@pytest.mark.parametrize(
	("instead", "message"),
	[
		("## [1.1.0] - not released yet", 'no date but "not released yet"'),
		("## [1.1.0]", "no date"),
		("## [1.1.0] - 2026-13-01", "no date"),
		("- A line.\n\n## [1.1.0] - 2026-12-01", "under Unreleased"),
		("## [1.1.0] - 2026-12-01\n\nNothing.\n\n## [1.0.9] - 2026-11-30", "says nothing"),
	],
)
def test_a_section_that_is_not_ready_is_refused(instead, message):
	with pytest.raises(ReleaseError, match=message):
		section_for(CHANGELOG.replace("## [1.1.0] - 2026-12-01", instead), "1.1.0")


def test_versions_are_compared_as_numbers_and_what_is_not_final_comes_before():
	versions = ["1.0.0a1", "1.0.0b2", "1.0.0rc1", "1.0.0rc10", "1.0.0", "1.2.0", "1.10.0"]

	assert sorted(reversed(versions), key=order_of) == versions
	for no_version in ("1.0", "v1.0.0", "1.0.0-rc.1", "1.0.0.dev1", ""):
		with pytest.raises(ReleaseError, match="is no version"):
			order_of(no_version)


def test_a_version_is_released_once_and_none_after_a_newer_one():
	check_bump("1.1.0", ["v1.0.0", "v1.1.0rc1", "nightly", "verified"])
	with pytest.raises(ReleaseError, match=r"tag v1\.0\.0 already"):
		check_bump("1.0.0", ["v1.0.0"])
	with pytest.raises(ReleaseError, match=r"1\.10\.0 has been released"):
		check_bump("1.9.0", ["v1.0.0", "v1.10.0"])


def test_a_package_has_all_of_the_app_and_the_guides_and_nothing_of_the_tests():
	tracked = {*NEEDED, "docs/guide.md", "tests/conftest.py", "pyproject.toml", "CHANGELOG.md"}
	wheel = {*NEEDED, "event_streaming/docs/guide.md", "event_streaming-1.0.0.dist-info/METADATA"}

	assert not wrong_with(wheel, tracked, is_wheel=True)
	assert not wrong_with(tracked - {"tests/conftest.py"}, tracked, is_wheel=False)
	assert wrong_with({*wheel, "event_streaming/left_over.py"}, tracked, is_wheel=True) == [
		"is not in the repository: event_streaming/left_over.py"
	]
	assert wrong_with({*wheel, "tests/conftest.py"} - {NEEDED[0]}, tracked, is_wheel=True) == [
		f"is missing: {NEEDED[0]}",
		"does not belong there: tests/conftest.py",
	]

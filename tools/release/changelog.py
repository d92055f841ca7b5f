"""Versions and the sections of CHANGELOG.md: plain text in, plain data out.

A version is X.Y.Z, or X.Y.Z with a, b or rc and a number before it is final, as Python's packages spell it. A section begins with
`## [version] - date`; one that is not to be released yet has words in the date's place.
"""

import re
from dataclasses import dataclass
from datetime import date

VERSION = re.compile(r"(\d+)\.(\d+)\.(\d+)(?:(a|b|rc)(\d+))?")
HEADING = re.compile(r"^## \[(?P<version>[^\]]+)\](?: - (?P<when>.+?))?\s*$", re.M)


class ReleaseError(Exception):
	"""Why there is no release, and what to do."""


@dataclass(frozen=True)
class Section:
	version: str
	when: str
	body: str


def order_of(version: str) -> tuple:
	"""What versions are compared by: what is not final comes before what is. Raises ReleaseError for what is no version."""
	found = VERSION.fullmatch(version)
	if not found:
		raise ReleaseError(f"{version} is no version: write X.Y.Z, or X.Y.Zrc1 before it is final.")
	*numbers, stage, number = found.groups()
	return (*map(int, numbers), stage or "z", int(number or 0))


def sections(text: str) -> list[Section]:
	"""The sections of a changelog, the newest first, as they stand in it."""
	headings = list(HEADING.finditer(text))
	ends = [heading.start() for heading in headings[1:]] + [len(text)]
	return [
		Section(heading["version"], heading["when"] or "", text[heading.end() : end].strip())
		for heading, end in zip(headings, ends, strict=False)
	]


def section_for(text: str, version: str) -> Section:
	"""The section of the version that is to be released. Raises ReleaseError unless it is the first one, dated, and says something."""
	found = sections(text)
	newest = next((section for section in found if section.version.lower() != "unreleased"), None)
	if newest is None or newest.version != version:
		raise ReleaseError(
			f"The first section of CHANGELOG.md is {newest.version if newest else 'missing'}; write one for {version}."
		)
	try:
		date.fromisoformat(newest.when)
	except ValueError:
		raise ReleaseError(
			f'The section {version} of CHANGELOG.md has no date but "{newest.when}": write ## [{version}] - YYYY-MM-DD.'
		) from None
	if any(section.version.lower() == "unreleased" and section.body for section in found):
		raise ReleaseError(f"CHANGELOG.md has lines under Unreleased: move them to {version}.")
	if not re.search(r"^- ", newest.body, re.M):
		raise ReleaseError(f"The section {version} of CHANGELOG.md says nothing.")
	return newest


def check_bump(version: str, tags: list[str]) -> None:
	"""Raises ReleaseError if this version has been released, or a newer one has. Tags that name no version are passed over."""
	released = [
		tag.removeprefix("v") for tag in tags if tag[:1] == "v" and VERSION.fullmatch(tag.removeprefix("v"))
	]
	if version in released:
		raise ReleaseError(
			f"There is a tag v{version} already: raise __version__ in event_streaming/__init__.py."
		)
	newer = [other for other in released if order_of(other) > order_of(version)]
	if newer:
		raise ReleaseError(f"{max(newer, key=order_of)} has been released: {version} would be older.")

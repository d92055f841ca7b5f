"""Pure: the guides in docs/ cut into pages, one for each section, with their links mended.

The Desk shows the same files whole. A Thai page has the address and the anchors of its English one: both guides have the same
sections in the same order (a unit test holds that).
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

HEADING = re.compile(r"^(#{1,4}) (.+)$")
FENCE = re.compile(r"^(```|~~~)")
LINK = re.compile(r"(?<!!)\[((?:[^\[\]]|\[[^\]]*\])*)\]\(([^)\s]+)\)")
IMAGE = re.compile(r"!\[[^\]]*\]\(([^)\s]+)\)")
ABSOLUTE = re.compile(r"^(?:[a-z]+:|//)")
# the site has a switch for it
OTHER_LANGUAGE = re.compile(r"(?: ?\S*ภาษาไทย| ?English): ?\[[^\]]*\]\([\w.]*\.md\)\.?")


@dataclass
class Section:
	"""A heading and what stands below it, up to the next one."""

	level: int
	title: str
	lines: list[str] = field(default_factory=list)


@dataclass
class Page:
	"""One page of the site: its address without language and ending, its title, its sections."""

	address: str
	title: str
	sections: list[Section]


def anchor_of(title: str) -> str:
	"""As a code forge makes it, less the marks of Thai vowels, which not all write alike."""
	return re.sub(r"[^\w\s-]", "", title.lower()).strip().replace(" ", "-")


def sections_of(text: str) -> list[Section]:
	"""A file by its headings; those in blocks of code are none."""
	found: list[Section] = []
	fenced = False
	for line in text.splitlines():
		if FENCE.match(line):
			fenced = not fenced
		match = None if fenced else HEADING.match(line)
		if match:
			found.append(Section(len(match.group(1)), match.group(2)))
		elif found:
			found[-1].lines.append(line)
	return found


def pages_of(name: str, text: str, cut: bool, english: str = "") -> list[Page]:
	"""The pages of one file: with `cut` one for each section of the second level. `english` is the file whose addresses it takes."""
	own, model = sections_of(text), sections_of(english or text)
	if [each.level for each in own] != [each.level for each in model]:
		raise ValueError(f"{name}: the sections are not those of the English file")
	pages: list[Page] = []
	for section, same in zip(own, model, strict=True):
		if not pages or (cut and section.level == 2):
			address = f"{name}/{anchor_of(same.title)}" if pages else (f"{name}/index" if cut else name)
			pages.append(Page(address, section.title, []))
		pages[-1].sections.append(section)
	return pages


@dataclass(frozen=True)
class Target:
	"""Where a heading of a file has gone to."""

	address: str
	anchor: str


def targets_of(name: str, pages: list[Page], english: list[Page]) -> dict[tuple[str, str], Target]:
	"""(file, anchor in it) -> where that is on the site; the file alone is ("…", "")."""
	found = {(name, ""): Target(pages[0].address, "")}
	for page, same in zip(pages, english, strict=True):
		for at, (section, model) in enumerate(zip(page.sections, same.sections, strict=True)):
			anchor = "" if at == 0 else anchor_of(model.title)
			found.setdefault((name, anchor_of(section.title)), Target(page.address, anchor))
	return found


def written(
	page: Page, english: Page, file: str, targets: dict[tuple[str, str], Target]
) -> tuple[str, list[str]]:
	"""The Markdown of a page, and links that lead nowhere. `file` is the one it was cut from."""
	lost: list[str] = []
	lines: list[str] = []
	up = page.sections[0].level - 1
	for section, model in zip(page.sections, english.sections, strict=True):
		anchor = f" {{ #{anchor_of(model.title)} }}" if section is not page.sections[0] else ""
		lines += [f"{'#' * (section.level - up)} {section.title}{anchor}"]
		lines += _with_links(section.lines, page, file, targets, lost)
	return "\n".join(lines).strip() + "\n", lost


def _with_links(
	lines: list[str],
	page: Page,
	file: str,
	targets: dict[tuple[str, str], Target],
	lost: list[str],
) -> Iterator[str]:
	def mended(match: re.Match) -> str:
		text, href = match.groups()
		if ABSOLUTE.match(href):
			return match.group(0)
		name, _, anchor = href.partition("#")
		name = name.removeprefix("../docs/").removeprefix("docs/")
		key = (name or file, anchor_of(anchor))
		if target := targets.get(key):
			anchor = f"#{target.anchor}" if target.anchor else ""
			return f"[{text}]({relative(page.address, target.address)}.md{anchor})"
		if (name or file, "") in targets:
			lost.append(f"{file}: {href}")
		# what is in the repository only is named, as in the Desk
		return text

	fenced = False
	for line in lines:
		if FENCE.match(line):
			fenced = not fenced
		line = line if fenced else LINK.sub(mended, OTHER_LANGUAGE.sub("", line))
		yield line if fenced else IMAGE.sub(lambda match: _image(match, page), line)


def _image(match: re.Match, page: Page) -> str:
	href = match.group(1)
	if ABSOLUTE.match(href):
		return match.group(0)
	return match.group(0).replace(href, relative(page.address, f"pictures/{href.rpartition('/')[2]}"))


def relative(here: str, there: str) -> str:
	"""From one page's file to another's."""
	own, other = here.split("/")[:-1], there.split("/")
	while own and len(other) > 1 and own[0] == other[0]:
		own, other = own[1:], other[1:]
	return "../" * len(own) + "/".join(other)

"""The site of the documentation: guides cut into pages, links that lead somewhere, and every page in the navigation."""

import re
from pathlib import Path

import pytest

from tools.docs import pages
from tools.docs.__main__ import DOCS, FILES, make_pages

PROJECT = Path(__file__).resolve().parents[3]
GUIDE = """# Guide

Begin with [two](#two), see [admin](admin.md#keys) and [code](../setup.py).

## One

```
# no heading
```

## Two

### Two and a half

Back to [one](#one), or [here](#two-and-a-half).
"""
THAI = GUIDE.replace("# One", "# หนึ่ง").replace("# Two", "# สอง").replace("(#two)", "(#สอง)")


def cut(text: str = GUIDE) -> list[pages.Page]:
	return pages.pages_of("guide", text, True, GUIDE)


def targets(text: str = GUIDE) -> dict:
	admin = pages.pages_of("admin", "# Admin\n\n## Keys\n", True)
	return pages.targets_of("guide.md", cut(text), cut()) | pages.targets_of("admin.md", admin, admin)


def test_each_section_is_a_page_and_what_looks_like_a_heading_in_code_is_none():
	assert [(page.address, page.title) for page in cut()] == [
		("guide/index", "Guide"),
		("guide/one", "One"),
		("guide/two", "Two"),
	]


def test_links_lead_to_the_page_that_a_section_has_become():
	first, lost = pages.written(cut()[0], cut()[0], "guide.md", targets())
	last, _lost = pages.written(cut()[2], cut()[2], "guide.md", targets())

	assert "[two](two.md), see [admin](../admin/keys.md) and code." in first
	assert last.startswith("# Two\n\n## Two and a half { #two-and-a-half }\n")
	assert "[one](one.md), or [here](two.md#two-and-a-half)" in last
	assert not lost


def test_a_thai_page_has_the_address_of_the_english_one_and_leads_to_thai_ones():
	page = cut(THAI)[0]
	text, lost = pages.written(page, cut()[0], "guide.md", targets(THAI))

	assert [each.address for each in cut(THAI)] == [each.address for each in cut()]
	assert "[two](two.md)" in text and not lost


def test_the_link_to_the_other_language_is_left_to_the_switch_of_the_site():
	text = "# Guide\n\nWords. คู่มือภาษาไทย: [guide.th.md](guide.th.md).\n\nEnglish: [guide.md](guide.md)\n"
	page = pages.pages_of("guide", text, False)[0]

	assert pages.written(page, page, "guide.md", targets())[0] == "# Guide\n\nWords.\n"


def test_a_link_to_a_heading_that_is_not_there_is_found():
	page = pages.pages_of("guide", GUIDE.replace("(#two)", "(#three)"), True)[0]

	_text, lost = pages.written(page, page, "guide.md", targets())

	assert lost == ["guide.md: #three"]


def test_two_languages_with_other_sections_are_refused():
	with pytest.raises(ValueError, match="not those of the English file"):
		cut(THAI.replace("###", "##"))


def test_every_file_of_the_docs_is_on_the_site_and_every_page_in_its_navigation(tmp_path):
	lost = make_pages(tmp_path / "pages")

	files = {path.name for path in DOCS.glob("*.md") if not path.name.endswith(".th.md")}
	made = {str(path.relative_to(tmp_path / "pages")) for path in (tmp_path / "pages").rglob("*.md")}
	navigation = (PROJECT / "mkdocs.yml").read_text().partition("\nnav:\n")[2]
	named = re.findall(r"[\w/-]+\.md", navigation)
	assert not lost
	assert files == set(FILES) - {"CHANGELOG.md"}
	assert sorted(named) == sorted(name for name in made if not name.endswith(".th.md"))

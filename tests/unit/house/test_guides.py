"""The guides say what is on the screen, the same in both languages, and their links lead somewhere."""

import csv
import re
from pathlib import Path

import pytest

PROJECT = Path(__file__).resolve().parents[3]
DOCS = PROJECT / "docs"
BOTH_LANGUAGES = sorted(path.name.removesuffix(".th.md") for path in DOCS.glob("*.th.md"))
PAIRS = [(f"{name}.md", f"{name}.th.md") for name in BOTH_LANGUAGES]
# of the site, and still in English alone
ENGLISH_ALONE = {"reliability"}
LABEL = re.compile(r"(?<!\*)\*(?!\*)([^*]+?)\*(?!\*)")


def text_of(name: str) -> str:
	"""Without blocks of code and what is bold."""
	return re.sub(r"```.*?```", "", (DOCS / name).read_text(), flags=re.S).replace("**", "")


def labels() -> tuple[set[str], set[str]]:
	with open(PROJECT / "event_streaming/translations/th.csv", newline="") as file:
		rows = list(csv.reader(file))
	return {row[0] for row in rows}, {row[1] for row in rows}


@pytest.mark.parametrize(
	("guide", "language"),
	[
		("guide.md", 0),
		("guide.th.md", 1),
		("start.md", 0),
		("start.th.md", 1),
		("concepts.md", 0),
		("concepts.th.md", 1),
	],
)
def test_what_stands_in_italics_is_a_label_of_the_screen(guide, language):
	known = labels()[language]
	named = {" ".join(label.split()) for label in LABEL.findall(text_of(guide))}

	assert len(named) > (50 if "guide" in guide else 4)
	assert not named - known


def test_each_page_is_in_both_languages():
	english = {path.stem for path in DOCS.glob("*.md") if not path.name.endswith(".th.md")}

	assert english - set(BOTH_LANGUAGES) == ENGLISH_ALONE


@pytest.mark.parametrize("english", [english for english, _thai in PAIRS])
def test_a_page_leads_to_itself_in_the_other_language(english):
	thai = english.replace(".md", ".th.md")

	assert f"ภาษาไทย: [{thai}]({thai})" in text_of(english)
	assert f"English: [{english}]({english})" in text_of(thai)


@pytest.mark.parametrize(("english", "thai"), PAIRS)
def test_blocks_of_code_are_the_same_in_both_languages(english, thai):
	def blocks(name: str) -> list[str]:
		found = re.findall(r"```.*?```", (DOCS / name).read_text(), flags=re.S)
		# what a comment says may be in either
		return [re.sub(r" *# .*", "", block) for block in found]

	assert blocks(english) == blocks(thai)


@pytest.mark.parametrize(("english", "thai"), PAIRS)
def test_both_languages_have_the_same_sections_tables_and_lists(english, thai):
	def outline(name: str) -> list[str]:
		lines = (line.lstrip() for line in text_of(name).splitlines())
		marks = (re.match(r"(#+|\||-|\d+\.) ", line) for line in lines)
		return [mark.group(1) for mark in marks if mark]

	assert outline(english) == outline(thai)


@pytest.mark.parametrize("name", [name for pair in PAIRS for name in pair])
def test_links_inside_the_docs_lead_somewhere(name):
	for file, anchor in re.findall(r"\]\(([\w./]*)#([^)]+)\)", text_of(name)):
		headings = re.findall(r"^#+ (.+)$", text_of(file or name), flags=re.M)
		anchors = {re.sub(r"[^\w\s-]", "", heading.lower()).replace(" ", "-") for heading in headings}
		assert re.sub(r"[^\w\s-]", "", anchor) in anchors, (file, anchor)

"""Links between the files of the repository lead somewhere: README, the docs, and what stands beside them."""

import re
from pathlib import Path
from urllib.parse import unquote

import pytest

PROJECT = Path(__file__).resolve().parents[3]
FOLDERS = (".", ".github", "docs", "sandbox", "benchmarks", "docker", "tests", "event_streaming")
PAGES = [
	page
	for folder in FOLDERS
	for page in sorted((PROJECT / folder).glob("*.md" if folder == "." else "**/*.md"))
	if "node_modules" not in page.parts
]
LINK = re.compile(r"\]\((?P<target>[^)\s]+)(?:\s+\"[^\"]*\")?\)|(?:src|href)=\"(?P<attribute>[^\"]+)\"")
ELSEWHERE = re.compile(r"^(?:[a-z]+:|#|/)")
FENCED = re.compile(r"^```.*?^```", re.M | re.S)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(PROJECT)))
def test_relative_links_of_a_page_lead_to_files(page):
	text = FENCED.sub("", page.read_text(encoding="utf-8"))
	targets = {found["target"] or found["attribute"] for found in LINK.finditer(text)}
	paths = {unquote(target.partition("#")[0]) for target in targets if not ELSEWHERE.match(target)}

	assert not {path for path in paths if not (page.parent / path).exists()}

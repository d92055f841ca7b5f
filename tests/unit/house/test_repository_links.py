"""Links between the files of the repository lead somewhere: README, the docs, and what stands beside them."""

import re
import subprocess
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


def test_nothing_in_the_repository_is_a_link_to_somewhere_else_on_a_machine():
	"""A work folder that is a link to another place, say: whoever clones it has that place not, and nothing is installed."""
	listed = subprocess.run(["git", "ls-files", "--stage"], cwd=PROJECT, capture_output=True, text=True)
	if listed.returncode:
		pytest.skip("not a checkout of git: what belongs to the repository is not known")

	assert [line for line in listed.stdout.splitlines() if line.startswith("120000")] == []

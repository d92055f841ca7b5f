"""`make docs`: the site in the work folder, from docs/, the sources and the OpenAPI file. Fails on a link that leads nowhere."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

from tools.docs import openapi, pages, rest

PROJECT = Path(__file__).resolve().parents[2]
DOCS = PROJECT / "docs"
# file -> whether each of its sections is a page of its own
FILES = {
	"start.md": False,
	"concepts.md": False,
	"guide.md": True,
	"admin.md": True,
	"incidents.md": False,
	"errors.md": False,
	"guarantees.md": False,
	"security.md": False,
	"reliability.md": False,
	"scaling.md": False,
	"figures.md": False,
	"architecture.md": False,
	"comparison.md": False,
	"reference.md": False,
	"upgrading.md": False,
	"CHANGELOG.md": False,
}
# mkdocstrings reads the sources, and imports nothing of them
PYTHON = """# Python API

What apps on the same site may import. The hooks that an app can name are in [For app developers](../guide/for-app-developers.md).

## event_streaming

::: event_streaming.is_applying

## event_streaming.api

The same functions as over [REST](rest.md); each checks who asks.

::: event_streaming.api
"""


def make_pages(folder: Path) -> list[str]:
	"""All Markdown files of the site, in an empty folder; returns links that lead nowhere."""
	shutil.rmtree(folder, ignore_errors=True)
	(folder / "reference").mkdir(parents=True)
	english, thai, targets = {}, {}, {}
	for name, cut in FILES.items():
		text = _read(name)
		stem = name.removesuffix(".md").lower()
		english[name] = pages.pages_of(stem, text, cut)
		targets |= pages.targets_of(name, english[name], english[name])
		other = f"{name.removesuffix('.md')}.th.md"
		if (DOCS / other).is_file():
			thai[other] = pages.pages_of(stem, _read(other), cut, text)
			targets |= pages.targets_of(other, thai[other], english[name])
	lost: list[str] = []
	for name, made in {**english, **thai}.items():
		suffix = ".th.md" if name.endswith(".th.md") else ".md"
		for page, same in zip(made, english[name.replace(".th.md", ".md")], strict=True):
			text, dead = pages.written(page, same, name, targets)
			lost += dead
			file = folder / f"{page.address}{suffix}"
			file.parent.mkdir(parents=True, exist_ok=True)
			file.write_text(text, encoding="utf-8")
	for suffix in (".md", ".th.md"):
		shutil.move(folder / f"start{suffix}", folder / f"index{suffix}")
	(folder / "reference" / "python.md").write_text(PYTHON, encoding="utf-8")
	(folder / "reference" / "rest.md").write_text(rest.as_markdown(openapi.document()), encoding="utf-8")
	shutil.copyfile(openapi.FILE, folder / "reference" / "openapi.json")
	return lost


def _read(name: str) -> str:
	file = DOCS / name if (DOCS / name).is_file() else PROJECT / name
	return file.read_text(encoding="utf-8")


def main() -> int:
	"""0 if the site is built and every link leads somewhere."""
	work = Path(os.environ.get("EVENT_STREAMING_WORK") or PROJECT / ".work").resolve()
	if lost := make_pages(work / "pages"):
		print("Links that lead nowhere:", *lost, sep="\n  ", file=sys.stderr)
		return 1
	command = [
		sys.executable,
		"-m",
		"mkdocs",
		"build",
		"--strict",
		"--quiet",
		"--clean",
		"--site-dir",
		str(work / "site"),
	]
	environment = {**os.environ, "EVENT_STREAMING_PAGES": str(work / "pages"), "NO_MKDOCS_2_WARNING": "true"}
	return subprocess.run(command, cwd=PROJECT, env=environment, check=False).returncode


if __name__ == "__main__":
	sys.exit(main())

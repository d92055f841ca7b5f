"""The pictures of README and docs are there, are as old as what they show, and keep the repository small."""

import re
from pathlib import Path

import pytest

from tools.pictures import manifest
from tools.pictures.shots import HERO, LANGUAGES, SHOTS, SOURCES, STORY, THEMES, file_name

PROJECT = Path(__file__).resolve().parents[3]
ALL_BYTES, FILM_BYTES = 6_000_000, 3_000_000
FILES = {
	*(
		f"{file_name(name, language, theme)}.webp"
		for name in (HERO, *(shot.name for shot in SHOTS))
		for language in LANGUAGES
		for theme in THEMES
	),
	f"{STORY}.webp",
}


@pytest.mark.parametrize("name", SOURCES)
def test_a_picture_is_as_what_it_shows(name):
	changed = manifest.changed(name, SOURCES[name])

	assert not changed, (
		f"{', '.join(changed)} changed, and the picture {name} has not. Take it anew with `make screenshots PICTURES={name}`, "
		f"look at it and commit it; if nobody can see the change: python -m tools.pictures --unchanged {name}"
	)


def test_all_pictures_are_there_and_no_others():
	assert {file.name for file in manifest.PICTURES.glob("*.webp")} == FILES


def test_the_pictures_keep_the_repository_small():
	sizes = {file.name: file.stat().st_size for file in manifest.PICTURES.iterdir()}

	assert sum(sizes.values()) < ALL_BYTES
	assert sizes[f"{STORY}.webp"] < FILM_BYTES


def test_a_comment_makes_no_picture_old_and_a_word_does(tmp_path, monkeypatch):
	monkeypatch.setattr(manifest, "PROJECT", tmp_path)
	source = tmp_path / "event_streaming" / "page.js"
	source.parent.mkdir()
	source.write_text("// why\nshow(__('Map'));\n")
	before = manifest.digest("page.js")

	source.write_text("// another reason\n\tshow(\n\t\t__('Map')\n\t);\n")
	assert manifest.digest("page.js") == before
	source.write_text("show(__('Chart'));\n")
	assert manifest.digest("page.js") != before


@pytest.mark.parametrize(("key", "value", "seen"), [("label", "State", True), ("search_index", 1, False)])
def test_of_a_doctype_only_what_is_seen_counts(tmp_path, monkeypatch, key, value, seen):
	monkeypatch.setattr(manifest, "PROJECT", tmp_path)
	source = tmp_path / "event_streaming" / "a.json"
	source.parent.mkdir()
	text = '{"doctype": "DocType", "field_order": ["a"], "fields": [{"fieldname": "a", "label": "Status"%s}]}'
	source.write_text(text % "")
	before = manifest.digest("a.json")

	source.write_text((text % f', "{key}": {value!r}').replace("'", '"'))

	assert (manifest.digest("a.json") != before) is seen


def test_readme_shows_pictures_that_are_there():
	shown = re.findall(r"docs/pictures/([\w.-]+)", (PROJECT / "README.md").read_text())

	assert shown
	assert not [name for name in shown if not (manifest.PICTURES / name).exists()]

"""Everything that the app says can be read in Thai. `python -m tools.translations` lists the same without pytest."""

import gettext
import io

import pytest
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po

from tools import catalogs, translations


def test_every_string_has_its_thai_and_nothing_else_is_there():
	problems = translations.problems()

	assert not problems, "\n".join(problems)


def test_strings_of_python_are_found_in_all_their_forms():
	source = 'x = _("one " "two").format(1)\nfields = [{"label": "Three", "fieldname": "four"}]\n_(variable)'

	assert sorted(translations.python_strings(source)) == ["Three", "one two"]


def test_strings_of_scripts_are_found_in_all_their_forms():
	source = """__("It's {0}", [__('a "b"')]); __(\n\t`three`); x.__("not this"); __(variable); frappe__("nor this")"""

	assert list(translations.javascript_strings(source)) == ["It's {0}", 'a "b"', "three"]


def test_what_the_desk_shows_of_a_file_is_found():
	source = """{"doctype": "DocType", "name": "Thing", "fields": [
		{"fieldname": "state", "fieldtype": "Select", "label": "State", "options": "\\nOpen\\nClosed"},
		{"fieldname": "owner", "fieldtype": "Link", "options": "User", "description": "Whose it is"}],
		"content": "[{\\"type\\": \\"header\\", \\"data\\": {\\"text\\": \\"<b>All</b>\\"}}]"}"""

	assert sorted(translations.json_strings(source)) == [
		"All",
		"Closed",
		"Open",
		"State",
		"Thing",
		"Whose it is",
	]


def test_the_catalogues_of_gettext_are_what_the_sources_and_the_thai_make():
	stale = catalogs.stale()

	assert not stale, "\n".join(stale)


def test_compiled_as_bench_does_the_catalogue_says_the_same_as_the_table_of_frappe_15():
	"""Frappe 16 reads the table first and then what it has compiled: where the two differed, the catalogue would win."""
	with catalogs.THAI.open("rb") as opened:
		catalogue = read_po(opened)
	compiled = io.BytesIO()
	write_mo(compiled, catalogue)
	compiled.seek(0)
	thai = gettext.GNUTranslations(compiled)

	table = dict(translations.translations())

	assert {text: thai.gettext(text) for text in table} == table
	assert {message.id for message in catalogue if message.id} == set(table)


@pytest.mark.parametrize("change", ["a message more", "another translation", "edited by hand"])
def test_a_catalogue_that_is_not_made_anew_is_found(monkeypatch, tmp_path, change):
	said = translations.strings()
	rows = translations.translations()
	made = {tmp_path / file.name: text for file, text in catalogs.catalogues().items()}
	for file, text in made.items():
		file.write_text(text + ("#" if change == "edited by hand" else ""), encoding="utf-8")
	monkeypatch.setattr(catalogs, "TEMPLATE", tmp_path / "main.pot")
	monkeypatch.setattr(catalogs, "THAI", tmp_path / "th.po")
	monkeypatch.setattr(translations, "APP", tmp_path / "event_streaming")
	if change == "a message more":
		said["Never said before"] = {"some.py"}
	if change == "another translation":
		rows = [[rows[0][0], "อื่น"], *rows[1:]]
	monkeypatch.setattr(translations, "strings", lambda: said)
	monkeypatch.setattr(translations, "translations", lambda: rows)

	stale = catalogs.stale()

	assert [line.split()[0] for line in stale] == (
		["th.po"] if change == "another translation" else ["main.pot", "th.po"]
	)


def test_after_a_merge_repeated_and_unused_rows_go_and_two_translations_of_one_text_stay():
	rows = [["One", "หนึ่ง"], ["Gone", "ไป"], ["One", "หนึ่ง"], ["Two", "สอง"], ["Two", "๒"]]

	assert catalogs.tidied(rows, {"One", "Two"}) == [["One", "หนึ่ง"], ["Two", "สอง"], ["Two", "๒"]]

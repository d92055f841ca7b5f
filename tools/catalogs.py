"""The catalogues of gettext, made from the sources and from th.csv: `make translations`, or `python -m tools.catalogs`.

Frappe 16 reads event_streaming/locale/*.po, which `bench build` compiles, and th.csv as well; Frappe 15 reads th.csv. A translation
is written in th.csv, by hand, and nowhere else: main.pot and th.po are made from it. The command also takes rows out of th.csv that are there
twice, or whose English nobody says any more, as they remain after a merge. It never writes a translation.
"""

import csv
import io
import sys
from pathlib import Path

from babel.messages.catalog import Catalog
from babel.messages.pofile import write_po

from tools import translations

LOCALE = translations.APP / "locale"
TEMPLATE = LOCALE / "main.pot"
THAI = LOCALE / "th.po"
# no dates and no versions: the same sources make the same file
HEADER = r"""# Made by `make translations` from the sources and translations/th.csv. Changes go there.
msgid ""
msgstr ""
"Project-Id-Version: Event Streaming\n"
"Report-Msgid-Bugs-To: event-streaming@example.com\n"
{language}"MIME-Version: 1.0\n"
"Content-Type: text/plain; charset=utf-8\n"
"Content-Transfer-Encoding: 8bit\n"
"""
THAI_LANGUAGE = r"""
"Language: th\n"
"Plural-Forms: nplurals=1; plural=0;\n"
""".lstrip()


def catalogues() -> dict[Path, str]:
	"""What main.pot and th.po have to be, by their paths."""
	said = translations.strings()
	thai = {row[0]: row[1] for row in translations.translations() if len(row) == 2}
	return {
		TEMPLATE: HEADER.format(language="") + _messages(said, {}),
		THAI: HEADER.format(language=THAI_LANGUAGE) + _messages(said, thai),
	}


def _messages(said: dict[str, set[str]], translated: dict[str, str]) -> str:
	catalogue = Catalog()
	for text, files in said.items():
		# a file without the line: a line more above it is no change of the catalogue
		places = [(file, 0) for file in sorted(files)]
		catalogue.add(text, translated.get(text, ""), locations=places)
	written = io.BytesIO()
	write_po(written, catalogue, width=0, sort_output=True, include_lineno=False, omit_header=True)
	return "\n" + written.getvalue().decode().strip() + "\n"


def stale() -> list[str]:
	"""One line for each catalogue that is not what the sources and th.csv make of it."""
	return [
		f"{file.relative_to(translations.APP.parent)} is not up to date: make translations"
		for file, text in catalogues().items()
		if not file.exists() or file.read_text(encoding="utf-8") != text
	]


def tidied(rows: list[list[str]], said: set[str]) -> list[list[str]]:
	"""The rows of th.csv without repeated ones, and without those that nobody says; two translations of one text both stay."""
	kept: list[list[str]] = []
	for row in rows:
		if row not in kept and (len(row) != 2 or row[0] in said):
			kept.append(row)
	return kept


def write() -> None:
	rows = translations.translations()
	kept = tidied(rows, translations.strings().keys())
	if kept != rows:
		with translations.THAI.open("w", encoding="utf-8", newline="") as opened:
			csv.writer(opened, lineterminator="\n").writerows(kept)
	LOCALE.mkdir(exist_ok=True)
	for file, text in catalogues().items():
		file.write_text(text, encoding="utf-8")
	print(f"{len(rows) - len(kept)} rows taken out of th.csv; main.pot and th.po written.")


if __name__ == "__main__":
	write()
	lines = translations.problems()
	print("\n".join(lines) or "Nothing is missing.")
	sys.exit(bool(lines))

"""Everything that the app says can be read in Thai. `python -m tools.translations` lists the same without pytest."""

from tools import translations


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

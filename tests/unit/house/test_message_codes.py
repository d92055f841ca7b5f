"""Each message that somebody may look up has a code, once and for all, and a remedy in both languages."""

import ast
import json

import pytest

from event_streaming.consumer.logs.causes import cause_of
from event_streaming.messages import kinds
from event_streaming.messages.codes import codes, with_code, without_codes
from event_streaming.wire.checks import InvalidPage
from tools.docs import errors
from tools.docs.messages import APP, EXEMPT, WITHOUT, all_said, said_in

TREES = {
	file: ast.parse(file.read_text(encoding="utf-8"))
	for file in sorted(APP.rglob("*.py"))
	if APP / "messages" not in file.parents
}
CODES = errors.read(errors.CODES)


def test_every_message_has_a_code_and_a_remedy_and_no_code_is_without_its_message():
	assert len(CODES) > 400
	assert not errors.problems(), "python -m tools.docs.errors --mend"


def test_the_pages_are_what_codes_and_remedies_make_of_them():
	for language, file in errors.PAGES.items():
		assert file.read_text(encoding="utf-8") == errors.page(language), "python -m tools.docs.errors"


def test_each_code_has_a_line_of_its_own_in_order_so_that_branches_merge():
	for file in (errors.CODES, errors.RETIRED):
		assert file.read_text(encoding="utf-8") == errors.written(errors.read(file))


def test_a_module_that_says_a_message_with_a_code_says_it_by_the_function_that_adds_the_code():
	wrong = []
	for file, tree in TREES.items():
		ours = any(
			isinstance(node, ast.ImportFrom) and node.module == "event_streaming.messages.coded"
			for node in tree.body
		)
		if not ours and (said := set(all_said(tree)) & set(CODES.values())):
			wrong.append((str(file.relative_to(APP)), sorted(said)))
	assert not wrong, "from event_streaming.messages.coded import _"


def test_what_has_no_code_has_a_reason_and_is_still_said():
	said = {text for tree in TREES.values() for text in all_said(tree)}

	assert not EXEMPT - said
	assert not EXEMPT & set(CODES.values())
	assert all(len(reason.split()) > 4 for reason in WITHOUT)


def test_the_codes_of_kinds_of_errors_are_those_of_their_remedies():
	titles = {
		text
		for node in ast.walk(TREES[APP / "admin" / "causes" / "remedies.py"])
		if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "Remedy"
		for text in said_in(node.args[0])
	}

	assert {CODES[code] for code in (*kinds.CODES.values(), kinds.ANY_OTHER)} == titles
	assert kinds.code_of("CancelledLinkError") == kinds.code_of("LinkValidationError") != kinds.ANY_OTHER


@pytest.mark.parametrize(
	("said", "found"),
	[
		("frappe.throw(_('One.').format(_('Label')))", ["One."]),
		("frappe.throw('<br>'.join([_('One.'), _('Two.')]), title=_('Title'))", ["One.", "Two."]),
		("frappe.throw(text or _('One.'))", ["One."]),
		("frappe.throw(f\"{label}: {_('One.')}\")", ["One."]),
	],
)
def test_messages_are_found_in_what_is_thrown_and_not_in_what_is_put_into_them(said, found):
	call = ast.parse(said, mode="eval").body

	assert sorted(said_in(call.args[0])) == found


def test_a_message_that_is_worded_anew_keeps_its_code_and_one_that_is_gone_leaves_it_unused():
	before = {"ES-301": "The other site does not answer in time.", "ES-302": "Nobody says this any more."}
	wanted = {
		"The other site did not answer in time.": {"http/client.py"},
		"Quite another thing is wrong here.": {"http/client.py"},
	}

	codes_after, retired, _done = errors.mended(wanted, before, {"ES-303": "Long gone."})

	assert codes_after == {
		"ES-301": "The other site did not answer in time.",
		"ES-304": "Quite another thing is wrong here.",
	}
	assert retired == {"ES-302": "Nobody says this any more.", "ES-303": "Long gone."}


def test_the_code_stands_behind_the_message_in_every_language():
	message = "The condition is longer than {0} characters."
	code = codes()[message]

	assert with_code("เงื่อนไขยาวเกิน {0} ตัวอักษร", message) == f"เงื่อนไขยาวเกิน {{0}} ตัวอักษร ({code})"
	assert with_code("Label", "Label") == "Label"


def test_the_code_stands_before_what_another_site_has_said():
	message = "{0} refused the request ({1}): check the API key and secret, and the user's roles there. {2}"
	code = codes()[message]

	assert with_code(message, message).endswith(f"roles there. ({code}) {{2}}")
	assert with_code("ปฏิเสธ {0} {1} {2}", message) == f"ปฏิเสธ {{0}} {{1}} ({code}) {{2}}"


def test_the_code_stands_behind_a_value_that_ends_the_sentence():
	message = "the mapping {0} makes documents of {1}, but the field holds {2}"

	assert with_code(message, message) == f"{message} ({codes()[message]})"


def test_codes_do_not_disturb_the_grouping_of_causes():
	plain = "LinkValidationError: Could not find Customer: Foo\n\nTraceback (most recent call last):\n  …"
	coded = plain.replace("Foo", "Foo (ES-407)")

	assert cause_of(coded, "ToDo").key == cause_of(plain, "ToDo").key
	assert without_codes("One. (ES-101) Two. (ES-1002)") == "One. Two."


def test_what_the_other_site_sent_and_what_can_not_be_read_has_one_code_once():
	first = InvalidPage("An event is not an object.")

	assert str(first) == "An event is not an object. (ES-422)"
	assert str(InvalidPage(str(first))) == str(first)


def test_a_page_shows_nothing_of_a_message_that_markdown_takes_for_its_own():
	assert errors.shown("{0} in <b>site_config.json</b>: {1}") == r"… in \<b\>site\_config.json\</b\>: …"


def test_the_file_of_codes_is_read_once_and_holds_texts_only():
	assert all(isinstance(text, str) and text for text in json.loads(errors.CODES.read_text()).values())
	assert codes() is codes()

"""Failures of one cause are alike, whatever document they are about; those of another cause are not."""

import pytest

from event_streaming.consumer.logs.causes import Cause, cause_of, missing_pair, without_tags

WORDS = {"Customer", "customer", "Due Date", "due_date", "Title", "Status", "Item", "Streamed City", "Total"}


def alike(*errors: str, names: list | None = None) -> Cause:
	"""The one cause of all of them."""
	found = {cause_of(error, "Sales Invoice", names or (), WORDS) for error in errors}
	assert len(found) == 1, found
	return found.pop()


def test_names_numbers_dates_hashes_and_addresses_are_no_part_of_a_cause():
	one = alike(
		"ValidationError: Rice of SINV-0001 at 12:30:00 on 2026-01-31, 5.50 too much for a@b.example",
		"ValidationError: Rice of SINV-9999 at 2:01 on 2025-12-01, 17 too much for someone@else.example",
		"ValidationError: Rice of 3fa29c1b0d at 2:01:00.123 on 31/12/2025, 1,000.25 too much for me@x.example",
	)

	assert one.text == "Rice of … at … on … too much for …"
	assert (one.kind, one.doctype, one.field) == ("ValidationError", "Sales Invoice", "")
	assert one.problem == f"ValidationError: {one.text}"
	assert len(one.key) == 16


@pytest.mark.parametrize("quotes", ['"{}"', "'{}'", "“{}”", "<b>{}</b>", '<a href="/app/item/{0}">{0}</a>'])
def test_what_is_quoted_or_set_apart_is_a_name_unless_the_doctype_has_a_field_of_that_name(quotes):
	def said(name: str, label: str) -> str:
		return f"ValidationError: {quotes.format(name)} has no {quotes.format(label)}"

	one = alike(said("Rice", "Title"), said("Green Beans & Co's", "Title"))

	assert one.field == "Title"
	assert one.text.startswith("… has no ") and "Title" in one.text
	assert cause_of(said("Rice", "Status"), "Sales Invoice", (), WORDS) != one


def test_the_documents_own_name_goes_wherever_it_stands():
	texts = [
		cause_of(f"TimestampMismatchError: {name} of the shop is locked", "Customer", [name], WORDS).text
		for name in ("Green Beans", "Rice (new)", "ข้าวหอม")
	]

	assert texts == ["… of the shop is locked"] * 3


def test_a_name_that_is_a_word_of_the_doctype_does_not_make_a_cause_of_its_own():
	said = "ValidationError: Customer is disabled"

	assert cause_of(said, "Sales Invoice", ["Customer"], WORDS) == cause_of(
		said, "Sales Invoice", ["X"], WORDS
	)


@pytest.mark.parametrize(
	("error", "field"),
	[
		(
			"MandatoryError: Error: Value missing for Sales Invoice: Customer · [Sales Invoice, {}]: customer",
			"customer",
		),
		("MandatoryError: [Sales Invoice, {}]: customer, due_date", "customer, due_date"),
		("DataError: (1406, \"Data too long for column 'title' at row {}\")", "title"),
		(
			"UniqueValidationError: ('Customer', '{0}', IntegrityError(1062, \"Duplicate entry '{0}' for key 'tax_id'\"))",
			"tax_id",
		),
		(
			"CharacterLengthExceededError: Customer {0}: 'Title' ({0} and more) will get truncated, as max characters allowed is 140",
			"Title",
		),
		("LinkValidationError: Could not find Customer: {}", "Customer"),
		("LinkValidationError: Could not find Row #1: Item: {0}, Row #2: Item: {0}, the other", "Item"),
		('ValidationError: Row #3: Status cannot be "{}". It should be one of "Open", "Closed"', "Status"),
		(
			"UpdateAfterSubmitError: Not allowed to change <strong>Total</strong> after submission from {0} to {0} x",
			"Total",
		),
		("CannotChangeConstantError: Value cannot be changed for Customer", "Customer"),
	],
)
def test_the_field_is_known_where_the_error_says_it(error, field):
	names = ("SINV-1", "Rice, and more", "ข้าวหอม")
	one = alike(*(error.format(name) for name in names), names=names)

	assert one.field == field


def test_how_many_rows_have_an_unknown_link_makes_no_cause_of_its_own():
	one = alike(
		"LinkValidationError: Could not find Row #1: Item: Rice",
		"LinkValidationError: Could not find Row #2: Item: Beans, Row #7: Item: Corn, sweet",
	)

	assert one.problem == "LinkValidationError: Could not find Item: …"


def test_another_document_that_one_of_our_errors_begins_with_is_a_name():
	one = alike(
		"DependencyMissing: Streamed City Bangkok is needed and can't be made here: no right",
		"DependencyMissing: Streamed City Chiang Mai is needed and can't be made here: no right",
	)

	assert one.text == "Streamed City … is needed and can't be made here: no right"


def test_a_problem_holds_no_tag_as_frappes_lists_show_it_as_it_is():
	one = alike("LinkValidationError: Could not find Item: <img src=x onerror=alert(1)>")

	assert "<" not in one.problem + without_tags("<b>") and "Could not find" in one.problem


def test_a_traceback_is_no_part_of_a_cause():
	trace = '\n\nTraceback (most recent call last):\n  File "x.py", line {}, in f\nValueError: {}'

	one = alike(*(f"ValidationError: The shop is closed{trace.format(n, n)}" for n in (1, 2)))

	assert one == Cause("ValidationError", "Sales Invoice", "", "The shop is closed")


def test_a_value_without_an_entry_is_a_cause_for_each_value_map_and_the_value_is_read():
	trace = (
		"CannotApply: The value {1} for the field country is not in the value map Countries\n\nTraceback (most recent call last):\n"
		"event_streaming.consumer.mapping.rules.ValueNotInMap: Cities, country: {0!r} is not in the value map Countries\n\nThe above"
	)
	errors = [trace.format(value, value) for value in ("Siam", "L'Ao", 'the "Isle"', 7)]

	one = alike(*errors)

	assert (one.kind, one.field, one.text) == ("ValueNotInMap", "country", "Countries")
	assert [missing_pair(error).value for error in errors] == ["Siam", "L'Ao", 'the "Isle"', "7"]
	assert missing_pair("ValidationError: nothing of the kind") is None


def test_other_kinds_doctypes_fields_and_texts_are_other_causes():
	error = "MandatoryError: [Sales Invoice, X]: customer"
	keys = {
		cause_of(error, "Sales Invoice").key,
		cause_of(error, "Customer").key,
		cause_of(error.replace("customer", "due_date"), "Sales Invoice").key,
		cause_of(error.replace("Mandatory", "Validation"), "Sales Invoice").key,
		cause_of("ValidationError: closed", "Sales Invoice").key,
	}

	assert len(keys) == 5


@pytest.mark.parametrize(
	"error",
	[
		"",
		"Only words, no kind",
		"KeyError",
		"KeyError: 'x'",
		"x" * 100_000,
		"'" * 9_999,
		"<" * 9_999,
		"ValueNotInMap: a, b: " * 9_999,
	],
)
def test_whatever_an_error_says_it_has_a_cause_and_soon(error):
	found = cause_of(error, "Sales Invoice")

	assert found.key and len(found.text) <= 200

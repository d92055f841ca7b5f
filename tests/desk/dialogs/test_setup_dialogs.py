"""Recipes on the form of a producer, and set-up files on the settings: what is shown first, and what is done then."""

import json

import pytest
from doctypes import CITY, with_orders
from documents import set_settings
from streams import subscribe


@pytest.fixture
def window(desk, producer, consumer):
	with_orders(producer, consumer)
	subscribe(consumer, producer, CITY)
	return desk(consumer)


def choose(window, recipe: str) -> None:
	window.press("Use a Recipe")
	window.page.locator(".modal.show select").select_option(label=recipe)
	window.page.locator(".modal.show table").wait_for()
	window.settle()


def test_a_recipe_is_shown_and_then_applied_and_a_new_form_takes_its_rows(window, producer):
	window.open_form("Event Producer", producer.url)
	choose(window, "Notes and tasks")

	assert "New row: Note" in window.page.locator(".modal.show table").inner_text()
	window.screenshot("recipe")
	window.confirm()
	assert "have to be approved" in window.take_message()
	window.wait_until("cur_frm.doc.producer_doctypes.length === 3 && !cur_frm.is_dirty()")

	window.open_new("Event Producer")
	choose(window, "Notes and tasks")
	window.confirm()
	assert "then save" in window.take_message()
	rows = window.value("cur_frm.doc.producer_doctypes.map((row) => [row.ref_doctype, row.use_same_name])")
	assert rows == [["Note", 1], ["ToDo", 1]]
	assert window.value("cur_frm.is_new()")


def test_a_set_up_file_is_exported_and_applied_and_its_mistakes_are_listed(window, consumer, tmp_path):
	window.open_form("Event Streaming Settings")
	window.press("Set-Up")
	with window.page.expect_download() as download:
		window.page.locator(".dropdown-menu.show", has_text="Export").get_by_text("Export Set-Up").click()
	setup = json.loads(download.value.path().read_text())
	assert setup["producers"][0]["rows"][0]["document_type"] == CITY

	def apply(**values) -> None:
		file = tmp_path / "shops.json"
		file.write_text(json.dumps({**setup, **values}))
		window.press("Set-Up")
		with window.page.expect_file_chooser() as chooser:
			window.page.locator(".dropdown-menu.show").get_by_text("Apply a Set-Up File").click()
		chooser.value.set_files(file)
		window.page.locator(".modal.show table").wait_for()
		window.settle()

	apply(settings={"max_attempts": 5, "colour": "red"})
	assert "settings.colour" in window.page.locator(".modal.show table").inner_text()
	assert window.page.locator(".modal.show .btn-modal-primary").is_disabled()
	window.screenshot("set-up-mistakes")
	window.page.locator(".modal.show .btn-modal-close:visible").first.click()
	window.page.locator(".modal.show").wait_for(state="detached")

	apply(settings={"max_attempts": 5})
	assert "Attempts" in window.page.locator(".modal.show table").inner_text()
	window.screenshot("set-up-changes")
	window.confirm()
	assert "1 changes applied" in window.take_message()
	window.wait_until("cur_frm.doc.max_attempts === 5")
	consumer.run(set_settings, max_attempts=12)

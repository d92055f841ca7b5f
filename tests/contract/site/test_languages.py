"""Where Frappe reads translations: the app's table, and above it what `bench build` has compiled of the catalogues of gettext."""

import pytest


def read_translations(told_by_the_catalogue: str | None) -> str | None:
	import tempfile
	from pathlib import Path

	import frappe.translate

	try:
		from frappe.gettext import translate as gettext
	except ImportError:
		return None
	before = gettext.get_locale_dir
	with tempfile.TemporaryDirectory() as folder:
		gettext.get_locale_dir = lambda: Path(folder)
		try:
			catalogue = gettext.get_catalog("event_streaming", "th")
			if told_by_the_catalogue:
				catalogue.get("Event Producer").string = told_by_the_catalogue
			gettext.write_binary("event_streaming", catalogue, "th")
			return frappe.translate.get_translations_from_apps("th", ["event_streaming"])["Event Producer"]
		finally:
			gettext.get_locale_dir = before


@pytest.mark.parametrize(("told", "read"), [(None, "ต้นทางเหตุการณ์"), ("จากแคตตาล็อก", "จากแคตตาล็อก")])
def test_the_compiled_catalogue_is_read_above_the_table(site, told, read):
	found = site.run(read_translations, told_by_the_catalogue=told)
	if found is None:
		pytest.skip("this Frappe reads the table only")

	assert found == read

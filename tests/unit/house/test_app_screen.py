"""The app's place on the screen of apps and on the desktop of Frappe 16, and its icon."""

import importlib
import json
import xml.etree.ElementTree as ElementTree
from pathlib import Path
from types import SimpleNamespace

import pytest

APP = Path(__file__).resolve().parents[3] / "event_streaming"
ICON = json.loads((APP / "desktop_icon" / "event_streaming.json").read_text())


@pytest.fixture
def hooks_on(monkeypatch):
	"""The hooks as a Frappe of that version reads them."""

	def read(version: str):
		monkeypatch.setitem(__import__("sys").modules, "frappe", SimpleNamespace(__version__=version))
		hooks = importlib.import_module("event_streaming.hooks")
		return importlib.reload(hooks)

	yield read
	monkeypatch.undo()


@pytest.mark.parametrize(("version", "route"), [("15.41.0", "/app/"), ("16.0.0-dev", "/desk/")])
def test_the_app_stands_where_the_desk_of_that_version_is(hooks_on, version, route):
	[place] = hooks_on(version).add_to_apps_screen

	assert place["route"] == f"{route}event-streaming"
	assert place["has_permission"] == "event_streaming.admin.navigation.may_see_app"


def test_the_site_keeps_its_own_logo(hooks_on):
	# Frappe shows an app's app_logo_url as the site's, and its own again where two apps have one
	assert not hasattr(hooks_on("16.0.0"), "app_logo_url")


def test_the_icon_of_the_desktop_is_the_same_as_the_one_of_the_screen_of_apps(hooks_on):
	hooks = hooks_on("16.0.0")
	[place] = hooks.add_to_apps_screen

	assert (ICON["app"], ICON["label"]) == (hooks.app_name, hooks.app_title)
	assert (ICON["link"], ICON["logo_url"]) == (place["route"], place["logo"])
	assert (ICON["icon_type"], ICON["standard"]) == ("App", 1)


def test_the_icon_is_a_square_drawing_without_anything_from_elsewhere():
	file = APP / "public" / ICON["logo_url"].removeprefix("/assets/event_streaming/")
	drawing = ElementTree.parse(file).getroot()
	text = file.read_text()

	assert drawing.get("viewBox") == "0 0 64 64"
	assert "<script" not in text and "href" not in text and "<text" not in text

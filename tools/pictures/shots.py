"""The pictures of single windows: what each shows, how one comes there, and the sources that it is made of.

`sources` are files below event_streaming/ whose change may change the picture; `manifest` says what of them counts. Choose
narrowly: what is not to be seen in the picture is no source of it.
"""

from collections.abc import Callable
from dataclasses import dataclass

from sandbox.demo.company import INVOICE, ITEM
from sandbox.demo.sites import Side
from tests.desk.browsing import Desk, slug
from tools.pictures.company import CHIANG_MAI, OFFICE
from tools.pictures.scene import CONFLICTED, Scene

LANGUAGES, THEMES = ("en", "th"), ("light", "dark")
HERO, STORY = "hero", "two-desks"
DOCTYPES, PAGES = "event_streaming/doctype", "event_streaming/page"


@dataclass(frozen=True)
class Shot:
	"""One picture, in each language and light."""

	name: str
	at: str
	go: Callable[[Desk, Scene], None]
	sources: tuple[str, ...]

	def side(self, scene: Scene) -> Side:
		return scene.sides[self.at]


def workspace(window: Desk, scene: Scene) -> None:
	window.open("event-streaming")
	window.page.locator(".number-widget-box .number").first.wait_for()
	window.page.locator(".dataset-units rect, .dataset-units path").first.wait_for()
	# the numbers and what they are of
	cards = window.page.locator(".number-widget-box").first
	cards.evaluate(
		"(each) => { each.style.scrollMarginTop = '120px'; each.scrollIntoView({block: 'start'}); }"
	)


def connection(window: Desk, scene: Scene) -> None:
	window.open(f"event-streaming-connection/{_quoted(scene.sides[CHIANG_MAI].url)}")
	window.page.locator("[role=tabpanel] table").first.wait_for()


def map_of_sites(window: Desk, scene: Scene) -> None:
	window.open("event-streaming-connection")
	window.page.locator(".event-streaming-connection svg.es-map").wait_for()


def conflict(window: Desk, scene: Scene) -> None:
	window.open_form("Event Sync Log", scene.shown["conflict"])
	table = window.page.locator("[data-fieldname='conflicts_html'] table:visible")
	table.wait_for()
	for number, each in enumerate(table.locator("tbody tr").all()):
		each.locator("input[type=radio]").nth(number % 2).check()
	table.evaluate("(each) => each.scrollIntoView({block: 'center'})")


def causes(window: Desk, scene: Scene) -> None:
	window.open("event-streaming-causes")
	window.page.locator(".event-streaming-causes section").first.wait_for()


def where(window: Desk, scene: Scene) -> None:
	window.open(f"event-streaming-where/{_quoted(ITEM)}/{CONFLICTED}")
	window.page.locator(".event-streaming-where li").nth(2).wait_for()


def document(window: Desk, scene: Scene) -> None:
	window.open(f"{slug(INVOICE)}/{scene.shown['invoice here']}")
	window.page.locator(".event-streaming-indicator:visible").first.wait_for()


def desktop(window: Desk, scene: Scene) -> None:
	window.leaving = True
	window.page.goto(f"{window.site_url}/desk")
	window.leaving = False
	window.page.locator(".desktop-icon").first.wait_for()


def _quoted(part: str) -> str:
	from urllib.parse import quote

	return quote(part, safe="")


SHOTS = (
	Shot(
		"workspace",
		OFFICE,
		workspace,
		(
			"event_streaming/workspace/event_streaming/event_streaming.json",
			"workspace_sidebar/event_streaming.json",
		),
	),
	Shot(
		"connection",
		OFFICE,
		connection,
		(
			f"{PAGES}/event_streaming_connection/event_streaming_connection.js",
			"public/js/connection_tabs.js",
		),
	),
	Shot("map", OFFICE, map_of_sites, ("public/js/connection_map.js",)),
	Shot(
		"conflict",
		CHIANG_MAI,
		conflict,
		(f"{DOCTYPES}/event_sync_log/event_sync_log.json", f"{DOCTYPES}/event_sync_log/event_sync_log.js"),
	),
	Shot("causes", OFFICE, causes, (f"{PAGES}/event_streaming_causes/event_streaming_causes.js",)),
	Shot("where", OFFICE, where, (f"{PAGES}/event_streaming_where/event_streaming_where.js",)),
	Shot("document", OFFICE, document, ("public/js/streamed_document.js",)),
	Shot(
		"desktop", OFFICE, desktop, ("desktop_icon/event_streaming.json", "public/images/event_streaming.svg")
	),
)

# picture -> what it is made of
SOURCES = {
	HERO: ("public/images/event_streaming.svg",),
	**{shot.name: shot.sources for shot in SHOTS},
	STORY: (f"{DOCTYPES}/event_sync_log/event_sync_log.js",),
}


def file_name(name: str, language: str, theme: str) -> str:
	return f"{name}-{language}-{theme}"

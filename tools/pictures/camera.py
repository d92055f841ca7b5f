"""Chromium as it takes the pictures: a person's window on a site, settled, without complaint, dressed for the picture."""

import contextlib
import io
from collections.abc import Iterator
from pathlib import Path

from PIL import Image
from playwright.sync_api import Browser, BrowserContext, sync_playwright

from sandbox.demo.sites import Side
from sandbox.paths import PROJECT
from sandbox.servers import packages
from tests.desk.browsing import CHROMIUM_ARGUMENTS, Desk
from tools.pictures import inside
from tools.pictures.company import PEOPLE
from tools.pictures.scene import PASSWORD, Scene

FOLDER = PROJECT / "docs" / "pictures"
WINDOW = {"width": 1280, "height": 800}
SHARPNESS = 2
QUALITY = 82
# the sites answer on ports of this machine; what is pictured has an address
ADDRESSES = """(addresses) => {
	const dressed = (text) => Object.entries(addresses).reduce(
		(seen, [from, to]) => seen.replaceAll('http://' + from, 'https://' + to).replaceAll(from, to), text);
	const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
	for (let node = walker.nextNode(); node; node = walker.nextNode()) {
		if (/\\d:\\d{4,5}/.test(node.data) && dressed(node.data) !== node.data) node.data = dressed(node.data);
	}
	for (const box of document.querySelectorAll('input, textarea')) {
		if (dressed(box.value) !== box.value) box.value = dressed(box.value);
	}
}"""
# nor is a picture of a cursor that blinks, or of a hint
CALM = """() => {
	if (document.activeElement) document.activeElement.blur();
	document.querySelectorAll('.tooltip, .popover').forEach((each) => each.remove());
}"""
STYLE = "*, *::before, *::after { transition: none !important; animation: none !important; caret-color: transparent !important; }"


class Camera:
	"""A browser with one profile for each site and size, where the person is logged in."""

	def __init__(self, browser: Browser, scene: Scene):
		self.browser, self.scene = browser, scene
		self.contexts: dict[tuple, BrowserContext] = {}

	@contextlib.contextmanager
	def window(
		self, side: Side, language: str = "en", theme: str = "light", size: dict | None = None
	) -> Iterator[Desk]:
		"""A new window of the site's own person, in that language and light."""
		side.site.run(inside.dress, email=PEOPLE[side.name][0], language=language, theme=theme.title())
		window = Desk(self._context(side, size or WINDOW), side.url)
		try:
			yield window
		finally:
			window.page.close()

	def _context(self, side: Side, size: dict) -> BrowserContext:
		key = (side.url, size["width"], size["height"])
		if key not in self.contexts:
			context = self.browser.new_context(viewport=size, device_scale_factor=SHARPNESS)
			answer = context.request.post(
				f"{side.url}/api/method/login", form={"usr": PEOPLE[side.name][0], "pwd": PASSWORD}
			)
			assert answer.ok, answer.text()
			self.contexts[key] = context
		return self.contexts[key]

	def dress(self, window: Desk) -> None:
		"""Nothing under way, nothing moving, addresses as a reader would have them."""
		window.settle()
		window.page.add_style_tag(content=STYLE)
		window.page.evaluate("document.fonts.ready")
		window.value(ADDRESSES, self.scene.addresses())
		window.value(CALM)
		window.page.wait_for_timeout(150)

	def take(self, window: Desk) -> Image.Image:
		"""What the window shows."""
		self.dress(window)
		return picture_of(window.page.screenshot())


@contextlib.contextmanager
def open_camera(scene: Scene) -> Iterator[Camera]:
	packages.ensure(packages.DESK, packages.THAI)
	with sync_playwright() as playwright:
		browser = playwright.chromium.launch(
			executable_path=packages.program("chromium"), args=CHROMIUM_ARGUMENTS
		)
		yield Camera(browser, scene)
		browser.close()


def picture_of(png: bytes) -> Image.Image:
	return Image.open(io.BytesIO(png)).convert("RGB")


def save(picture: Image.Image, name: str) -> Path:
	"""As WebP, which is a third of a PNG."""
	FOLDER.mkdir(parents=True, exist_ok=True)
	file = FOLDER / f"{name}.webp"
	picture.save(file, quality=QUALITY, method=6)
	return file

"""The moving picture: two Desks side by side for twenty seconds.

The head office makes an item, and a branch has it; it is renamed; both change its price, and a person decides. What is to
be seen is what the sites do; only waiting and the pointer are arranged. The sandbox has no socket.io server, so that the
branch's window is made to look again where a bench's would by itself.
"""

from dataclasses import dataclass, field
from pathlib import Path

from PIL import Image
from playwright.sync_api import Locator

from sandbox.demo.company import ITEM
from tests.desk.browsing import Desk
from tools.pictures.camera import ADDRESSES, FOLDER, STYLE, Camera, picture_of
from tools.pictures.company import CHIANG_MAI, DOMAIN, OFFICE
from tools.pictures.scene import Scene
from tools.pictures.stage import BAR, frame, logo, page, rendered

SIZE = (1080, 596)
PANE = {"width": 500, "height": 452}
LEFT, RIGHT, TOP = 26, 554, 84
SHOWN_AT = 1.25  # of SIZE
QUALITY, PACE = 80, 1.28
CODE, NAME, BETTER_CODE = "TEA-BLACK", "Black Tea 100 g", "TEA-BLACK-100"
POINTER = """([x, y]) => {
	let pointer = document.getElementById('pictured-pointer');
	if (!pointer) {
		pointer = document.createElement('div');
		pointer.id = 'pictured-pointer';
		pointer.innerHTML = '<svg width="26" height="26" viewBox="0 0 24 24"><path d="M5 2l14 11-6.5.9L9.5 20z" fill="#111" stroke="#fff" stroke-width="1.6"/></svg>';
		pointer.style.cssText = 'position: fixed; z-index: 99999; pointer-events: none;';
		document.body.appendChild(pointer);
	}
	pointer.style.left = x + 'px';
	pointer.style.top = y + 'px';
	pointer.style.display = x < 0 ? 'none' : 'block';
}"""

PRESS = """(label) => [...document.querySelectorAll('button, a.dropdown-item')]
	.find((each) => each.textContent.trim() === label).click()"""
QUIET = "document.querySelectorAll('.desk-alert, .tooltip').forEach((each) => each.remove())"


@dataclass
class Film:
	"""Frames as they are taken: what both windows show, under a caption, for how long."""

	camera: Camera
	left: Desk
	right: Desk
	frames: list[tuple[Image.Image, int]] = field(default_factory=list)
	caption: str = ""
	_stages: dict[str, Image.Image] = field(default_factory=dict)
	_panes: dict[int, Image.Image] = field(default_factory=dict)

	def say(self, caption: str) -> None:
		self.caption = caption

	def shoot(self, milliseconds: int, *changed: Desk) -> None:
		"""A frame; only the windows that have changed are looked at anew."""
		for window in changed or (self.left, self.right):
			window.page.add_style_tag(content=STYLE)
			window.value(ADDRESSES, self.camera.scene.addresses())
			shot = picture_of(window.page.screenshot())
			self._panes[id(window)] = shot.resize(
				tuple(round(PANE[side] * SHOWN_AT) for side in ("width", "height")), Image.Resampling.LANCZOS
			)
		whole = self._stage().copy()
		for window, left in ((self.left, LEFT), (self.right, RIGHT)):
			whole.paste(
				self._panes[id(window)], (round((left + 1) * SHOWN_AT), round((TOP + BAR + 1) * SHOWN_AT))
			)
		self.frames.append((whole, round(milliseconds * PACE)))

	def point(self, window: Desk, at: Locator, milliseconds: int = 450) -> None:
		"""The pointer goes there."""
		box = at.bounding_box()
		window.value(POINTER, [box["x"] + box["width"] / 2, box["y"] + box["height"] / 2])
		self.shoot(milliseconds, window)

	def click(self, window: Desk, at: Locator) -> None:
		self.point(window, at)
		at.click()
		window.value(POINTER, [-50, -50])

	def type(self, window: Desk, fieldname: str, text: str, pieces: int = 3) -> None:
		"""Into a field, a few letters at a time."""
		box = window.page.locator(f"[data-fieldname='{fieldname}']:visible input:visible").first
		box.scroll_into_view_if_needed()
		for piece in range(1, pieces + 1):
			box.fill(text[: round(len(text) * piece / pieces)])
			self.shoot(130, window)
		box.press("Tab")
		window.settle()

	def save(self, name: str) -> Path:
		file = FOLDER / f"{name}.webp"
		pictures, durations = zip(*self.frames, strict=True)
		pictures[0].save(
			file,
			save_all=True,
			append_images=pictures[1:],
			duration=list(durations),
			loop=0,
			quality=QUALITY,
			method=6,
			minimize_size=True,
		)
		return file

	def _stage(self) -> Image.Image:
		if self.caption not in self._stages:
			width, height = SIZE
			panes = [
				f'<div class="{where}">{frame(f"{name}.{DOMAIN}", PANE["width"] + 2, PANE["height"] + 2)}</div>'
				for where, name in (("left", OFFICE), ("right", CHIANG_MAI))
			]
			body = f'<header><img src="{logo()}" width="44"><h1>{self.caption}</h1></header>{"".join(panes)}'
			style = f"""header {{ display: flex; gap: 16px; align-items: center; padding: 20px {LEFT}px 0; }}
				h1 {{ font-size: 25px; }} .left .frame {{ left: {LEFT}px; top: {TOP}px; }}
				.right .frame {{ left: {RIGHT}px; top: {TOP}px; }}"""
			text = page("light", width, height, body, style)
			self._stages[self.caption] = rendered(self.camera.browser, text, width, height, SHOWN_AT)
		return self._stages[self.caption]


def film(camera: Camera, scene: Scene) -> Film:
	"""The whole story, as frames."""
	office, branch = scene.office, scene.sides[CHIANG_MAI]
	with (
		camera.window(office, size=PANE) as left,
		camera.window(branch, size=PANE) as right,
	):
		told = Film(camera, left, right)
		_made(told, scene)
		_renamed(told, scene)
		_both_changed(told, scene)
		return told


def _made(told: Film, scene: Scene) -> None:
	left, right = told.left, told.right
	branch = scene.sides[CHIANG_MAI]
	left.open_new(ITEM)
	right.open_list(ITEM)
	told.say("The head office makes an item …")
	told.shoot(700)
	told.type(left, "item_code", CODE)
	told.type(left, "item_name", NAME)
	told.type(left, "rate", "220", pieces=2)
	told.click(left, left.page.locator(".primary-action:visible").first)
	left.wait_for_form(ITEM, CODE)
	scene.wait_for("the item", lambda: branch.find(ITEM, CODE))
	told.shoot(350, left)
	told.say("… and the branch has it.")
	_look_again(right)
	told.shoot(1500)


def _renamed(told: Film, scene: Scene) -> None:
	left, right = told.left, told.right
	branch = scene.sides[CHIANG_MAI]
	told.say("It is renamed; links and history follow.")
	left.value("cur_frm.rename_doc()")
	box = left.page.locator(".modal.show input:visible").first
	box.wait_for()
	left.page.wait_for_timeout(400)
	told.shoot(700)
	box.fill(BETTER_CODE)
	told.shoot(450, left)
	told.click(
		left,
		left.page.locator(".modal.show .btn-modal-primary:visible, .modal.show .btn-primary:visible").first,
	)
	left.wait_for_form(ITEM, BETTER_CODE)
	scene.wait_for("the new name", lambda: branch.find(ITEM, BETTER_CODE))
	_look_again(right)
	told.shoot(1700)


def _both_changed(told: Film, scene: Scene) -> None:
	left, right = told.left, told.right
	branch = scene.sides[CHIANG_MAI]
	told.say("Both change the price …")
	right.open_form(ITEM, BETTER_CODE)
	told.shoot(900)
	for window, price in ((right, "235"), (left, "240")):
		told.type(window, "rate", price, pieces=1)
		told.click(window, window.page.locator(".primary-action:visible").first)
		window.wait_until("!cur_frm.is_dirty()")
		window.settle()
		told.shoot(500, window)
	conflict = scene.wait_for(
		"the conflict", lambda: branch.sync_logs(status="Conflict", producer_doc=BETTER_CODE)
	)
	told.say("… nothing is overwritten: a person decides …")
	right.open_form("Event Sync Log", conflict[0]["name"])
	for window in (left, right):
		window.value(QUIET)
	table = right.page.locator("[data-fieldname='conflicts_html'] table:visible")
	table.evaluate("(each) => each.scrollIntoView({block: 'center'})")
	told.shoot(1700)
	told.click(right, table.locator("input[value='there']").first)
	told.shoot(500, right)
	# a narrow window has its buttons in a menu
	right.value(PRESS, "Keep the Picked Values")
	right.wait_until("cur_frm.doc.status === 'Synced'")
	right.settle()
	told.say("… and both sites hold the same again.")
	right.open_form(ITEM, BETTER_CODE)
	right.value("cur_frm.reload_doc()")
	right.settle()
	right.page.locator("[data-fieldname='rate']:visible").first.scroll_into_view_if_needed()
	told.shoot(2600)


def _look_again(window: Desk) -> None:
	window.value("cur_list.refresh()")
	window.settle()

"""The picture at the top of README: one document on two sites, and what this is in one sentence."""

from PIL import Image

from tools.pictures.camera import Camera
from tools.pictures.company import CHIANG_MAI, DOMAIN, OFFICE
from tools.pictures.scene import Scene
from tools.pictures.stage import embedded, frame, logo, page, rendered

SIZE = (1280, 640)
PANE = {"width": 560, "height": 400}
SHOWN = "MUG-BLUE"
WORDS = {
	"en": (
		"The same documents on every site",
		"Head office, branches, shops behind a router: each with a Frappe site of its own.",
	),
	"th": ("เอกสารตรงกันทุกไซต์", "สำนักงานใหญ่ สาขา และร้านหลังเราเตอร์ ต่างมีไซต์ Frappe ของตนเอง"),
}


def hero(camera: Camera, scene: Scene, language: str, theme: str) -> Image.Image:
	left, right = (_item(camera, scene, name, language, theme) for name in (OFFICE, CHIANG_MAI))
	title, line = WORDS[language]
	width, height = SIZE
	panes = [
		f'<div class="{where}">{frame(f"{name}.{DOMAIN}", PANE["width"], PANE["height"], _image(picture))}</div>'
		for where, name, picture in (("left", OFFICE, left), ("right", CHIANG_MAI, right))
	]
	body = f"""<header><img src="{logo()}" width="84"><div><h1>{title}</h1><p>{line}</p></div></header>{"".join(panes)}
		<svg class="arrow" viewBox="0 0 64 64" width="76"><circle cx="32" cy="32" r="30" fill="#1d6fc0"/>
		<path d="M18 32h26M34 21l11 11-11 11" fill="none" stroke="#fff" stroke-width="5" stroke-linecap="round"
		stroke-linejoin="round"/></svg>"""
	style = """header { display: flex; gap: 24px; align-items: center; padding: 36px 56px 0; }
		.left .frame { left: 56px; top: 164px; } .right .frame { right: 56px; top: 164px; }
		.arrow { position: absolute; left: 602px; top: 346px; filter: drop-shadow(0 6px 14px rgba(8, 25, 60, .35)); }"""
	return rendered(camera.browser, page(theme, width, height, body, style), width, height, 2)


def _image(picture: Image.Image) -> str:
	return f'<img src="{embedded(picture)}">'


def _item(camera: Camera, scene: Scene, at: str, language: str, theme: str) -> Image.Image:
	with camera.window(scene.sides[at], language, theme, PANE) as window:
		window.open_form("Shop Item", SHOWN)
		window.page.locator(".event-streaming-indicator:visible").first.wait_for()
		return camera.take(window)

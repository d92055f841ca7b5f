"""Two Desks side by side in their frames: the stage of the moving picture and of the one at the top of README."""

import base64
import html
import io
from pathlib import Path

from PIL import Image
from playwright.sync_api import Browser

from sandbox.paths import PROJECT
from tools.pictures.camera import picture_of

LOGO = PROJECT / "event_streaming" / "public" / "images" / "event_streaming.svg"
GROUND = {
	"light": (
		"linear-gradient(135deg, #e6fbf6 0%, #eaf1ff 100%)",
		"#10243f",
		"#ffffff",
		"#d6e0ee",
		"#5b6b82",
	),
	"dark": ("linear-gradient(135deg, #06231f 0%, #0b1633 100%)", "#eef4ff", "#161b24", "#2b3442", "#9db0cc"),
}
BAR = 34


def frame(address: str, width: int, height: int, inside: str = "") -> str:
	"""A browser's window with that address, as HTML."""
	return f"""<div class="frame" style="width:{width}px;height:{height + BAR}px">
		<div class="bar"><i></i><i></i><i></i><span>{html.escape(address)}</span></div>
		<div class="pane">{inside}</div></div>"""


def page(theme: str, width: int, height: int, body: str, style: str = "") -> str:
	ground, ink, paper, edge, faint = GROUND[theme]
	return f"""<!doctype html><meta charset="utf-8"><style>
		* {{ box-sizing: border-box; margin: 0; }}
		body {{ width: {width}px; height: {height}px; overflow: hidden; background: {ground}; color: {ink};
			font-family: Inter, "Noto Sans", "Noto Sans Thai", "DejaVu Sans", sans-serif; position: relative; }}
		.frame {{ position: absolute; border-radius: 10px; overflow: hidden; background: {paper};
			border: 1px solid {edge}; box-shadow: 0 18px 44px rgba(8, 25, 60, .22); }}
		.bar {{ height: {BAR}px; display: flex; align-items: center; gap: 6px; padding: 0 12px; border-bottom: 1px solid {edge}; }}
		.bar i {{ width: 10px; height: 10px; border-radius: 50%; background: {edge}; }}
		.bar span {{ margin: 0 auto; font-size: 12.5px; color: {faint}; padding-right: 42px; }}
		.pane img {{ display: block; width: 100%; }}
		h1 {{ font-size: 36px; letter-spacing: -.02em; line-height: 1.2; }}
		p {{ color: {faint}; font-size: 18px; line-height: 1.45; }}
		{style}</style><body>{body}</body>"""


def rendered(browser: Browser, text: str, width: int, height: int, sharpness: float) -> Image.Image:
	"""That page as a picture."""
	context = browser.new_context(viewport={"width": width, "height": height}, device_scale_factor=sharpness)
	window = context.new_page()
	window.set_content(text)
	window.evaluate("document.fonts.ready")
	picture = picture_of(window.screenshot())
	context.close()
	return picture


def embedded(picture: Image.Image) -> str:
	"""A picture as the address of an <img>."""
	file = io.BytesIO()
	picture.save(file, "PNG")
	return f"data:image/png;base64,{base64.b64encode(file.getvalue()).decode()}"


def logo(file: Path = LOGO) -> str:
	return f"data:image/svg+xml;base64,{base64.b64encode(file.read_bytes()).decode()}"

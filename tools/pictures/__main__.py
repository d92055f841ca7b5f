"""`python -m tools.pictures [NAME…]`: takes all pictures anew, or those that are named; `--unchanged` looks at none.

`--unchanged` is for a change of a source that nobody can see: it notes that the pictures are as their sources are now.
"""

import argparse
import sys

from sandbox.errors import SandboxError
from sandbox.progress import say, step
from tools.pictures import manifest
from tools.pictures.camera import Camera, open_camera, save
from tools.pictures.film import film
from tools.pictures.hero import hero
from tools.pictures.scene import Scene, open_scene
from tools.pictures.shots import HERO, LANGUAGES, SHOTS, SOURCES, STORY, THEMES, file_name


def main() -> None:
	parser = argparse.ArgumentParser(prog="python -m tools.pictures", description=__doc__)
	parser.add_argument("names", nargs="*", metavar="NAME", choices=[[], *SOURCES], help=", ".join(SOURCES))
	parser.add_argument("--unchanged", action="store_true", help="note that the pictures are still right")
	options = parser.parse_args()
	names = options.names or list(SOURCES)
	if not options.unchanged:
		with open_scene() as scene, open_camera(scene) as camera:
			take(camera, scene, names)
	for name in names:
		manifest.remember(name, SOURCES[name])
	size = sum(file.stat().st_size for file in manifest.PICTURES.glob("*.webp"))
	say(f"{len(names)} pictures are as their sources are; all files together have {size / 1e6:.1f} MB.")


def take(camera: Camera, scene: Scene, names: list[str]) -> None:
	"""Takes these pictures in each language and light. The film comes last, as it changes what others show."""
	for language in LANGUAGES:
		for theme in THEMES:
			if HERO in names:
				with step(f"{HERO}, {language}, {theme}"):
					save(hero(camera, scene, language, theme), file_name(HERO, language, theme))
			for shot in SHOTS:
				if shot.name in names:
					with (
						step(f"{shot.name}, {language}, {theme}"),
						camera.window(shot.side(scene), language, theme) as window,
					):
						shot.go(window, scene)
						save(camera.take(window), file_name(shot.name, language, theme))
	if STORY in names:
		with step(STORY):
			told = film(camera, scene)
			told.save(STORY)
			say(f"{len(told.frames)} frames, {sum(each[1] for each in told.frames) / 1000:.1f} s")


if __name__ == "__main__":
	try:
		main()
	except SandboxError as error:
		sys.exit(f"\n{error}")

# Everything is said in pyproject.toml but this: a wheel has the guides that the Desk shows, which lie beside the app here. An editable
# install, as bench makes it, reads them where they are.
import shutil
from pathlib import Path

from setuptools import setup
from setuptools.command.build_py import build_py

HERE = Path(__file__).parent


class BuildWithGuides(build_py):
	def run(self):
		super().run()
		if self.editable_mode:
			return
		for guide in (HERE / "docs").rglob("*.md"):
			target = Path(self.build_lib) / "event_streaming" / guide.relative_to(HERE)
			target.parent.mkdir(parents=True, exist_ok=True)
			shutil.copyfile(guide, target)


setup(cmdclass={"build_py": BuildWithGuides})

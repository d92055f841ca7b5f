"""Wheel and source package of a tree: built, looked into, and installed in an empty environment.

`python -m tools.release.packages FOLDER` does it with the tree that is checked out, and leaves both and SHA256SUMS in the folder. Needs
the network, for pip to get setuptools.
"""

import hashlib
import json
import os
import subprocess
import sys
import tarfile
import tempfile
import venv
import zipfile
from pathlib import Path

from tools.release.changelog import ReleaseError

APP = "event_streaming"
GUIDES = f"{APP}/docs"
NOT_PACKAGED = ("tests", "sandbox", "benchmarks", "tools", "requirements", ".github", ".ci", "docker")
# of what a site can't do without: one file of each kind, beside the comparison with all that is tracked
NEEDED = (
	f"{APP}/event_streaming/doctype/event_producer/event_producer.json",
	f"{APP}/event_streaming/doctype/event_producer/event_producer.js",
	f"{APP}/event_streaming/workspace/event_streaming/event_streaming.json",
	f"{APP}/public/js/setup.js",
	f"{APP}/translations/th.csv",
	f"{APP}/locale/th.po",
	f"{APP}/modules.txt",
	f"{APP}/patches.txt",
)
# runs in the empty environment: what is there without Frappe
LOOK = f"""
import importlib.metadata, importlib.resources, json, {APP}
root = importlib.resources.files("{APP}")
recipes = [json.loads(file.read_text()) for file in (root / "recipes").iterdir() if file.name.endswith(".json")]
print(json.dumps({{
	"version": {APP}.__version__,
	"metadata": importlib.metadata.version("{APP}"),
	"recipes": len(recipes),
	"guides": sorted(file.name for file in (root / "docs").iterdir()),
	"file": str(root),
}}))
"""


def build(tree: Path, folder: Path) -> list[Path]:
	"""Source package and wheel of a tree, the wheel made from the source package. Raises ReleaseError with what the build says."""
	stamp = _output(["git", "log", "-1", "--format=%ct"], tree).strip()
	_output(
		[sys.executable, "-m", "build", "--outdir", str(folder), str(tree)],
		tree,
		{"SOURCE_DATE_EPOCH": stamp},
	)
	return sorted(path for path in folder.iterdir() if path.suffix in (".whl", ".gz"))


def names_in(package: Path) -> set[str]:
	"""The files in a wheel or source package, without the folder that a source package has around them."""
	if package.suffix == ".whl":
		with zipfile.ZipFile(package) as opened:
			return {name for name in opened.namelist() if not name.endswith("/")}
	with tarfile.open(package) as opened:
		return {member.name.partition("/")[2] for member in opened.getmembers() if member.isfile()}


def wrong_with(names: set[str], tracked: set[str], is_wheel: bool) -> list[str]:
	"""One line for all that a package lacks, and that it has and should not; `tracked` is what the repository has."""
	guides = {name for name in tracked if name.startswith("docs/") and name.endswith(".md")}
	wanted = {name for name in tracked if name.startswith(f"{APP}/")} | set(NEEDED)
	wanted |= (
		{f"{APP}/{name}" for name in guides} if is_wheel else guides | {"pyproject.toml", "CHANGELOG.md"}
	)
	found = [f"is missing: {name}" for name in sorted(wanted - names)]
	found += [
		f"does not belong there: {name}" for name in sorted(names) if name.split("/")[0] in NOT_PACKAGED
	]
	if is_wheel:
		own = {name for name in names if name.startswith(f"{APP}/")}
		found += [f"is not in the repository: {name}" for name in sorted(own - wanted)]
	return found


def try_in_empty_environment(package: Path, version: str) -> None:
	"""Installs a package where nothing else is, and looks at what is there. Raises ReleaseError if it is not what it should be."""
	with tempfile.TemporaryDirectory() as folder:
		venv.create(folder, with_pip=True)
		python = str(Path(folder) / "bin" / "python")
		_output(
			[python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", str(package)],
			Path(folder),
		)
		seen = json.loads(_output([python, "-c", LOOK], Path(folder)))
	if not seen["file"].startswith(str(Path(folder).resolve())):
		raise ReleaseError(f"{package.name}: {APP} was found in {seen['file']}, not where it was installed.")
	if {seen["version"], seen["metadata"]} != {version}:
		raise ReleaseError(f"{package.name} is of version {seen['metadata']}, and says {seen['version']}.")
	if not seen["recipes"] or "guide.md" not in seen["guides"]:
		raise ReleaseError(f"{package.name} has been installed without recipes or guides.")


def checked(tree: Path, folder: Path, version: str) -> list[Path]:
	"""Both packages, built and tried, with SHA256SUMS beside them. Raises ReleaseError with all that is wrong."""
	tracked = set(_output(["git", "ls-files"], tree).splitlines())
	packages = build(tree, folder)
	lines = [
		f"{package.name}: {line}"
		for package in packages
		for line in wrong_with(names_in(package), tracked, package.suffix == ".whl")
	]
	if lines or len(packages) != 2:
		raise ReleaseError("\n".join(lines) or f"{len(packages)} packages were built, not two.")
	for package in packages:
		try_in_empty_environment(package, version)
	sums = [f"{hashlib.sha256(package.read_bytes()).hexdigest()}  {package.name}\n" for package in packages]
	(folder / "SHA256SUMS").write_text("".join(sums))
	return [*packages, folder / "SHA256SUMS"]


def version_of(tree: Path) -> str:
	"""The one place that says it, read without importing."""
	for line in (tree / APP / "__init__.py").read_text(encoding="utf-8").splitlines():
		if line.startswith("__version__ = "):
			return line.split('"')[1]
	raise ReleaseError(f"{APP}/__init__.py has no __version__.")


def _output(command: list[str], folder: Path, environment: dict[str, str] | None = None) -> str:
	kept = {
		name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "VIRTUAL_ENV"))
	}
	result = subprocess.run(
		command, cwd=folder, env={**kept, **(environment or {})}, capture_output=True, text=True
	)
	if result.returncode != 0:
		raise ReleaseError(
			f"`{' '.join(command[:4])} …` failed:\n{result.stdout[-3000:]}\n{result.stderr[-3000:]}"
		)
	return result.stdout


def main() -> None:
	folder = Path(sys.argv[1]).resolve()
	folder.mkdir(parents=True, exist_ok=True)
	tree = Path(__file__).resolve().parents[2]
	try:
		for package in checked(tree, folder, version_of(tree)):
			print(package)
	except ReleaseError as error:
		sys.exit(str(error))


if __name__ == "__main__":
	main()

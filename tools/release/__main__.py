"""`python -m tools.release [--dry-run]`: checks, packages in dist/, and a tag, in this order; nothing is pushed.

What dies on the way leaves no tag: the same command begins anew. With --dry-run everything is done but the tag and dist/.
"""

import argparse
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from tools.release.changelog import ReleaseError, Section, check_bump, order_of, section_for
from tools.release.packages import checked, version_of

PROJECT = Path(__file__).resolve().parents[2]


def release(dry_run: bool) -> None:
	if dirty := git("status", "--porcelain"):
		raise ReleaseError(f"The tree has changes that are not committed:\n{dirty}")
	version = version_of(PROJECT)
	order_of(version)
	check_bump(version, git("tag", "--list").split())
	section = section_for((PROJECT / "CHANGELOG.md").read_text(encoding="utf-8"), version)
	print(f"{version}, of {section.when}, from {git('log', '-1', '--format=%h %s')}")
	with tempfile.TemporaryDirectory() as folder:
		packages = built(Path(folder), version)
		for package in packages:
			print(f"{package.stat().st_size:>9,}  {package.name}")
		print((Path(folder) / "dist" / "SHA256SUMS").read_text(), end="")
		if dry_run:
			print(
				f"Would be tagged v{version} with {len(section.body.splitlines())} lines. Nothing has been changed."
			)
			return
		keep(packages, PROJECT / "dist", section)
	git("tag", "--annotate", f"v{version}", "--cleanup=verbatim", "--message", f"{version}\n\n{section.body}")
	print(
		f"Tagged v{version}; packages and notes are in dist/. Nothing has been pushed: git push origin v{version}"
	)


def built(folder: Path, version: str) -> list[Path]:
	"""From a clone of the commit: what is not committed can't get into a package."""
	tree, packages = folder / "tree", folder / "dist"
	packages.mkdir()
	git("clone", "--quiet", "--no-hardlinks", "--shared", str(PROJECT), str(tree))
	subprocess.run(["git", "checkout", "--quiet", git("rev-parse", "HEAD")], cwd=tree, check=True)
	return checked(tree, packages, version)


def keep(packages: list[Path], folder: Path, section: Section) -> None:
	"""In place of what an earlier release has left."""
	shutil.rmtree(folder, ignore_errors=True)
	folder.mkdir()
	for package in packages:
		shutil.copy2(package, folder)
	(folder / "NOTES.md").write_text(f"{section.body}\n", encoding="utf-8")


def git(*arguments: str) -> str:
	result = subprocess.run(["git", *arguments], cwd=PROJECT, capture_output=True, text=True)
	if result.returncode != 0:
		raise ReleaseError(f"git {arguments[0]}: {result.stderr.strip()}")
	return result.stdout.strip()


def main() -> None:
	parser = argparse.ArgumentParser(prog="python -m tools.release", description=__doc__)
	parser.add_argument("--dry-run", action="store_true", help="everything but the tag and dist/")
	try:
		release(parser.parse_args().dry_run)
	except ReleaseError as error:
		sys.exit(f"No release. {error}")


if __name__ == "__main__":
	main()

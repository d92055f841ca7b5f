"""`python -m tests.soak.seeded`: known bugs, put back one by one into a copy of the tree, which the soak then has to find.

A patch under tests/seeded/ says in its head what the bug is, and with which shape and faults it is looked for. Nothing of a patch
touches the tree that it is applied from. The exit code is 1 when one was not found.
"""

import argparse
import os
import shutil
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

from sandbox.paths import PROJECT, work_folder

PATCHES = PROJECT / "tests" / "seeded"
# a run that has found something ends with this
FOUND = 1
NOT_COPIED = (".git", ".work", "node_modules", "__pycache__")


@dataclass(frozen=True)
class Seeded:
	"""A bug that is put back: the head of its patch."""

	name: str
	bug: str
	shape: str
	faults: str
	seconds: int
	probes: int = 1


def read(patch: Path) -> Seeded:
	head = dict(line.split(": ", 1) for line in patch.read_text().partition("\n\n")[0].splitlines())
	seconds, probes = int(head["seconds"]), int(head.get("probes", 1))
	return Seeded(patch.stem, head["bug"], head["shape"], head["faults"], seconds, probes)


def all_patches() -> list[Path]:
	return sorted(PATCHES.glob("*.patch"))


def copy_tree(to: Path) -> None:
	shutil.rmtree(to, ignore_errors=True)
	shutil.copytree(PROJECT, to, ignore=shutil.ignore_patterns(*NOT_COPIED), symlinks=True)


def apply(patch: Path, tree: Path, check: bool = False) -> subprocess.CompletedProcess:
	"""Put the bug into a tree; with `check`, say only whether that can be done."""
	command = ["git", "apply", *(["--check"] if check else []), str(patch)]
	# not of the repository that the tree may stand in
	env = {**os.environ, "GIT_CEILING_DIRECTORIES": str(tree.parent)}
	return subprocess.run(command, cwd=tree, env=env, capture_output=True, text=True)


def look_for(patch: Path, tries: int, seed: int) -> tuple[bool, float, str]:
	"""Whether it was found, after how many seconds of soaking and looking, and what was said first."""
	bug = read(patch)
	tree = work_folder() / "seeded" / bug.name
	copy_tree(tree)
	applied = apply(patch, tree)
	if applied.returncode:
		raise SystemExit(f"{bug.name} can't be applied any more: {applied.stderr}")
	env = {**os.environ, "EVENT_STREAMING_WORK": str(work_folder())}
	began, said = time.monotonic(), ""
	for number in range(tries):
		command = [sys.executable, "-m", "tests.soak", "--seconds", str(bug.seconds), "--shape", bug.shape]
		command += ["--faults", bug.faults, "--seed", str(seed + number), "--probes", str(bug.probes)]
		# what they were found with; other people on the machine would only make it slower
		command += ["--kinds", "none"]
		result = subprocess.run(command, cwd=tree, env=env, capture_output=True, text=True)
		(tree.parent / f"{bug.name}.log").write_text(result.stdout + result.stderr)
		findings = [line.strip() for line in result.stdout.splitlines() if line.startswith("  FOUND ")]
		if result.returncode == FOUND and findings:
			shutil.rmtree(tree)
			return True, time.monotonic() - began, findings[0].removeprefix("FOUND ")
		said = (
			(result.stdout.splitlines() or ["it said nothing"])[-1].strip()
			if not result.returncode
			else result.stderr[-500:]
		)
	shutil.rmtree(tree)
	return False, time.monotonic() - began, said


def main() -> int:
	parser = argparse.ArgumentParser(prog="python -m tests.soak.seeded", description=__doc__)
	parser.add_argument("names", nargs="*", help="some of the patches; without, all")
	parser.add_argument("--tries", type=int, default=2, help="runs with new seeds until one finds it")
	parser.add_argument("--seed", type=int, default=11)
	chosen = parser.parse_args()
	missed = 0
	for patch in all_patches():
		if chosen.names and patch.stem not in chosen.names:
			continue
		found, seconds, said = look_for(patch, chosen.tries, chosen.seed)
		missed += not found
		print(
			f"{patch.stem}: {'found' if found else 'NOT FOUND'} after {seconds:.0f} s: {said[:300]}",
			flush=True,
		)
	return int(bool(missed))


if __name__ == "__main__":
	sys.exit(main())

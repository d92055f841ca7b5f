"""`python -m tools.mutants`: so many mutants, drawn by lot with a seed, and which of them no test has noticed. See `--help`."""

import argparse
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

from sandbox.paths import PROJECT, work_folder
from tests.soak.seeded import copy_tree
from tools.mutants.targets import PACKAGES


def main() -> int:
	parser = argparse.ArgumentParser(prog="python -m tools.mutants", description=__doc__)
	parser.add_argument("--python", required=True, help="of the environment that has cosmic-ray")
	parser.add_argument("--mutants", type=int, default=60)
	parser.add_argument(
		"--seed", type=int, default=1, help="the same seed draws the same mutants of the same sources"
	)
	parser.add_argument(
		"--after", type=int, default=0, help="pass over so many: a sample can be run in pieces"
	)
	parser.add_argument("--of", nargs="*", default=list(PACKAGES), help="packages or modules")
	chosen = parser.parse_args()
	folder = work_folder() / "mutants"
	folder.mkdir(parents=True, exist_ok=True)
	drawn = draw(chosen.python, chosen.seed, chosen.mutants, chosen.of)[chosen.after :]
	waiting, results = folder / f"waiting-{os.getpid()}.json", folder / f"seed-{chosen.seed}.jsonl"
	waiting.write_text(json.dumps(drawn))
	tree = folder / f"tree-{os.getpid()}"
	copy_tree(tree)
	before = len(lines(results))
	env = {**os.environ, "EVENT_STREAMING_WORK": str(work_folder())}
	words = [sys.executable, "-m", "tools.mutants.trying", str(waiting), str(results)]
	try:
		done = subprocess.run(words, cwd=tree, env=env)
	finally:
		shutil.rmtree(tree)
		waiting.unlink()
	tried = lines(results)[before:]
	survived = [each for each in tried if not each["killed_by"]]
	print(
		f"{len(tried)} mutants (seed {chosen.seed}): {len(tried) - len(survived)} killed, {len(survived)} survived"
	)
	return done.returncode


def lines(path: Path) -> list[dict]:
	return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []


def draw(python: str, seed: int, most: int, packages: list[str]) -> list[dict]:
	words = [
		python,
		str(Path(__file__).with_name("sampling.py")),
		str(PROJECT),
		str(seed),
		str(most),
		*packages,
	]
	return json.loads(subprocess.run(words, check=True, stdout=subprocess.PIPE, text=True).stdout)


if __name__ == "__main__":
	sys.exit(main())

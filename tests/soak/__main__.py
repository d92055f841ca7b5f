"""`python -m tests.soak`: one run of the soak; exit code 1 where something was found. See `--help`."""

import argparse
import random
import sys
import time
from pathlib import Path

from sandbox.paths import work_folder
from tests.soak.faults.all_of_them import FAULTS, USUAL
from tests.soak.kinds import KINDS
from tests.soak.shapes import SHAPES
from tests.soak.storm import Plan, run


def main() -> int:
	parser = argparse.ArgumentParser(prog="python -m tests.soak", description=__doc__)
	parser.add_argument("--seconds", type=int, default=120, help="how long people and faults are at work")
	parser.add_argument("--shape", choices=[*SHAPES, "both"], default="both")
	parser.add_argument("--seed", type=int, default=0, help="chances of people and faults; 0: by lot")
	parser.add_argument("--faults", default="all", help=f"'all', 'none', or some of: {', '.join(FAULTS)}")
	parser.add_argument(
		"--probes", type=int, default=3, help="how often it is tried whether consumers are told"
	)
	parser.add_argument("--writers", type=int, default=2, help="people on each site, besides those of kinds")
	parser.add_argument("--kinds", default="all", help=f"'all', 'none', or some of: {', '.join(KINDS)}")
	parser.add_argument(
		"--until-found", action="store_true", help="again and again, with new seeds, until it finds"
	)
	chosen = parser.parse_args()
	faults = tuple(name for name in FAULTS if name in chosen.faults.split(","))
	if chosen.faults == "all":
		faults = USUAL
	kinds = (
		KINDS if chosen.kinds == "all" else tuple(name for name in KINDS if name in chosen.kinds.split(","))
	)
	seed, found = chosen.seed or random.randrange(1, 10**6), False
	while True:
		for shape in SHAPES if chosen.shape == "both" else [chosen.shape]:
			plan = Plan(shape, chosen.seconds, seed, faults, chosen.writers, chosen.probes, kinds)
			result = run(plan, new_folder(shape, seed))
			print(result.told(), flush=True)
			found = found or bool(result.findings)
		seed += 1
		if found or not chosen.until_found:
			return int(found)


def new_folder(shape: str, seed: int) -> Path:
	return work_folder() / "storms" / f"{time.strftime('%H%M%S')}-{shape}-{seed}"


if __name__ == "__main__":
	sys.exit(main())

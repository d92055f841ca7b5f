"""`python -m sandbox.clean`: ends every run of this work folder, also a living one, and removes the folder.

Needs nothing but Python itself, so that it works when the Python environment is broken or was never made.
"""

import shutil

from sandbox.paths import work_folder
from sandbox.servers.runs import end_dead_runs


def main() -> None:
	ended = end_dead_runs(also_living=True)
	shutil.rmtree(work_folder(), ignore_errors=True)
	print(f"Ended {ended} run(s) and removed {work_folder()}.")


if __name__ == "__main__":
	main()

"""Tries one mutant after the other in a copy of the tree, on one cluster that stays up: `python -m tools.mutants.trying MUTANTS RESULTS`.

Started in that copy by `tools.mutants`. A line of JSON for each mutant: killed (by which test) or survived.
"""

import contextlib
import io
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from sandbox.sites import cluster as clusters
from sandbox.sites.cluster import Cluster, open_cluster
from tools.mutants.targets import UNITS, held_by

HERE = Path.cwd()
# of one test, which may wait for ever for what a mutant does not do
TEST_SECONDS = 90
OPTIONS = ["-x", "-q", "--no-header", "--tb=line", "-p", "no:cacheprovider", f"--timeout={TEST_SECONDS}"]
TESTS = "::"


class First:
	"""The first test that fails, without its parameters."""

	name = ""

	def pytest_runtest_logreport(self, report) -> None:
		if report.failed and not self.name:
			self.name = report.nodeid.partition("[")[0]


def main() -> None:
	mutants, results = json.loads(Path(sys.argv[1]).read_text()), Path(sys.argv[2])
	needed = {test for mutant in mutants for test in held_by(mutant["module"])}
	names = [] if all(test.startswith(UNITS) for test in needed) else ["producer", "consumer"]
	with open_cluster(names) if names else contextlib.nullcontext() as cluster:
		keep(cluster)
		sound: dict[str, bool] = {}
		for mutant in mutants:
			began = time.monotonic()
			killed = tried(cluster, mutant)
			if killed and killed not in sound:
				# a test that fails by itself kills nothing
				sound[killed] = not (TESTS in killed and failing(cluster, (killed,)))
			if killed and not sound[killed]:
				raise SystemExit(f"{killed} fails without any mutant.")
			line = {key: value for key, value in mutant.items() if key != "text"}
			line |= {"killed_by": killed, "seconds": round(time.monotonic() - began)}
			with results.open("a") as file:
				print(json.dumps(line), file=file)
			print(told(line), flush=True)


def told(line: dict) -> str:
	place = f"{line['module'].removeprefix('event_streaming/')}:{line['line']}"
	what = f"killed by {line['killed_by']}" if line["killed_by"] else "SURVIVED"
	return f"{place}: {line['was']}  ->  {line['now']}: {what} ({line['seconds']} s)"


def keep(cluster: Cluster | None) -> None:
	"""Whoever asks for a cluster in this process is given this one."""

	@contextlib.contextmanager
	def kept(*_arguments, **_options) -> Iterator[Cluster | None]:
		yield cluster

	clusters.open_cluster = kept


def tried(cluster: Cluster | None, mutant: dict) -> str:
	"""The test that has failed; empty when none has. The module is as it was afterwards."""
	path = HERE / mutant["module"]
	sound = path.read_text()
	write(path, mutant["text"])
	try:
		return failing(cluster, held_by(mutant["module"]))
	finally:
		write(path, sound)


def write(path: Path, text: str) -> None:
	path.write_text(text)
	# what was compiled of it a moment ago may have the same size and second
	for compiled in (path.parent / "__pycache__").glob(f"{path.stem}.*.pyc"):
		compiled.unlink()


def failing(cluster: Cluster | None, tests: tuple[str, ...]) -> str:
	if not cluster or tests[0].startswith(UNITS):
		return failing_alone(tests)
	for site in cluster.sites.values():
		site.stop()
	first = First()
	with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
		try:
			for site in cluster.sites.values():
				site.start_web()
		except Exception as error:
			return f"{type(error).__name__} when its web server starts"
		code = pytest.main([*OPTIONS, *tests], plugins=[first])
	return first.name or (f"pytest ends with {code}" if code else "")


def failing_alone(tests: tuple[str, ...]) -> str:
	"""Of those that import what is mutated themselves: in a process of their own."""
	words = [sys.executable, "-m", "pytest", *OPTIONS, *tests]
	done = subprocess.run(words, capture_output=True, text=True, cwd=HERE)
	failed = [line for line in done.stdout.splitlines() if line.startswith(("FAILED ", "ERROR "))]
	return (
		failed[0].split()[1].partition("[")[0]
		if failed
		else f"pytest ends with {done.returncode}" * bool(done.returncode)
	)


if __name__ == "__main__":
	os.environ["PYTHONDONTWRITEBYTECODE"] = "1"
	main()

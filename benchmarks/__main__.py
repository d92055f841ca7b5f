"""`python -m benchmarks`: measures, prints a table, writes JSON. The sandbox, or the bench of EVENT_STREAMING_BENCH."""

import sys
import time
from pathlib import Path

import click

from benchmarks import bad_lines, many, report
from benchmarks.away import away
from benchmarks.broker import nats
from benchmarks.lines import LINES as OF_ONE
from benchmarks.lines import ON_DEMAND, Bench
from sandbox import progress
from sandbox.paths import work_folder
from sandbox.sites.cluster import open_cluster

LINES = {
	**OF_ONE,
	"conditions": many.conditions,
	"thousand": many.thousand,
	"priorities": bad_lines.priorities,
	"bound": bad_lines.bound,
	"nats": nats,
	"away": away,
}


@click.command()
@click.argument("lines", nargs=-1, type=click.Choice(list(LINES)))
@click.option("--long", "long_form", is_flag=True, help="More samples and the full sizes: about an hour.")
@click.option(
	"--relaxed",
	is_flag=True,
	help="The sandbox's database does not wait for the disk at a commit. What a save costs more weighs most then.",
)
@click.option("--json", "json_path", type=click.Path(path_type=Path), help="Where the figures go as JSON.")
def main(lines: tuple[str, ...], long_form: bool, relaxed: bool, json_path: Path | None) -> None:
	"""Measure LINES (default: all but `calls`, `floors` and `stages`), each against a peer that takes turns with it in the same run.

	Ratios are what may be quoted, with this command and the machine. The short form takes about four minutes on two
	idle cores and has smaller backlogs and logs, as the names of its lines say. Set EVENT_STREAMING_BENCH to measure on a
	real bench.
	"""
	about = report.machine()
	figures = []
	with open_cluster(["producer", "consumer"], durable=not relaxed) as cluster:
		bench = Bench(cluster, long_form, say)
		about |= bench.run(bench.producer, "machine.versions")
		report.print_heading(about)
		for name in lines or [name for name in LINES if name not in ON_DEMAND]:
			began = time.monotonic()
			for figure in LINES[name](bench):
				report.print_figure(figure)
				figures.append(figure)
			say(f"{name}: {time.monotonic() - began:.0f} s")
	path = json_path or work_folder() / "benchmarks" / f"{time.strftime('%Y%m%d-%H%M%S')}.json"
	report.write_json(path, {**about, "form": "long" if long_form else "short"}, figures)
	say(f"written to {path}")


def say(text: str) -> None:
	progress.write(f"[bench] {text}")


if __name__ == "__main__":
	sys.exit(main())
